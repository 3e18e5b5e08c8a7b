//! The deployments of a release, to be moved among.

use crate::console::state::list::{List, Listed};
use crate::console::state::observed::Observed;
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
pub fn rows<'a>(observed: &'a Observed, release: &Release) -> Vec<Row<'a>> {
    observed.deployments(release).into_iter().map(Row).collect()
}

/// The marked deployment: its place among those that are shown, and itself.
pub fn marked<'a>(observed: &'a Observed, list: &List, release: &Release) -> Option<(usize, &'a ServiceDeployment)> {
    let shown = list.shown(rows(observed, release));
    let at = list.at(&shown);
    shown.get(at).map(|row| (at, row.0))
}

/// The screen's own state.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The revision that the next diff begins from.
    pub picked: Option<TaskDefinitionArn>,
}

impl History {
    /// Lets the next diff begin from a revision; picked again, it does not. Returns what to tell the operator.
    pub(crate) fn pick(&mut self, revision: TaskDefinitionArn) -> String {
        if self.picked.as_ref() == Some(&revision) {
            self.picked = None;
            return "the diff begins from what ran before again".to_owned();
        }
        let said = format!("d on another deployment compares it with {revision}");
        self.picked = Some(revision);
        said
    }

    /// From and to which revision a diff goes that is opened on the marked deployment.
    pub(crate) fn compared(
        &self,
        marked: Option<&ServiceDeployment>,
    ) -> (Option<TaskDefinitionArn>, Option<TaskDefinitionArn>) {
        let Some(marked) = marked else { return (self.picked.clone(), None) };
        // Without another to compare it with: what it replaced.
        let replaced = marked.sources.first().map(|source| source.task_definition.clone());
        (self.picked.clone().or(replaced), marked.task_definition().cloned())
    }
}
