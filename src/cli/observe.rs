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
use crate::domain::observe::query::{Answer, Query};
use crate::domain::observe::requirements;
use crate::domain::observe::requirements::{Known, Need, Read, Requirement, Scope};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::{LocalState, Release};

/// What a command observes with.
pub(super) struct Observer<'a> {
    /// AWS, and Prometheus where the configuration has one.
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

/// What an observation found.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// Where. The account is that of the credentials; where STS did not answer, that of the services.
    pub place: Location,
    /// Whose credentials.
    pub identity: Option<Identity>,
    /// All that was read.
    pub snapshot: Snapshot,
    /// What this machine remembers of each release.
    pub ours: BTreeMap<String, LocalState>,
    /// The releases, derived from both.
    pub releases: Vec<Release>,
    /// What of the configuration was wrong and is left out, in words.
    pub ignored: Vec<String>,
    /// What could not be read, and was done without.
    pub faults: Vec<Fault>,
    /// On AWS's clock, when all was read.
    pub now: Timestamp,
}

/// Queries that are outstanding at a time.
const AT_ONCE: usize = 8;

/// Rounds of queries about releases. The second reads what an answer of the first requires: the history tells what
/// there is to roll back to.
const ROUNDS: usize = 2;

/// Services whose failing tasks are read, at the most: those of the most urgent releases.
const FAILING: usize = 5;

/// The time limits of a rollback's reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For each read that a rollback can do without.
    pub helpful: Duration,
    /// For all of them together, however many they are.
    pub all_helpful: Duration,
    /// For each read that a rollback cannot do without, and for all of them: they are read at the same time.
    pub essential: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            helpful: Duration::from_secs(4),
            all_helpful: Duration::from_secs(10),
            // A list that does not end within half a minute is as good as none.
            essential: Duration::from_secs(30),
        }
    }
}

/// Minutes of metrics: a share may have been set hours ago, and stable's own hour before that is looked at too.
const MINUTES: i64 = 180;

/// What has been read so far.
#[derive(Default)]
struct Progress {
    snapshot: Snapshot,
    faults: Vec<Fault>,
    asked: BTreeSet<Read>,
    /// When a rollback stops waiting for what it can do without; `None`: it has not asked for any of that.
    helpful_until: Option<Instant>,
}

impl Observer<'_> {
    /// Reads what `scope` requires: of the release called `name`, else of all of them. A failure only where nothing can
    /// be said or done without what failed.
    pub(super) async fn observe(
        &self,
        scope: Scope,
        name: Option<&str>,
        recall: impl FnOnce(&Location) -> History,
    ) -> Result<Observation, Failure> {
        let mut progress = Progress::default();
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
        for _ in 0..ROUNDS {
            let releases = derive(&progress.snapshot);
            let chosen = chosen(&releases, name, &progress.snapshot)?;
            if let Some(fault) = requirements::blocking(scope, &chosen, &progress.snapshot) {
                return Err(fault.clone().into());
            }
            let known = Known { snapshot: &progress.snapshot, settings, now: self.clock.now() };
            let required = requirements::required(scope, &chosen, &known);
            self.ask(&mut progress, scope, required).await;
        }
        let releases = derive(&progress.snapshot);
        let Progress { snapshot, faults, .. } = progress;
        let ignored = self.config.ignored.clone();
        Ok(Observation { place, identity, releases, ours, snapshot, ignored, faults, now: self.clock.now() })
    }

    /// Reads what was not read yet, a few queries at a time, and takes the answers in.
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
                let answer = match scope {
                    Scope::Rollback => self.read_within(limit(need), &query).await,
                    _ => self.cloud.read(&query).await,
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

/// The release called `name`, else all of them, the most urgent first.
fn chosen<'a>(releases: &'a [Release], name: Option<&str>, snapshot: &Snapshot) -> Result<Vec<&'a Release>, Failure> {
    let Some(name) = name else {
        let mut all: Vec<_> = releases.iter().collect();
        all.sort_by_key(|release| release.urgency());
        return Ok(all);
    };
    match lookup::find(releases, name) {
        Ok(release) => Ok(vec![release]),
        // Without the rules a pair is not known by its stem: that is what is the matter then.
        Err(mut failure) => {
            if let Some(fault) = snapshot.routes.failing() {
                failure.message = format!("{}; the rules could not be read: {}", failure.message, fault.headline());
                failure.advice = format!("{} Or name the service itself.", fault.advice);
            }
            Err(failure)
        }
    }
}
