//! One look at everything that a command needs, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;

use super::config::Config;
use super::exit::Failure;
use super::lookup;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::domain::analysis::alarms;
use crate::domain::assess;
use crate::domain::ecs::names::{Arn, Identity, Location, TaskDefinitionArn};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::health::rollout;
use crate::domain::history::History;
use crate::domain::metrics::MetricsQuery;
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::observe::snapshot::{Answer, Query, Snapshot};
use crate::domain::release::{LocalState, Method, Release, Side};

/// What a command looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Every release.
    Everything,
    /// One release, with all that is shown of it.
    One(&'a str),
    /// What one release ran before: the deployments of each of its services, and their revisions.
    Past(&'a str),
    /// One release that is to go forward.
    Forward(&'a str),
    /// One release that is to go back: only what the way back needs, and nothing is waited for that it could do
    /// without.
    Back(&'a str),
}

/// Who looks, and with what.
pub struct Observer<'a> {
    /// AWS.
    pub cloud: &'a dyn Cloud,
    /// What was decided.
    pub config: &'a Config,
    /// The region that is asked.
    pub region: &'a str,
    /// AWS's clock.
    pub clock: &'a dyn Clock,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Where. The account is that of the credentials; where those could not be asked for, that of the services.
    pub place: Location,
    /// Whose credentials.
    pub identity: Option<Identity>,
    /// All that was read.
    pub snapshot: Snapshot,
    /// What this machine remembers of each release.
    pub ours: BTreeMap<String, LocalState>,
    /// The releases, derived from both.
    pub releases: Vec<Release>,
    /// What could not be read, and was done without.
    pub faults: Vec<Fault>,
    /// On AWS's clock, when all was read.
    pub now: Timestamp,
}

/// How many questions are asked at a time.
const AT_ONCE: usize = 8;

/// Of so many services at the most it is read what their tasks fail of.
const FAILING: usize = 5;

/// The longest that a way back waits for what it could do without.
const SIDE_SOURCE: Duration = Duration::from_secs(4);

impl Scope<'_> {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Everything => None,
            Self::One(name) | Self::Past(name) | Self::Forward(name) | Self::Back(name) => Some(name),
        }
    }

    fn back(&self) -> bool {
        matches!(self, Self::Back(_))
    }
}

impl Observer<'_> {
    /// Looks. A failure only where nothing can be said or done without what failed.
    pub async fn observe(
        &self,
        want: Scope<'_>,
        recall: impl FnOnce(&Location) -> History,
    ) -> Result<Observation, Failure> {
        let mut seen = Seen { snapshot: Snapshot::default(), faults: Vec::new() };
        self.ask(&mut seen, vec![Query::Services, Query::Routes, Query::Identity], want).await;
        let identity = seen.snapshot.identity.get().cloned();
        if let Some(fault) = seen.snapshot.services.failing() {
            return Err(fault.clone().into());
        }
        let forward = matches!(want, Scope::Forward(_));
        if let Some(fault) = seen.snapshot.identity.failing().filter(|_| forward) {
            return Err(fault.clone().into());
        }
        let place = self.place(&seen.snapshot, identity.as_ref());
        let history = recall(&place);
        history.add_to(&mut seen.snapshot);
        let ours = history.local_states();
        let derive = |snapshot: &Snapshot| assess::releases(snapshot, &self.config.settings, &ours, self.clock.now());

        let releases = derive(&seen.snapshot);
        let wanted = chosen(&releases, want, &seen)?;
        if let Some(fault) = seen.snapshot.routes.failing().filter(|_| forward)
            && wanted.iter().any(|release| has_target_groups(release, &seen.snapshot))
        {
            // Whether it is half of a pair is not known, so neither is what a write would do to its traffic.
            return Err(fault.clone().into());
        }
        let questions = self.questions(&wanted, &seen.snapshot, want);
        self.ask(&mut seen, questions, want).await;

        let releases = derive(&seen.snapshot);
        let wanted = chosen(&releases, want, &seen)?;
        let unread = unread_revisions(&wanted, &seen.snapshot, want);
        let mut queries: Vec<_> = (!unread.is_empty()).then_some(Query::TaskDefinitions(unread)).into_iter().collect();
        // A deployment under way may have other alarms than its service would have now.
        let mut alarms = self.alarms(&wanted, &seen.snapshot, want);
        alarms.retain(|name| !seen.snapshot.alarms.contains_key(name));
        if matches!(want, Scope::Everything | Scope::One(_)) {
            let failing = wanted.iter().flat_map(|release| rollout::failing(release, &seen.snapshot));
            queries.extend(failing.take(FAILING).map(|service| Query::Tasks(service.clone())));
        }
        if !alarms.is_empty() {
            queries.push(Query::Alarms(alarms));
        }
        self.ask(&mut seen, queries, want).await;
        let releases = derive(&seen.snapshot);
        let Seen { snapshot, faults } = seen;
        Ok(Observation { place, identity, releases, ours, snapshot, faults, now: self.clock.now() })
    }

    /// Asks all of them, a few at a time, and takes the answers in.
    async fn ask(&self, seen: &mut Seen, queries: Vec<Query>, want: Scope<'_>) {
        let mut answers = futures::stream::iter(queries)
            .map(|query| async move {
                let asked = self.clock.now();
                let answer = if want.back() && !matches!(query, Query::Services | Query::Routes) {
                    self.expedite(&query).await
                } else {
                    self.cloud.read(&query).await
                };
                (asked, query, answer)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((asked, query, answer)) = answers.next().await {
            seen.take(asked, &query, answer);
        }
    }

    async fn expedite(&self, query: &Query) -> Result<Answer, Fault> {
        tokio::time::timeout(SIDE_SOURCE, self.cloud.read(query)).await.unwrap_or_else(|_| {
            let waited = format!("no answer within {} s; went on without it", SIDE_SOURCE.as_secs());
            Err(Fault::new(FaultKind::Unanswered, source(query), subject(query), waited))
        })
    }

    fn place(&self, snapshot: &Snapshot, identity: Option<&Identity>) -> Location {
        let of_services = || {
            let services = snapshot.services.get()?;
            services.values().next()?.arn.account().map(str::to_owned)
        };
        Location {
            environment: self.config.environment.name.value.clone(),
            account: identity.map(|identity| identity.account.clone()).or_else(of_services).unwrap_or_default(),
            region: self.region.to_owned(),
        }
    }

    fn questions(&self, wanted: &[&Release], snapshot: &Snapshot, want: Scope<'_>) -> Vec<Query> {
        if let Scope::Past(_) = want {
            let services: BTreeSet<_> = sides(wanted).map(|side| side.service.clone()).collect();
            return services.into_iter().map(Query::Deployments).collect();
        }
        let mut queries = Vec::new();
        // Of one release all of its percentiles are shown; of many, each metric is paid for.
        let detail = if matches!(want, Scope::One(_)) { Resolution::Full } else { Resolution::Brief };
        let meters = meters(wanted, snapshot, detail);
        let bare = all_groups(wanted, snapshot);
        if !bare.is_empty() {
            queries.push(Query::Health(bare.into_iter().collect()));
        }
        if !meters.is_empty() && !want.back() {
            // A share may have been set hours ago, and stable's own hour before that is looked at too.
            let metrics = MetricsQuery::last(meters, self.clock.now(), 180);
            queries.extend(metrics.by_source().into_iter().map(Query::Metrics));
        }
        let revisions: BTreeSet<_> = sides(wanted).map(|side| side.task_definition.clone()).collect();
        if !revisions.is_empty() && !want.back() {
            queries.push(Query::TaskDefinitions(revisions.into_iter().collect()));
        }
        let alarms = self.alarms(wanted, snapshot, want);
        if !alarms.is_empty() {
            queries.push(Query::Alarms(alarms));
        }
        let history = wanted.iter().filter(|release| !want.back() || needs_history(release));
        queries.extend(history.map(|release| Query::Deployments(release.stable.service.clone())));
        queries
    }

    /// The alarms that have a say. None holds up a way back, and of the past none is asked.
    fn alarms(&self, wanted: &[&Release], snapshot: &Snapshot, want: Scope<'_>) -> Vec<String> {
        if want.back() || matches!(want, Scope::Past(_)) {
            return Vec::new();
        }
        let of = |release: &&Release| alarms::names(release, snapshot, &self.config.settings);
        let names: BTreeSet<_> = wanted.iter().flat_map(of).collect();
        names.into_iter().collect()
    }
}

/// What has been read so far.
struct Seen {
    snapshot: Snapshot,
    faults: Vec<Fault>,
}

impl Seen {
    fn take(&mut self, at: Timestamp, query: &Query, answer: Result<Answer, Fault>) {
        if let Err(fault) = &answer {
            self.faults.push(fault.clone());
        }
        self.snapshot.apply(at, query, answer);
    }
}

fn sides<'a>(releases: &'a [&'a Release]) -> impl Iterator<Item = &'a Side> {
    releases.iter().flat_map(|release| release.sides())
}

fn chosen<'a>(releases: &'a [Release], want: Scope<'_>, seen: &Seen) -> Result<Vec<&'a Release>, Failure> {
    let Some(name) = want.name() else { return Ok(releases.iter().collect()) };
    match lookup::find(releases, name) {
        Ok(release) => Ok(vec![release]),
        // Without the rules a pair is not known by its stem: that is what is the matter then.
        Err(mut failure) => {
            if let Some(fault) = seen.snapshot.routes.failing() {
                failure.message = format!("{}; the rules could not be read: {}", failure.message, fault.headline());
                failure.advice = format!("{} Or name the service itself.", fault.advice);
            }
            Err(failure)
        }
    }
}

fn has_target_groups(release: &Release, snapshot: &Snapshot) -> bool {
    snapshot.service(&release.stable.service).is_some_and(|service| !service.target_groups.is_empty())
}

/// Whether the way back is a redeployment, which needs to know what worked.
fn needs_history(release: &Release) -> bool {
    release.method != Method::Weighted || release.stable_taken() || !release.in_flight()
}

/// Every target group of theirs: of a service that ECS shifts it is only known with its history which of two is whose.
fn all_groups(wanted: &[&Release], snapshot: &Snapshot) -> BTreeSet<Arn> {
    let of_services = sides(wanted).filter_map(|side| snapshot.service(&side.service));
    let of_services = of_services.flat_map(|service| service.target_groups.iter());
    sides(wanted).filter_map(|side| side.target_group.as_ref()).chain(of_services).cloned().collect()
}

/// Where their requests are counted: what is known of it, and all target groups with the load balancer before them.
fn meters(wanted: &[&Release], snapshot: &Snapshot, detail: Resolution) -> Vec<(MetricSource, Resolution)> {
    let known = sides(wanted).filter_map(|side| side.meter.clone());
    let behind = behind(&all_groups(wanted, snapshot), snapshot);
    let all: BTreeSet<_> = known.chain(behind).collect();
    all.into_iter().map(|meter| (meter, detail)).collect()
}

/// Target groups with the load balancer before them.
pub(super) fn behind(groups: &BTreeSet<Arn>, snapshot: &Snapshot) -> Vec<MetricSource> {
    let routes = snapshot.routes.get().into_iter().flat_map(|routes| routes.values());
    let behind: BTreeMap<_, _> = routes
        .flat_map(|route| route.forwards.iter().map(|to| (to.target_group.clone(), route.load_balancer.clone())))
        .filter(|(group, _)| groups.contains(group))
        .collect();
    behind.into_iter().map(|(group, balancer)| MetricSource::TargetGroup { group, balancer }).collect()
}

/// What runs and what may be gone back to, where it was not read yet what that is and whether it can still be
/// deployed. Of the past, all of it.
fn unread_revisions(wanted: &[&Release], snapshot: &Snapshot, want: Scope<'_>) -> Vec<TaskDefinitionArn> {
    let past = matches!(want, Scope::Past(_));
    let deployments = sides(wanted).filter(|_| past).filter_map(|side| snapshot.deployments.get(&side.service)?.get());
    let deployed = deployments.flatten().filter_map(|deployment| deployment.task_definition().cloned());
    let unread: BTreeSet<_> = wanted
        .iter()
        .filter(|release| !want.back() || needs_history(release))
        .flat_map(|release| release.previous.iter().take(if past { usize::MAX } else { 2 }))
        .map(|good| good.task_definition.clone())
        .chain(deployed)
        .chain(sides(wanted).filter(|_| !want.back()).map(|side| side.task_definition.clone()))
        .filter(|arn| snapshot.task_definition(arn).is_none())
        .collect();
    unread.into_iter().collect()
}

fn source(query: &Query) -> &'static str {
    match query {
        Query::Identity => "GetCallerIdentity",
        Query::Services | Query::Service(_) => "DescribeServices",
        Query::Routes | Query::Route(_) => "DescribeRules",
        Query::Health(_) => "DescribeTargetHealth",
        Query::Tasks(_) => "DescribeTasks",
        Query::TaskDefinitions(_) => "DescribeTaskDefinition",
        Query::Family(_) => "ListTaskDefinitions",
        Query::Deployments(_) => "DescribeServiceDeployments",
        Query::Metrics(metrics) if metrics.of_prometheus() => "query_range",
        Query::Metrics(_) => "GetMetricData",
        Query::Alarms(_) => "DescribeAlarms",
        Query::TargetGroups(_) => "DescribeTargetGroups",
        Query::Definition { .. } => "DescribeTaskDefinition",
        Query::Logs(_) => "FilterLogEvents",
    }
}

fn subject(query: &Query) -> String {
    match query {
        Query::Service(service) | Query::Tasks(service) | Query::Deployments(service) => service.to_string(),
        Query::Route(route) => route.to_string(),
        Query::Family(family) => family.clone(),
        Query::Health(groups) => super::format::count(groups.len(), "target group"),
        Query::TaskDefinitions(arns) => super::format::count(arns.len(), "task definition"),
        Query::Alarms(names) => super::format::count(names.len(), "alarm"),
        Query::TargetGroups(groups) => super::format::count(groups.len(), "target group"),
        Query::Definition { arn, .. } => arn.to_string(),
        Query::Logs(page) => page.source.group.clone(),
        Query::Metrics(metrics) => super::format::count(metrics.meters.len(), "meter"),
        Query::Identity | Query::Services | Query::Routes => "this account".to_owned(),
    }
}
