//! Scenario files: what is in the simulated account, how each revision behaves, and what happens when.
//!
//! A scenario is TOML (`assets/scenarios/NAME.toml`). It may extend another one; entries of the same name
//! replace the base's, events are added. Durations read `90s`, `4m`, `9d 2h`.

mod event;
mod family;
mod load;
mod service;

use indexmap::IndexMap;
use jiff::{Span, SpanRelativeTo, Unit};
use serde::Deserialize;

pub use self::event::{
    ContinueDeployment, Event, Interrupt, Retag, SetWeights, StopDeployment, Traffic, UpdateService,
};
pub use self::family::{Container, Degrade, Family, HealthAnswer, LogFormat, NoAnswer, Revision, Traits};
pub use self::load::ScenarioError;
pub use self::service::{Deployment, Network, Outcome, Past, Pause, Service, Setting, Strategy};

/// A whole simulated account and its timeline.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without `.toml`.
    pub name: String,
    /// One line for `--help` and the README.
    pub summary: String,
    /// The scenario that this one starts from.
    #[serde(default)]
    pub extends: Option<String>,
    /// The AWS account id, twelve digits.
    #[serde(default = "defaults::account")]
    pub account: String,
    /// The only region in which anything exists.
    #[serde(default = "defaults::region")]
    pub region: String,
    /// ECS clusters; services live in the first unless they say otherwise.
    #[serde(default = "defaults::clusters")]
    pub clusters: Vec<String>,
    /// The Application Load Balancer's name.
    #[serde(default = "defaults::load_balancer")]
    pub load_balancer: String,
    /// How long before the start the world is simulated for real; events cannot be earlier.
    #[serde(default = "defaults::warmup")]
    pub warmup: Dur,
    /// Listeners by name.
    #[serde(default)]
    pub listener: IndexMap<String, Listener>,
    /// Listener rules by name.
    #[serde(default)]
    pub rule: IndexMap<String, Rule>,
    /// Target groups by name.
    #[serde(default)]
    pub target_group: IndexMap<String, TargetGroup>,
    /// Task definition families by name.
    #[serde(default)]
    pub family: IndexMap<String, Family>,
    /// ECS services by name.
    #[serde(default)]
    pub service: IndexMap<String, Service>,
    /// CloudWatch alarms by name.
    #[serde(default)]
    pub alarm: IndexMap<String, Alarm>,
    /// CloudWatch alarms over other alarms, by name.
    #[serde(default)]
    pub composite_alarm: IndexMap<String, CompositeAlarm>,
    /// Metrics that the revisions publish of themselves.
    #[serde(default)]
    pub custom: Vec<Custom>,
    /// Container Insights is on in every cluster: ECS/ContainerInsights has what its services use.
    #[serde(default)]
    pub container_insights: bool,
    /// Every free text of an answer is full of escape sequences, control characters and direction marks.
    #[serde(default)]
    pub hostile: bool,
    /// What happens, in any order.
    #[serde(default)]
    pub event: Vec<Event>,
}

/// A length of time, `9d 2h`; a day is 24 hours. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Span")]
pub struct Dur {
    /// Milliseconds.
    pub ms: i64,
}

impl TryFrom<Span> for Dur {
    type Error = jiff::Error;

    fn try_from(span: Span) -> Result<Self, jiff::Error> {
        let ms = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours()))?;
        Ok(Self { ms: ms as i64 })
    }
}

impl Dur {
    /// From whole seconds.
    pub const fn secs(secs: i64) -> Self {
        Self { ms: secs * 1000 }
    }
}

/// What answers when a listener or a rule matches: exactly one of the three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Target group name → weight, 0–999.
    #[serde(default)]
    pub forward: IndexMap<String, u32>,
    /// Target group stickiness, seconds.
    #[serde(default)]
    pub sticky_seconds: Option<u32>,
    /// A fixed response with this status.
    #[serde(default)]
    pub fixed_response: Option<u16>,
    /// A permanent redirect to this URL.
    #[serde(default)]
    pub redirect_host: Option<String>,
}

/// A listener and its default action.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// TCP port; the protocol is HTTP.
    pub port: u16,
    /// What answers when no rule matches.
    pub default: Action,
    /// Requests a second that no rule matches.
    #[serde(default)]
    pub rps: f64,
}

/// A listener rule and the traffic that matches it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The listener's name.
    #[serde(default = "defaults::listener")]
    pub listener: String,
    /// 1–50000, lower wins.
    pub priority: u32,
    /// Path patterns, any of which matches.
    #[serde(default)]
    pub path: Vec<String>,
    /// Host headers, any of which matches.
    #[serde(default)]
    pub host: Vec<String>,
    /// What answers.
    pub action: Action,
    /// Requests a second, on average.
    #[serde(default)]
    pub rps: f64,
}

/// A target group's health checks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetGroup {
    /// Where the checks go.
    pub health_path: String,
    /// Seconds between checks.
    pub interval_seconds: u32,
    /// Passed checks until healthy.
    pub healthy_after: u32,
    /// Failed checks until unhealthy.
    pub unhealthy_after: u32,
    /// Seconds that a leaving target drains.
    pub drain_seconds: u32,
}

impl Default for TargetGroup {
    fn default() -> Self {
        Self {
            health_path: "/health".into(),
            interval_seconds: 10,
            healthy_after: 2,
            unhealthy_after: 2,
            drain_seconds: 30,
        }
    }
}

/// A CloudWatch metric alarm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// `HTTPCode_Target_5XX_Count`, `TargetResponseTime`, `CPUUtilization`…
    pub metric: String,
    /// Of this target group (and its load balancer).
    #[serde(default)]
    pub target_group: Option<String>,
    /// Or of this service.
    #[serde(default)]
    pub service: Option<String>,
    /// `Sum`, `Average`, `p99`…
    pub statistic: String,
    /// Alarm above this.
    pub threshold: f64,
    /// Minutes in a row.
    #[serde(default = "defaults::alarm_minutes")]
    pub minutes: u32,
    /// Held in ALARM from the beginning, whatever the metric says.
    #[serde(default)]
    pub stuck: bool,
    /// How long before the start it got into the state that it is in then.
    #[serde(default = "defaults::stuck_for")]
    pub stuck_for: Dur,
}

/// A CloudWatch composite alarm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeAlarm {
    /// In ALARM while any of these metric alarms is.
    pub any: Vec<String>,
}

/// Metrics of a team's own: of every service behind a target group, for each of its revisions, `Requests` and `Errors` a
/// minute (there is none where there were no errors) and `Latency` in seconds, of the same requests that the load
/// balancer counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// The namespace.
    pub namespace: String,
    /// The dimension that has the service's name.
    #[serde(default = "defaults::service_dimension")]
    pub service: String,
    /// The dimension that has the task definition: `family:revision`.
    #[serde(default = "defaults::revision_dimension")]
    pub revision: String,
}

mod defaults {
    use super::Dur;

    pub(super) fn account() -> String {
        "123456789012".into()
    }
    pub(super) fn region() -> String {
        "us-east-1".into()
    }
    pub(super) fn service_dimension() -> String {
        "Service".into()
    }
    pub(super) fn revision_dimension() -> String {
        "TaskDefinition".into()
    }
    pub(super) fn clusters() -> Vec<String> {
        vec!["prod".into()]
    }
    pub(super) fn load_balancer() -> String {
        "shop-alb".into()
    }
    pub(super) fn listener() -> String {
        "http".into()
    }
    pub(super) fn warmup() -> Dur {
        Dur::secs(300)
    }
    pub(super) fn log_driver() -> String {
        "awslogs".into()
    }
    pub(super) fn version_consistency() -> bool {
        true
    }
    pub(super) fn stuck_for() -> Dur {
        Dur::secs(26 * 3600)
    }
    pub(super) fn took() -> Dur {
        Dur::secs(240)
    }
    pub(super) fn cpu() -> u32 {
        512
    }
    pub(super) fn memory() -> u32 {
        1024
    }
    pub(super) fn ramp() -> f64 {
        20.0
    }
    pub(super) fn grace() -> u32 {
        60
    }
    pub(super) fn pause_minutes() -> u32 {
        1440
    }
    pub(super) fn pause_action() -> String {
        "ROLLBACK".into()
    }
    pub(super) fn alarm_minutes() -> u32 {
        2
    }
}
