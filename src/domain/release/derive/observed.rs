//! The observed share of traffic, from the requests of both sides.

use crate::domain::analysis::Verdict;
use crate::domain::release::share::Percent;

/// The note for a canary without traffic.
pub(super) const UNTRIED: &str = "the canary has no traffic: stable alone is judged";

/// The note for a canary whose share cannot be read.
pub(super) const UNKNOWN_SHARE: &str = "the canary's share is not known: stable alone is judged";

/// The canary's share of the counted requests.
pub(super) fn observed(verdict: &Verdict) -> Option<Percent> {
    let stable = verdict.baseline.map_or(0.0, |stable| stable.requests);
    Percent::of(verdict.judged.requests, verdict.judged.requests + stable)
}
