//! Is the canary as good as the revision that it replaces? There are three verdicts, each with reasons in words and
//! numbers: FAIL, PASS, or not enough data yet. The third one names the missing data and the time until it is there.
//!
//! A verdict is about the canary's settled minutes since its share was set; evidence of more errors is about all of its
//! minutes, whatever its share was. They are compared with stable's *same* minutes, so that an event that hits both
//! sides does not count against the canary. The operator may set the thresholds
//! ([`Thresholds`](super::settings::Thresholds)):
//!
//! - **FAIL** needs a difference that is certain *and* may be large: certainly above the threshold, or certainly worse
//!   than stable while the failure ratio is not ruled out. On ten million requests the smallest difference is certain;
//!   on thirty requests a tenfold difference may be chance. Neither fails alone. No point estimate decides: a canary
//!   that is worse by exactly the ratio would be a coin toss.
//! - **PASS** needs the bake, a minimum number of requests, and confidence that the canary is *not* worse by more than
//!   the allowance, in errors and in latency. A PASS is never the mere absence of a FAIL: a canary without traffic has
//!   no data, so it never passes.
//! - **NOT YET** is everything else.
//!
//! The operator watches the verdict live, so every minute is another chance to be wrong. Errors are weighed by evidence
//! that holds at any look (`e_process`, `error_ratio`, `error_line`, `error_excess`), and latency by an order test
//! whose share of false alarms is divided among the looks (`latency_test`, [`alpha_spending`]); where both sides have
//! histograms, slow requests are weighed as errors are (`slow_requests`). Stable's own hour before
//! the release is read too, but only to notice that stable itself got worse (the canary may be why). Such a change is
//! reported and withholds a PASS. A canary never passes by comparison with that hour.
//!
//! Besides the numbers, the team's own [`alarms`] count: an alarm in ALARM fails the canary, an alarm that could not be
//! read withholds a PASS.
//!
//! There are two assumptions. The requests of both sides are alike: a canary for one customer only is not a sample.
//! Errors of one minute do not cause one another beyond what both sides share. For latency and for the bake the share is
//! constant: that is why they begin anew when the share changes.
//!
//! The error rates of these rules and their time to a verdict, measured by `cargo bench --bench judge` on simulated
//! releases:
//!
#![doc = include_str!("../../../tests/bench/judge.md")]

pub mod alarms;
pub mod alpha_spending;
mod case;
pub mod counts;
mod e_process;
mod error_excess;
mod error_line;
mod error_ratio;
#[cfg(test)]
mod evidence_tests;
mod findings_text;
pub mod latency_test;
mod memo;
#[cfg(test)]
pub(crate) mod oracle;
pub mod preliminary;
mod ratio_over_time;
pub mod reason;
mod roots;
pub(crate) mod rules;
pub(crate) mod sample_size;
pub(crate) mod samples;
mod share_since;
mod slow_requests;
#[cfg(test)]
mod tests;
pub(crate) mod window;

use serde::{Deserialize, Serialize};

pub use self::case::{Case, Histograms};
pub use self::ratio_over_time::{RatioAt, ratio_over_time};
pub use self::reason::{Reason, ReasonCode};
pub use self::rules::{judge, status};
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
    /// Lower bound of the canary's rate minus stable's, percentage points. Each bound here holds over all looks, with
    /// the confidence that [`Thresholds::false_passes`](super::settings::Thresholds::false_passes) leaves (95 % by
    /// default).
    pub difference_low: f64,
    /// Upper bound of the same difference.
    pub difference_high: f64,
    /// Probability that chance alone ever gives as much evidence as there has been.
    pub p_value: f64,
    /// Lower bound of the canary's rate over stable's.
    pub ratio_low: f64,
    /// Upper bound of the same ratio; `None`: no ratio is ruled out.
    pub ratio_high: Option<f64>,
    /// The evidence that the canary's rate is above stable's: 40 means odds of 40 : 1 against chance. Below 1, the
    /// minutes speak for the canary.
    pub evidence: f64,
    /// The evidence that makes a FAIL.
    pub evidence_needed: f64,
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
    /// The comparison of all requests, where both sides have histograms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_requests: Option<SlowShare>,
}

/// The requests of both sides that take longer than an edge of their histograms: the edge with the most evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SlowShare {
    /// The edge, milliseconds.
    pub edge_ms: f64,
    /// Stable's requests that take longer, percent.
    pub stable: f64,
    /// The canary's requests that take longer, percent.
    pub canary: f64,
    /// The evidence that more of the canary's requests take longer. Below 1, the minutes speak for the canary.
    pub evidence: f64,
    /// The evidence that makes a FAIL.
    pub evidence_needed: f64,
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
