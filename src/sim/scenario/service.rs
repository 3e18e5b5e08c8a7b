//! Services of a scenario: what runs, how it deploys, what was deployed before.

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Dur, defaults};

/// An ECS service as it is before the warm-up: steady.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// `family:revision`
    pub task_definition: String,
    /// desiredCount.
    pub desired: u32,
    /// How long before the start the task definition was deployed.
    pub deployed: Dur,
    /// How long that took.
    #[serde(default = "defaults::took")]
    pub took: Dur,
    /// The cluster; the first one by default.
    #[serde(default)]
    pub cluster: Option<String>,
    /// The target group that tasks register with.
    #[serde(default)]
    pub target_group: Option<String>,
    /// The second target group, for BLUE_GREEN, CANARY and LINEAR.
    #[serde(default)]
    pub alternate_target_group: Option<String>,
    /// The rule whose weights ECS itself moves.
    #[serde(default)]
    pub production_rule: Option<String>,
    /// The rule by which the next revision can be tried before it gets users: testListenerRule.
    #[serde(default)]
    pub test_rule: Option<String>,
    /// Its tasks are in the alternate target group: every deployment swaps the two.
    #[serde(default)]
    pub on_alternate: bool,
    /// How it deploys.
    #[serde(default)]
    pub deployment: Deployment,
    /// Earlier deployments, newest first.
    #[serde(default)]
    pub past: Vec<Past>,
    /// Tags.
    #[serde(default)]
    pub tags: IndexMap<String, String>,
    /// healthCheckGracePeriodSeconds.
    #[serde(default = "defaults::grace")]
    pub grace_seconds: u32,
    /// Where its tasks run.
    #[serde(default)]
    pub setting: Setting,
}

/// Where and on what tasks run: what a service revision holds besides its task definition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Setting {
    /// networkConfiguration.
    pub network: Option<Network>,
    /// capacityProviderStrategy: provider → weight. Without one the launch type is FARGATE.
    pub capacity_providers: IndexMap<String, u32>,
    /// platformVersion, `LATEST` if nothing says otherwise.
    pub platform: Option<String>,
    /// enableExecuteCommand.
    pub execute_command: Option<bool>,
}

/// networkConfiguration.awsvpcConfiguration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Subnet ids.
    pub subnets: Vec<String>,
    /// Security group ids.
    pub security_groups: Vec<String>,
    /// assignPublicIp.
    pub public_ip: bool,
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

/// The strategies of ECS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::AsRefStr, strum::EnumString)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    /// Tasks are replaced a few at a time behind one target group.
    #[default]
    Rolling,
    /// All at once between two target groups.
    BlueGreen,
    /// Equal steps.
    Linear,
    /// One small step, then the rest.
    Canary,
}

/// deploymentConfiguration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deployment {
    /// ROLLING, BLUE_GREEN, LINEAR or CANARY.
    pub strategy: Strategy,
    /// minimumHealthyPercent.
    pub min_healthy_percent: u32,
    /// maximumPercent.
    pub max_percent: u32,
    /// The circuit breaker, with rollback.
    pub breaker: bool,
    /// CANARY: the first step; LINEAR: every step. Percent.
    pub step_percent: f64,
    /// Minutes after each step.
    pub step_bake_minutes: u32,
    /// Minutes that the old revision is kept after 100 %.
    pub bake_minutes: u32,
    /// Alarms that roll back.
    pub alarms: Vec<String>,
    /// PAUSE hooks.
    pub pause: Vec<Pause>,
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
        }
    }
}

/// A PAUSE lifecycle hook.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// `PRE_SCALE_UP`, `POST_SCALE_UP`, `POST_TEST_TRAFFIC_SHIFT`, `PRE_PRODUCTION_TRAFFIC_SHIFT`…
    pub stages: Vec<String>,
    /// Minutes until the time-out.
    #[serde(default = "defaults::pause_minutes")]
    pub timeout_minutes: u32,
    /// What the time-out does: `ROLLBACK` or `CONTINUE`.
    #[serde(default = "defaults::pause_action")]
    pub action: String,
}

/// An earlier deployment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// `family:revision`
    pub task_definition: String,
    /// How long before the start it was made.
    pub ago: Dur,
    /// How long it took.
    #[serde(default = "defaults::took")]
    pub took: Dur,
    /// How it ended.
    #[serde(default)]
    pub outcome: Outcome,
    /// Why it did not go well: rollback.reason or statusReason.
    #[serde(default)]
    pub reason: Option<String>,
    /// The alarms that went off.
    #[serde(default)]
    pub triggered: Vec<String>,
    /// Where its tasks ran, as far as it was not where the service runs now.
    #[serde(default)]
    pub setting: Setting,
}

/// How an earlier deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// SUCCESSFUL
    #[default]
    Successful,
    /// ROLLBACK_SUCCESSFUL
    RolledBack,
    /// STOPPED, by a newer one
    Superseded,
    /// ROLLBACK_FAILED
    RollbackFailed,
}
