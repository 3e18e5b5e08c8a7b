//! What the requests of both sides show of the traffic.

use crate::domain::analysis::Verdict;
use crate::domain::release::share::Percent;

/// What there is to say about a canary that nobody is sent to.
pub(super) const UNTRIED: &str = "the canary has no traffic: stable alone is judged";

/// And about one whose share cannot be read.
pub(super) const UNKNOWN_SHARE: &str = "the canary's share is not known: stable alone is judged";

/// The canary's share of the requests that were counted.
pub(super) fn observed(verdict: &Verdict) -> Option<Percent> {
    let stable = verdict.baseline.map_or(0.0, |stable| stable.requests);
    Percent::of(verdict.judged.requests, verdict.judged.requests + stable)
}
