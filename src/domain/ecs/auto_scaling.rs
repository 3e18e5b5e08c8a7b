//! Auto scaling of a service's desired count (Application Auto Scaling).

use serde::{Deserialize, Serialize};

/// The auto scaling of a service, as far as AWS told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoScaling {
    /// The service has no scalable target: nothing else writes its desired count.
    Off,
    /// It has one.
    On(ScalableTarget),
    /// AWS denies the question, or does not know it.
    Unknown,
}

/// A scalable target with the dimension `ecs:service:DesiredCount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScalableTarget {
    /// `MinCapacity`, tasks.
    pub min: u32,
    /// `MaxCapacity`, tasks.
    pub max: u32,
    /// `SuspendedState.DynamicScalingInSuspended`: nothing takes tasks away.
    pub scale_in_suspended: bool,
    /// `SuspendedState.DynamicScalingOutSuspended`: nothing adds tasks.
    pub scale_out_suspended: bool,
}

impl ScalableTarget {
    /// The desired count that auto scaling makes of this one, where it makes another.
    pub fn changes(&self, desired: u32) -> Option<u32> {
        match desired {
            few if few < self.min && !self.scale_out_suspended => Some(self.min),
            many if many > self.max && !self.scale_in_suspended => Some(self.max),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_outside_the_range_is_put_back_unless_that_is_suspended() {
        let target = ScalableTarget { min: 2, max: 10, scale_in_suspended: false, scale_out_suspended: false };
        let all = [0, 2, 10, 11].map(|desired| target.changes(desired));
        assert_eq!(all, [Some(2), None, None, Some(10)]);
        let suspended = ScalableTarget { scale_in_suspended: true, scale_out_suspended: true, ..target };
        assert_eq!([0, 11].map(|desired| suspended.changes(desired)), [None, None]);
    }
}
