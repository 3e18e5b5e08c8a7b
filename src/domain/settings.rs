//! What an operator has decided beforehand, where it bears on releases.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::metrics::source::CustomMetrics;
use super::release::ladder::Ladder;

/// Decisions that the planner and the verdict go by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Nothing may be written.
    pub read_only: bool,
    /// Forward keys ask for the service's name.
    pub protected: bool,
    /// When `R` asks before it acts.
    pub rollback_confirm: RollbackConfirm,
    /// The steps, unless a service has its own.
    pub ladder: Ladder,
    /// How long a step should be watched before the next.
    pub bake: SignedDuration,
    /// How long the finished release is watched before the canary is taken down.
    pub finish_watch: SignedDuration,
    /// How long a load balancer may take to follow a write, seconds on AWS's clock: no tasks are taken before.
    pub propagation: SignedDuration,
    /// For how long after its end a release is rolled back without naming a revision.
    pub rollback_within: SignedDuration,
    /// The longest that a plan waits for tasks to come up or a rollout to complete.
    pub patience: SignedDuration,
    /// Where the verdict draws its lines.
    pub thresholds: Thresholds,
    /// What the console may do by itself, once it was told to.
    pub automatic: Automatic,
    /// By service name or stem.
    pub services: BTreeMap<String, ServiceSettings>,
}

/// When `R` asks first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RollbackConfirm {
    /// Only when no release is in flight.
    #[default]
    Idle,
    /// Each time.
    Always,
    /// At no time.
    Never,
}

/// The verdict's lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Errors over requests, percent: a canary that is above it, and not by chance, fails critically.
    pub error_percent: f64,
    /// The canary's error rate over stable's: worse than stable, not by chance, and so many times fails.
    pub error_ratio: f64,
    /// The same, from where on it is critical.
    pub error_ratio_critical: f64,
    /// p95, milliseconds: a canary that is above it, and not by chance, fails. `None`: judged against stable alone.
    pub p95_ms: Option<f64>,
    /// The canary's p95 over stable's: slower than stable, not by chance, and so many times fails.
    pub p95_ratio: f64,
    /// Errors over requests, percent, that are worth a warning.
    pub warn_error_percent: f64,
    /// p95, milliseconds, that is worth a warning.
    pub warn_p95_ms: f64,
    /// By how many percentage points a canary that passes may at the most have more errors than stable.
    pub allowance: f64,
    /// Fewer requests than this say nothing.
    pub min_requests: u32,
    /// Of releases without a fault, how many of a hundred may fail over the whole time that they are watched.
    pub false_alarms: f64,
    /// Of canaries that are worse by the whole allowance, how many of a hundred may pass.
    pub false_passes: f64,
    /// How far back a service without a canary is judged.
    pub window: SignedDuration,
}

/// What the console may do by itself while automatic stepping is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Automatic {
    /// How long before each act a key can stop it, in the operator's time.
    pub countdown: SignedDuration,
    /// For how long a FAIL has to last before it is rolled back; `None`: never by itself.
    pub rollback_after: Option<SignedDuration>,
}

impl Default for Automatic {
    fn default() -> Self {
        Self { countdown: SignedDuration::from_secs(30), rollback_after: None }
    }
}

/// What is decided for one service or pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceSettings {
    /// Its own steps.
    pub ladder: Option<Ladder>,
    /// Its own bake time.
    pub bake: Option<SignedDuration>,
    /// The stable service of the pair, by name.
    pub stable: Option<String>,
    /// The canary service of the pair, by name.
    pub canary: Option<String>,
    /// The rules that carry its production traffic, or after a `!` those that do not: ARNs, their last parts, or `:PORT`.
    pub rules: Vec<String>,
    /// Whether the console writes the rule's weights while a BLUE_GREEN deployment of it waits at a pause.
    pub native_weighted: bool,
    /// Its own lines, all of them.
    pub thresholds: Option<Thresholds>,
    /// Alarms that fail its canary, by name, beside those that its deployments name.
    pub alarms: Vec<String>,
    /// Its own numbers, as a template for each revision, instead of its target groups'.
    pub own: Option<CustomMetrics>,
    /// For how long a FAIL of it has to last before it is rolled back by itself.
    pub rollback_after: Option<SignedDuration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            read_only: false,
            protected: false,
            rollback_confirm: RollbackConfirm::Idle,
            ladder: Ladder::default(),
            bake: SignedDuration::from_mins(10),
            finish_watch: SignedDuration::from_secs(60),
            propagation: SignedDuration::from_secs(60),
            rollback_within: SignedDuration::from_hours(24),
            patience: SignedDuration::from_mins(30),
            thresholds: Thresholds::default(),
            automatic: Automatic::default(),
            services: BTreeMap::new(),
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            error_percent: 5.0,
            error_ratio: 2.0,
            error_ratio_critical: 5.0,
            p95_ms: None,
            p95_ratio: 1.5,
            warn_error_percent: 1.0,
            warn_p95_ms: 500.0,
            allowance: 1.0,
            min_requests: 100,
            false_alarms: 1.0,
            false_passes: 5.0,
            window: SignedDuration::from_mins(10),
        }
    }
}

impl Settings {
    /// What is decided for the release called `name`.
    fn of<'a, T>(&'a self, name: &str, member: impl Fn(&'a ServiceSettings) -> Option<T>) -> Option<T> {
        // A release may be called by its cluster too; a service's settings are not.
        let short = name.rsplit('/').next().unwrap_or(name);
        [name, short].into_iter().find_map(|name| member(self.services.get(name)?))
    }

    /// The steps of the release called `name`.
    pub fn ladder_of(&self, name: &str) -> &Ladder {
        self.of(name, |service| service.ladder.as_ref()).unwrap_or(&self.ladder)
    }

    /// The bake time of the release called `name`.
    pub fn bake_of(&self, name: &str) -> SignedDuration {
        self.of(name, |service| service.bake).unwrap_or(self.bake)
    }

    /// The verdict's lines for the release called `name`.
    pub fn thresholds_of(&self, name: &str) -> &Thresholds {
        self.of(name, |service| service.thresholds.as_ref()).unwrap_or(&self.thresholds)
    }

    /// What the console may do by itself with the release called `name`.
    pub fn automatic_of(&self, name: &str) -> Automatic {
        let own = self.of(name, |service| service.rollback_after);
        Automatic { rollback_after: own.or(self.automatic.rollback_after), ..self.automatic }
    }

    /// The numbers of its own that the release called `name` is judged by, as a template.
    pub fn own_of(&self, name: &str) -> Option<&CustomMetrics> {
        self.of(name, |service| service.own.as_ref())
    }

    /// The rules that carry the production traffic of the release called `name`, as the configuration names them.
    pub fn rules_of(&self, name: &str) -> &[String] {
        self.of(name, |service| (!service.rules.is_empty()).then_some(service.rules.as_slice())).unwrap_or_default()
    }

    /// The alarms that fail the release called `name`, beside those that its deployments name.
    pub fn alarms_of(&self, name: &str) -> &[String] {
        self.of(name, |service| (!service.alarms.is_empty()).then_some(service.alarms.as_slice())).unwrap_or_default()
    }
}
