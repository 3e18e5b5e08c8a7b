//! Services of a scenario: the running revision, the deployment configuration and past deployments.

use indexmap::IndexMap;
use serde::Deserialize;

use super::duration::Duration;

/// An ECS service, in steady state when the warm-up begins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    /// `family:revision`
    pub(crate) task_definition: String,
    /// desiredCount.
    pub(crate) desired: u32,
    /// Time between the deployment of the task definition and the start.
    pub(crate) deployed: Duration,
    /// Duration of that deployment.
    #[serde(default = "took")]
    pub(crate) took: Duration,
    /// The cluster; the scenario's first one by default.
    #[serde(default)]
    pub(crate) cluster: Option<String>,
    #[serde(default)]
    pub(crate) target_group: Option<String>,
    /// Target groups besides that one. Every task registers with all of them.
    #[serde(default)]
    pub(crate) more_target_groups: Vec<String>,
    /// The second target group, for BLUE_GREEN, CANARY and LINEAR.
    #[serde(default)]
    pub(crate) alternate_target_group: Option<String>,
    /// productionListenerRule: the rule whose weights ECS changes, or the listener whose default action it changes.
    #[serde(default)]
    pub(crate) production_rule: Option<String>,
    /// testListenerRule: the rule that reaches the next revision before users do.
    #[serde(default)]
    pub(crate) test_rule: Option<String>,
    /// The tasks run in the alternate target group. Every deployment swaps the two groups.
    #[serde(default)]
    pub(crate) on_alternate: bool,
    #[serde(default)]
    pub(crate) deployment: Deployment,
    /// Past deployments, newest first.
    #[serde(default)]
    pub(crate) past: Vec<PastDeployment>,
    #[serde(default)]
    pub(crate) tags: IndexMap<String, String>,
    /// healthCheckGracePeriodSeconds.
    #[serde(default = "grace")]
    pub(crate) grace_seconds: u32,
    #[serde(default)]
    pub(crate) setting: TaskSettings,
    #[serde(default)]
    pub(crate) status: ServiceStatus,
    /// schedulingStrategy is DAEMON: `desired` counts instances.
    #[serde(default)]
    pub(crate) daemon: bool,
    /// The most tasks that the cluster has room for. There is room for any number by default.
    #[serde(default)]
    pub(crate) room: Option<u32>,
    /// The part of AWS that owns the rule and the target groups of the service.
    #[serde(default)]
    pub(crate) managed: Option<Managed>,
    /// Time for which a surplus task is protected from being stopped (task scale-in protection).
    #[serde(default)]
    pub(crate) protected: Option<Duration>,
    /// Its scalable target in Application Auto Scaling.
    #[serde(default)]
    pub(crate) scaling: Option<Scaling>,
}

/// A scalable target: desiredCount is put back between the two soon after someone wrote another.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scaling {
    /// MinCapacity.
    pub(crate) min: u32,
    /// MaxCapacity.
    pub(crate) max: u32,
    /// SuspendedState: nothing is put back.
    #[serde(default)]
    pub(crate) suspended: bool,
}

/// Services that show no rule of a load balancer of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Managed {
    /// resourceManagementType is ECS.
    Express,
    /// The service has a gateway connector, and shows no load balancer.
    Gateway,
    /// Its deployments have vpcLatticeConfigurations, and it shows no load balancer.
    Lattice,
}

/// status of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::AsRefStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ServiceStatus {
    #[default]
    Active,
    /// Someone deleted the service by force: it wants no tasks, and those that it has are about to stop.
    Draining,
}

/// Network, capacity and platform of tasks: a service revision without its task definition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TaskSettings {
    /// networkConfiguration.
    pub(crate) network: Option<Network>,
    /// capacityProviderStrategy as weights by provider. If empty, the launch type is FARGATE.
    pub(crate) capacity_providers: IndexMap<String, u32>,
    /// platformVersion; `LATEST` by default.
    pub(crate) platform: Option<String>,
    /// enableExecuteCommand.
    pub(crate) execute_command: Option<bool>,
}

/// networkConfiguration.awsvpcConfiguration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Network {
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
    /// assignPublicIp.
    pub(crate) public_ip: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            subnets: vec!["subnet-0a1b2c3d4e5f60718".into(), "subnet-0b2c3d4e5f6071829".into()],
            security_groups: vec!["sg-0c3d4e5f607182930".into()],
            public_ip: false,
        }
    }
}

/// The deployment strategies of ECS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::AsRefStr, strum::EnumString)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Strategy {
    /// Replaces tasks a few at a time behind one target group.
    #[default]
    Rolling,
    /// Moves all traffic at once to the other target group.
    BlueGreen,
    /// Moves traffic in equal steps.
    Linear,
    /// Moves traffic in one small step, then the rest.
    Canary,
}

/// deploymentConfiguration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Deployment {
    pub(crate) strategy: Strategy,
    pub(crate) min_healthy_percent: u32,
    pub(crate) max_percent: u32,
    /// The circuit breaker is enabled, with rollback.
    pub(crate) breaker: bool,
    /// CANARY: the first step; LINEAR: every step.
    pub(crate) step_percent: f64,
    /// Bake time after each step.
    pub(crate) step_bake_minutes: u32,
    /// Bake time after the last step, during which the old revision keeps running.
    pub(crate) bake_minutes: u32,
    /// Alarms that roll the deployment back.
    pub(crate) alarms: Vec<String>,
    pub(crate) pause: Vec<PauseHook>,
    /// earlySuccessCriteria, enabled. ROLLING only.
    pub(crate) early_success: Option<EarlySuccess>,
}

/// earlySuccessCriteria.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlySuccess {
    /// healthyPercent.
    pub(crate) healthy_percent: u32,
    /// sourceServiceRevisionCleanup: `BLOCKING` or `DEFERRED`.
    pub(crate) cleanup: String,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            strategy: Strategy::Rolling,
            min_healthy_percent: 100,
            max_percent: 200,
            breaker: true,
            step_percent: 10.0,
            step_bake_minutes: 5,
            bake_minutes: 5,
            alarms: Vec::new(),
            pause: Vec::new(),
            early_success: None,
        }
    }
}

/// A PAUSE lifecycle hook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseHook {
    /// `PRE_SCALE_UP`, `POST_SCALE_UP`, `POST_TEST_TRAFFIC_SHIFT`, `PRE_PRODUCTION_TRAFFIC_SHIFT`…
    pub(crate) stages: Vec<String>,
    #[serde(default = "pause_minutes")]
    pub(crate) timeout_minutes: u32,
    /// The action after the timeout: `ROLLBACK` or `CONTINUE`.
    #[serde(default = "pause_action")]
    pub(crate) action: String,
}

/// A deployment that ended before the warm-up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastDeployment {
    /// `family:revision`
    pub(crate) task_definition: String,
    /// Time between the deployment and the start.
    pub(crate) ago: Duration,
    /// Duration of the deployment.
    #[serde(default = "took")]
    pub(crate) took: Duration,
    #[serde(default)]
    pub(crate) outcome: PastOutcome,
    /// The reason of the failure: rollback.reason or statusReason.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// The alarms that triggered.
    #[serde(default)]
    pub(crate) triggered: Vec<String>,
    /// Settings that differ from the service's current ones.
    #[serde(default)]
    pub(crate) setting: TaskSettings,
}

/// The outcome of a past deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PastOutcome {
    /// SUCCESSFUL
    #[default]
    Successful,
    /// ROLLBACK_SUCCESSFUL
    RolledBack,
    /// STOPPED by a newer deployment
    Superseded,
    /// ROLLBACK_FAILED
    RollbackFailed,
}

fn took() -> Duration {
    Duration::from_secs(240)
}

fn grace() -> u32 {
    60
}

fn pause_minutes() -> u32 {
    1440
}

fn pause_action() -> String {
    "ROLLBACK".into()
}
