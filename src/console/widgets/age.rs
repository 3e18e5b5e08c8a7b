//! Age of the data on screen. Old or failing data is marked and never has the colour of success.

use jiff::{SignedDuration, Timestamp};

use super::canvas::Canvas;
use super::format;
use super::theme::Role;
use crate::console::poll_schedule::source::Source;
use crate::console::state::freshness::age;
use crate::domain::ecs::names::Arn;
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::Reading;
use crate::domain::release::{Release, Side};

/// The freshness of a source.
#[derive(Debug, Clone)]
pub(crate) struct Freshness {
    /// The source.
    pub source: Source,
    /// Age of the newest response in operator time; `None`: there was none.
    pub age: Option<SignedDuration>,
    /// True if the age exceeds three poll intervals.
    pub old: bool,
    /// The failure of the newest attempt, and the time since then.
    pub fault: Option<(SignedDuration, Fault)>,
}

impl Freshness {
    /// Returns true if the source can be relied on: its newest attempt succeeded, and recently.
    pub(crate) fn good(&self) -> bool {
        self.age.is_some() && !self.old && self.fault.is_none()
    }

    /// The freshness in words: `3s ago`, `old: 2m ago`, `denied, 2m old`, `not read yet`.
    pub(crate) fn words(&self) -> String {
        match (&self.fault, self.age) {
            (Some((_, fault)), Some(age)) => format!("{}, {} old", fault.kind.word(), format::age(age)),
            (Some((_, fault)), None) => fault.kind.word().to_owned(),
            (None, Some(age)) if self.old => format!("old: {} ago", format::age(age)),
            (None, Some(age)) => format!("{} ago", format::age(age)),
            (None, None) => "not read yet".to_owned(),
        }
    }

    /// The role of [`words`](Self::words).
    pub(crate) fn role(&self) -> Role {
        match (&self.fault, self.age) {
            (Some(_), _) => Role::Bad,
            (None, Some(_)) if self.old => Role::Warn,
            (None, Some(_)) => Role::Text,
            (None, None) => Role::Dim,
        }
    }
}

/// The display name of a source.
pub(crate) fn name(source: &Source) -> &'static str {
    match source {
        Source::Identity => "STS identity",
        Source::Services => "ECS services",
        Source::Routes => "ELB rules",
        Source::Health => "ELB health",
        Source::Tasks => "ECS tasks",
        Source::Deployments => "ECS history",
        Source::Metrics => "CloudWatch",
        Source::Prometheus => "Prometheus",
        Source::Alarms => "CloudWatch alarms",
        Source::Revisions => "ECS revisions",
        Source::Groups => "ELB target groups",
        Source::Scaling => "auto scaling",
        Source::Definitions => "ECS task definitions",
        Source::Logs => "CloudWatch Logs",
    }
}

/// The display name without the provider.
pub(crate) fn short(source: &Source) -> &'static str {
    name(source).trim_start_matches("ECS ").trim_start_matches("ELB ").trim_start_matches("STS ")
}

/// The freshness of one reading.
pub(crate) fn of<T>(scene: &Canvas<'_>, source: Source, reading: Option<&Reading<T>>) -> Freshness {
    let now = scene.observed.now;
    let aged = reading.and_then(Reading::at).map(|at| age(scene.observed, scene.screen.focused, &source, at));
    let fault = reading
        .and_then(|reading| reading.fault.as_ref())
        .map(|(at, fault): &(Timestamp, Fault)| (now.since(*at), fault.clone()));
    Freshness { source, old: aged.is_some_and(|(_, old)| old), age: aged.map(|(age, _)| age), fault }
}

/// The worse of two readings of one source: a failing one first, then one never read, then the older one.
fn worse(a: Freshness, b: Freshness) -> Freshness {
    let rank = |freshness: &Freshness| {
        let age = freshness.age.unwrap_or(SignedDuration::MAX);
        (freshness.fault.is_some(), age)
    };
    if rank(&b) > rank(&a) { b } else { a }
}

/// The freshness of services and listener rules together: all screens depend on both.
pub(crate) fn world(scene: &Canvas<'_>) -> Freshness {
    let snapshot = &scene.observed.snapshot;
    let services = of(scene, Source::Services, Some(&snapshot.services));
    let routes = of(scene, Source::Routes, Some(&snapshot.routes));
    if services.age.is_none() || (routes.age.is_none() && routes.fault.is_none()) {
        return services;
    }
    worse(services, routes)
}

/// The part that a side has in its release. Both sides of a native release are one service, so that neither service nor
/// revision reliably tells them apart: their order does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The only side.
    Alone,
    /// The stable side.
    Stable,
    /// The canary.
    Canary,
}

impl Part {
    /// The display name and the role.
    pub fn word(self) -> (&'static str, Role) {
        match self {
            Self::Alone => ("service", Role::Stable),
            Self::Stable => ("stable", Role::Stable),
            Self::Canary => ("canary", Role::Canary),
        }
    }
}

/// Both sides of a release with their parts, stable first.
pub(crate) fn parts(release: &Release) -> impl Iterator<Item = (Part, &Side)> {
    let first = if release.canary.is_some() { Part::Stable } else { Part::Alone };
    std::iter::once((first, &release.stable)).chain(release.canary.iter().map(|side| (Part::Canary, side)))
}

fn by_group<T>(
    scene: &Canvas<'_>,
    source: Source,
    release: &Release,
    get: impl Fn(&Side) -> Option<Option<Reading<T>>>,
) -> Option<Freshness> {
    let each = release.sides().filter_map(get).map(|reading| of(scene, source.clone(), reading.as_ref()));
    each.reduce(worse)
}

/// The metrics of both sides. `None`: no known source counts their requests.
pub(crate) fn metrics(scene: &Canvas<'_>, release: &Release) -> Option<Freshness> {
    let read = &scene.observed.snapshot.metrics;
    let each = release
        .sides()
        .filter_map(|side| side.meter.as_ref())
        .map(|meter| of(scene, Source::of(meter), read.get(meter)));
    each.reduce(worse)
}

/// The reason why requests of a side with a target group are not counted; `None` if they are.
pub(crate) fn uncounted(release: &Release) -> Option<String> {
    let side = release.sides().find(|side| side.meter.is_none() && side.target_group.is_some())?;
    if side.behind_network_balancer {
        return Some("a network load balancer counts no requests: metrics of its own are needed".to_owned());
    }
    let group = side.target_group.as_ref().and_then(group_name).unwrap_or("unnamed");
    Some(format!("no rule that was read leads to target group {group}: its load balancer is not known"))
}

/// `…:targetgroup/NAME/ID`.
pub(crate) fn group_name(group: &Arn) -> Option<&str> {
    group.as_str().split_once("targetgroup/")?.1.split('/').next()
}

/// Target health of both sides. `None`: the release has no target groups.
pub(crate) fn health(scene: &Canvas<'_>, release: &Release) -> Option<Freshness> {
    by_group(scene, Source::Health, release, |side| {
        side.target_group.as_ref().map(|group| scene.observed.snapshot.health.get(group).cloned())
    })
}

/// Tasks of both sides.
pub(crate) fn tasks(scene: &Canvas<'_>, release: &Release) -> Freshness {
    let read = &scene.observed.snapshot.tasks;
    let first = of(scene, Source::Tasks, read.get(&release.stable.service));
    release.canary.iter().map(|side| of(scene, Source::Tasks, read.get(&side.service))).fold(first, worse)
}

/// The deployments of the release's services.
pub(crate) fn history(scene: &Canvas<'_>, release: &Release) -> Freshness {
    let read = &scene.observed.snapshot.deployments;
    let first = of(scene, Source::Deployments, read.get(&release.stable.service));
    release.services().skip(1).map(|side| of(scene, Source::Deployments, read.get(&side.service))).fold(first, worse)
}

/// The logs being followed, by the worst of them. `None`: there is no log to read.
pub(crate) fn logs(scene: &Canvas<'_>) -> Option<Freshness> {
    let each = scene.screen.logs.readings().map(|(_, reading)| of(scene, Source::Logs, reading));
    each.reduce(worse)
}

/// All sources of a release's screen.
pub(crate) fn sources(scene: &Canvas<'_>, release: &Release) -> Vec<Freshness> {
    let snapshot = &scene.observed.snapshot;
    let mut sources =
        vec![of(scene, Source::Services, Some(&snapshot.services)), of(scene, Source::Routes, Some(&snapshot.routes))];
    sources.extend(health(scene, release));
    sources.extend(metrics(scene, release));
    sources.push(tasks(scene, release));
    sources.push(history(scene, release));
    let revisions =
        release.sides().filter_map(|side| snapshot.task_definitions.get(&side.task_definition)).map(|reading| {
            // A registered task definition never changes: only a failure to read it matters.
            Freshness { old: false, ..of(scene, Source::Revisions, Some(reading)) }
        });
    sources.extend(revisions.reduce(worse));
    sources.push(of(scene, Source::Identity, Some(&snapshot.identity)));
    sources
}
