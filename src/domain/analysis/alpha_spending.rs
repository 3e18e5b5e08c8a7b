//! The tolerated probability of a wrong verdict, and its division among the tests and among the looks.
//!
//! Three tests can fail a canary. Each has a part of the tolerated false alarms: half for "more errors than stable", a
//! tenth for "more errors than the threshold", two fifths for latency (of which a ceiling, if set, gets half). The
//! further condition that a canary may be worse by a factor needs no part; it only makes a false alarm rarer.
//!
//! The operator sees a live verdict: each settled minute is another look, and each look another chance for noise to
//! pass for a fault. Errors are weighed by evidence that holds at any look (`e_process`), so their part is spent once. The order of the minutes' latencies has no such test, so latency's part is divided among the
//! looks: look k may use α(k) of it, and the sum of all α(k), over any number of looks, is at most the whole. Then the
//! probability that any look is a false alarm is at most that, however the looks depend on one another (Bonferroni).
//! Four fifths are spent evenly over the looks of the planned bake, when a release is decided. The last fifth is for
//! operators who keep watching: K/(k(k−1)) of it at look k > K, whose sum over all k is 1.
//!
//! A PASS in latency is tested repeatedly too: a canary that is slower by the whole ratio would slip through at some
//! look. But a PASS is not urgent, and few minutes call for few looks: latency is decided at the end of the bake, and
//! again each time that the number of minutes has grown by half, on the minutes up to then. The first twelve of these
//! looks (14 hours for a bake of ten minutes) divide nearly all of the share of false passes evenly.

/// Part of the false alarms for errors above the threshold. The three parts add up to 1.
pub const LINE: f64 = 0.1;
/// Part for more errors than stable.
pub const ERRORS: f64 = 0.5;
/// Part for latency above stable's or above the ceiling.
pub const LATENCY: f64 = 0.4;

/// Part of the false passes for errors. The rest is a margin for counts that a source rounds.
pub const PASS_ERRORS: f64 = 0.8;

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
