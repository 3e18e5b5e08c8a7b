//! ECS's own record of a release: a service deployment, the revisions that it goes between, and what it goes by.

mod configuration;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::lifecycle_stage::LifecycleStage;
use super::names::{Arn, TaskDefinitionArn};
use crate::domain::release::share::Percent;
use crate::domain::shared;

pub use self::configuration::{
    AlarmConfiguration, BreakerConfiguration, Configuration, EarlySuccess, HookConfiguration, PAUSE, Strategy,
};

/// A service as it was when a deployment of it began (ECS `DescribeServiceRevisions`): a task definition, and what a
/// task definition does not carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceRevision {
    /// `serviceRevisionArn`.
    pub arn: Arn,
    /// `taskDefinition`.
    pub task_definition: TaskDefinitionArn,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `containerImages[]`.
    pub images: Vec<RevisionImage>,
    /// `resolvedConfiguration.loadBalancers[].targetGroupArn`: where its tasks register. ECS gives it only while the
    /// revision is in use; what was read once is kept.
    pub target_groups: Vec<Arn>,
    /// `resolvedConfiguration.loadBalancers[].productionListenerRule`, else the rule that AWS created for it.
    pub production_rule: Option<Arn>,
    /// `ecsManagedResources`: both target groups of each connection that AWS created, in pairs. Which of a pair the tasks
    /// of the revision are in, they do not say.
    #[serde(default)]
    pub managed_groups: Vec<Arn>,
    /// True if an ECS Gateway sends requests to the revision (`gatewayConnectors`).
    #[serde(default)]
    pub behind_gateway: bool,
    /// What a task definition does not carry, by its name in words (`subnets`, `security groups`, `capacity`,
    /// `platform`, `load balancer` …), each as a line that can be compared and shown.
    pub surroundings: BTreeMap<String, String>,
}

/// One of `containerImages[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionImage {
    /// `containerName`.
    pub container: String,
    /// `image`.
    pub image: String,
    /// `imageDigest`: known once the first task has pulled it.
    pub digest: Option<String>,
}

impl ServiceRevision {
    /// One of which only the task definition is known.
    pub fn bare(arn: Arn, task_definition: TaskDefinitionArn) -> Self {
        Self {
            arn,
            task_definition,
            created_at: None,
            images: Vec::new(),
            target_groups: Vec::new(),
            production_rule: None,
            managed_groups: Vec::new(),
            behind_gateway: false,
            surroundings: BTreeMap::new(),
        }
    }
}

/// `status` of a service deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// PENDING.
    Pending,
    /// IN_PROGRESS.
    InProgress,
    /// STOP_REQUESTED.
    StopRequested,
    /// STOPPED; a newer deployment superseded it, or somebody stopped it. Not proof of failure.
    Stopped,
    /// SUCCESSFUL.
    Successful,
    /// ROLLBACK_REQUESTED.
    RollbackRequested,
    /// ROLLBACK_IN_PROGRESS.
    RollbackInProgress,
    /// ROLLBACK_SUCCESSFUL.
    RollbackSuccessful,
    /// ROLLBACK_FAILED.
    RollbackFailed,
    /// A value that this version does not know.
    Other(String),
}

impl DeploymentStatus {
    /// Nothing more will happen to it.
    pub fn ended(&self) -> bool {
        matches!(self, Self::Stopped | Self::Successful | Self::RollbackSuccessful | Self::RollbackFailed)
    }

    /// On the way back.
    pub fn rolling_back(&self) -> bool {
        matches!(self, Self::RollbackRequested | Self::RollbackInProgress)
    }
}

/// A service deployment (ECS `DescribeServiceDeployments`), its revisions resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceDeployment {
    /// `serviceDeploymentArn`.
    pub arn: Arn,
    /// `status`.
    pub status: DeploymentStatus,
    /// `statusReason`.
    pub reason: Option<String>,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `startedAt`.
    pub started_at: Option<Timestamp>,
    /// `finishedAt`.
    pub finished_at: Option<Timestamp>,
    /// `deploymentConfiguration`: what it was started with.
    pub configuration: Configuration,
    /// `targetServiceRevision`; `None` where it could not be resolved.
    #[serde(with = "shared::option")]
    pub target: Option<Arc<ServiceRevision>>,
    /// `targetServiceRevision.requestedTaskCount` and its like; `None`: not said. Of an ended deployment, as they were
    /// when it was first read.
    #[serde(default)]
    pub target_tasks: Option<TaskCounts>,
    /// `sourceServiceRevisions[]`, those that could be resolved.
    #[serde(with = "shared::list")]
    pub sources: Vec<Arc<ServiceRevision>>,
    /// How many of them could not.
    pub unresolved_sources: usize,
    /// `targetServiceRevision.requestedProductionTrafficWeight`, percent: what ECS wants the target to have. Absent
    /// for a rolling deployment.
    pub requested: Option<Percent>,
    /// `targetServiceRevision.requestedTestTrafficWeight`, percent.
    pub requested_test: Option<Percent>,
    /// `rollback`, once it was asked for.
    pub rollback: Option<Rollback>,
    /// `lifecycleStage`. A rolling deployment has none.
    pub stage: Option<LifecycleStage>,
    /// `lifecycleHookDetails[]`.
    pub hooks: Vec<Hook>,
    /// `alarms`.
    pub alarms: Option<AlarmMonitor>,
    /// `deploymentCircuitBreaker`.
    pub breaker: Option<Breaker>,
}

/// The tasks of a service revision in a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCounts {
    /// `requestedTaskCount`.
    pub requested: u32,
    /// `runningTaskCount`.
    pub running: u32,
    /// `pendingTaskCount`.
    pub pending: u32,
}

/// `rollback` of a service deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// `serviceRevisionArn`: what it goes back to.
    #[serde(with = "shared::option")]
    pub to: Option<Arc<ServiceRevision>>,
    /// `reason`.
    pub reason: Option<String>,
    /// `startedAt`.
    pub started_at: Option<Timestamp>,
}

/// One of `lifecycleHookDetails[]`: a hook that runs, or ran, at the present stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// `hookId`: opaque, and good for one answer.
    pub id: String,
    /// `targetType`: PAUSE, AWS_LAMBDA.
    pub kind: String,
    /// `status`: AWAITING_ACTION, IN_PROGRESS, SUCCEEDED, FAILED, TIMED_OUT.
    pub status: String,
    /// `expiresAt`.
    pub until: Option<Timestamp>,
    /// `timeoutAction`: ROLLBACK or CONTINUE.
    pub then: Option<String>,
}

/// `alarms` of a service deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMonitor {
    /// `status`: DISABLED, MONITORING, MONITORING_COMPLETE, TRIGGERED.
    pub status: String,
    /// `alarmNames[]`.
    pub names: Vec<String>,
    /// `triggeredAlarmNames[]`.
    pub triggered: Vec<String>,
}

/// `deploymentCircuitBreaker` of a service deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// `status`: DISABLED, MONITORING, MONITORING_COMPLETE, TRIGGERED.
    pub status: String,
    /// `failureCount`.
    pub failures: u32,
    /// `threshold`; 0 where there is none.
    pub threshold: u32,
}

/// A hook at which a deployment waits for somebody to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// `hookId`: opaque, and good for one answer.
    pub hook: String,
    /// `expiresAt`: when it is answered by itself.
    pub until: Option<Timestamp>,
    /// `timeoutAction`: what it is answered with then, ROLLBACK or CONTINUE.
    pub then: Option<String>,
}

impl ServiceDeployment {
    /// One of which nothing is known but that it is there.
    pub fn new(arn: Arn, status: DeploymentStatus) -> Self {
        Self {
            arn,
            status,
            reason: None,
            created_at: None,
            started_at: None,
            finished_at: None,
            configuration: Configuration::rolling(),
            target: None,
            target_tasks: None,
            sources: Vec::new(),
            unresolved_sources: 0,
            requested: None,
            requested_test: None,
            rollback: None,
            stage: None,
            hooks: Vec::new(),
            alarms: None,
            breaker: None,
        }
    }

    /// The task definition that it installs.
    pub fn task_definition(&self) -> Option<&TaskDefinitionArn> {
        self.target.as_ref().map(|revision| &revision.task_definition)
    }

    /// The task definition that it went back to, or is going back to.
    pub fn rolled_back_to(&self) -> Option<&TaskDefinitionArn> {
        self.rollback.as_ref()?.to.as_ref().map(|revision| &revision.task_definition)
    }

    /// The hooks that wait for a person, the soonest to run out first. The others are Lambda functions, or are over.
    pub fn pauses(&self) -> Vec<Pause> {
        let waits = |hook: &&Hook| hook.kind == PAUSE && hook.status == "AWAITING_ACTION";
        let pause = |hook: &Hook| Pause { hook: hook.id.clone(), until: hook.until, then: hook.then.clone() };
        let mut pauses: Vec<_> = self.hooks.iter().filter(waits).map(pause).collect();
        pauses.sort_by_key(|pause| (pause.until.is_none(), pause.until));
        pauses
    }

    /// What came of it, in a word; `None` while it is under way. A deployment that was rolled back is never a success.
    pub fn outcome(&self) -> Option<DeploymentOutcome> {
        match self.status {
            DeploymentStatus::Successful => Some(DeploymentOutcome::Succeeded),
            DeploymentStatus::RollbackSuccessful => Some(DeploymentOutcome::RolledBack),
            DeploymentStatus::RollbackFailed => Some(DeploymentOutcome::RollbackFailed),
            DeploymentStatus::Stopped => Some(DeploymentOutcome::Stopped),
            _ => None,
        }
    }

    /// Whether no task of its target ever ran, as far as is known: it was deployed while the service wanted none, and no
    /// task has pulled its images since. Then that it ended SUCCESSFUL proves nothing.
    pub fn ran_nothing(&self) -> bool {
        let none = self.target_tasks.is_some_and(|tasks| tasks.requested == 0 && tasks.running == 0);
        let images = self.target.as_ref().map(|revision| revision.images.as_slice()).unwrap_or_default();
        // An image that is named by its digest is not resolved.
        let unpulled = |image: &RevisionImage| image.digest.is_none() && !image.image.contains("@sha256:");
        none && !images.is_empty() && images.iter().all(unpulled)
    }

    /// How long it took, from `createdAt` to `finishedAt`.
    pub fn took(&self) -> Option<SignedDuration> {
        Some(self.finished_at?.duration_since(self.created_at?))
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeploymentOutcome {
    /// SUCCESSFUL.
    Succeeded,
    /// ROLLBACK_SUCCESSFUL: users are on the old revision again.
    RolledBack,
    /// ROLLBACK_FAILED: it needs somebody.
    RollbackFailed,
    /// STOPPED: superseded by a newer deployment, or stopped by somebody.
    Stopped,
}
