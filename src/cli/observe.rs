//! One observation of everything that a command needs, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::Instant;

use super::config::Config;
use super::exit::Failure;
use super::lookup;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::domain::assess;
use crate::domain::ecs::names::{Identity, Location};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::history::History;
use crate::domain::observe::one_release;
use crate::domain::observe::query::{Answer, Query};
use crate::domain::observe::requirements;
use crate::domain::observe::requirements::{Known, Need, Read, Requirement, SMALL_FLEET, Scope};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::{LocalState, Release};

/// The inputs of an observation.
pub(super) struct Observer<'a> {
    /// AWS, and Prometheus if the configuration has one.
    pub cloud: &'a dyn Cloud,
    /// The configuration.
    pub config: &'a Config,
    /// The region that is read.
    pub region: &'a str,
    /// AWS's clock.
    pub clock: &'a dyn Clock,
    /// The time limits of a rollback.
    pub limits: Limits,
}

/// The result of an observation.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// Environment, account and region. The account is that of the credentials; if STS did not answer, that of the
    /// services.
    pub place: Location,
    /// The identity of the credentials.
    pub identity: Option<Identity>,
    /// Everything that was read.
    pub snapshot: Snapshot,
    /// This machine's records of each release.
    pub ours: BTreeMap<String, LocalState>,
    /// The releases, derived from the snapshot and these records.
    pub releases: Vec<Release>,
    /// The wrong parts of the configuration that are left out, in words.
    pub ignored: Vec<String>,
    /// The failed reads that the command could do without.
    pub faults: Vec<Fault>,
    /// Time on AWS's clock after the last read.
    pub now: Timestamp,
}

/// Maximum number of outstanding queries.
const AT_ONCE: usize = 8;

/// Rounds of queries about releases. The second round reads data that an answer of the first requires: the history
/// tells the revisions to roll back to.
const ROUNDS: usize = 2;

/// Services whose failing tasks are read, at the most: those of the most urgent releases.
const FAILING: usize = 5;

/// The most releases of a larger fleet whose details are read.
const DETAILED: usize = 10;

/// The time limits of a rollback's reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Limit of each read that a rollback can do without.
    pub helpful: Duration,
    /// Limit of all these reads together, however many they are.
    pub all_helpful: Duration,
    /// Limit of each read that a rollback cannot do without, and of all of them: they run at the same time.
    pub essential: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            helpful: Duration::from_secs(4),
            all_helpful: Duration::from_secs(10),
            // For a rollback, a list that takes longer than half a minute is as good as no list.
            essential: Duration::from_secs(30),
        }
    }
}

/// Minutes of metrics: a share may have been set hours ago, and stable's own hour before that time is read too.
const MINUTES: i64 = 180;

/// The reads so far.
#[derive(Default)]
struct Progress {
    snapshot: Snapshot,
    faults: Vec<Fault>,
    asked: BTreeSet<Read>,
    /// Time at which a rollback stops waiting for reads that it can do without; `None`: nothing was read yet.
    helpful_until: Option<Instant>,
}

impl Observer<'_> {
    /// Reads everything that `scope` requires: for the release called `name`, else for all releases. Fails only if
    /// nothing can be reported or done without the failed read.
    pub(super) async fn observe(
        &self,
        scope: Scope,
        name: Option<&str>,
        recall: impl FnOnce(&Location) -> History,
    ) -> Result<Observation, Failure> {
        let mut progress = match name {
            Some(name) => self.look_at_one(scope, name).await,
            None => Progress::default(),
        };
        self.ask(&mut progress, scope, requirements::account(scope)).await;
        if let Some(fault) = requirements::blocking(scope, &[], &progress.snapshot) {
            return Err(fault.clone().into());
        }
        let identity = progress.snapshot.identity.get().cloned();
        let place = self.place(&progress.snapshot, identity.as_ref());
        let history = recall(&place);
        history.add_to(&mut progress.snapshot);
        let ours = history.local_states();
        let settings = &self.config.settings;
        let derive = |snapshot: &Snapshot| assess::releases(snapshot, settings, &ours, self.clock.now());
        let mut releases = derive(&progress.snapshot);
        for _ in 0..ROUNDS {
            let chosen = chosen(&releases, name, &progress.snapshot)?;
            if let Some(fault) = requirements::blocking(scope, &chosen, &progress.snapshot) {
                return Err(fault.clone().into());
            }
            let known = Known { snapshot: &progress.snapshot, settings, now: self.clock.now() };
            let required = requirements::required(scope, &detailed(chosen), &known);
            let asked = progress.asked.len();
            self.ask(&mut progress, scope, required).await;
            // Thousands of releases take a while to derive.
            if progress.asked.len() == asked {
                break;
            }
            releases = derive(&progress.snapshot);
        }
        let Progress { snapshot, faults, .. } = progress;
        let ignored = self.config.ignored.clone();
        Ok(Observation { place, identity, releases, ours, snapshot, ignored, faults, now: self.clock.now() })
    }

    /// Reads the services that `name` may mean, and the rules before them. Nothing is kept unless these are the whole
    /// release: then the services are listed.
    async fn look_at_one(&self, scope: Scope, name: &str) -> Progress {
        let settings = &self.config.settings;
        let helpful_until = Some(Instant::now() + self.limits.all_helpful);
        let (mut progress, nothing) =
            (Progress { helpful_until, ..Progress::default() }, Progress { helpful_until, ..Progress::default() });
        self.learn(&mut progress, scope, Query::Named(one_release::names(name, settings))).await;
        if progress.snapshot.services.get().is_none_or(BTreeMap::is_empty) {
            return nothing;
        }
        progress.asked.insert(Read::Services);
        let account = requirements::account(scope);
        self.ask(&mut progress, scope, account).await;
        let releases = assess::releases(&progress.snapshot, settings, &BTreeMap::new(), self.clock.now());
        let whole = one_release::is_whole(&progress.snapshot) && lookup::find(&releases, name).is_ok();
        if whole { progress } else { nothing }
    }

    /// Sends one query that the caller can do without, and applies the answer.
    async fn learn(&self, progress: &mut Progress, scope: Scope, query: Query) {
        let asked = self.clock.now();
        let answer = match scope.is_rollback() {
            true => self.read_within(self.limits.helpful.min(self.limits.all_helpful), &query).await,
            false => self.cloud.read(&query).await,
        };
        progress.snapshot.apply(asked, &query, answer);
    }

    /// Sends the queries that were not sent yet, a few at a time, and applies the answers.
    async fn ask(&self, progress: &mut Progress, scope: Scope, mut required: Vec<Requirement<'_>>) {
        let mut failing = 0;
        required.retain(|it| {
            failing += usize::from(matches!(it.read, Read::Tasks(_)));
            failing <= FAILING || !matches!(it.read, Read::Tasks(_))
        });
        required.retain(|it| progress.asked.insert(it.read.clone()));
        let now = self.clock.now();
        let queries = |need| {
            let reads = required.iter().filter(|it| it.need == need).map(|it| it.read.clone());
            requirements::queries(reads, now, MINUTES)
        };
        let until = *progress.helpful_until.get_or_insert_with(|| Instant::now() + self.limits.all_helpful);
        let limit = move |need| match need {
            Need::Essential => self.limits.essential,
            Need::Helpful => until.saturating_duration_since(Instant::now()).min(self.limits.helpful),
        };
        let essential = queries(Need::Essential).into_iter().map(|query| (query, Need::Essential));
        let helpful = queries(Need::Helpful).into_iter().map(|query| (query, Need::Helpful));
        let mut answers = futures::stream::iter(essential.chain(helpful))
            .map(|(query, need)| async move {
                let asked = self.clock.now();
                let answer = match scope.is_rollback() {
                    true => self.read_within(limit(need), &query).await,
                    false => self.cloud.read(&query).await,
                };
                (asked, query, answer)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((asked, query, answer)) = answers.next().await {
            if let Err(fault) = &answer {
                progress.faults.push(fault.clone());
            }
            progress.snapshot.apply(asked, &query, answer);
        }
    }

    async fn read_within(&self, limit: Duration, query: &Query) -> Result<Answer, Fault> {
        tokio::time::timeout(limit, self.cloud.read(query)).await.unwrap_or_else(|_| {
            let waited = if limit.is_zero() {
                format!("not asked: {} s went into other reads", self.limits.all_helpful.as_secs())
            } else {
                format!("no answer within {:.0} s; went on without it", limit.as_secs_f64())
            };
            Err(Fault::new(FaultKind::Unanswered, query.operation(), query.subject(), waited))
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
}

/// The releases whose details are read, of those in the order of their urgency: all of a small fleet, and of a large
/// one those that are in flight or need somebody.
fn detailed(mut chosen: Vec<&Release>) -> Vec<&Release> {
    if chosen.len() > SMALL_FLEET {
        chosen.retain(|release| release.in_flight() || release.needs_somebody());
        chosen.truncate(DETAILED);
    }
    chosen
}

/// Returns the release called `name`, else all releases, the most urgent first.
fn chosen<'a>(releases: &'a [Release], name: Option<&str>, snapshot: &Snapshot) -> Result<Vec<&'a Release>, Failure> {
    let Some(name) = name else {
        let mut all: Vec<_> = releases.iter().collect();
        all.sort_by_key(|release| release.urgency());
        return Ok(all);
    };
    match lookup::find(releases, name) {
        Ok(release) => Ok(vec![release]),
        // Without the rules, the stem of a pair is unknown: the error then names the failed read of the rules.
        Err(mut failure) => {
            if let Some(fault) = snapshot.routes.failing() {
                failure.message = format!("{}; the rules could not be read: {}", failure.message, fault.headline());
                failure.advice = format!("{} Or name the service itself.", fault.advice);
            }
            Err(failure)
        }
    }
}
