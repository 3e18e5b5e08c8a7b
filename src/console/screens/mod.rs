//! What a release is looked at from: why it fails, a key away. Each view says which lines it has, in which orders, and
//! what is asked of AWS while it is open.

pub mod alarms;
pub mod diff;
pub mod events;
pub mod fleet;
pub mod history;
pub mod logs;
pub(crate) mod release;
pub(crate) mod rollback_line;
pub mod targets;
pub mod tasks;
pub(crate) mod too_small;
pub(crate) mod view;

use super::screen::{Screen, View};
use super::state::Model;
use super::state::list::{List, Listed};
use crate::domain::observe::snapshot::Query;

/// The orders that the lines of a view can be in, by name, the default first.
pub fn orders(view: View) -> &'static [&'static str] {
    match view {
        View::Tasks => tasks::state::ORDERS,
        View::Targets => targets::state::ORDERS,
        View::Alarms => alarms::state::ORDERS,
        // Events are read by their time, and differences by their place.
        View::Events | View::Logs | View::Diff | View::History => &[],
    }
}

/// A line as movement and search need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// [`Listed::id`].
    pub id: String,
    /// Whether it has what is searched for.
    pub found: bool,
}

/// The lines of the open view that are shown, in their order. The log keeps its own.
pub fn lines(model: &Model) -> Vec<Line> {
    let Screen::View(view, name) = &model.screen else { return Vec::new() };
    let Some(release) = model.release(name) else { return Vec::new() };
    match view {
        View::Tasks => plain(model, *view, tasks::state::rows(model, release)),
        View::Targets => plain(model, *view, targets::state::rows(model, release)),
        View::Events => plain(model, *view, events::state::rows(model, release)),
        View::Diff => plain(model, *view, diff::state::rows(model, release)),
        View::Alarms => plain(model, *view, alarms::state::rows(model, release)),
        View::History => plain(model, *view, history::state::rows(model, release)),
        View::Logs => Vec::new(),
    }
}

fn plain<T: Listed>(model: &Model, view: View, rows: Vec<T>) -> Vec<Line> {
    let list = model.list(view);
    let found = |row: &T| list.find.active() && list.find.matches(&row.text());
    list.shown(rows).into_iter().map(|row| Line { id: row.id().to_owned(), found: found(&row) }).collect()
}

/// What a copy of the present screen is: what is marked, in full, else the release's facts.
pub(super) fn copied(model: &Model) -> Option<String> {
    let Screen::View(view, name) = &model.screen else { return model.focus().map(ToString::to_string) };
    let (release, list) = (model.release(name)?, model.list(*view));
    fn text<T: Listed>(list: &List, rows: Vec<T>) -> Option<String> {
        let rows = list.shown(rows);
        rows.get(list.at(&rows)).map(Listed::text)
    }
    match view {
        View::Tasks => text(list, tasks::state::rows(model, release)),
        View::Targets => text(list, targets::state::rows(model, release)),
        View::Events => text(list, events::state::rows(model, release)),
        View::Diff => text(list, diff::state::rows(model, release)),
        View::Alarms => text(list, alarms::state::rows(model, release)),
        View::History => text(list, history::state::rows(model, release)),
        View::Logs => logs::state::copied(model),
    }
}

/// Keeps the open view's own state in step with what else is known; after every message.
pub(super) fn tend(model: &mut Model) {
    logs::state::tend(model);
}

/// What is asked of AWS for the open view, beside what is asked for every open release.
pub(super) fn wanted(model: &Model) -> Vec<Query> {
    let Screen::View(view, name) = &model.screen else { return Vec::new() };
    let Some(release) = model.release(name) else { return Vec::new() };
    match view {
        View::Tasks => tasks::state::wanted(model, release),
        View::Targets => targets::state::wanted(model, release),
        View::Logs => logs::state::wanted(model, release),
        View::Diff => diff::state::wanted(model, release),
        View::Events | View::Alarms | View::History => Vec::new(),
    }
}
