//! How often the judge may be wrong, and how that is shared out over the looks.
//!
//! The operator sees a live verdict: each minute that settles is another look, and each look another chance for noise to
//! pass for a fault. Held against 1 % at each of ten looks, a canary without a fault would be condemned in several
//! releases of a hundred, not in one. So a share of false alarms is *spent*: look k may use α(k) of it, and all α(k)
//! together, for ever, are no more than the share α that is configured. Then the chance that any look is a false alarm
//! is at most α whatever the looks have to do with one another (Bonferroni's inequality asks nothing of them), so it does
//! not matter that each sees the minutes of the one before, that load comes in waves, or when the operator stops looking.
//!
//! Four fifths are spent evenly over the looks of the planned bake, for that is when a release is decided; the last
//! fifth is left for whoever goes on watching: K/(k(k−1)) of it at look k > K, whose sum over all k is 1. Cleverer
//! boundaries (O'Brien and Fleming, mixture sequential tests) save some requests where errors are many, but all want
//! increments that are independent and near normal, and at three expected errors they are not.
//!
//! Each look's part is split between the questions that can fail a canary: two fifths for "more errors than stable", one
//! for "more errors than the line", two for latency (where a ceiling is set too, half of it is the ceiling's). That a
//! canary must also be so many times worse asks no more of the share, it only makes a false alarm rarer.
//!
//! PASS is looked for repeatedly too: a canary that is worse by the whole allowance would slip through at some look or
//! other. But it is in no expedite, and few requests want few looks: a PASS is decided when the bake is over, and again each
//! time that the minutes have grown by half, on the minutes up to then. The first twelve of these looks (14 hours of a
//! bake of ten minutes) share nearly all of the share of false passes evenly.

/// The parts of one look's share, by question. They sum up to 1.
pub const LINE: f64 = 0.2;
/// More errors than stable.
pub const ERRORS: f64 = 0.4;
/// Slower than stable, or than the ceiling.
pub const LATENCY: f64 = 0.4;

/// How much of the share is for the planned looks.
const PLANNED: f64 = 0.8;

/// What look number `look` (from 1) of `planned` may spend of the share of false alarms.
pub fn alarms(look: u32, planned: u32) -> f64 {
    let planned = f64::from(planned.max(1));
    let k = f64::from(look.max(1));
    if k <= planned { PLANNED / planned } else { (1.0 - PLANNED) * planned / (k * (k - 1.0)) }
}

/// How many of the looks for a PASS share most of it, and how much each gets.
const PASS_LOOKS: u32 = 12;
const PASS_EACH: f64 = 0.08;

/// A look that decides on a PASS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassLook {
    /// The minutes that it decides on, from the first on.
    pub minutes: u32,
    /// What it may spend of the share of false passes.
    pub share: f64,
}

/// Every look that decides on a PASS, the first first.
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

/// The newest look that decides on a PASS; `None` before the bake is over.
pub fn passes(look: u32, planned: u32) -> Option<PassLook> {
    // No more than a hundred: by then the minutes are older than the universe.
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
