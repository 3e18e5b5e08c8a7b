//! What the way back hangs on, kept warm: the alarms that ECS watches, and whether what would be gone back to can
//! still be deployed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Source;
use super::Watched;
use crate::domain::analysis::alarms;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::fault::FaultKind;
use crate::domain::health::rollout;
use crate::domain::observe::snapshot::Query;
use crate::domain::release::{Method, Release};
use crate::domain::rollback::target;

/// DescribeAlarms takes as many names in one call, and one call at a time is all that is asked for.
const ALARMS_A_CALL: usize = 100;

/// The alarms of every release, in one question: those of the release that a key would act on first, then of those in
/// flight, then the rest; within each, those that were not read for longest.
pub(super) fn alarms(watched: &Watched<'_>, focus: Option<&Release>) -> Option<Query> {
    let mut wanted: BTreeMap<String, (u8, Option<Timestamp>)> = BTreeMap::new();
    let ours =
        watched.observed.releases.iter().filter(|it| !matches!(it.method, Method::CodeDeploy | Method::External));
    for release in ours {
        let rank = match release.in_flight() {
            _ if focus.is_some_and(|focus| focus.name == release.name) => 0,
            true => 1,
            false => 2,
        };
        for name in alarms::names(release, &watched.observed.snapshot, &watched.observed.settings) {
            let read = watched.observed.snapshot.alarms.get(&name).and_then(|reading| reading.at());
            let had = wanted.entry(name).or_insert((rank, read));
            had.0 = had.0.min(rank);
        }
    }
    let mut names: Vec<_> = wanted.into_iter().map(|(name, turn)| (turn, name)).collect();
    names.sort();
    names.truncate(ALARMS_A_CALL);
    (!names.is_empty()).then(|| Query::Alarms(names.into_iter().map(|(_, name)| name).collect()))
}

/// Whether there is an alarm in it that was never read: it need not wait as long as the others.
pub(super) fn never_read(watched: &Watched<'_>, query: &Query) -> bool {
    matches!(query, Query::Alarms(names) if names.iter().any(|name| !watched.observed.snapshot.alarms.contains_key(name)))
}

/// What a release may go back to.
pub(super) fn way_back(release: &Release) -> impl Iterator<Item = &TaskDefinitionArn> {
    let known = release.under_way().into_iter().flat_map(|deployment| {
        let sources = deployment.sources.iter().map(|source| &source.task_definition);
        sources.chain(deployment.rolled_back_to())
    });
    let best = target::best(&release.previous).into_iter();
    known.chain(release.previous.iter().take(3).chain(best).map(|good| &good.task_definition))
}

/// A revision can be deregistered at any time: where somebody may have to go back to it, that is asked again. Each by
/// itself, so that one which cannot be described leaves the others known.
pub(super) fn read_again(watched: &Watched<'_>, focus: Option<&Release>, busy: bool) -> Vec<Query> {
    let in_flight = watched.observed.releases.iter().filter(|release| release.in_flight());
    let pace = Source::Revisions.every(busy);
    let old = |arn: &&TaskDefinitionArn| {
        let reading = watched.observed.snapshot.task_definitions.get(arn);
        reading.and_then(|reading| reading.age(watched.observed.now.at)).is_some_and(|age| age >= pace)
    };
    let old = focus.into_iter().chain(in_flight).flat_map(way_back).filter(old);
    old.map(|arn| Query::TaskDefinitions(vec![arn.clone()])).collect()
}

/// Revisions that were never read: their versions, and whether they can be deployed. In one question, but for those of
/// which AWS has said that it cannot tell: asked with others they would keep these unknown too.
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

/// So many services' tasks are read at the most while only the fleet is looked at.
const FAILING: usize = 3;

/// The tasks of what fails, the most urgent first: without them nobody knows of what.
pub(super) fn failing(watched: &Watched<'_>) -> Vec<Query> {
    let mut failing: Vec<_> = watched.observed.releases.iter().filter(|release| release.in_flight()).collect();
    failing.sort_by_key(|release| release.urgency());
    let services = failing.into_iter().flat_map(|release| rollout::failing(release, &watched.observed.snapshot));
    services.take(FAILING).map(|service| Query::Tasks(service.clone())).collect()
}

/// What else there is to go back to, where the best of them was deregistered.
pub(super) fn family(focus: Option<&Release>) -> Option<Query> {
    let best = focus?.previous.iter().find(|good| !good.rolled_back_from)?;
    (best.active == Some(false)).then(|| Query::Family(best.task_definition.family().to_owned()))
}

#[cfg(test)]
mod tests;
