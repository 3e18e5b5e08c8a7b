//! The steps that a canary climbs.

use serde::{Deserialize, Serialize};

use super::deployment::Strategy;
use super::share::Percent;

/// Shares in rising order, the last of them 100 %. `1 → 10 → 100` unless configured otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Ladder(Vec<Percent>);

/// Why a list of numbers is not a ladder.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LadderError {
    /// A release that never reaches everybody is not one.
    #[error("a ladder must end at 100, for example [1, 10, 100]")]
    DoesNotReachFull,
    /// Steps must rise, from above 0.
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
            // A step that weights cannot express would fail at the moment it is needed.
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

    /// The shares that a strategy of ECS's own goes through.
    pub fn of(strategy: &Strategy) -> Self {
        let steps: Vec<f64> = match strategy {
            Strategy::Canary { percent, .. } => vec![*percent],
            Strategy::Linear { percent, .. } if *percent >= 1.0 => {
                (1..100).map(|step| f64::from(step) * percent).collect()
            }
            _ => Vec::new(),
        };
        let below_full = steps.into_iter().filter(|step| *step > 0.0 && *step < 99.95);
        Self(below_full.filter_map(|step| Percent::new(step).ok()).chain([Percent::FULL]).collect())
    }

    /// The steps, rising.
    pub fn steps(&self) -> &[Percent] {
        &self.0
    }

    /// The first step above `share`; `None` at the top.
    pub fn next_after(&self, share: Percent) -> Option<Percent> {
        self.0.iter().copied().find(|step| step.value() > share.value() + 1e-9)
    }

    /// The first rung.
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
    fn the_next_rung_is_the_first_above() {
        for (at, next) in [(0.0, Some(1.0)), (1.0, Some(10.0)), (5.0, Some(10.0)), (10.0, Some(100.0)), (100.0, None)] {
            let found = Ladder::default().next_after(Percent::new(at).unwrap());
            assert_eq!(found.map(Percent::value), next);
        }
    }
}
