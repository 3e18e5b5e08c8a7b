//! The tasks that a side of a pair needs.

use super::Side;
use super::share::Percent;

/// The canary's share, percent, from which the size of the canary indicates stable's need of tasks. Below this share
/// stable already carries nearly all traffic.
const TELLING_SHARE: f64 = 20.0;

/// Number of tasks that stable needs for all traffic: its desired count, or more if stable was scaled in while the
/// canary carried its share. Never more than both sides have.
pub(crate) fn needed_for_all(stable: &Side, canary: &Side, share: Option<Percent>) -> u32 {
    let least = if stable.desired == 0 { canary.desired.max(1) } else { stable.desired };
    let Some(share) = share.filter(|share| share.value() >= TELLING_SHARE) else { return least };
    // The fewest tasks whose share, rounded up, is the canary's number of tasks.
    let carried = (f64::from(canary.desired.saturating_sub(1)) * 100.0 / share.value()).floor() + 1.0;
    // Finite and positive; at most what both sides have.
    let carried = (carried as u32).min(stable.desired.saturating_add(canary.desired));
    least.max(carried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{Pair, open};

    #[test]
    fn stable_needs_what_carried_the_traffic() {
        let release = open((120, 40), Pair::at(10, 1_200)).release("checkout").unwrap().clone();
        let (stable, canary) = (release.stable.clone(), release.canary.clone().unwrap());
        let needed = |stable_tasks, canary_tasks, share: f64| {
            let stable = Side { desired: stable_tasks, ..stable.clone() };
            let canary = Side { desired: canary_tasks, ..canary.clone() };
            needed_for_all(&stable, &canary, Percent::new(share).ok())
        };
        let table = [
            // The canary is sized by tidegate.
            (18, 2, 10.0, 18),
            (18, 9, 50.0, 18),
            (18, 18, 100.0, 18),
            // Stable was scaled in meanwhile.
            (2, 18, 100.0, 18),
            (9, 9, 50.0, 17),
            (0, 6, 100.0, 6),
            // A canary larger than its share is not evidence while stable carries the rest.
            (18, 3, 1.0, 18),
            (2, 10, 50.0, 12),
            (1, 0, 100.0, 1),
        ];
        for (stable, canary, share, expected) in table {
            assert_eq!(needed(stable, canary, share), expected, "{stable} {canary} {share}");
        }
    }
}
