//! Is the canary as good as what it replaces? Three answers, each with its reasons in words and numbers: it fails, it
//! passes, or there is not enough to tell yet, and then what is missing and how long that takes.
//!
//! What is judged are the canary's settled minutes since its share was set, against stable's *same* minutes, so that
//! what befalls both is not the canary's fault. Two questions are asked of them, errors ([`error_rate_test`]) and latency
//! ([`latency_test`]), and the answers are held against the lines that the operator may set
//! ([`Thresholds`](super::settings::Thresholds)):
//!
//! - **FAIL** needs more than chance *and* more than a trifle: with confidence above the line (critical), or with
//!   confidence worse than stable and so many times worse. On ten million requests the least difference is beyond
//!   chance, on thirty requests a tenfold one may be chance; neither fails alone.
//! - **PASS** needs the bake, a least number of requests, and confidence that the canary is *not* worse by more than the
//!   allowance, in errors and in latency. It is never the absence of a FAIL: a canary without traffic has nothing to
//!   show, so it never passes.
//! - **NOT YET** is all else.
//!
//! The operator watches this live, so that every minute is another chance to be wrong; [`alpha_spending`] keeps the share of
//! false alarms over the whole time what is configured. Stable's own hour before the share was set is looked at too,
//! but only to notice that stable itself got worse (the canary may be why): that is said, and withholds a PASS. It is
//! never what a canary passes against.
//!
//! Beside the numbers, [`alarms`] that a team has drawn itself have their say: one in ALARM fails, one that could not be
//! read withholds a PASS.
//!
//! What is taken for granted: that the two sides' requests are alike (a canary for one customer only is not a sample),
//! and that the share of traffic is the same throughout the minutes that are judged, which is why they begin anew when
//! it changes.
//!
//! How often that is wrong and how soon it is right, as `cargo bench --bench judge` finds on releases that it makes up:
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
pub(crate) mod rules;
pub(crate) mod sample_size;
pub(crate) mod samples;
mod share_since;
#[cfg(test)]
mod tests;
pub(crate) mod window;

use serde::{Deserialize, Serialize};

pub use self::case::Case;
pub use self::rules::{fails, judge};
pub use self::samples::{Numbers, Observed};
pub use self::share_since::ShownShare;
pub use self::window::{Step, of_canary, of_service};

use super::metrics::Percentile;

/// What the settled minutes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// Within the lines, on enough requests: it may go on.
    Pass,
    /// Outside a line, and not by chance: it should go back.
    Fail,
    /// Too little data, or none, to say either.
    #[serde(rename = "not_yet")]
    Inconclusive,
}

/// What is missing before there can be an answer, at the present rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// So many more of the canary's requests; `None`: no number of them is known to be enough.
    pub requests: Option<u64>,
    /// So many more minutes; `None`: not within a day, or there is no traffic at all.
    pub minutes: Option<u32>,
}

/// The error rates of both sides beside one another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ErrorRate {
    /// Stable's, percent.
    pub stable: f64,
    /// The canary's, percent.
    pub canary: f64,
    /// The canary's less stable's, percentage points: with 97.5 % confidence it is not below this.
    pub difference_low: f64,
    /// And not above this.
    pub difference_high: f64,
    /// How likely so many of the errors would be the canary's by chance.
    pub p_value: f64,
}

/// The latencies of both sides beside one another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Which of the minutes' percentiles.
    pub percentile: Percentile,
    /// The median of stable's minutes.
    pub stable_median_ms: f64,
    /// The median of the canary's minutes.
    pub canary_median_ms: f64,
    /// How likely the canary's minutes would be so much slower by chance.
    pub p_value: f64,
    /// The chance that a minute of the canary is slower than one of stable: 0.5 where they are alike.
    pub effect: f64,
}

/// An outcome with its reasons and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In one word.
    pub outcome: VerdictStatus,
    /// Whether it fails so badly that waiting makes no sense.
    pub critical: bool,
    /// What speaks against it, what is missing and what is worth a warning, one sentence each, the weightiest first.
    pub reasons: Vec<String>,
    /// What speaks for it, where it passes.
    pub grounds: Vec<String>,
    /// What is missing, where there is not enough to tell; `None` also where it is not traffic that is missing.
    pub needs: Option<Needs>,
    /// The side that is judged.
    pub judged: Numbers,
    /// What it is held against; `None` for a service without a canary.
    pub baseline: Option<Numbers>,
    /// Errors compared, where both sides have requests in the same minutes.
    pub error_rate: Option<ErrorRate>,
    /// Latencies compared, where both sides have minutes with enough requests.
    pub latency: Option<Latency>,
}

impl VerdictStatus {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "NOT YET",
        }
    }
}

impl Verdict {
    /// No PASS, for a reason that no number can outweigh: what it was to be judged by is not known. A FAIL stays one.
    #[must_use]
    pub fn downgrade_to_inconclusive(mut self, why: String) -> Self {
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
