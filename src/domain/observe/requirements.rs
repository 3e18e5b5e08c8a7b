//! The reads that a release requires, each with its purpose, need and freshness.
//!
//! The console, the one-shot commands and `watch` all use [`required`]. Only the timing is theirs: the console's
//! cadence and back-off, a command's rounds and deadline.

mod parts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::parts::Parts;
use super::query::Query;
use super::snapshot::Snapshot;
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::RouteId;
use crate::domain::fault::Fault;
use crate::domain::metrics::MetricsQuery;
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::release::Release;
use crate::domain::rollback::target;
use crate::domain::settings::Settings;

/// The purpose of the reads: information or an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every release, one line each.
    Fleet,
    /// One release, with all of its metrics.
    Release,
    /// The release that a key would act on: the reads that its rollback depends on, in addition to the fleet's.
    Focus,
    /// The release whose screens are open: the further reads that these screens show.
    Open,
    /// The earlier revisions of a release.
    Past,
    /// A step, a start or a finish.
    Forward,
    /// A rollback: no read delays a rollback that can go without it.
    Rollback,
    /// A rollback that is only shown: what it would wait for is read too.
    RollbackPreview,
    /// A release that is followed until it ends.
    Watch(Ending),
}

impl Scope {
    /// Returns true if nothing that a rollback can go without delays the caller.
    pub(crate) fn is_rollback(self) -> bool {
        matches!(self, Self::Rollback | Self::RollbackPreview)
    }
}

/// The evidence that a watched release has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The release's service deployment.
    Deployment,
    /// The rollouts of the release's service.
    Rollout,
    /// The services of a pair, and the listener rules in front of them.
    Pair,
    /// Not decided yet: the service deployments or the service.
    Undecided,
}

/// One thing to read. One [`Query`] can hold many reads: see [`queries`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Read {
    /// [`Query::Identity`].
    Identity,
    /// [`Query::Services`].
    Services,
    /// [`Query::Service`].
    Service(ServiceKey),
    /// [`Query::Routes`].
    Routes,
    /// [`Query::Route`].
    Route(RouteId),
    /// [`Query::Health`] of one target group.
    Health(Arn),
    /// [`Query::Tasks`].
    Tasks(ServiceKey),
    /// [`Query::Deployments`].
    Deployments(ServiceKey),
    /// [`Query::TaskDefinitions`] of one task definition.
    TaskDefinition(TaskDefinitionArn),
    /// [`Query::Family`].
    Family(String),
    /// [`Query::Alarms`] of one alarm.
    Alarm(String),
    /// [`Query::Scaling`] of one service.
    Scaling(ServiceKey),
    /// [`Query::Metrics`] of one source.
    Minutes(MetricSource, Resolution),
}

/// The urgency of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// The caller waits for the answer, however long it takes. [`blocking`] decides if a failure is final.
    Essential,
    /// The caller may go on without the answer, and reports its absence.
    Helpful,
}

/// The rate at which an answer goes out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The answer can change at any second.
    Live,
    /// The source has new data once a minute, or limits reads to that rate.
    Minutely,
    /// The answer changes only when someone deploys, edits or deregisters something.
    Settled,
    /// The answer never changes: one read is enough.
    Once,
}

/// A required read.
#[derive(Debug, Clone)]
pub(crate) struct Requirement<'a> {
    /// The read.
    pub(crate) read: Read,
    /// The release that requires the read; `None`: all releases.
    pub(crate) release: Option<&'a Release>,
    /// The urgency.
    pub(crate) need: Need,
    /// The freshness.
    pub(crate) freshness: Freshness,
}

impl Requirement<'_> {
    /// The target group whose health is read.
    pub(crate) fn target_group(&self) -> Option<&Arn> {
        if let Read::Health(group) = &self.read { Some(group) } else { None }
    }

    /// The task definition that is read.
    pub(crate) fn task_definition(&self) -> Option<&TaskDefinitionArn> {
        if let Read::TaskDefinition(arn) = &self.read { Some(arn) } else { None }
    }
}

/// The inputs to a release's requirements, beside the release itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Everything read so far.
    pub(crate) snapshot: &'a Snapshot,
    /// The operator's settings.
    pub(crate) settings: &'a Settings,
    /// The time on AWS's clock.
    pub(crate) now: Timestamp,
}

/// The most releases of which everything is read. Of a larger fleet, only those are that somebody looks at, that are in
/// flight, or that need somebody.
pub(crate) const SMALL_FLEET: usize = 40;

/// Number of rollback candidates to read in advance, beside the best one.
const CANDIDATES: usize = 3;

/// The reads that come before any release is known.
pub(crate) fn account(scope: Scope) -> Vec<Requirement<'static>> {
    let essential = |essential| if essential { Need::Essential } else { Need::Helpful };
    let of = |read, need, freshness| Requirement { read, release: None, need, freshness };
    vec![
        of(Read::Services, Need::Essential, Freshness::Live),
        of(Read::Routes, essential(scope == Scope::Forward || scope.is_rollback()), Freshness::Live),
        of(Read::Identity, essential(scope == Scope::Forward), Freshness::Settled),
    ]
}

/// The reads that these releases require, as far as present knowledge goes, in the order of the releases. An answer may
/// require more reads, so callers repeat the call after each round.
pub(crate) fn required<'a>(scope: Scope, releases: &[&'a Release], known: &Known<'_>) -> Vec<Requirement<'a>> {
    releases.iter().copied().flat_map(|release| of_release(scope, Parts { release, known })).collect()
}

fn of_release<'a>(scope: Scope, of: Parts<'a, '_>) -> Vec<Requirement<'a>> {
    let parts = match scope {
        Scope::Fleet | Scope::Release => {
            let resolution = if scope == Scope::Release { Resolution::Full } else { Resolution::Brief };
            vec![
                of.side_health(),
                of.minutes(resolution),
                of.revisions(false),
                of.alarms(),
                of.history(),
                of.failing_tasks(),
                if scope == Scope::Release { of.scaling() } else { Vec::new() },
                if scope == Scope::Release { of.tasks_beside_others() } else { Vec::new() },
                if scope == Scope::Release { of.tasks_to_replace() } else { Vec::new() },
            ]
        }
        Scope::Focus => vec![of.revisions(true), of.family(), of.histories(), of.tasks_to_replace(), of.scaling()],
        Scope::Open => vec![of.minutes(Resolution::Full), of.surrounding_minutes(), of.tasks()],
        Scope::Past => vec![of.histories(), of.past_revisions()],
        Scope::Forward => {
            vec![of.all_health(), of.minutes(Resolution::Brief), of.revisions(false), of.alarms(), of.history()]
        }
        Scope::Rollback if of.redeploys() => vec![of.all_health(), of.history(), of.candidates()],
        Scope::Rollback => vec![of.all_health()],
        Scope::RollbackPreview => [of_release(Scope::Rollback, of), of.tasks_to_replace(), of.scaling()].into(),
        Scope::Watch(ending) => vec![
            of.ending(ending),
            of.all_health(),
            of.failing_tasks(),
            of.revisions(false),
            of.alarms(),
            of.minutes(Resolution::Brief),
            of.minutes_behind_all_groups(),
        ],
    };
    let need = |need| if scope.is_rollback() { Need::Helpful } else { need };
    parts.into_iter().flatten().map(|it| Requirement { need: need(it.need), ..it }).collect()
}

/// The failure that leaves nothing to report, or no safe act.
pub(crate) fn blocking<'a>(scope: Scope, releases: &[&Release], snapshot: &'a Snapshot) -> Option<&'a Fault> {
    let forward = scope == Scope::Forward;
    let behind_rules = || {
        let services = releases.iter().filter_map(|release| snapshot.service(&release.stable.service));
        services.into_iter().any(|service| !service.target_groups.is_empty())
    };
    let identity = snapshot.identity.failing().filter(|_| forward);
    // Without the rules, the pair of a service and the effect of a write on its traffic are unknown.
    let routes = snapshot.routes.failing().filter(|_| forward && behind_rules());
    snapshot.services.failing().or(identity).or(routes)
}

/// The metric sources of target groups, each with the load balancer that counts the requests.
pub(crate) fn metrics_of_groups(groups: &BTreeSet<Arn>, snapshot: &Snapshot) -> Vec<MetricSource> {
    let routes = snapshot.routes.get().into_iter().flat_map(|routes| routes.values());
    let behind: BTreeMap<_, _> = routes
        .flat_map(|route| route.forwards.iter().map(|to| (to.target_group.clone(), route.load_balancer.clone())))
        .filter(|(group, _)| groups.contains(group))
        .collect();
    behind.into_iter().map(|(group, balancer)| MetricSource::TargetGroup { group, balancer }).collect()
}

/// The revisions that a rollback of the release may deploy.
pub(crate) fn rollback_candidates(release: &Release) -> impl Iterator<Item = &TaskDefinitionArn> {
    let known = release.under_way().into_iter().flat_map(|deployment| {
        let sources = deployment.sources.iter().map(|source| &source.task_definition);
        sources.chain(deployment.rolled_back_to())
    });
    let best = target::best(&release.previous).into_iter();
    known.chain(release.previous.iter().take(CANDIDATES).chain(best).map(|good| &good.task_definition))
}

/// The fewest queries for all of these reads, each read once. Metrics queries cover the last `minutes` minutes.
pub(crate) fn queries(reads: impl IntoIterator<Item = Read>, now: Timestamp, minutes: i64) -> Vec<Query> {
    let mut single = Vec::new();
    let (mut health, mut definitions, mut alarms) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut scaling = BTreeSet::new();
    let mut sources: BTreeMap<MetricSource, Resolution> = BTreeMap::new();
    for read in reads.into_iter().collect::<BTreeSet<_>>() {
        match read {
            Read::Identity => single.push(Query::Identity),
            Read::Services => single.push(Query::Services),
            Read::Service(service) => single.push(Query::Service(service)),
            Read::Routes => single.push(Query::Routes),
            Read::Route(route) => single.push(Query::Route(route)),
            Read::Tasks(service) => single.push(Query::Tasks(service)),
            Read::Deployments(service) => single.push(Query::Deployments(service)),
            Read::Family(family) => single.push(Query::Family(family)),
            Read::Health(group) => {
                health.insert(group);
            }
            Read::TaskDefinition(arn) => {
                definitions.insert(arn);
            }
            Read::Alarm(name) => {
                alarms.insert(name);
            }
            Read::Scaling(service) => {
                scaling.insert(service);
            }
            Read::Minutes(source, resolution) => {
                let had = sources.entry(source).or_insert(resolution);
                *had = resolution.max(*had);
            }
        }
    }
    let health = (!health.is_empty()).then(|| Query::Health(health.into_iter().collect()));
    let definitions = (!definitions.is_empty()).then(|| Query::TaskDefinitions(definitions.into_iter().collect()));
    let alarms = (!alarms.is_empty()).then(|| Query::Alarms(alarms.into_iter().collect()));
    let scaling = (!scaling.is_empty()).then(|| Query::Scaling(scaling.into_iter().collect()));
    let metrics = (!sources.is_empty()).then(|| MetricsQuery::last(sources.into_iter().collect(), now, minutes));
    let metrics = metrics.into_iter().flat_map(|metrics| metrics.by_source()).map(Query::Metrics);
    single.into_iter().chain(health).chain(metrics).chain(definitions).chain(alarms).chain(scaling).collect()
}

#[cfg(test)]
mod tests;
