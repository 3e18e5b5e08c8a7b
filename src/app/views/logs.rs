//! What the containers of a release write, followed.

use crate::app::keys::Action;
use crate::app::model::Model;
use crate::domain::fault::Fault;
use crate::domain::logs::{LogPage, LogQuery};
use crate::domain::release::Release;
use crate::domain::snapshot::Query;
use jiff::Timestamp;

/// The view's own state: what was read, bounded, and where reading goes on.
#[derive(Debug, Clone, Default)]
pub struct Logs {}

impl Logs {
    /// Takes in a page, or why there is none. `asked`: when it was asked for.
    pub fn take(&mut self, _asked: Timestamp, _query: &LogQuery, _answer: Result<LogPage, Fault>) {}
}

/// What is asked of AWS while it is open.
pub(super) fn wanted(_: &Model, _: &Release) -> Vec<Query> {
    Vec::new()
}

/// A key that moves in the log, or changes how it is followed.
pub fn perform(_: &mut Model, _: Action) {}

/// The log of the task that is marked among the tasks.
pub(in crate::app) fn open_for_marked(_: &mut Model) {}

/// The marked line, in full.
pub(in crate::app) fn copied(_: &Model) -> Option<String> {
    None
}
