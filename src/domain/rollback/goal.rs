//! The goal of a rollback, as the operator confirmed it.

use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::Plan;
use crate::domain::release::Release;

/// The goal that the operator confirmed: away from one revision, to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// The revision that users leave.
    pub from: Option<TaskDefinitionArn>,
    /// The revision that users go back to; `None`: only ECS knows it.
    pub to: Option<TaskDefinitionArn>,
}

impl Goal {
    /// The goal of a rollback of `release`.
    pub fn of(plan: &Plan, release: &Release) -> Self {
        Self { from: plan.revision.clone(), to: plan.ends_on(release).cloned() }
    }

    /// Returns true if a plan with the goal `other` still does what the operator confirmed.
    pub fn allows(&self, other: &Self) -> bool {
        let same_target = self.to.is_none() || other.to.is_none() || self.to == other.to;
        self.from == other.from && same_target
    }
}
