//! Why a start did not complete: ECS's history tells of a rollback, also when the service shows nothing of it any more.

use crate::cli::deployments;
use crate::cloud::Cloud;
use crate::domain::ecs::deployment::DeploymentOutcome;
use crate::domain::observe::query::{Answer, Query};
use crate::domain::plan::{Expect, Intent, Plan};

/// That ECS rolled back what a plan has started, with its reason.
pub(super) async fn by_ecs(cloud: &dyn Cloud, plan: &Plan) -> Option<String> {
    let Intent::Start { task_definition, .. } = &plan.intent else { return None };
    let service = plan.steps.iter().flat_map(|step| &step.after).find_map(|expect| match expect {
        Expect::Settled { service, .. } => Some(service.clone()),
        _ => None,
    })?;
    let Ok(Answer::Deployments(history)) = cloud.read(&Query::Deployments(service)).await else { return None };
    let newest = history.iter().find(|deployment| deployment.task_definition() == Some(task_definition))?;
    let ended = matches!(newest.outcome(), Some(DeploymentOutcome::RolledBack | DeploymentOutcome::RollbackFailed));
    if !ended && !newest.status.rolling_back() {
        return None;
    }
    let to = newest.rolled_back_to().map(|to| format!(" to {}", to.tag())).unwrap_or_default();
    let why = deployments::reason(newest).map(|why| format!(": {why}")).unwrap_or_default();
    Some(format!("ECS rolled {} back{to}{why}", task_definition.tag()))
}
