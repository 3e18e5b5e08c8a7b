//! Prefetch of what a rollback depends on: the alarms that ECS watches, and the status of the revisions to roll back
//! to.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Required, Source, Watched};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::fault::FaultKind;
use crate::domain::observe::query::Query;
use crate::domain::observe::requirements::{Freshness, Read};
use crate::domain::release::Release;

/// Names that one DescribeAlarms call takes; only one call is made at a time.
const ALARMS_A_CALL: usize = 100;

/// The alarms of all releases, in one query: those of the focused release first, then those of releases in flight, then
/// the rest; within each group, those that were read longest ago.
pub(super) fn alarms(watched: &Watched<'_>, required: &Required<'_>, focus: Option<&Release>) -> Option<Query> {
    let mut wanted: BTreeMap<&str, (u8, Option<Timestamp>)> = BTreeMap::new();
    for (it, release) in required.all().filter_map(|it| Some((it, it.release?))) {
        let Read::Alarm(name) = &it.read else { continue };
        let rank = match release.in_flight() {
            _ if focus.is_some_and(|focus| focus.name == release.name) => 0,
            true => 1,
            false => 2,
        };
        let read = watched.observed.snapshot.alarms.get(name).and_then(|reading| reading.at());
        let had = wanted.entry(name).or_insert((rank, read));
        had.0 = had.0.min(rank);
    }
    let mut names: Vec<_> = wanted.into_iter().map(|(name, turn)| (turn, name)).collect();
    names.sort();
    names.truncate(ALARMS_A_CALL);
    (!names.is_empty()).then(|| Query::Alarms(names.into_iter().map(|(_, name)| name.to_owned()).collect()))
}

/// Returns true if a query has an alarm that was never read; such a query is due sooner.
pub(super) fn never_read(watched: &Watched<'_>, query: &Query) -> bool {
    matches!(query, Query::Alarms(names) if names.iter().any(|name| !watched.observed.snapshot.alarms.contains_key(name)))
}

/// Queries that read again the status of revisions which may become rollback targets: a revision can be deregistered at
/// any time. Each revision has its own query, so that a failure for one leaves the others known.
pub(super) fn read_again(watched: &Watched<'_>, required: &Required<'_>, busy: bool) -> Vec<Query> {
    let pace = Source::Revisions.every(busy);
    let old = |arn: &&TaskDefinitionArn| {
        let reading = watched.observed.snapshot.task_definitions.get(arn);
        reading.and_then(|reading| reading.age(watched.observed.now.at)).is_some_and(|age| age >= pace)
    };
    let read = required.all().filter(|it| it.freshness == Freshness::Settled);
    let old = read.filter_map(|it| it.task_definition()).filter(old);
    old.map(|arn| Query::TaskDefinitions(vec![arn.clone()])).collect()
}

/// Queries for revisions that were never read: their versions, and whether they can be deployed. One query covers them
/// all, except those that AWS has failed to describe: together with the others, these would fail the whole query.
pub(super) fn read_first(watched: &Watched<'_>, mut unread: Vec<TaskDefinitionArn>) -> Vec<Query> {
    use FaultKind::{Denied, Garbled, NotFound, Refused};
    unread.sort();
    unread.dedup();
    let untold = |arn: &TaskDefinitionArn| {
        let fault = watched.observed.snapshot.task_definitions.get(arn).and_then(|reading| reading.failing());
        fault.is_some_and(|fault| matches!(fault.kind, NotFound | Refused | Denied | Garbled))
    };
    let (alone, together): (Vec<_>, Vec<_>) = unread.into_iter().partition(untold);
    let together = (!together.is_empty()).then_some(together);
    alone.into_iter().map(|arn| vec![arn]).chain(together).map(Query::TaskDefinitions).collect()
}

#[cfg(test)]
mod tests;
