//! Health and revisions: read together for a small fleet, and a few at a time for the lines of a large one.

use std::collections::BTreeSet;

use super::source::{Source, is_large};
use super::{Required, Watched};
use crate::console::dialogs::Dialog;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::observe::query::Query;
use crate::domain::observe::requirements::Freshness;

/// Subjects of one query about the lines of a large fleet that are on screen, at the most.
const AT_ONCE: usize = 20;

/// Returns a query for the health of target groups. Of a large fleet, the groups come and go with the lines on screen:
/// only those are read that are due, while no others are being read.
pub(super) fn health(watched: &Watched<'_>, required: &Required<'_>) -> Option<Query> {
    let mut groups: BTreeSet<&Arn> = required.all().filter_map(|it| it.target_group()).collect();
    if is_large(watched.observed.releases.len()) {
        if watched.polls.is_outstanding(&Source::Health) {
            return None;
        }
        let due = Source::Health.every(watched.screen.focused && watched.is_busy());
        let readings = &watched.observed.snapshot.health;
        let age = |group: &Arn| readings.get(group).and_then(|reading| reading.age(watched.observed.now.at));
        groups.retain(|group| age(group).is_none_or(|age| age >= due));
        groups = groups.into_iter().take(AT_ONCE).collect();
    }
    (!groups.is_empty()).then(|| Query::Health(groups.into_iter().cloned().collect()))
}

/// Returns the revisions that are on screen and were never read, for their versions, and to know if they can be
/// deployed.
pub(super) fn unread_revisions(watched: &Watched<'_>, required: &Required<'_>) -> Vec<TaskDefinitionArn> {
    let chosen = watched.screen.dialog.as_ref().and_then(|dialog| match dialog {
        Dialog::Revisions(revisions) => {
            watched.observed.snapshot.families.get(&revisions.family).and_then(|reading| reading.get())
        }
        _ => None,
    });
    let chosen =
        chosen.into_iter().flatten().take(20).filter(|arn| watched.observed.snapshot.task_definition(arn).is_none());
    let shown = required.all().filter(|it| it.freshness == Freshness::Once).filter_map(|it| it.task_definition());
    let unread: Vec<_> = shown.chain(chosen).cloned().collect();
    if !is_large(watched.observed.releases.len()) {
        return unread;
    }
    if watched.polls.is_outstanding(&Source::Revisions) {
        return Vec::new();
    }
    unread.into_iter().take(AT_ONCE).collect()
}
