//! What a rollback would do now, for the table and the documents.

use crate::cli::wording::COMMANDS;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan;
use crate::domain::plan::{Call, Context, Intent};
use crate::domain::release::Release;
use crate::domain::rollback::readiness::Check;

/// What a rollback would do now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlannedRollback {
    /// True if there is a plan, and nothing is known for which AWS would refuse the plan or the plan would wait.
    pub ready: bool,
    /// The reasons for which AWS would refuse the plan, or the plan would wait.
    pub obstacles: Vec<Check>,
    /// The revision that users would be back on.
    pub target: Option<TaskDefinitionArn>,
    /// How, step by step; or why not, and what to do.
    pub path: String,
    /// Its writes, in order.
    pub calls: Vec<String>,
}

/// What a rollback would do now, by planning one.
pub(super) fn planned_rollback(release: &Release, context: &Context<'_>) -> PlannedRollback {
    match plan::plan(release, &Intent::Rollback { to: None, at_once: false }, context) {
        Ok(plan) => PlannedRollback {
            ready: plan.is_reached() || release.preflight.obstacles().next().is_none(),
            obstacles: release.preflight.obstacles().filter(|_| !plan.is_reached()).cloned().collect(),
            target: plan.ends_on(release).cloned(),
            path: plan.steps.iter().map(|step| step.title.as_str()).collect::<Vec<_>>().join("; "),
            calls: plan.calls().map(Call::describe).collect(),
        },
        Err(refusal) => PlannedRollback {
            ready: false,
            obstacles: Vec::new(),
            target: None,
            path: refusal.text(COMMANDS),
            calls: Vec::new(),
        },
    }
}
