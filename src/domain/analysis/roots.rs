//! The zero of a rising function.

/// The zero of a rising function between `low` and `high`, to about ten digits of the width. A function without a zero
/// there has its nearest end.
pub(super) fn rising(mut low: f64, mut high: f64, value: impl Fn(f64) -> f64) -> f64 {
    let (mut at_low, mut at_high) = (value(low), value(high));
    if at_low >= 0.0 {
        return low;
    }
    if at_high <= 0.0 {
        return high;
    }
    let enough = (high - low) * 1e-10;
    // The secant point (Illinois), and the middle where the secant converges slowly.
    let mut side = 0;
    for round in 0..200 {
        let width = high - low;
        if width <= enough {
            break;
        }
        let secant = high - at_high * width / (at_high - at_low);
        let usable = secant > low && secant < high && round % 3 < 2;
        let at = if usable { secant } else { low + width / 2.0 };
        let here = value(at);
        if here == 0.0 || at <= low || at >= high {
            return at;
        }
        if here < 0.0 {
            (low, at_low) = (at, here);
            at_high = if side == -1 { at_high / 2.0 } else { at_high };
            side = -1;
        } else {
            (high, at_high) = (at, here);
            at_low = if side == 1 { at_low / 2.0 } else { at_low };
            side = 1;
        }
    }
    low + (high - low) / 2.0
}
