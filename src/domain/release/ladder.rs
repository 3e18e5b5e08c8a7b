//! The ladder: the steps of a canary's share.

use serde::{Deserialize, Serialize};

use super::share::Percent;
use crate::domain::ecs::deployment::Strategy;

/// Shares in rising order, the last of them 100 %. `1 → 10 → 100` unless configured otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Ladder(Vec<Percent>);

/// The reason why a list of numbers is not a ladder.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LadderError {
    /// The last step is below 100 %: the release would never reach all users.
    #[error("a ladder must end at 100, for example [1, 10, 100]")]
    DoesNotReachFull,
    /// Steps must rise, starting above 0.
    #[error("the steps of a ladder must rise from above 0: {0} does not")]
    NotRising(f64),
    /// Not a percentage.
    #[error(transparent)]
    Share(#[from] super::share::ShareError),
}

impl Ladder {
    /// A ladder from its steps in percent.
    pub fn new(steps: &[f64]) -> Result<Self, LadderError> {
        let mut below = 0.0;
        let mut ladder = Vec::with_capacity(steps.len());
        for &step in steps {
            let percent = Percent::new(step)?;
            // A step that weights cannot express would fail in the middle of a release.
            super::share::Weights::for_canary(percent)?;
            if step <= below {
                return Err(LadderError::NotRising(step));
            }
            below = step;
            ladder.push(percent);
        }
        match ladder.last() {
            Some(last) if last.is_full() => Ok(Self(ladder)),
            _ => Err(LadderError::DoesNotReachFull),
        }
    }

    /// The shares that ECS gives a new revision under a strategy: the canary share and 100 %, the equal steps of a
    /// linear strategy, otherwise 100 % at once.
    pub fn of(strategy: &Strategy) -> Self {
        let tenths = |value: f64| (value * 10.0).round() / 10.0;
        let below: Vec<f64> = match strategy {
            Strategy::Canary { percent, .. } => vec![tenths(*percent)],
            // A step below a tenth of a percent would never reach 100 %; ECS's minimum is 3 %.
            Strategy::Linear { percent, .. } if *percent >= 0.1 => {
                (1..).map(|step| tenths(f64::from(step) * percent)).take_while(|share| *share < 100.0).collect()
            }
            _ => Vec::new(),
        };
        let within = below.into_iter().filter(|share| *share > 0.0 && *share < 100.0);
        let mut steps: Vec<_> = within.filter_map(|share| Percent::new(share).ok()).collect();
        steps.push(Percent::FULL);
        Self(steps)
    }

    /// The steps, rising.
    pub fn steps(&self) -> &[Percent] {
        &self.0
    }

    /// The first step above `share`; `None`: `share` is the last step.
    pub fn next_after(&self, share: Percent) -> Option<Percent> {
        self.0.iter().copied().find(|step| step.value() > share.value() + 1e-9)
    }

    /// The first step.
    pub fn first(&self) -> Percent {
        self.0.first().copied().unwrap_or(Percent::FULL)
    }
}

impl Default for Ladder {
    fn default() -> Self {
        let percent = |value| Percent::new(value).unwrap_or(Percent::FULL);
        Self(vec![percent(1.0), percent(10.0), Percent::FULL])
    }
}

impl TryFrom<Vec<f64>> for Ladder {
    type Error = LadderError;
    fn try_from(steps: Vec<f64>) -> Result<Self, LadderError> {
        Self::new(&steps)
    }
}

impl From<Ladder> for Vec<f64> {
    fn from(ladder: Ladder) -> Vec<f64> {
        ladder.0.into_iter().map(f64::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_rises_to_100() {
        let good: [&[f64]; 3] = [&[1.0, 10.0, 100.0], &[100.0], &[0.5, 100.0]];
        let bad: [&[f64]; 8] = [
            &[],
            &[1.0, 10.0],
            &[10.0, 1.0, 100.0],
            &[0.0, 100.0],
            &[1.0, 1.0, 100.0],
            &[33.333, 100.0],
            &[1.0, 101.0],
            &[f64::NAN, 100.0],
        ];
        for steps in good {
            assert!(Ladder::new(steps).is_ok(), "{steps:?}");
        }
        for steps in bad {
            assert!(Ladder::new(steps).is_err(), "{steps:?}");
        }
    }

    #[test]
    fn a_strategy_has_its_own_rungs() {
        let canary = |percent| Strategy::Canary { percent, bake_minutes: 5 };
        let linear = |percent| Strategy::Linear { percent, bake_minutes: 5 };
        for (strategy, steps) in [
            (canary(10.0), vec![10.0, 100.0]),
            (canary(0.1), vec![0.1, 100.0]),
            (canary(100.0), vec![100.0]),
            (linear(20.0), vec![20.0, 40.0, 60.0, 80.0, 100.0]),
            (linear(30.0), vec![30.0, 60.0, 90.0, 100.0]),
            (linear(33.3), vec![33.3, 66.6, 99.9, 100.0]),
            (linear(0.0), vec![100.0]),
            (linear(f64::NAN), vec![100.0]),
            (Strategy::BlueGreen, vec![100.0]),
            (Strategy::Other { name: "NEW".into() }, vec![100.0]),
        ] {
            assert_eq!(Vec::<f64>::from(Ladder::of(&strategy)), steps, "{strategy:?}");
        }
    }

    #[test]
    fn the_next_rung_is_the_first_above() {
        for (at, next) in [(0.0, Some(1.0)), (1.0, Some(10.0)), (5.0, Some(10.0)), (10.0, Some(100.0)), (100.0, None)] {
            let found = Ladder::default().next_after(Percent::new(at).unwrap());
            assert_eq!(found.map(Percent::value), next);
        }
    }
}
