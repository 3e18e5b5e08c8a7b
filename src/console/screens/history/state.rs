//! The deployments of a release, to be moved among.

use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::state::Model;
use crate::console::state::list::Listed;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::release::Release;

/// A deployment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a>(pub &'a ServiceDeployment);

impl Listed for Row<'_> {
    fn id(&self) -> &str {
        self.0.arn.as_str()
    }

    fn text(&self) -> String {
        let revision = self.0.task_definition().map(ToString::to_string).unwrap_or_default();
        format!("{revision} {:?} {}", self.0.status, self.0.configuration.strategy)
    }
}

/// Every deployment, newest first; of a pair those of stable, then those of the canary.
pub fn rows<'a>(model: &'a Model, release: &Release) -> Vec<Row<'a>> {
    model.deployments(release).into_iter().map(Row).collect()
}

/// The next diff begins from the revision of the marked deployment; picked again, it does not.
pub(crate) fn pick(model: &mut Model) {
    let release = model.focus();
    let marked = release.and_then(|release| model.marked_deployment(release));
    let Some(revision) = marked.and_then(|(_, deployment)| deployment.task_definition()).cloned() else {
        return model.say("no revision is known of what is marked", true);
    };
    if model.picked.as_ref() == Some(&revision) {
        model.picked = None;
        return model.say("the diff begins from what ran before again", false);
    }
    model.say(format!("d on another deployment compares it with {revision}"), false);
    model.picked = Some(revision);
}

impl Model {
    /// From and to which revision a diff that is opened now goes: in the history from the one that was picked to the
    /// marked one, elsewhere as the release is.
    pub(crate) fn marked_revision(&self) -> (Option<TaskDefinitionArn>, Option<TaskDefinitionArn>) {
        if !matches!(self.screen, Screen::View(View::History, _)) {
            return (None, None);
        }
        let marked = self.focus().and_then(|release| self.marked_deployment(release));
        let Some((_, marked)) = marked else { return (self.picked.clone(), None) };
        // Without another to compare it with: what it replaced.
        let replaced = marked.sources.first().map(|source| source.task_definition.clone());
        (self.picked.clone().or(replaced), marked.task_definition().cloned())
    }
}
