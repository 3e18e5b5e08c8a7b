//! A service as ECS describes it: its deployments, tasks, task definitions and events.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::deployment::{Configuration, DeploymentStatus, ServiceDeployment};
use super::names::{Arn, ServiceKey, TaskDefinitionArn};
use super::route::Target;

/// Time for which ECS tries to remove replaced tasks after a deployment that deferred their removal.
const CLEANUP_WITHIN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Who moves this service's tasks (`deploymentController.type`; absent means ECS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Controller {
    /// ECS itself.
    Ecs,
    /// AWS CodeDeploy.
    CodeDeploy,
    /// Somebody else, through task sets.
    External,
    /// A value that this version does not know.
    Other(String),
}

/// One entry of the legacy `deployments[]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// `id`, `ecs-svc/…`: what a task's `startedBy` says.
    pub id: String,
    /// `status`.
    pub role: RolloutRole,
    /// `taskDefinition`.
    pub task_definition: TaskDefinitionArn,
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// `pendingCount`.
    pub pending: u32,
    /// `failedTasks`, consecutive; it resets.
    pub failed: u32,
    /// `rolloutState`.
    pub state: Option<RolloutState>,
    /// `rolloutStateReason`.
    pub reason: Option<String>,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `updatedAt`.
    pub updated_at: Option<Timestamp>,
}

/// `status` of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum RolloutRole {
    /// PRIMARY: the one that ECS is going for.
    Primary,
    /// ACTIVE: it still runs, and is being replaced.
    Active,
    /// INACTIVE: its tasks are being stopped.
    Inactive,
    /// A value that this version does not know.
    #[strum(to_string = "{0}")]
    Other(String),
}

impl From<&str> for RolloutRole {
    fn from(word: &str) -> Self {
        match word {
            "PRIMARY" => Self::Primary,
            "ACTIVE" => Self::Active,
            "INACTIVE" => Self::Inactive,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// `rolloutState`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// IN_PROGRESS.
    InProgress,
    /// COMPLETED.
    Completed,
    /// FAILED.
    Failed,
    /// A value that this version does not know.
    Other(String),
}

/// One line of `events[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// `id`, by which repeats are told.
    pub id: String,
    /// `createdAt`.
    pub at: Timestamp,
    /// `message`.
    pub message: String,
}

/// A service (ECS `DescribeServices`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Cluster and name.
    pub key: ServiceKey,
    /// `serviceArn`.
    pub arn: Arn,
    /// `clusterArn`.
    pub cluster_arn: Arn,
    /// `status`: ACTIVE, DRAINING, INACTIVE.
    pub status: String,
    /// `deploymentController`.
    pub controller: Controller,
    /// `deploymentConfiguration`: what its next deployment goes by.
    pub configuration: Configuration,
    /// `taskDefinition` of the primary deployment.
    pub task_definition: TaskDefinitionArn,
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// `pendingCount`.
    pub pending: u32,
    /// `deployments[]`.
    pub rollouts: Vec<Rollout>,
    /// Every target group in `loadBalancers[]`, alternates among them.
    pub target_groups: Vec<Arn>,
    /// `advancedConfiguration.productionListenerRule`: the rule whose weights ECS writes; a listener's ARN for a
    /// network load balancer.
    pub production_rule: Option<Arn>,
    /// `events[]`, newest first.
    pub events: Vec<ServiceEvent>,
    /// `tags[]`.
    pub tags: BTreeMap<String, String>,
    /// `currentServiceDeployment`.
    pub current_deployment: Option<Arn>,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `healthCheckGracePeriodSeconds`, seconds: for so long after a task's start its failed checks stop it not.
    pub grace: Option<u32>,
    /// `enableExecuteCommand`.
    pub execute_command: bool,
    /// `schedulingStrategy == DAEMON`: one task an instance. Its `desiredCount` counts instances and cannot be written.
    #[serde(default)]
    pub daemon: bool,
    /// The part of AWS whose rules tidegate never writes, where it has such rules.
    #[serde(default)]
    pub managed: Option<Managed>,
}

/// The part of AWS whose rules send a service its requests, where tidegate never writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Managed {
    /// ECS Express Mode (`resourceManagementType` ECS): load balancers, rules and the deployment configuration.
    Express,
    /// An ECS Gateway (`gatewayConnectors`): load balancers, rules and target groups.
    Gateway,
    /// VPC Lattice (`deployments[].vpcLatticeConfigurations`): its rules are not read, and only ECS writes them.
    Lattice,
}

impl fmt::Display for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Express => "ECS Express Mode",
            Self::Gateway => "an ECS Gateway",
            Self::Lattice => "VPC Lattice",
        })
    }
}

impl Service {
    /// The rollout that ECS is going for (status PRIMARY).
    pub fn primary(&self) -> Option<&Rollout> {
        self.rollouts.iter().find(|rollout| rollout.role == RolloutRole::Primary)
    }

    /// Whether a rolling deployment is under way: the primary says so, or an older one still has tasks.
    pub fn rolling(&self) -> bool {
        match self.primary() {
            Some(primary) => match primary.state {
                Some(RolloutState::InProgress) => true,
                Some(_) => false,
                None => self.rollouts.len() > 1,
            },
            None => false,
        }
    }

    /// Whether the primary rollout runs `task_definition`, is complete, and nothing else is left.
    pub fn settled_on(&self, task_definition: &TaskDefinitionArn) -> bool {
        self.rollouts.iter().all(|rollout| rollout.role == RolloutRole::Primary || rollout.running == 0)
            && self.complete_on(task_definition)
    }

    /// Returns true if the primary rollout runs `task_definition` and is complete, whatever is left beside it.
    pub fn complete_on(&self, task_definition: &TaskDefinitionArn) -> bool {
        !self.rolling()
            && self.primary().is_some_and(|primary| {
                primary.task_definition == *task_definition
                    && primary.running >= self.desired
                    && matches!(primary.state, Some(RolloutState::Completed) | None)
            })
    }

    /// Until when ECS removes the tasks that the newest deployment replaced: that ended SUCCESSFUL and deferred it. Without
    /// a history the service's own configuration tells.
    pub fn cleanup_deferred_until(&self, history: &[ServiceDeployment]) -> Option<Timestamp> {
        let ended = match history.first() {
            Some(newest) if newest.status == DeploymentStatus::Successful && newest.configuration.defers_cleanup() => {
                newest.finished_at
            }
            Some(_) => None,
            None if self.configuration.defers_cleanup() => {
                self.primary().and_then(|primary| primary.updated_at.or(primary.created_at))
            }
            None => None,
        };
        ended?.checked_add(CLEANUP_WITHIN).ok()
    }

    /// The newest of its deployments, where ECS could not roll it back and nothing has been deployed since.
    pub fn failed_rollback<'a>(&self, history: &'a [ServiceDeployment]) -> Option<&'a ServiceDeployment> {
        let newest = history.first()?;
        let named = self.current_deployment.as_ref().is_none_or(|named| *named == newest.arn);
        let began = self.primary().and_then(|primary| primary.created_at);
        let deployed_since = began.zip(newest.finished_at).is_some_and(|(began, ended)| began > ended);
        let failed = newest.status == DeploymentStatus::RollbackFailed;
        (failed && named && !deployed_since).then_some(newest)
    }

    /// Whether it can be acted on at all.
    pub fn active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

/// A task (ECS `DescribeTasks`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// `taskArn`.
    pub arn: Arn,
    /// `taskDefinitionArn`.
    pub task_definition: TaskDefinitionArn,
    /// `startedBy`: the rollout's id.
    pub started_by: Option<String>,
    /// `lastStatus`: PROVISIONING … RUNNING … STOPPED.
    pub status: String,
    /// `desiredStatus`.
    pub desired_status: String,
    /// `healthStatus`: HEALTHY, UNHEALTHY, UNKNOWN.
    pub health: Option<String>,
    /// `createdAt`.
    pub created_at: Option<Timestamp>,
    /// `pullStartedAt` and `pullStoppedAt`: when its images were fetched, as far as that has come.
    pub pulled: (Option<Timestamp>, Option<Timestamp>),
    /// `startedAt`.
    pub started_at: Option<Timestamp>,
    /// `stoppedAt`.
    pub stopped_at: Option<Timestamp>,
    /// `stopCode`.
    pub stop_code: Option<String>,
    /// `stoppedReason`, or a container's `reason` where that says more.
    pub stopped_reason: Option<String>,
    /// The essential container's `exitCode`.
    pub exit_code: Option<i32>,
    /// `stoppingAt`.
    pub stopping_at: Option<Timestamp>,
    /// `containers[].imageDigest`.
    pub image_digests: Vec<String>,
    /// `availabilityZone`.
    pub zone: Option<String>,
    /// The network interface's `privateIPv4Address`: what a target group of kind `ip` knows it by.
    pub address: Option<String>,
    /// The network interface's `ipv6Address`: the same in a target group of IPv6 addresses.
    #[serde(default)]
    pub ipv6: Option<String>,
    /// `ec2InstanceId` of the container instance that it runs on: what a target group of kind `instance` knows it by,
    /// together with a host port. `None`: it runs on no instance, or AWS does not say on which.
    #[serde(default)]
    pub instance: Option<String>,
    /// `containers[].networkBindings[].hostPort`.
    #[serde(default)]
    pub host_ports: Vec<u16>,
    /// `enableExecuteCommand`.
    pub execute_command: bool,
    /// `expirationDate` of its scale-in protection (GetTaskProtection); `None`: it has none, or that could not be read.
    #[serde(default)]
    pub protected_until: Option<Timestamp>,
    /// `containers[]`.
    pub containers: Vec<Container>,
}

impl Task {
    /// The last part of its ARN: what log streams and people call it.
    pub fn id(&self) -> &str {
        self.arn.name()
    }

    /// Returns true if a target is this task: one of its addresses, or a port of the instance that it runs on. Where the
    /// instance is not known, any instance may be it.
    pub fn is_behind(&self, target: &Target) -> bool {
        let parsed = |text: &str| text.parse::<IpAddr>().ok();
        let same =
            |address: &str| address == target.id || parsed(address).is_some_and(|it| parsed(&target.id) == Some(it));
        let on_instance =
            target.id.starts_with("i-") && self.instance.as_ref().is_none_or(|instance| *instance == target.id);
        let by_port = on_instance && target.port.is_some_and(|port| self.host_ports.contains(&port));
        by_port || [&self.address, &self.ipv6].into_iter().flatten().any(|address| same(address))
    }

    /// Whether it has stopped.
    pub fn stopped(&self) -> bool {
        self.stopped_at.is_some() || self.status == "STOPPED"
    }
}

/// A container of a task (`containers[]`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// `name`.
    pub name: String,
    /// `lastStatus`.
    pub status: String,
    /// `healthStatus`.
    pub health: Option<String>,
    /// `exitCode`.
    pub exit_code: Option<i32>,
    /// `reason`.
    pub reason: Option<String>,
}

/// A registered task definition (ECS `DescribeTaskDefinition`). Environment values are never kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// `taskDefinitionArn`.
    pub arn: TaskDefinitionArn,
    /// `status == ACTIVE`: only such can be deployed.
    pub active: bool,
    /// `registeredAt`.
    pub registered_at: Option<Timestamp>,
    /// Container name and image, in the definition's order.
    pub images: Vec<(String, String)>,
    /// `cpu`, as AWS spells it.
    pub cpu: Option<String>,
    /// `memory`, as AWS spells it.
    pub memory: Option<String>,
    /// Where each container writes its log, in the definition's order.
    pub logs: Vec<(String, LogDriver)>,
}

/// Where a container writes its log (`logConfiguration`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogDriver {
    /// `awslogs`: CloudWatch Logs; streams are named `PREFIX/CONTAINER/TASK`.
    Awslogs {
        /// `awslogs-group`.
        group: String,
        /// `awslogs-region`.
        region: Option<String>,
        /// `awslogs-stream-prefix`; without one a stream has the container's runtime id, and nothing says whose it is.
        prefix: Option<String>,
    },
    /// Another driver, by name: its log is not in CloudWatch, or cannot be told to be.
    Other(String),
    /// None is configured.
    None,
}

impl TaskDefinition {
    /// The first container's image tag (`1.9.0`): what people call the version.
    pub fn version(&self) -> Option<&str> {
        let (_, image) = self.images.first()?;
        let image = image.split('@').next().unwrap_or(image);
        image.rsplit('/').next()?.rsplit_once(':').map(|(_, tag)| tag)
    }
}
