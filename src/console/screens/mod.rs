//! The screens, among them the views that explain why a release fails. Each view defines its lines, their sort orders,
//! and the queries to AWS while the view is open.

pub mod alarms;
pub(crate) mod banner;
pub mod diff;
pub mod events;
pub mod fleet;
pub mod history;
pub mod logs;
pub mod release;
pub(crate) mod rollback_banner;
pub(crate) mod rollback_line;
pub mod targets;
pub mod tasks;
pub(crate) mod too_small;
pub(crate) mod view;

use super::screen::{Screen, View};
use super::state::activity::Acts;
use super::state::list::{List, Listed};
use super::state::observed::Observed;
use super::state::screen::ScreenState;
use crate::domain::observe::snapshot::Query;

/// Returns the names of a view's sort orders, the default first.
pub fn orders(view: View) -> &'static [&'static str] {
    match view {
        View::Tasks => tasks::state::ORDERS,
        View::Targets => targets::state::ORDERS,
        View::Alarms => alarms::state::ORDERS,
        // Events are sorted by their time, and differences by their place.
        View::Events | View::Logs | View::Diff | View::History => &[],
    }
}

/// A line, reduced to the data that movement and search need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// [`Listed::id`].
    pub id: String,
    /// True if the line matches the search.
    pub found: bool,
}

/// Returns the lines of the open view that are shown, in their order. The log keeps its own lines.
pub(super) fn lines(observed: &Observed, acts: &Acts, screen: &ScreenState) -> Vec<Line> {
    let Screen::View(view, name) = &screen.current else { return Vec::new() };
    let Some(release) = observed.release(name) else { return Vec::new() };
    let list = screen.list(*view);
    match view {
        View::Tasks => plain(list, tasks::state::rows(observed, list, release)),
        View::Targets => plain(list, targets::state::rows(observed, list, release)),
        View::Events => plain(list, events::state::rows(observed, acts, &screen.events, list, release)),
        View::Diff => plain(list, diff::state::rows(observed, &screen.diff, list, release)),
        View::Alarms => plain(list, alarms::state::rows(observed, list, release)),
        View::History => plain(list, history::state::rows(observed, release)),
        View::Logs => Vec::new(),
    }
}

fn plain<T: Listed>(list: &List, rows: Vec<T>) -> Vec<Line> {
    let found = |row: &T| list.find.active() && list.find.matches(&row.text());
    list.shown(rows).into_iter().map(|row| Line { id: row.id().to_owned(), found: found(&row) }).collect()
}

/// Returns the text that a copy of the present screen has: the marked line in full, else the release's facts.
pub(super) fn copied(observed: &Observed, acts: &Acts, screen: &ScreenState) -> Option<String> {
    let Screen::View(view, name) = &screen.current else { return screen.focus(observed).map(ToString::to_string) };
    let (release, list) = (observed.release(name)?, screen.list(*view));
    fn text<T: Listed>(list: &List, rows: Vec<T>) -> Option<String> {
        let rows = list.shown(rows);
        rows.get(list.at(&rows)).map(Listed::text)
    }
    match view {
        View::Tasks => text(list, tasks::state::rows(observed, list, release)),
        View::Targets => text(list, targets::state::rows(observed, list, release)),
        View::Events => text(list, events::state::rows(observed, acts, &screen.events, list, release)),
        View::Diff => text(list, diff::state::rows(observed, &screen.diff, list, release)),
        View::Alarms => text(list, alarms::state::rows(observed, list, release)),
        View::History => text(list, history::state::rows(observed, release)),
        View::Logs => screen.logs.copied(&list.find),
    }
}

/// Keeps the open view's own state in step with the observed state; called after every message.
pub(super) fn refresh(observed: &Observed, screen: &mut ScreenState) {
    let Screen::View(View::Logs, name) = &screen.current else { return };
    let Some(release) = observed.release(name) else { return };
    let find = screen.lists.entry(View::Logs).or_default();
    screen.logs.refresh(observed, release, &find.find);
}

/// Returns the queries of the open view, beside those of every open release.
pub(super) fn wanted(observed: &Observed, screen: &ScreenState) -> Vec<Query> {
    let Screen::View(view, name) = &screen.current else { return Vec::new() };
    let Some(release) = observed.release(name) else { return Vec::new() };
    match view {
        View::Tasks => tasks::state::wanted(observed, release),
        View::Targets => targets::state::wanted(observed, release),
        View::Logs => logs::state::wanted(observed, &screen.logs, release),
        View::Diff => diff::state::wanted(observed, &screen.diff, release),
        View::Events | View::Alarms | View::History => Vec::new(),
    }
}
