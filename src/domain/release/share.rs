//! The division of traffic: percentages for people, weights for the load balancer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A share of traffic in percent, finite and within 0–100. Never a fraction, never a [`Weight`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(f64);

/// The reason why a number is not a [`Percent`], a [`Weight`] or a pair of weights.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ShareError {
    /// Not a number, or outside 0–100.
    #[error("{0} is not a percentage between 0 and 100")]
    NotAPercent(f64),
    /// Elastic Load Balancing takes 0–999.
    #[error("{0} is not a weight between 0 and 999")]
    NotAWeight(u64),
    /// A load balancer with integer weights cannot split finer than a tenth of a percent.
    #[error("{0} % is finer than a tenth of a percent, the smallest step that weights can express")]
    TooFine(f64),
    /// Two weights with a fixed sum cannot express the share in whole numbers within 0–999. The sum is fixed where a
    /// third target group must keep its share.
    #[error(
        "{share} % cannot be expressed by weights that add up to {sum}, and with another sum a third target group of \
             the rule would lose its share"
    )]
    NotOf {
        /// Percent.
        share: f64,
        /// The sum of both weights.
        sum: u16,
    },
}

impl Percent {
    /// No traffic.
    pub const ZERO: Self = Self(0.0);
    /// All traffic.
    pub const FULL: Self = Self(100.0);

    /// A percentage from a number between 0 and 100.
    pub fn new(value: f64) -> Result<Self, ShareError> {
        if value.is_finite() && (0.0..=100.0).contains(&value) {
            // An empty float sum is −0; people read it as 0.
            Ok(Self(value + 0.0))
        } else {
            Err(ShareError::NotAPercent(value))
        }
    }

    /// `part` of `whole`; `None`: the whole is 0.
    pub fn of(part: f64, whole: f64) -> Option<Self> {
        (whole > 0.0).then(|| Self::new(part / whole * 100.0).ok())?
    }

    /// The number, in percent.
    pub fn value(self) -> f64 {
        self.0
    }

    /// The other side's share.
    pub fn rest(self) -> Self {
        Self(100.0 - self.0)
    }

    /// Returns true for no traffic.
    pub fn is_zero(self) -> bool {
        self.0 <= f64::EPSILON
    }

    /// Returns true for all traffic.
    pub fn is_full(self) -> bool {
        self.0 >= 100.0 - f64::EPSILON
    }
}

impl TryFrom<f64> for Percent {
    type Error = ShareError;
    fn try_from(value: f64) -> Result<Self, ShareError> {
        Self::new(value)
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> f64 {
        percent.0
    }
}

impl std::str::FromStr for Percent {
    type Err = String;
    /// Parses `10`, `10%`, `0.5 %`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches('%').trim();
        let value: f64 = number.parse().map_err(|_| format!("'{number}' is not a number"))?;
        Self::new(value).map_err(|error| error.to_string())
    }
}

impl fmt::Display for Percent {
    /// `10%`, `0.5%`, `33.3%`: one decimal, unless it is zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An empty float sum is −0; people read it as 0.
        let rounded = (self.0 * 10.0).round() / 10.0 + 0.0;
        if rounded.fract() == 0.0 { write!(f, "{rounded:.0}%") } else { write!(f, "{rounded:.1}%") }
    }
}

/// One target group's weight in a forward action: an integer, 0–999 (ELBv2 `TargetGroupTuple.Weight`). A weight means
/// nothing without the weights of the other target groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Weight(u16);

impl Weight {
    /// The largest weight that Elastic Load Balancing accepts.
    pub const MAX: u16 = 999;
    /// No traffic.
    pub const ZERO: Self = Self(0);

    /// A weight from an integer between 0 and 999.
    pub fn new(value: u64) -> Result<Self, ShareError> {
        match u16::try_from(value) {
            Ok(weight) if weight <= Self::MAX => Ok(Self(weight)),
            _ => Err(ShareError::NotAWeight(value)),
        }
    }

    /// The integer in the API request.
    pub fn value(self) -> u16 {
        self.0
    }
}

impl TryFrom<u64> for Weight {
    type Error = ShareError;
    fn try_from(value: u64) -> Result<Self, ShareError> {
        Self::new(value)
    }
}

impl From<Weight> for u64 {
    fn from(weight: Weight) -> u64 {
        weight.0.into()
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The two weights of a pair. Together they make a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weights {
    /// The stable target group's weight.
    pub stable: Weight,
    /// The canary target group's weight.
    pub canary: Weight,
}

impl Weights {
    /// The weights that give the canary exactly `share`: hundredths where they suffice (10 % → 90/10), otherwise
    /// thousandths (0.5 % → 995/5).
    pub fn for_canary(share: Percent) -> Result<Self, ShareError> {
        let in_tenths = || Self::dividing(1000, share).map_err(|_| ShareError::TooFine(share.0));
        Self::dividing(100, share).or_else(|_| in_tenths())
    }

    /// The weights that divide `sum` so that the canary gets exactly `share`. The weight of a side with all traffic is
    /// capped at [`Weight::MAX`].
    ///
    /// # Errors
    /// [`ShareError::NotOf`] if `sum` has no whole number for the share, or if a part of the sum exceeds
    /// [`Weight::MAX`].
    pub fn dividing(sum: u16, share: Percent) -> Result<Self, ShareError> {
        let canary = (share.0 * f64::from(sum) / 100.0).round();
        if (canary * 100.0 / f64::from(sum) - share.0).abs() >= 1e-9 {
            return Err(ShareError::NotOf { share: share.0, sum });
        }
        // In range: `share` is within 0–100, and therefore `canary` within 0–sum.
        let canary = canary as u16;
        let undivided = share.is_zero() || share.is_full();
        if !undivided && canary.max(sum - canary) > Weight::MAX {
            return Err(ShareError::NotOf { share: share.0, sum });
        }
        let weight = |value: u16| Weight(value.min(Weight::MAX));
        Ok(Self { stable: weight(sum - canary), canary: weight(canary) })
    }

    /// The canary's share; `None`: both weights are 0.
    pub fn canary_share(self) -> Option<Percent> {
        Percent::of(self.canary.0.into(), f64::from(self.stable.0) + f64::from(self.canary.0))
    }
}

impl fmt::Display for Weights {
    /// `90/10`: stable first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stable, self.canary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_express_the_share_exactly() {
        let table = [
            (1.0, "99/1"),
            (10.0, "90/10"),
            (100.0, "0/100"),
            (0.0, "100/0"),
            (0.1, "999/1"),
            (0.5, "995/5"),
            (12.5, "875/125"),
            (99.9, "1/999"),
        ];
        for (percent, weights) in table {
            assert_eq!(Weights::for_canary(Percent::new(percent).unwrap()).unwrap().to_string(), weights);
        }
    }

    #[test]
    fn finer_than_a_tenth_is_refused_not_rounded() {
        assert_eq!(Weights::for_canary(Percent::new(33.333).unwrap()), Err(ShareError::TooFine(33.333)));
    }

    #[test]
    fn what_is_not_a_percentage_is_refused() {
        for text in ["-1", "100.1", "NaN", "inf", "ten", "", "%", "1 0"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
        assert_eq!(Percent::of(-0.0, 5.0).unwrap().to_string(), "0%");
        for (text, value) in [("10", 10.0), (" 0.5 % ", 0.5), ("100%", 100.0)] {
            assert_eq!(text.parse::<Percent>().map(Percent::value), Ok(value));
        }
    }

    proptest! {
        #[test]
        fn every_tenth_of_a_percent_round_trips(tenths in 0u32..=1000) {
            let share = Percent::new(f64::from(tenths) / 10.0).unwrap();
            let weights = Weights::for_canary(share).unwrap();
            let back = weights.canary_share().unwrap();
            prop_assert!((back.value() - share.value()).abs() < 1e-9);
        }
    }
}
