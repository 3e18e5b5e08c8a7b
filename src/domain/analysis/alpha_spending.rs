//! The tolerated probability of a wrong verdict, and its division among the looks.
//!
//! The operator sees a live verdict: each settled minute is another look, and each look another chance for noise to
//! pass for a fault. Tested against 1 % at each of ten looks, a faultless canary would fail in several releases out of
//! a hundred, not in one. So a share of false alarms is *spent*: look k may use α(k) of it, and the sum of all α(k),
//! over any number of looks, is at most the configured share α. Then the probability that any look is a false alarm is
//! at most α, however the looks depend on one another (Bonferroni's inequality assumes nothing about that). Overlapping
//! minutes, waves of load, and the moment when the operator stops watching do not matter.
//!
//! Four fifths are spent evenly over the looks of the planned bake, when a release is decided. The last fifth is for
//! operators who keep watching: K/(k(k−1)) of it at look k > K, whose sum over all k is 1. Cleverer boundaries (O'Brien
//! and Fleming, mixture sequential tests) save some requests where errors are many, but all need increments that are
//! independent and nearly normal, and at three expected errors the increments are not.
//!
//! Each look's share is split between the tests that can fail a canary: two fifths for "more errors than stable", one
//! for "more errors than the threshold", two for latency (of which a ceiling, if set, gets half). The further condition
//! that a canary must be worse by a factor needs no share; it only makes a false alarm rarer.
//!
//! PASS is tested repeatedly too: a canary that is worse by the whole allowance would slip through at some look. But a
//! PASS is not urgent, and few requests call for few looks: a PASS is decided at the end of the bake, and again each
//! time that the number of minutes has grown by half, on the minutes up to then. The first twelve of these looks (14
//! hours for a bake of ten minutes) divide nearly all of the share of false passes evenly.

/// Part of a look's share for errors above the threshold. The three parts add up to 1.
pub const LINE: f64 = 0.2;
/// Part for more errors than stable.
pub const ERRORS: f64 = 0.4;
/// Part for latency above stable's or above the ceiling.
pub const LATENCY: f64 = 0.4;

/// Fraction of the share for the planned looks.
const PLANNED: f64 = 0.8;

/// The fraction of the share of false alarms that look number `look` (from 1) of `planned` may spend.
pub fn alarms(look: u32, planned: u32) -> f64 {
    let planned = f64::from(planned.max(1));
    let k = f64::from(look.max(1));
    if k <= planned { PLANNED / planned } else { (1.0 - PLANNED) * planned / (k * (k - 1.0)) }
}

/// Number of the pass looks that divide most of the share of false passes, and the fraction for each.
const PASS_LOOKS: u32 = 12;
const PASS_EACH: f64 = 0.08;

/// A look that decides on a PASS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassLook {
    /// Number of minutes in the decision, from the first minute on.
    pub minutes: u32,
    /// Fraction of the share of false passes that the look may spend.
    pub share: f64,
}

/// All looks that decide on a PASS, in order.
pub fn pass_looks(planned: u32) -> impl Iterator<Item = PassLook> {
    let mut minutes = f64::from(planned.max(1));
    (1u32..).map(move |number| {
        let this = minutes;
        minutes = (minutes * 1.5).ceil().min(f64::from(u32::MAX));
        let late = f64::from(number.saturating_sub(PASS_LOOKS));
        let left = 1.0 - f64::from(PASS_LOOKS) * PASS_EACH;
        let share = if late < 1.0 { PASS_EACH } else { left / (late * (late + 1.0)) };
        PassLook { minutes: this as u32, share }
    })
}

/// The newest look that decides on a PASS; `None`: the bake is not over.
pub fn passes(look: u32, planned: u32) -> Option<PassLook> {
    // A hundred looks are enough: the last one is older than the universe.
    pass_looks(planned).take(100).take_while(|pass| pass.minutes <= look).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_spent_than_there_is_however_long_one_looks() {
        for planned in [1, 2, 10, 45, 1440] {
            let sum = |part: fn(u32, u32) -> f64, looks: u32| (1..=looks).map(|look| part(look, planned)).sum::<f64>();
            let half_way = sum(alarms, planned);
            assert!((half_way - PLANNED).abs() < 1e-9, "{planned}: {half_way}");
            let spent = sum(alarms, 1_000_000);
            assert!(spent <= 1.0 + 1e-9 && spent > 0.99, "{planned}: {spent}");
            let spent: f64 = pass_looks(planned).take(1_000).map(|pass| pass.share).sum();
            assert!(spent <= 1.0 + 1e-9 && spent > 0.99, "{planned}: {spent}");
        }
        assert!((LINE + ERRORS + LATENCY - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_pass_is_decided_when_the_bake_is_over_and_each_time_that_half_as_much_has_come() {
        let decided: Vec<_> =
            [0, 9, 10, 14, 15, 22, 23, 100].map(|look| passes(look, 10).map(|pass| pass.minutes)).into();
        assert_eq!(decided, [None, None, Some(10), Some(10), Some(15), Some(15), Some(23), Some(80)]);
        assert_eq!(passes(u32::MAX, 1).map(|pass| pass.share > 0.0), Some(true));
    }
}
