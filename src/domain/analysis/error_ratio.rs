//! Errors of the canary against stable's: a test at any look, and the interval of their ratio.
//!
//! In a minute with so many errors on both sides together, each is the canary's with a probability that follows from
//! the canary's part p of that minute's requests and from the ratio ρ of the two error rates: ρp / (1 − p + ρp). The
//! errors of a minute are a coin thrown with that probability. Stable's rate does not occur in it. So a rate that drifts
//! for both sides, and a share that changes, are no evidence: each minute is compared with itself. (Lindon and Malek,
//! *Anytime-valid inference for multinomial count data*, 2022, arXiv 2011.03567.)
//!
//! The bet holds for the ratio of the *rates*, and for binomial counts as well as for Poisson ones: a binomial count
//! varies less. With a = ρ₁(1 − p + ρ₀p) / ρ₀(1 − p + ρ₁p) for each of the canary's errors and
//! b = (1 − p + ρ₀p) / (1 − p + ρ₁p) for each of stable's, the expected gain of a minute is at most
//! exp(n·r·(a − 1) + m·s·(b − 1)), which is 1 where r = ρ₀s.

use super::counts::Pair;
use super::e_process::{Alternative, Evidence, evidence, fastest_growth, mixture};
use super::roots;

/// The logarithm of the likelihood of a minute's errors, up to a constant. It is 0 for equal rates.
fn likelihood(pair: &Pair, ratio: f64) -> f64 {
    let Some(share) = pair.share() else { return 0.0 };
    if ratio == 1.0 || pair.errors() <= 0.0 {
        return 0.0;
    }
    let canary = if pair.canary.errors > 0.0 { pair.canary.errors * ratio.ln() } else { 0.0 };
    canary - pair.errors() * (1.0 - share + ratio * share).ln()
}

/// The evidence that the canary's error rate is more than `ratio` times stable's. `starts`: the part of the stake that
/// begins with each minute. `needed`: the evidence that decides.
pub(super) fn worse_than(ratio: f64, minutes: &[Pair], starts: &[f64], needed: f64) -> Evidence {
    let null: Vec<_> = minutes.iter().map(|pair| likelihood(pair, ratio)).collect();
    let gain = |place: usize, it: &Alternative| {
        let pair = minutes.get(place).zip(null.get(place));
        pair.map_or(0.0, |(pair, null)| likelihood(pair, ratio * it.times) - null)
    };
    evidence(starts, needed, gain)
}

/// The growth of the best alternative's evidence in a minute with these expected counts, natural logarithm.
pub(super) fn growth(expected: Pair) -> f64 {
    fastest_growth(|it| likelihood(&expected, it.times) - likelihood(&expected, 1.0))
}

/// The logarithm of the evidence, from the first minute on, against the hypothesis of `ratio`, where the truth is
/// larger (`above`) or smaller.
pub(super) fn against(ratio: f64, above: bool, minutes: &[Pair]) -> f64 {
    let all = |ratio: f64| minutes.iter().map(|pair| likelihood(pair, ratio)).sum::<f64>();
    let null = all(ratio);
    mixture(|it| all(if above { ratio * it.times } else { ratio / it.times }) - null)
}

/// Returns true if the ratio is below `ratio`, with probability 1 − `beyond`.
pub(super) fn below(ratio: f64, minutes: &[Pair], beyond: f64) -> bool {
    against(ratio, false, minutes) >= -beyond.ln()
}

/// The bounds of the ratio of the canary's error rate to stable's, over all looks. The true ratio is ever beyond each
/// bound with probability `beyond` at most. The upper bound is infinite where nothing speaks against a large ratio.
pub(super) fn interval(minutes: &[Pair], beyond: f64) -> (f64, f64) {
    /// The natural logarithm of the largest ratio that is looked for.
    const FARTHEST: f64 = 14.0;
    let needed = -beyond.ln();
    let over = |log: f64| against(log.exp(), false, minutes) - needed;
    let under = |log: f64| needed - against(log.exp(), true, minutes);
    let low = if under(-FARTHEST) >= 0.0 { 0.0 } else { roots::rising(-FARTHEST, FARTHEST, under).exp() };
    let high = if over(FARTHEST) < 0.0 { f64::INFINITY } else { roots::rising(-FARTHEST, FARTHEST, over).exp() };
    // No single ratio explains a canary that changed by much. Both bounds are told then.
    (low.min(high), high.max(low))
}
