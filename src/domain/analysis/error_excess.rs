//! The excess of the canary's error rate over stable's, in points: bounds that hold at any look.
//!
//! The hypothesis is an excess of at least a: the canary's rate is r ≥ s + a. In a minute with n requests of the canary
//! and m of stable, the stake is multiplied by
//! exp(n·u·a) · (1 − u)^(errors of the canary) · (1 + u·n/m)^(errors of stable).
//! For any u between 0 and 1 that is a fair bet, whatever stable's rate s is: its expected value is at most
//! exp(n·u·a − n·u·r + n·u·s) ≤ 1. The best u follows from the rates. They are estimated from the minutes before, so a
//! bet is made before its minute is seen.

use super::counts::{Count, Pair, total};
use super::roots;

/// Requests after which the canary's own rate outweighs stable's in the estimate for the next bet.
const PRIOR_REQUESTS: f64 = 1_000.0;

/// The rates for the next bet, 0 to 1.
#[derive(Debug, Clone, Copy)]
struct Rates {
    canary: f64,
    stable: f64,
}

impl Rates {
    fn of(canary: Count, stable: Count) -> Self {
        // Half an error in a hundred requests, until there are some.
        let stable = (stable.errors + 0.5) / (stable.requests + 100.0);
        let canary = (canary.errors + PRIOR_REQUESTS * stable) / (canary.requests + PRIOR_REQUESTS);
        Self { canary, stable }
    }

    /// The bet u with the fastest growth against an excess of `excess`; `share`: n/m. 0: no bet would grow.
    fn bet(self, excess: f64, share: f64) -> f64 {
        /// A bet of everything would be lost with the first error.
        const MOST: f64 = 0.98;
        // The growth excess·u + r·ln(1 − u) + (s/share)·ln(1 + share·u) is highest where its slope, a parabola over a
        // positive number, is 0.
        let slope = excess - self.canary + self.stable;
        let (a, b) = (excess * share, excess + self.canary * share + self.stable - excess * share);
        let bet = 2.0 * slope / (b + (b * b + 4.0 * a * slope).max(0.0).sqrt());
        if slope > 0.0 && bet.is_finite() { bet.clamp(0.0, 1.0) * MOST } else { 0.0 }
    }

    /// The expected growth of a minute with `canary` and `stable` requests, natural logarithm.
    fn growth(self, excess: f64, canary: f64, stable: f64) -> f64 {
        let share = canary / stable;
        let bet = self.bet(excess, share);
        canary * (bet * excess + self.canary * (-bet).ln_1p()) + stable * self.stable * (share * bet).ln_1p()
    }
}

/// The logarithm of the evidence that the canary's error rate exceeds stable's by less than `excess` (−1 to 1).
pub(super) fn less_than(excess: f64, minutes: &[Pair]) -> f64 {
    let (mut canary, mut stable) = (Count::default(), Count::default());
    let mut log = 0.0;
    for pair in minutes {
        if pair.share().is_some() {
            let share = pair.canary.requests / pair.stable.requests;
            let bet = Rates::of(canary, stable).bet(excess, share);
            log += pair.canary.requests * bet * excess
                + pair.canary.errors * (-bet).ln_1p()
                + pair.stable.errors * (share * bet).ln_1p();
        }
        (canary, stable) = (total([canary, pair.canary]), total([stable, pair.stable]));
    }
    log
}

/// The minutes until the evidence is as high as `needed` (natural logarithm), if each brings `canary` and `stable`
/// requests and both sides have the larger of their rates so far. `None`: never.
pub(super) fn minutes_until(needed: f64, excess: f64, minutes: &[Pair], (canary, stable): (f64, f64)) -> Option<f64> {
    let missing = needed - less_than(excess, minutes);
    if missing <= 0.0 {
        return Some(0.0);
    }
    let so_far = Rates::of(total(minutes.iter().map(|it| it.canary)), total(minutes.iter().map(|it| it.stable)));
    let growth = so_far.growth(excess, canary, stable);
    (growth > 0.0).then(|| missing / growth)
}

/// The bounds of the canary's error rate minus stable's (−1 to 1), over all looks. The true difference is ever beyond
/// each bound with probability `beyond` at most.
pub(super) fn interval(minutes: &[Pair], beyond: f64) -> (f64, f64) {
    let needed = -beyond.ln();
    let highest = |minutes: &[Pair]| roots::rising(-1.0, 1.0, |excess| less_than(excess, minutes) - needed);
    let swapped: Vec<_> = minutes.iter().map(|pair| pair.swapped()).collect();
    let (low, high) = (-highest(&swapped), highest(minutes));
    // No single difference explains a canary that changed by much. Both bounds are told then.
    (low.min(high), high.max(low))
}
