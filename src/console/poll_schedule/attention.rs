//! The releases that are read in full. All of a small fleet; of a large one those that need somebody, those in flight,
//! and those on screen: thousands of services have neither the quota nor the reader.

use std::collections::BTreeSet;

use super::Watched;
use super::source::is_large;
use crate::console::screen::Screen;
use crate::domain::observe::query::Query;
use crate::domain::release::Release;

/// Releases of a large fleet that are read in full although they are not on screen, at the most.
const URGENT: usize = 20;

/// Releases of a large fleet in flight whose services and rules are read apart from the sweeps, at the most.
const IN_FLIGHT: usize = 10;

/// Returns true if a query reads everything of its kind.
pub(super) fn is_sweep(query: &Query) -> bool {
    matches!(query, Query::Services | Query::Routes)
}

/// Returns the releases that are read in full.
pub(super) fn attended<'a>(watched: &Watched<'a>) -> Vec<&'a Release> {
    let releases = &watched.observed.releases;
    if !is_large(releases.len()) {
        return releases.iter().collect();
    }
    let mut all: Vec<&Release> =
        releases.iter().filter(|release| release.in_flight() || release.needs_somebody()).collect();
    all.sort_by_key(|release| release.urgency());
    all.truncate(URGENT);
    let mut names: BTreeSet<&str> = all.iter().map(|release| release.name.as_str()).collect();
    all.extend(on_screen(watched).into_iter().filter(|release| names.insert(&release.name)));
    all
}

/// Returns the releases whose lines are on screen, or close to it.
fn on_screen<'a>(watched: &Watched<'a>) -> Vec<&'a Release> {
    let screen = watched.screen;
    let focus = screen.focus(watched.observed);
    if screen.current != Screen::Fleet {
        return focus.into_iter().collect();
    }
    let lines = screen.fleet.lines(&watched.observed.releases);
    let rows = usize::from(screen.size.1);
    let marked = focus.and_then(|focus| lines.iter().position(|release| release.name == focus.name)).unwrap_or(0);
    let first = marked.saturating_sub(rows / 2).min(lines.len().saturating_sub(rows));
    lines.into_iter().skip(first).take(rows).collect()
}

/// Returns the queries that follow releases of a large fleet between two sweeps: those in flight, and the open one.
pub(super) fn followed(watched: &Watched<'_>, attended: &[&Release]) -> Vec<Query> {
    if !is_large(watched.observed.releases.len()) {
        return Vec::new();
    }
    let open = watched.focus().filter(|_| watched.screen.current != Screen::Fleet);
    let in_flight = attended.iter().copied().filter(|release| release.in_flight()).take(IN_FLIGHT);
    let mut queries: Vec<Query> = Vec::new();
    for release in open.into_iter().chain(in_flight) {
        let services = release.services().map(|side| Query::Service(side.service.clone()));
        let rules = release.rules.iter().map(|rule| Query::Route(rule.route.id.clone()));
        queries.extend(services.chain(rules));
    }
    queries
}
