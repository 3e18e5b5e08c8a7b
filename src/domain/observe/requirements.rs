//! What has to be read to know a release: for which purpose, how badly, and how fresh.
//!
//! The console, the commands that look once and `watch` all ask [`required`]. What is left to them is when: the
//! console's cadence and back-off, a command's rounds and its deadline.

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

/// What somebody wants to know, or to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every release, a line each.
    Fleet,
    /// One release, with all of its numbers.
    Release,
    /// The release that a key would act on: what its rollback depends on, beside what the fleet shows.
    Focus,
    /// The release whose screens are open: what these show beside that.
    Open,
    /// What a release ran before.
    Past,
    /// A step, a start or a finish.
    Forward,
    /// A rollback: nothing holds it up that it can do without.
    Rollback,
    /// A release that is followed until it ends.
    Watch(Ending),
}

/// What tells that a watched release has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its service deployment.
    Deployment,
    /// The rollouts of its service.
    Rollout,
    /// The services of a pair, and the rules before them.
    Pair,
    /// Not decided yet: its service deployments or its service.
    Undecided,
}

/// One thing that can be read. Many of them fit into one [`Query`]: see [`queries`].
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
    /// [`Query::TaskDefinitions`], one of them.
    TaskDefinition(TaskDefinitionArn),
    /// [`Query::Family`].
    Family(String),
    /// [`Query::Alarms`], one of them.
    Alarm(String),
    /// [`Query::Metrics`] of one source.
    Minutes(MetricSource, Resolution),
}

/// How badly something is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// It is waited for, however long it takes. Whether its failure is the end of the matter, [`blocking`] says.
    Essential,
    /// The caller may go on without it, and says so.
    Helpful,
}

/// How soon an answer is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// It can change at any second.
    Live,
    /// Its source has something new once a minute, or gives no more than that.
    Minutely,
    /// It changes only when somebody deploys, edits or deregisters something.
    Settled,
    /// It never changes: it is required only until it was read.
    Once,
}

/// Something that has to be read.
#[derive(Debug, Clone)]
pub(crate) struct Requirement<'a> {
    /// What.
    pub(crate) read: Read,
    /// For which release; `None`: for all of them.
    pub(crate) release: Option<&'a Release>,
    /// How badly.
    pub(crate) need: Need,
    /// How fresh.
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

/// What the requirements of a release depend on, beside itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// All that has been read so far.
    pub(crate) snapshot: &'a Snapshot,
    /// What was decided beforehand.
    pub(crate) settings: &'a Settings,
    /// On AWS's clock.
    pub(crate) now: Timestamp,
}

/// Revisions to roll back to that are looked at beforehand, beside the best one.
const CANDIDATES: usize = 3;

/// What has to be read before any release is known.
pub(crate) fn account(scope: Scope) -> Vec<Requirement<'static>> {
    let essential = |essential| if essential { Need::Essential } else { Need::Helpful };
    let of = |read, need, freshness| Requirement { read, release: None, need, freshness };
    vec![
        of(Read::Services, Need::Essential, Freshness::Live),
        of(Read::Routes, essential(matches!(scope, Scope::Forward | Scope::Rollback)), Freshness::Live),
        of(Read::Identity, essential(scope == Scope::Forward), Freshness::Settled),
    ]
}

/// What has to be read of these releases, as far as it can be told from what is known: an answer may require more, so
/// it is asked again after each round of them. In the order of the releases.
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
                if scope == Scope::Release { of.tasks_beside_others() } else { Vec::new() },
            ]
        }
        Scope::Focus => vec![of.revisions(true), of.family(), of.histories()],
        Scope::Open => vec![of.minutes(Resolution::Full), of.surrounding_minutes(), of.tasks()],
        Scope::Past => vec![of.histories(), of.past_revisions()],
        Scope::Forward => {
            vec![of.all_health(), of.minutes(Resolution::Brief), of.revisions(false), of.alarms(), of.history()]
        }
        Scope::Rollback if of.redeploys() => vec![of.all_health(), of.history(), of.candidates()],
        Scope::Rollback => vec![of.all_health()],
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
    let need = |need| if scope == Scope::Rollback { Need::Helpful } else { need };
    parts.into_iter().flatten().map(|it| Requirement { need: need(it.need), ..it }).collect()
}

/// The failure that leaves nothing to be said, or nothing that could safely be done.
pub(crate) fn blocking<'a>(scope: Scope, releases: &[&Release], snapshot: &'a Snapshot) -> Option<&'a Fault> {
    let forward = scope == Scope::Forward;
    let behind_rules = || {
        let services = releases.iter().filter_map(|release| snapshot.service(&release.stable.service));
        services.into_iter().any(|service| !service.target_groups.is_empty())
    };
    let identity = snapshot.identity.failing().filter(|_| forward);
    // Without the rules nobody knows whether a service is half of a pair, and what a write would do to its traffic.
    let routes = snapshot.routes.failing().filter(|_| forward && behind_rules());
    snapshot.services.failing().or(identity).or(routes)
}

/// The target groups' numbers, each with the load balancer that counts them.
pub(crate) fn metrics_of_groups(groups: &BTreeSet<Arn>, snapshot: &Snapshot) -> Vec<MetricSource> {
    let routes = snapshot.routes.get().into_iter().flat_map(|routes| routes.values());
    let behind: BTreeMap<_, _> = routes
        .flat_map(|route| route.forwards.iter().map(|to| (to.target_group.clone(), route.load_balancer.clone())))
        .filter(|(group, _)| groups.contains(group))
        .collect();
    behind.into_iter().map(|(group, balancer)| MetricSource::TargetGroup { group, balancer }).collect()
}

/// The revisions that a release may go back to.
pub(crate) fn rollback_candidates(release: &Release) -> impl Iterator<Item = &TaskDefinitionArn> {
    let known = release.under_way().into_iter().flat_map(|deployment| {
        let sources = deployment.sources.iter().map(|source| &source.task_definition);
        sources.chain(deployment.rolled_back_to())
    });
    let best = target::best(&release.previous).into_iter();
    known.chain(release.previous.iter().take(CANDIDATES).chain(best).map(|good| &good.task_definition))
}

/// The fewest queries for all of these, each thing once. Metrics are asked for over so many minutes up to now.
pub(crate) fn queries(reads: impl IntoIterator<Item = Read>, now: Timestamp, minutes: i64) -> Vec<Query> {
    let mut single = Vec::new();
    let (mut health, mut definitions, mut alarms) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
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
            Read::Minutes(source, resolution) => {
                let had = sources.entry(source).or_insert(resolution);
                *had = resolution.max(*had);
            }
        }
    }
    let health = (!health.is_empty()).then(|| Query::Health(health.into_iter().collect()));
    let definitions = (!definitions.is_empty()).then(|| Query::TaskDefinitions(definitions.into_iter().collect()));
    let alarms = (!alarms.is_empty()).then(|| Query::Alarms(alarms.into_iter().collect()));
    let metrics = (!sources.is_empty()).then(|| MetricsQuery::last(sources.into_iter().collect(), now, minutes));
    let metrics = metrics.into_iter().flat_map(|metrics| metrics.by_source()).map(Query::Metrics);
    single.into_iter().chain(health).chain(metrics).chain(definitions).chain(alarms).collect()
}

#[cfg(test)]
mod tests;
