//! Is the canary as good as the revision that it replaces? There are three verdicts, each with reasons in words and
//! numbers: FAIL, PASS, or not enough data yet. The third one names the missing data and the time until it is there.
//!
//! A verdict is about the canary's settled minutes since its share was set. They are compared with stable's *same*
//! minutes, so that an event that hits both sides does not count against the canary. Two tests compare errors
//! ([`error_rate_test`]) and latency ([`latency_test`]). The operator may set the thresholds for their results
//! ([`Thresholds`](super::settings::Thresholds)):
//!
//! - **FAIL** needs a difference that is significant *and* large. The canary is significantly above the threshold
//!   (critical), or it is significantly worse than stable and by more than a set ratio. On ten million requests the
//!   smallest difference is significant; on thirty requests a tenfold difference may be chance. Neither fails alone.
//! - **PASS** needs the bake, a minimum number of requests, and confidence that the canary is *not* worse by more than
//!   the allowance, in errors and in latency. A PASS is never the mere absence of a FAIL: a canary without traffic has
//!   no data, so it never passes.
//! - **NOT YET** is everything else.
//!
//! The operator watches the verdict live, so every minute is another chance to be wrong. [`alpha_spending`] keeps the
//! rate of false alarms over the whole time at the configured rate. Stable's own hour before the share was set is read
//! too, but only to notice that stable itself got worse (the canary may be why). Such a change is reported and
//! withholds a PASS. A canary never passes by comparison with that hour.
//!
//! Besides the numbers, the team's own [`alarms`] count: an alarm in ALARM fails the canary, an alarm that could not be
//! read withholds a PASS.
//!
//! There are two assumptions. The requests of both sides are alike: a canary for one customer only is not a sample. The
//! share of traffic is constant over the judged minutes: that is why they begin anew when the share changes.
//!
//! The error rates of these rules and their time to a verdict, measured by `cargo bench --bench judge` on simulated
//! releases:
//!
#![doc = include_str!("../../../tests/bench/judge.md")]

pub mod alarms;
pub mod alpha_spending;
mod case;
pub mod error_rate_test;
pub mod latency_test;
mod memo;
#[cfg(test)]
pub(crate) mod oracle;
pub mod preliminary;
pub mod reason;
pub(crate) mod rules;
pub(crate) mod sample_size;
pub(crate) mod samples;
mod share_since;
#[cfg(test)]
mod tests;
pub(crate) mod window;

use serde::{Deserialize, Serialize};

pub use self::case::Case;
pub use self::reason::{Reason, ReasonCode};
pub use self::rules::{fails, judge};
pub use self::samples::{Numbers, Observed};
pub use self::share_since::ShownShare;
pub use self::window::{Step, of_canary, of_service};

use super::metrics::Percentile;

/// The outcome of a verdict on the settled minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// Within the thresholds, on enough requests: the release may go on.
    Pass,
    /// Beyond a threshold, and not by chance: the release should be rolled back.
    Fail,
    /// Too little data, or no data, for a PASS or a FAIL.
    #[serde(rename = "not_yet")]
    Inconclusive,
}

/// The data that is missing for a PASS or a FAIL, at the present rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Number of further canary requests; `None`: no number is known to be enough.
    pub requests: Option<u64>,
    /// Number of further minutes; `None`: more than a day, or there is no traffic at all.
    pub minutes: Option<u32>,
}

/// The error rates of both sides, compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ErrorRate {
    /// Stable's error rate, percent.
    pub stable: f64,
    /// The canary's error rate, percent.
    pub canary: f64,
    /// Lower bound of the canary's rate minus stable's, percentage points, with 97.5 % confidence.
    pub difference_low: f64,
    /// Upper bound of the same difference, with the same confidence.
    pub difference_high: f64,
    /// Probability that chance alone gives the canary this many of the errors.
    pub p_value: f64,
}

/// The latencies of both sides, compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The percentile of each minute that is compared.
    pub percentile: Percentile,
    /// The median of stable's minutes, milliseconds.
    pub stable_median_ms: f64,
    /// The median of the canary's minutes, milliseconds.
    pub canary_median_ms: f64,
    /// Probability that chance alone makes the canary's minutes this much slower.
    pub p_value: f64,
    /// Probability that a canary minute is slower than a stable minute; 0.5 if both sides are alike.
    pub effect: f64,
}

/// An outcome with its reasons and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The status.
    pub outcome: VerdictStatus,
    /// True if the failure is so severe that waiting makes no sense.
    pub critical: bool,
    /// Reasons against the canary, missing data and warnings, one sentence each, the most important first.
    pub reasons: Vec<Reason>,
    /// Reasons for a PASS; empty without a PASS.
    pub grounds: Vec<Reason>,
    /// The missing data, if there is not enough for a verdict; `None` also if traffic is not the cause.
    pub needs: Option<Needs>,
    /// The numbers of the judged side.
    pub judged: Numbers,
    /// The numbers of the side that the judged side is compared with; `None` for a service without a canary.
    pub baseline: Option<Numbers>,
    /// The comparison of errors, if both sides have requests in the same minutes.
    pub error_rate: Option<ErrorRate>,
    /// The comparison of latencies, if both sides have minutes with enough requests.
    pub latency: Option<Latency>,
}

impl VerdictStatus {
    /// The word for the status on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "NOT YET",
        }
    }
}

impl Verdict {
    /// Withholds a PASS for a reason that no number can outweigh: some of the evidence could not be read. A FAIL stays
    /// a FAIL.
    #[must_use]
    pub fn downgrade_to_inconclusive(mut self, why: Reason) -> Self {
        match self.outcome {
            VerdictStatus::Fail => self.reasons.push(why),
            VerdictStatus::Pass | VerdictStatus::Inconclusive => {
                self.outcome = VerdictStatus::Inconclusive;
                self.grounds.clear();
                self.reasons.insert(0, why);
            }
        }
        self
    }
}
