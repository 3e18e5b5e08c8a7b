//! What is asked of AWS, and when: often where a release is under way and looked at, seldom elsewhere.

pub(crate) mod metrics;
pub(crate) mod rollback_prefetch;
pub(crate) mod source;

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use self::source::{Pace, Source};
use super::message::Now;
use super::screen::Screen;
use super::screens;
use super::state::observed::Observed;
use super::state::screen::ScreenState;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::fault::FaultKind;
use crate::domain::logs::LogSource;
use crate::domain::metrics::Series;
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::observe::snapshot::Query;
use crate::domain::release::{Method, Release};

/// How one question stands.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PollState {
    /// When it was last asked.
    at: Timestamp,
    /// Whether the answer is outstanding.
    outstanding: bool,
    /// How many answers in a row failed.
    failures: u32,
    /// How far the newest failure lets it back off.
    slowest: SignedDuration,
    /// Due as soon as it can be, whatever its pace.
    expedite: bool,
}

impl PollState {
    /// How long after an asking the next one is due, by a pace in seconds: the longer the more have failed.
    fn backed_off(&self, seconds: i64) -> SignedDuration {
        let longer = SignedDuration::from_secs(seconds.saturating_mul(1 << self.failures.min(5)));
        longer.min(self.slowest.max(SignedDuration::from_secs(seconds)))
    }

    /// Of a question that is asked for the first time.
    fn at(at: Timestamp) -> Self {
        Self { at, outstanding: false, failures: 0, slowest: SLOWEST, expedite: false }
    }
}

/// The questions that were asked.
#[derive(Debug, Clone, Default)]
pub struct Polls {
    asked: HashMap<Key, PollState>,
    /// How each meter's minutes stand.
    meters: metrics::Meters,
}

/// A question without what changes between two askings of it.
type Key = (Source, PollKey);

/// What of a source is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum PollKey {
    /// What is named.
    Of(String),
    /// The minutes that are read again, whatever meters are in sight: those of the fleet, or of what is open.
    Again(Resolution),
    /// All minutes of what has come into sight, by a digest of what that is.
    First(Resolution, u64),
}

impl PollKey {
    fn of(name: impl Into<String>) -> Self {
        Self::Of(name.into())
    }
}

fn joined<'a>(arns: impl IntoIterator<Item = &'a Arn>) -> String {
    arns.into_iter().map(Arn::as_str).collect::<Vec<_>>().join(" ")
}

fn key(query: &Query) -> Key {
    match query {
        Query::Identity => (Source::Identity, PollKey::of("")),
        Query::Services => (Source::Services, PollKey::of("")),
        Query::Service(service) => (Source::Services, PollKey::of(service.to_string())),
        Query::Routes => (Source::Routes, PollKey::of("")),
        Query::Route(route) => (Source::Routes, PollKey::of(route.arn().as_str())),
        // As with revisions: a target group that has just come into sight does not wait for the pace of the others.
        Query::Health(groups) => (Source::Health, PollKey::of(joined(groups))),
        Query::Tasks(service) => (Source::Tasks, PollKey::of(service.to_string())),
        Query::Deployments(service) => (Source::Deployments, PollKey::of(service.to_string())),
        // As with health, what comes into sight does not wait; but what is read again is one question, whatever is in
        // sight: a source that fails is not asked sooner because something else is looked at.
        Query::Metrics(metrics) => metrics::key(metrics),
        Query::Alarms(_) => (Source::Alarms, PollKey::of("")),
        // Which revisions are not read yet is the question itself: a new one does not wait for the pace of the others.
        Query::TaskDefinitions(unread) => {
            let arns: Vec<_> = unread.iter().map(ToString::to_string).collect();
            (Source::Revisions, PollKey::Of(arns.join(" ")))
        }
        Query::Family(family) => (Source::Revisions, PollKey::of(family.as_str())),
        Query::TargetGroups(groups) => (Source::Groups, PollKey::of(joined(groups))),
        Query::Definition { arn, reveal } => (Source::Definitions, PollKey::Of(format!("{arn} {reveal}"))),
        // A page is asked for once the one before is there, however fast pages come: see `screens::logs::state`.
        Query::Logs(page) => {
            let LogSource { group, region, prefix } = &page.source;
            (Source::Logs, PollKey::Of(format!("{group} {prefix} {}", region.as_deref().unwrap_or_default())))
        }
    }
}

/// How often a question is asked.
fn pace(key: &Key) -> Pace {
    match key {
        // As fine as its numbers are.
        (Source::Prometheus, PollKey::Again(Resolution::Full)) => Pace { calm: 5, busy: 5 },
        (Source::Prometheus, PollKey::First(..)) => {
            Pace { calm: metrics::ALL_AGAIN.as_secs(), busy: metrics::ALL_AGAIN.as_secs() }
        }
        (source, _) => source.pace(),
    }
}

/// Never ask more often than this, as the operator lives it, however fast AWS's clock runs.
pub const FLOOR: SignedDuration = SignedDuration::from_millis(400);

/// FilterLogEvents has 5 calls a second for a whole account and region: one of ours is so long after the one before it,
/// whatever log it is of.
pub const PAGES_APART: SignedDuration = SignedDuration::from_millis(500);

/// What was not asked for so long is due whatever came of it, and need not be remembered: longer than any pace.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// How far a failing source backs off, at the most.
pub const SLOWEST: SignedDuration = SignedDuration::from_secs(120);

/// The same where AWS was not reached or has no valid caller to serve: asking again costs nobody's quota, and whoever
/// mended it looks at a screen that is marked as old until the next answer.
const SLOWEST_AWAY: SignedDuration = SignedDuration::from_secs(10);

/// How far this failure lets a source back off.
pub fn slowest(fault: FaultKind) -> SignedDuration {
    match fault {
        FaultKind::Unreachable | FaultKind::Expired | FaultKind::NoCredentials => SLOWEST_AWAY,
        _ => SLOWEST,
    }
}

impl Polls {
    /// Takes note that a question goes out.
    pub fn ask(&mut self, query: &Query, at: Timestamp) {
        self.asked.retain(|_, asked| asked.outstanding || at.duration_since(asked.at) < REMEMBERED);
        let asked = self.asked.entry(key(query)).or_insert(PollState::at(at));
        (asked.at, asked.outstanding, asked.expedite) = (at, true, false);
        if let Query::Metrics(metrics) = query {
            self.meters.ask(metrics, at);
            // The first reading of all is the beginning of its pace.
            self.asked.entry(metrics::again(metrics)).or_insert(PollState::at(at));
        }
    }

    /// Takes note of an answer, or of why there is none.
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
            // Who does not answer the first question of a meter is not asked for others at once.
            let again = metrics::is_first(metrics).then(|| self.asked.get_mut(&metrics::again(metrics))).flatten();
            if let Some((again, at)) = again.zip(at) {
                failed(again);
                again.at = if fault.is_some() { again.at.max(at) } else { again.at };
            }
            self.meters.answered(metrics);
        }
    }

    /// Takes note of what was read of meters, and of what was not.
    pub fn learned(&mut self, query: &Query, read: &[(MetricSource, Series)]) {
        if let Query::Metrics(metrics) = query {
            self.meters.learned(metrics, read);
        }
    }

    /// What CloudWatch's minutes cost at the present rate, in US dollars an hour of the operator's: by CloudWatch's
    /// list price for GetMetricData, $0.01 for each 1,000 metrics that are requested, whatever discount or free share
    /// an account has.
    pub fn cloudwatch_dollars_an_hour(&self, now: Now) -> f64 {
        self.meters.dollars_an_hour(now)
    }

    /// Makes everything due.
    pub fn all_due(&mut self) {
        self.asked.values_mut().for_each(|asked| asked.expedite = true);
    }

    /// Makes these sources due at once: something has just been written. What is outstanding was asked before
    /// that, so it is asked again when it comes in.
    pub fn expedite(&mut self, sources: &[Source]) {
        self.asked
            .iter_mut()
            .filter(|((source, _), _)| sources.contains(source))
            .for_each(|(_, asked)| asked.expedite = true);
    }

    /// When a page of a log was last asked for.
    fn newest_page(&self) -> Option<Timestamp> {
        let pages = self.asked.iter().filter(|((source, _), _)| *source == Source::Logs);
        pages.map(|(_, asked)| asked.at).max()
    }

    /// Since when an answer has been outstanding, the longest.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.asked.values().filter(|asked| asked.outstanding).map(|asked| asked.at).min()
    }
}

/// Services in a rollout, or just out of one, whose history is read whatever is marked: so many at the most.
const HISTORIES_AT_ONCE: usize = 3;
/// How long after its end a rollout is still looked at for how it ended.
const JUST_ENDED: SignedDuration = SignedDuration::from_hours(1);

/// What decides which queries are due.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// What is known.
    pub observed: &'a Observed,
    /// What the operator looks at.
    pub screen: &'a ScreenState,
    /// How each query stands.
    pub polls: &'a Polls,
}

impl<'a> Watched<'a> {
    /// The release that a key would act on.
    fn focus(&self) -> Option<&'a Release> {
        self.screen.focus(self.observed)
    }
}

/// The questions that are due now.
pub fn due(watched: &Watched<'_>) -> Vec<Query> {
    let mut wanted = vec![Query::Identity, Query::Services, Query::Routes];
    let groups = target_groups(watched);
    if !groups.is_empty() {
        wanted.push(Query::Health(groups));
    }
    wanted.extend(metrics::questions(watched));
    let busy = watched.observed.releases.iter().any(Release::in_flight);
    wanted.extend(rollback_prefetch::read_first(watched, unread_revisions(watched)));
    let focus = watched.focus();
    wanted.extend(rollback_prefetch::read_again(watched, focus, busy && watched.screen.focused));
    wanted.extend(rollback_prefetch::alarms(watched, focus));
    wanted.extend(rollback_prefetch::family(focus));
    // Whether such a service waits for somebody is said by its deployment alone.
    let native = |release: &&Release| matches!(release.method, Method::Native | Method::NativeWeighted);
    let native = watched.observed.releases.iter().filter(native).filter(|release| release.in_flight());
    wanted.extend(native.map(|release| Query::Deployments(release.stable.service.clone())));
    // That one was rolled back is in its history alone.
    let since = |release: &Release| release.steady_since.map(|since| watched.observed.now.at.duration_since(since));
    let single = watched.observed.releases.iter().filter(|release| release.method == Method::Rolling);
    let mut lately: Vec<_> = single
        .filter(|release| release.in_flight() || since(release).is_some_and(|since| since < JUST_ENDED))
        .collect();
    lately.sort_by_key(|release| (!release.in_flight(), since(release)));
    let lately = lately.into_iter().take(HISTORIES_AT_ONCE);
    wanted.extend(lately.map(|release| Query::Deployments(release.stable.service.clone())));
    if let Some(release) = focus {
        for side in release.sides() {
            wanted.push(Query::Deployments(side.service.clone()));
            if watched.screen.current != Screen::Fleet {
                wanted.push(Query::Tasks(side.service.clone()));
            }
        }
    }
    wanted.extend(rollback_prefetch::failing(watched));
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
    if watched.observed.now.since(asked.at) < FLOOR {
        return false;
    }
    if key.0 == Source::Logs && asked.failures == 0 {
        return true;
    }
    // Nobody's expedite is worth an alarm that ECS could not read for want of quota.
    if asked.expedite && key.0 != Source::Alarms {
        return true;
    }
    let pace = pace(&key);
    let soon = busy && watched.screen.focused || asked.expedite || rollback_prefetch::never_read(watched, query);
    let seconds = if soon { pace.busy } else { pace.calm };
    watched.observed.now.at.duration_since(asked.at) >= asked.backed_off(seconds)
}

/// Whether a source may be asked for what has just come into sight: not while it is backing off, and Prometheus for one
/// such lot after the other.
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

/// Every target group that is shown.
fn target_groups(watched: &Watched<'_>) -> Vec<Arn> {
    let sides = watched.observed.releases.iter().flat_map(|release| release.sides());
    let groups: BTreeSet<_> = sides.filter_map(|side| side.target_group.clone()).collect();
    groups.into_iter().collect()
}

/// Revisions that are on screen and were never read: their versions, and whether they can be deployed.
fn unread_revisions(watched: &Watched<'_>) -> Vec<TaskDefinitionArn> {
    let chosen = watched.screen.dialog.as_ref().and_then(|dialog| match dialog {
        super::dialogs::Dialog::Revisions(revisions) => {
            watched.observed.snapshot.families.get(&revisions.family).and_then(|reading| reading.get())
        }
        _ => None,
    });
    let shown = watched.observed.releases.iter().flat_map(|release| {
        let sides = release.sides().map(|side| &side.task_definition);
        sides.chain(rollback_prefetch::way_back(release))
    });
    let unread = shown.chain(chosen.into_iter().flatten().take(20));
    unread.filter(|arn| watched.observed.snapshot.task_definition(arn).is_none()).cloned().collect()
}

#[cfg(test)]
mod tests;
