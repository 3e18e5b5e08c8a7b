//! The operator's settings for releases.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::metrics::source::CustomMetrics;
use super::release::ladder::Ladder;

/// Settings that the planner and the verdict apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// True if tidegate must not write.
    pub read_only: bool,
    /// True if forward keys require the service's name.
    pub protected: bool,
    /// The condition under which `R` asks for confirmation.
    pub rollback_confirm: RollbackConfirm,
    /// The steps of a service without its own ladder.
    pub ladder: Ladder,
    /// Recommended bake time between two steps.
    pub bake: SignedDuration,
    /// Watch time of a finished release, before the canary is taken down.
    pub finish_watch: SignedDuration,
    /// Propagation time of a load balancer after a write, in seconds on AWS's clock. No tasks are removed before.
    pub propagation: SignedDuration,
    /// Time after the end of a release within which a rollback needs no revision named.
    pub rollback_within: SignedDuration,
    /// Longest wait of a plan for tasks to start or a rollout to complete.
    pub patience: SignedDuration,
    /// The thresholds of the verdict.
    pub thresholds: Thresholds,
    /// The limits of automatic promotion, once an operator has switched it on.
    pub automatic: Automatic,
    /// Settings by service name or stem.
    pub services: BTreeMap<String, ServiceSettings>,
}

/// The condition under which `R` asks for confirmation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RollbackConfirm {
    /// Only when no release is in flight.
    #[default]
    Idle,
    /// Every time.
    Always,
    /// Never.
    Never,
}

/// The thresholds of the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Errors over requests, percent. A canary significantly above this value fails critically.
    pub error_percent: f64,
    /// Ratio of the canary's error rate to stable's. A canary that is worse than stable for certain fails unless this
    /// ratio is ruled out.
    pub error_ratio: f64,
    /// The same ratio, for a critical failure.
    pub error_ratio_critical: f64,
    /// p95, milliseconds. A canary significantly above this value fails. `None`: the canary is compared with stable
    /// only.
    pub p95_ms: Option<f64>,
    /// Ratio of the canary's p95 to stable's. A canary that is slower than stable for certain fails unless this ratio is
    /// ruled out.
    pub p95_ratio: f64,
    /// Errors over requests, percent, for a warning.
    pub warn_error_percent: f64,
    /// p95, milliseconds, for a warning.
    pub warn_p95_ms: f64,
    /// Tolerated excess of the canary's error rate over stable's for a pass, in percentage points.
    pub allowance: f64,
    /// Minimum number of requests; below it there is no verdict.
    pub min_requests: u32,
    /// Tolerated false failures of faultless releases, percent, over the whole watch time.
    pub false_alarms: f64,
    /// Tolerated false passes of canaries that are worse by the whole allowance, percent.
    pub false_passes: f64,
    /// Analysis window of a service without a canary.
    pub window: SignedDuration,
}

/// The limits of automatic promotion while it is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Automatic {
    /// Countdown before each automatic act, in wall-clock time. A key stops the act meanwhile.
    pub countdown: SignedDuration,
    /// Duration of a FAIL before the console rolls back by itself; `None`: never by itself.
    pub rollback_after: Option<SignedDuration>,
}

impl Default for Automatic {
    fn default() -> Self {
        Self { countdown: SignedDuration::from_secs(30), rollback_after: None }
    }
}

/// The settings of one service or pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceSettings {
    /// The service's own steps.
    pub ladder: Option<Ladder>,
    /// The service's own bake time.
    pub bake: Option<SignedDuration>,
    /// The stable service of the pair, by name.
    pub stable: Option<String>,
    /// The canary service of the pair, by name.
    pub canary: Option<String>,
    /// The rules that carry production traffic, or after a `!` the rules that do not: ARNs, their last parts, or
    /// `:PORT`.
    pub rules: Vec<String>,
    /// True if the console writes the rule's weights while a BLUE_GREEN deployment of the service waits at a pause.
    pub native_weighted: bool,
    /// The service's own thresholds, a complete set.
    pub thresholds: Option<Thresholds>,
    /// Names of alarms that fail the canary, beside the alarms that the deployments name.
    pub alarms: Vec<String>,
    /// The service's custom metrics, as a template for each revision, instead of the metrics of the target groups.
    pub own: Option<CustomMetrics>,
    /// Duration of a FAIL before the console rolls the service back by itself.
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
    /// One setting of the release called `name`.
    fn of<'a, T>(&'a self, name: &str, member: impl Fn(&'a ServiceSettings) -> Option<T>) -> Option<T> {
        // A release's name may include the cluster; a service's settings have no cluster.
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

    /// The thresholds of the release called `name`.
    pub fn thresholds_of(&self, name: &str) -> &Thresholds {
        self.of(name, |service| service.thresholds.as_ref()).unwrap_or(&self.thresholds)
    }

    /// The limits of automatic promotion of the release called `name`.
    pub fn automatic_of(&self, name: &str) -> Automatic {
        let own = self.of(name, |service| service.rollback_after);
        Automatic { rollback_after: own.or(self.automatic.rollback_after), ..self.automatic }
    }

    /// The custom metrics of the release called `name`, as a template.
    pub fn own_of(&self, name: &str) -> Option<&CustomMetrics> {
        self.of(name, |service| service.own.as_ref())
    }

    /// The configured production rules of the release called `name`.
    pub fn rules_of(&self, name: &str) -> &[String] {
        self.of(name, |service| (!service.rules.is_empty()).then_some(service.rules.as_slice())).unwrap_or_default()
    }

    /// The alarms that fail the release called `name`, beside the alarms that its deployments name.
    pub fn alarms_of(&self, name: &str) -> &[String] {
        self.of(name, |service| (!service.alarms.is_empty()).then_some(service.alarms.as_slice())).unwrap_or_default()
    }
}
