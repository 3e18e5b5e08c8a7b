//! Queries that are due, by source: often while a release is under way and the terminal is in front, seldom otherwise.
//!
//! `domain::observe::requirements` decides what has to be read; this module knows the cadence, the back-off, and the
//! order of many queries.

pub(crate) mod attention;
mod details;
pub(crate) mod metrics;
pub(crate) mod rollback_prefetch;
pub(crate) mod source;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use self::source::{Pace, Source, is_large};
use super::message::Now;
use super::screen::Screen;
use super::screens;
use super::state::observed::Observed;
use super::state::screen::ScreenState;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::fault::FaultKind;
use crate::domain::logs::LogSource;
use crate::domain::metrics::Series;
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::observe::query::Query;
use crate::domain::observe::requirements;
use crate::domain::observe::requirements::{Freshness, Known, Need, Read, Requirement, Scope};
use crate::domain::release::Release;

/// The state of one query.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PollState {
    /// Time of the newest query.
    at: Timestamp,
    /// True if the answer is outstanding.
    outstanding: bool,
    /// Number of failed answers in a row.
    failures: u32,
    /// The longest back-off that the newest failure allows.
    slowest: SignedDuration,
    /// True if the query is due at once, whatever its pace.
    expedite: bool,
}

impl PollState {
    /// Returns the wait from one query to the next, by a pace in seconds: longer with each failure.
    fn backed_off(&self, seconds: i64) -> SignedDuration {
        let longer = SignedDuration::from_secs(seconds.saturating_mul(1 << self.failures.min(5)));
        longer.min(self.slowest.max(SignedDuration::from_secs(seconds)))
    }

    /// Returns the state of a query that is sent for the first time.
    fn at(at: Timestamp) -> Self {
        Self { at, outstanding: false, failures: 0, slowest: SLOWEST, expedite: false }
    }
}

/// The queries that were sent, each with its state.
#[derive(Debug, Clone, Default)]
pub struct Polls {
    asked: HashMap<Key, PollState>,
    /// The minutes up to which each source of metrics was read.
    meters: metrics::Meters,
    /// True if a rollback waits for AWS to answer again: the essential sources are then read at their busy pace.
    pub awaited: bool,
}

/// A query without the parts that change from one time to the next.
type Key = (Source, PollKey);

/// The subject of a query to a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum PollKey {
    /// The subject with this name.
    Of(String),
    /// The minutes that are read again, whatever metrics are in sight: those of the fleet, or of the open release.
    Again(Resolution),
    /// All minutes of the metrics that have come into sight, by a digest of these metrics.
    First(Resolution, u64),
}

fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(" ")
}

fn key(query: &Query) -> Key {
    let what = match query {
        // As with health, metrics that come into sight do not wait. But metrics that are read again are one query,
        // whatever is in sight: a failing source is not queried sooner because the operator looks at something else.
        Query::Metrics(metrics) => return metrics::key(metrics),
        Query::Alarms(_) => String::new(),
        // As with revisions: a target group that has just come into sight does not wait for the pace of the others.
        Query::Health(groups) | Query::TargetGroups(groups) => joined(groups.iter().map(Arn::as_str)),
        Query::Scaling(services) => services.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        // The unread revisions are the query itself: a new revision does not wait for the pace of the others.
        Query::TaskDefinitions(unread) => joined(unread.iter().map(|arn| arn.arn().as_str())),
        Query::Definition { arn, reveal } => format!("{arn} {reveal}"),
        // A page is queried once the page before is there, however fast pages come: see `screens::logs::state`.
        Query::Logs(page) => {
            let LogSource { group, region, prefix } = &page.source;
            format!("{group} {prefix} {}", region.as_deref().unwrap_or_default())
        }
        other => other.subject(),
    };
    (Source::answering(query), PollKey::Of(what))
}

/// Returns the pace of a query.
fn pace(key: &Key) -> Pace {
    match key {
        // The pace is as fine as the numbers' resolution.
        (Source::Prometheus, PollKey::Again(Resolution::Full)) => Pace { calm: 5, busy: 5 },
        (Source::Prometheus, PollKey::First(..)) => {
            Pace { calm: metrics::ALL_AGAIN.as_secs(), busy: metrics::ALL_AGAIN.as_secs() }
        }
        (source, _) => source.pace(),
    }
}

/// Shortest interval between two queries, in the operator's time, however fast AWS's clock runs.
pub const FLOOR: SignedDuration = SignedDuration::from_millis(400);

/// Interval between two FilterLogEvents calls of ours, whatever log they read: a whole account and region has 5 calls a
/// second.
pub const PAGES_APART: SignedDuration = SignedDuration::from_millis(500);

/// Time for which a query is remembered after it was sent. The time exceeds every pace, so an older query is due
/// however it ended.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// The longest back-off of a failing source.
pub const SLOWEST: SignedDuration = SignedDuration::from_secs(120);

/// The longest back-off if AWS was not reached, or the credentials are not valid. Another try costs nobody's quota, and
/// the operator who repaired the connection sees a screen marked as old until the next answer.
const SLOWEST_AWAY: SignedDuration = SignedDuration::from_secs(10);

/// Returns the longest back-off that this failure allows.
pub fn slowest(fault: FaultKind) -> SignedDuration {
    match fault {
        FaultKind::Unreachable | FaultKind::Expired | FaultKind::NoCredentials => SLOWEST_AWAY,
        _ => SLOWEST,
    }
}

impl Polls {
    /// Records that a query is sent.
    pub fn ask(&mut self, query: &Query, at: Timestamp) {
        self.asked.retain(|_, asked| asked.outstanding || at.duration_since(asked.at) < REMEMBERED);
        let asked = self.asked.entry(key(query)).or_insert(PollState::at(at));
        (asked.at, asked.outstanding, asked.expedite) = (at, true, false);
        if let Query::Metrics(metrics) = query {
            self.meters.ask(metrics, at);
            // The pace of repeated queries begins with the first query.
            self.asked.entry(metrics::again(metrics)).or_insert(PollState::at(at));
        }
    }

    /// Records an answer, or the fault in its place.
    pub fn answered(&mut self, query: &Query, fault: Option<FaultKind>) {
        let failed = |asked: &mut PollState| {
            asked.failures = if fault.is_none() { 0 } else { asked.failures.saturating_add(1) };
            asked.slowest = fault.map_or(SLOWEST, slowest);
        };
        let at = self.asked.get_mut(&key(query)).map(|asked| {
            failed(asked);
            asked.outstanding = false;
            asked.at
        });
        if let Query::Metrics(metrics) = query {
            // If a source's first query fails, back off before querying its other metrics.
            let again = metrics::is_first(metrics).then(|| self.asked.get_mut(&metrics::again(metrics))).flatten();
            if let Some((again, at)) = again.zip(at) {
                failed(again);
                again.at = if fault.is_some() { again.at.max(at) } else { again.at };
            }
            self.meters.answered(metrics);
        }
    }

    /// Records the metrics that were read, and those that were not.
    pub fn learned(&mut self, query: &Query, read: &[(MetricSource, Series)]) {
        if let Query::Metrics(metrics) = query {
            self.meters.learned(metrics, read);
        }
    }

    /// Returns the cost of CloudWatch's minutes at the present rate, in US dollars per hour of the operator's time. The
    /// price is CloudWatch's list price for GetMetricData, $0.01 for each 1,000 metrics that are requested, whatever
    /// discount or free share an account has.
    pub fn cloudwatch_dollars_an_hour(&self, now: Now) -> f64 {
        self.meters.dollars_an_hour(now)
    }

    /// Makes every query due.
    pub fn all_due(&mut self) {
        self.asked.values_mut().for_each(|asked| asked.expedite = true);
    }

    /// Makes these sources due at once after a write. An outstanding query was sent before the write, so it is sent
    /// again when its answer comes in.
    pub fn expedite(&mut self, sources: &[Source]) {
        self.asked
            .iter_mut()
            .filter(|((source, _), _)| sources.contains(source))
            .for_each(|(_, asked)| asked.expedite = true);
    }

    /// Returns true if a query to the source is outstanding.
    fn is_outstanding(&self, source: &Source) -> bool {
        self.asked.iter().any(|((asked, _), state)| asked == source && state.outstanding)
    }

    /// Returns the time of the newest query for a page of a log.
    fn newest_page(&self) -> Option<Timestamp> {
        let pages = self.asked.iter().filter(|((source, _), _)| *source == Source::Logs);
        pages.map(|(_, asked)| asked.at).max()
    }

    /// Returns the time at which the oldest outstanding query was sent.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.asked.values().filter(|asked| asked.outstanding).map(|asked| asked.at).min()
    }
}

/// Services whose history is read whatever is marked, at the most: those in a rollout, or just out of one.
const HISTORIES_AT_ONCE: usize = 3;

/// The state that decides which queries are due.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The observed state.
    pub observed: &'a Observed,
    /// The operator's screen.
    pub screen: &'a ScreenState,
    /// The state of each query.
    pub polls: &'a Polls,
}

impl<'a> Watched<'a> {
    /// Returns true if any release is in flight.
    fn is_busy(&self) -> bool {
        self.observed.releases.iter().any(|release| release.in_flight())
    }

    /// Returns the release that a key would act on.
    fn focus(&self) -> Option<&'a Release> {
        self.screen.focus(self.observed)
    }
}

/// The requirements of the present screen.
struct Required<'a> {
    /// The releases that are read in full.
    attended: Vec<&'a Release>,
    /// Requirements of the fleet.
    fleet: Vec<Requirement<'a>>,
    /// Requirements of the release that a key would act on.
    focus: Vec<Requirement<'a>>,
    /// Requirements of the open release.
    open: Vec<Requirement<'a>>,
}

impl<'a> Required<'a> {
    fn of(watched: &Watched<'a>) -> Self {
        let known = Known {
            snapshot: &watched.observed.snapshot,
            settings: &watched.observed.settings,
            now: watched.observed.now.at,
        };
        let required = |scope, releases: &[&'a Release]| requirements::required(scope, releases, &known);
        let focus = watched.focus();
        let open = focus.filter(|_| watched.screen.current != Screen::Fleet);
        let attended = attention::attended(watched);
        Self {
            fleet: required(Scope::Fleet, &attended),
            attended,
            focus: required(Scope::Focus, focus.as_slice()),
            open: required(Scope::Open, open.as_slice()),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Requirement<'a>> {
        self.fleet.iter().chain(&self.focus).chain(&self.open)
    }
}

/// Returns the queries that are due now.
pub fn due(watched: &Watched<'_>) -> Vec<Query> {
    let required = Required::of(watched);
    let mut wanted = vec![Query::Identity, Query::Services, Query::Routes];
    wanted.extend(attention::followed(watched, &required.attended));
    wanted.extend(details::health(watched, &required));
    wanted.extend(metrics::questions(watched, &required));
    let busy = watched.is_busy();
    wanted.extend(rollback_prefetch::read_first(watched, details::unread_revisions(watched, &required)));
    let focus = watched.focus();
    wanted.extend(rollback_prefetch::read_again(watched, &required, busy && watched.screen.focused));
    wanted.extend(rollback_prefetch::alarms(watched, &required, focus));
    wanted.extend(families(&required));
    wanted.extend(scaling(&required));
    wanted.extend(histories(watched.observed.now.at, &required));
    wanted.extend(first_history(watched, &required));
    wanted.extend(tasks(&required));
    wanted.extend(screens::wanted(watched.observed, watched.screen));
    if let Some(super::dialogs::Dialog::Revisions(revisions)) = &watched.screen.dialog {
        wanted.push(Query::Family(revisions.family.clone()));
    }
    wanted.retain(|query| is_due(watched, query, busy));
    let mut asked = HashSet::new();
    let mut pages = 0;
    wanted.retain(|query| {
        pages += usize::from(matches!(query, Query::Logs(_)));
        (pages < 2 || !matches!(query, Query::Logs(_))) && asked.insert(query.clone())
    });
    wanted
}

/// Returns queries for the marked release's other revisions, if the best revision to roll back to is gone.
fn families(required: &Required<'_>) -> Vec<Query> {
    let families = required.focus.iter().filter_map(|it| match &it.read {
        Read::Family(family) => Some(Query::Family(family.clone())),
        _ => None,
    });
    families.collect()
}

/// Returns the query for the auto scaling of the marked release's services.
fn scaling(required: &Required<'_>) -> Option<Query> {
    let service =
        |it: &Requirement<'_>| if let Read::Scaling(service) = &it.read { Some(service.clone()) } else { None };
    let services: Vec<_> = required.focus.iter().filter_map(service).collect();
    (!services.is_empty()).then_some(Query::Scaling(services))
}

/// Returns queries for the histories that may have changed: those that tell if a release waits, some of the other
/// releases that are under way or just ended, and the marked release's.
fn histories(now: Timestamp, required: &Required<'_>) -> Vec<Query> {
    fn live<'a>(of: &'a [Requirement<'_>]) -> impl Iterator<Item = (&'a Requirement<'a>, &'a ServiceKey)> {
        let live = of.iter().filter(|it| it.freshness == Freshness::Live);
        live.filter_map(|it| if let Read::Deployments(service) = &it.read { Some((it, service)) } else { None })
    }
    let (always, mut lately): (Vec<_>, Vec<_>) = live(&required.fleet).partition(|(it, _)| it.need == Need::Essential);
    let since = |release: &Release| release.steady_since.map(|since| now.duration_since(since));
    lately.sort_by_key(|(it, _)| it.release.map(|release| (!release.in_flight(), since(release))));
    let all = always.into_iter().chain(lately.into_iter().take(HISTORIES_AT_ONCE)).chain(live(&required.focus));
    all.map(|(_, service)| Query::Deployments(service.clone())).collect()
}

/// Returns a query for the history of one service whose traffic ECS shifts and whose history was never read, one
/// service after the other. Only the history tells that a rollback failed, or that no deployment is under way.
fn first_history(watched: &Watched<'_>, required: &Required<'_>) -> Option<Query> {
    let shifted = required.fleet.iter().filter(|it| it.release.is_some_and(|it| it.method.shifted_by_ecs()));
    let mut histories = shifted.filter_map(|it| if let Read::Deployments(key) = &it.read { Some(key) } else { None });
    let unread = histories.find(|service| !watched.observed.snapshot.deployments.contains_key(service))?;
    Some(Query::Deployments(unread.clone()))
}

/// Services whose tasks are read at the most while only the fleet is on screen.
const FAILING: usize = 3;

/// Returns queries for the tasks of the open release, and of failing services, the most urgent first: their stop
/// reasons explain the failure.
fn tasks(required: &Required<'_>) -> Vec<Query> {
    fn tasks<'a>(of: &'a [Requirement<'_>]) -> impl Iterator<Item = (Option<&'a Release>, &'a ServiceKey)> {
        let of_services = of.iter().map(|it| (it.release, &it.read));
        of_services
            .filter_map(|(release, read)| if let Read::Tasks(service) = read { Some((release, service)) } else { None })
    }
    let mut failing: Vec<_> =
        tasks(&required.fleet).filter(|(release, _)| release.is_some_and(|release| release.in_flight())).collect();
    failing.sort_by_key(|(release, _)| release.map(Release::urgency));
    let all = tasks(&required.open).chain(tasks(&required.focus)).chain(failing.into_iter().take(FAILING));
    all.map(|(_, service)| Query::Tasks(service.clone())).collect()
}

fn is_due(watched: &Watched<'_>, query: &Query, busy: bool) -> bool {
    let key = key(query);
    if let (source, PollKey::First(detail, _)) = &key
        && !may_be_first(watched, source, *detail)
    {
        return false;
    }
    if key.0 == Source::Logs
        && watched.polls.newest_page().is_some_and(|at| watched.observed.now.since(at) < PAGES_APART)
    {
        return false;
    }
    let Some(asked) = watched.polls.asked.get(&key) else { return true };
    if asked.outstanding {
        return false;
    }
    let felt = watched.observed.now.since(asked.at);
    if felt < FLOOR {
        return false;
    }
    if key.0 == Source::Logs && asked.failures == 0 {
        return true;
    }
    // An urgent read must not use up the quota that ECS needs to read alarms.
    let swept = attention::is_sweep(query) && is_large(watched.observed.releases.len());
    if asked.expedite && key.0 != Source::Alarms && !swept {
        return true;
    }
    let pace = pace(&key);
    let awaited = watched.polls.awaited && matches!(key.0, Source::Services | Source::Routes | Source::Deployments);
    // A large fleet is swept at leisure: what is in flight is followed apart.
    let soon = busy && watched.screen.focused && !swept
        || awaited
        || asked.expedite
        || rollback_prefetch::never_read(watched, query);
    let seconds = if soon { pace.busy } else { pace.calm };
    let wait = asked.backed_off(seconds);
    let wait = if awaited { wait.min(SLOWEST_AWAY) } else { wait };
    watched.observed.now.at.duration_since(asked.at) >= wait
}

/// Returns true if a source may be queried for metrics that have just come into sight: not while the source backs off.
/// Prometheus takes one such query after the other.
fn may_be_first(watched: &Watched<'_>, source: &Source, detail: Resolution) -> bool {
    let asked = &watched.polls.asked;
    let again = [Resolution::Brief, Resolution::Full].map(|detail| (source.clone(), PollKey::Again(detail)));
    let backing_off = again.iter().any(|key| {
        let failing = asked.get(key).filter(|asked| asked.failures > 0 && !asked.expedite);
        failing.is_some_and(|asked| watched.observed.now.at.duration_since(asked.at) < asked.backed_off(pace(key).busy))
    });
    let under_way = asked.iter().any(|((other, matter), asked)| {
        asked.outstanding && other == source && matches!(matter, PollKey::First(of, _) if *of == detail)
    });
    !(backing_off || *source == Source::Prometheus && under_way)
}

#[cfg(test)]
mod tests;
