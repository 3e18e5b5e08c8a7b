//! The checks of auto scaling, which writes the same desired counts as the rollback of a pair.

use super::{Check, Level, Look, Way, check};
use crate::domain::ecs::auto_scaling::{AutoScaling, ScalableTarget};
use crate::domain::release::capacity::needed_for_all;
use crate::domain::release::{Method, Side};

impl Look<'_> {
    pub(super) fn scaling(&self) -> Vec<Check> {
        let Some(canary) = self.release.canary.as_ref().filter(|_| self.release.method == Method::Weighted) else {
            return Vec::new();
        };
        if matches!(self.way, Way::None) {
            return Vec::new();
        }
        let unknown = [&self.release.stable, canary].into_iter().any(|side| self.is_unknown(side));
        let unknown = unknown.then(|| check(Level::Unknown, "AWS does not tell whether auto scaling is on"));
        [self.too_few(canary), self.suspended(), self.comes_back(canary), unknown].into_iter().flatten().collect()
    }

    fn scaling_of(&self, side: &Side) -> Option<AutoScaling> {
        self.snapshot.scaling.get(&side.service)?.get().copied().filter(|_| !side.daemon)
    }

    fn target_of(&self, side: &Side) -> Option<ScalableTarget> {
        match self.scaling_of(side)? {
            AutoScaling::On(target) => Some(target),
            AutoScaling::Off | AutoScaling::Unknown => None,
        }
    }

    fn is_unknown(&self, side: &Side) -> bool {
        let failing = self.snapshot.scaling.get(&side.service).is_some_and(|reading| reading.failing().is_some());
        failing || self.scaling_of(side) == Some(AutoScaling::Unknown)
    }

    /// Finds a maximum below the tasks that stable needs: auto scaling takes them away again, and the rollback waits.
    fn too_few(&self, canary: &Side) -> Option<Check> {
        let stable = &self.release.stable;
        let needed = needed_for_all(stable, canary, self.release.share.configured);
        let raised = self.release.may_be_shared() && needed > stable.desired;
        let back_to = self.target_of(stable)?.changes(needed).filter(|_| raised)?;
        let name = &stable.service.service;
        let what = format!("{name} needs {needed} tasks for all traffic, and auto scaling makes them {back_to} again");
        Some(check(Level::Waits, what))
    }

    /// Warns of a stable that nothing scales out once it has all traffic.
    fn suspended(&self) -> Option<Check> {
        let stable = &self.release.stable;
        let target = self.target_of(stable).filter(|target| target.scale_out_suspended)?;
        let what = format!("auto scaling of {} is suspended at {} tasks: nothing adds more", stable.service.service, {
            stable.desired.max(target.min)
        });
        self.release.may_be_shared().then(|| check(Level::Warn, what))
    }

    /// Warns of a minimum of the canary: auto scaling starts tasks again that the rollback stops.
    fn comes_back(&self, canary: &Side) -> Option<Check> {
        let back_to = self.target_of(canary).filter(|_| canary.desired > 0)?.changes(0)?;
        let name = &canary.service.service;
        Some(check(Level::Warn, format!("auto scaling starts {back_to} tasks of {name} again, without traffic")))
    }
}
