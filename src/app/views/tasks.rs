//! The tasks of a release.

use crate::app::list::Listed;
use crate::app::model::Model;
use crate::domain::release::Release;
use crate::domain::snapshot::Query;

/// The orders of its lines.
pub const ORDERS: &[&str] = &["worst first"];

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
