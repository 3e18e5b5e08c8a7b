//! What changed between two revisions.

use crate::app::list::Listed;
use crate::app::model::Model;
use crate::domain::definition::Definition;
use crate::domain::names::TaskDefinitionArn;
use crate::domain::release::Release;
use crate::domain::snapshot::Query;

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// By which it is known again.
    pub id: String,
}

impl Listed for Row {
    fn id(&self) -> &str {
        &self.id
    }

    fn text(&self) -> String {
        self.id.clone()
    }
}

/// Every line, in the order that is chosen.
pub fn rows(_: &Model, _: &Release) -> Vec<Row> {
    Vec::new()
}

/// What is asked of AWS while it is open.
pub(super) fn wanted(_: &Model, _: &Release) -> Vec<Query> {
    Vec::new()
}

/// The view's own state.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// The revision that is compared with; `None`: the one that was there before.
    pub from: Option<TaskDefinitionArn>,
    /// The revision that is looked at; `None`: the newest of the release.
    pub to: Option<TaskDefinitionArn>,
    /// Whether values are shown; never remembered from one opening to the next.
    pub reveal: bool,
    /// The definitions with their values, while they are shown.
    pub revealed: Vec<Definition>,
    /// Whether what is the same on both sides is shown too.
    pub unfolded: bool,
    /// Whether the raw JSON of the newer one is shown.
    pub raw: bool,
}

/// Shows the values, or hides them again and forgets them.
pub(in crate::app) fn reveal(model: &mut Model) {
    model.diff.reveal = !model.diff.reveal;
    model.diff.revealed.clear();
}

/// Takes in a definition with its values, as long as they are to be shown.
pub(in crate::app) fn revealed(model: &mut Model, definition: Definition) {
    if model.diff.reveal {
        model.diff.revealed.retain(|had| had.arn != definition.arn);
        model.diff.revealed.push(definition);
    }
}
