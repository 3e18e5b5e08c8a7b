//! What happened to a release.

use crate::app::list::Listed;
use crate::app::model::Model;
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
pub struct Events {}

/// Other kinds of events.
pub(in crate::app) fn next_kinds(_: &mut Model) {}
