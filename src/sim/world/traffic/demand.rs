//! The change of demand over the day.

use crate::sim::world::clock::Ms;

/// The factor on a rule's average requests: a daily wave and slow wobbles around 1.
pub(super) fn demand_factor(now: Ms) -> f64 {
    let minutes = now as f64 / 60_000.0;
    1.0 + 0.10 * (minutes / 1440.0 * std::f64::consts::TAU).sin()
        + 0.04 * (minutes / 17.0).sin()
        + 0.02 * (minutes / 3.1).sin()
}
