//! A service's deployment history, with the target revision of each deployment.

use std::collections::HashMap;

use aws_sdk_ecs::types::{self as sdk, ServiceDeploymentStatus};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::domain::ecs::deployment::{
    AlarmMonitor, Breaker, DeploymentStatus, Hook, Rollback, ServiceDeployment, TaskCounts,
};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::fault::Fault;
use crate::domain::release::share::Percent;

use super::Aws;
use super::ecs::configuration::configuration;
use super::ecs::only_missing;
use super::operation::Operation;
use super::pages::pages;
use super::time::maybe;

/// Largest page size of ListServiceDeployments.
const PAGE: i32 = 100;
/// Maximum ARNs in one call of DescribeServiceDeployments or DescribeServiceRevisions.
pub(super) const ARNS_A_CALL: usize = 20;

impl Aws {
    /// A service's deployments, newest first; empty if AWS keeps none. A deployment that has ended is read only once.
    pub(super) async fn deployments(&self, key: &ServiceKey) -> Result<Vec<ServiceDeployment>, Fault> {
        let arns = self.deployment_arns(key).await?;
        let asked: Vec<String> =
            arns.iter().filter(|arn| self.memory.ended(arn).is_none()).map(|arn| arn.as_str().to_owned()).collect();
        let raw = self.describe_deployments(key, asked).await?;
        self.learn_revisions(key, &raw).await?;
        // After `learn_revisions`: a resolved revision is valid for all deployments that name the revision.
        let mut known: HashMap<Arn, ServiceDeployment> =
            arns.iter().filter_map(|arn| Some((arn.clone(), self.memory.ended(arn)?))).collect();
        for deployment in raw.into_iter().filter_map(|raw| self.deployment(raw)) {
            // A revision that could not be resolved now may be resolved by a later read.
            if deployment.status.ended() && deployment.target.is_some() {
                self.memory.keep_ended(&deployment);
            }
            known.insert(deployment.arn.clone(), deployment);
        }
        let mut deployments: Vec<ServiceDeployment> = arns.iter().filter_map(|arn| known.remove(arn)).collect();
        deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
        Ok(deployments)
    }

    async fn deployment_arns(&self, key: &ServiceKey) -> Result<Vec<Arn>, Fault> {
        let operation = Operation::ListServiceDeployments;
        let subject = key.to_string();
        pages(operation, self.limits.deployments, |token| {
            let call = self.clients.ecs.list_service_deployments().cluster(&key.cluster).service(&key.service);
            let call = call.max_results(PAGE).set_next_token(token).send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                let briefs = answer.service_deployments.unwrap_or_default().into_iter();
                let arns = briefs.filter_map(|brief| brief.service_deployment_arn).map(Arn::new);
                Ok((arns.collect(), answer.next_token))
            }
        })
        .await
    }

    async fn describe_deployments(
        &self,
        key: &ServiceKey,
        arns: Vec<String>,
    ) -> Result<Vec<sdk::ServiceDeployment>, Fault> {
        let batches: Vec<Vec<String>> = arns.chunks(ARNS_A_CALL).map(<[String]>::to_vec).collect();
        let described: Vec<Vec<sdk::ServiceDeployment>> = stream::iter(batches)
            .map(|batch| async {
                let operation = Operation::DescribeServiceDeployments;
                let subject = key.to_string();
                let call = self.clients.ecs.describe_service_deployments().set_service_deployment_arns(Some(batch));
                let answer = self.ask(operation, &subject, call.send()).await?;
                only_missing(operation, &subject, answer.failures())?;
                Ok(answer.service_deployments.unwrap_or_default())
            })
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        Ok(described.into_iter().flatten().collect())
    }

    /// Converts a deployment; `None` for a deployment without an ARN.
    fn deployment(&self, raw: sdk::ServiceDeployment) -> Option<ServiceDeployment> {
        let resolve = |arn: Option<&str>| arn.and_then(|arn| self.memory.revision(arn));
        let (rollback, target) = (raw.rollback(), raw.target_service_revision());
        let sources: Vec<_> =
            raw.source_service_revisions().iter().filter_map(|revision| resolve(revision.arn())).collect();
        Some(ServiceDeployment {
            reason: raw.status_reason.clone().filter(|reason| !reason.is_empty()),
            created_at: maybe(raw.created_at()),
            started_at: maybe(raw.started_at()),
            finished_at: maybe(raw.finished_at()),
            configuration: configuration(raw.deployment_configuration()),
            target: resolve(target.and_then(|revision| revision.arn())),
            target_tasks: target.map(counts),
            unresolved_sources: raw.source_service_revisions().len() - sources.len(),
            sources,
            requested: percent(target.and_then(|it| it.requested_production_traffic_weight)),
            requested_test: percent(target.and_then(|it| it.requested_test_traffic_weight)),
            rollback: rollback.map(|rollback| Rollback {
                to: resolve(rollback.service_revision_arn()),
                reason: rollback.reason.clone(),
                started_at: maybe(rollback.started_at()),
            }),
            // By name: the SDK's enum lacks the stage in which a canary waits for an operator.
            stage: raw.lifecycle_stage.as_ref().map(|stage| stage.as_str().into()),
            hooks: raw.lifecycle_hook_details().iter().filter_map(hook).collect(),
            alarms: raw.alarms().map(monitor),
            breaker: raw.deployment_circuit_breaker().map(breaker),
            ..ServiceDeployment::new(Arn::new(raw.service_deployment_arn?), status(raw.status.as_ref()))
        })
    }
}

/// Converts a lifecycle hook; `None` for a hook without an id, which no call could continue.
fn hook(raw: &sdk::DeploymentLifecycleHookDetail) -> Option<Hook> {
    Some(Hook {
        id: raw.hook_id()?.to_owned(),
        kind: raw.target_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        status: raw.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        until: maybe(raw.expires_at()),
        then: raw.timeout_action().map(|action| action.as_str().to_owned()),
    })
}

fn counts(raw: &sdk::ServiceRevisionSummary) -> TaskCounts {
    let whole = |count: i32| u32::try_from(count).unwrap_or(0);
    TaskCounts {
        requested: whole(raw.requested_task_count),
        running: whole(raw.running_task_count),
        pending: whole(raw.pending_task_count),
    }
}

/// Converts a percentage; `None` for a value out of range.
fn percent(raw: Option<f64>) -> Option<Percent> {
    raw.and_then(|percent| Percent::new(percent).ok())
}

fn monitor(raw: &sdk::ServiceDeploymentAlarms) -> AlarmMonitor {
    AlarmMonitor {
        status: raw.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        names: raw.alarm_names().to_vec(),
        triggered: raw.triggered_alarm_names().to_vec(),
    }
}

fn breaker(raw: &sdk::ServiceDeploymentCircuitBreaker) -> Breaker {
    Breaker {
        status: raw.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        failures: u32::try_from(raw.failure_count).unwrap_or(0),
        threshold: u32::try_from(raw.threshold).unwrap_or(0),
    }
}

pub(super) fn status(raw: Option<&ServiceDeploymentStatus>) -> DeploymentStatus {
    use ServiceDeploymentStatus as Status;
    match raw {
        Some(Status::Pending) => DeploymentStatus::Pending,
        Some(Status::InProgress) => DeploymentStatus::InProgress,
        Some(Status::StopRequested) => DeploymentStatus::StopRequested,
        Some(Status::Stopped) => DeploymentStatus::Stopped,
        Some(Status::Successful) => DeploymentStatus::Successful,
        Some(Status::RollbackRequested) => DeploymentStatus::RollbackRequested,
        Some(Status::RollbackInProgress) => DeploymentStatus::RollbackInProgress,
        Some(Status::RollbackSuccessful) => DeploymentStatus::RollbackSuccessful,
        Some(Status::RollbackFailed) => DeploymentStatus::RollbackFailed,
        other => DeploymentStatus::Other(other.map_or("", Status::as_str).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_that_the_sdk_knows_is_known() {
        for name in ServiceDeploymentStatus::values() {
            let known = status(Some(&ServiceDeploymentStatus::from(*name)));
            assert!(!matches!(known, DeploymentStatus::Other(_)), "{name}");
        }
        assert_eq!(status(Some(&"PAUSED".into())), DeploymentStatus::Other("PAUSED".to_owned()));
    }
}
