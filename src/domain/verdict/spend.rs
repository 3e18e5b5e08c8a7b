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
//! PASS is looked for repeatedly too: a canary that is worse by the whole allowance has a chance at each look from the
//! end of the bake on. Half of the share of false passes is for the first of these looks, the rest is spread as above.

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

/// What look number `look` may spend of the share of false passes: nothing before the planned looks are over.
pub fn passes(look: u32, planned: u32) -> f64 {
    let planned = f64::from(planned.max(1));
    let k = f64::from(look);
    if k < planned {
        0.0
    } else if k == planned {
        0.5
    } else {
        0.5 * planned / (k * (k - 1.0))
    }
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
            for part in [alarms, passes] {
                let spent = sum(part, 1_000_000);
                assert!(spent <= 1.0 + 1e-9, "{planned}: {spent}");
                assert!(spent > 0.99, "{planned}: {spent} leaves much unused");
            }
        }
        assert!((LINE + ERRORS + LATENCY - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_passes_before_its_bake() {
        assert_eq!(passes(9, 10), 0.0);
        assert!(passes(10, 10) > passes(11, 10) && passes(11, 10) > passes(12, 10));
    }
}
