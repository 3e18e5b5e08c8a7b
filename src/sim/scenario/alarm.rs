//! CloudWatch in a scenario: alarms, and metrics that applications publish.

use serde::Deserialize;

use super::duration::Duration;

/// A metric alarm on a target group or a service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarm {
    /// `HTTPCode_Target_5XX_Count`, `TargetResponseTime`, `CPUUtilization`…
    pub(crate) metric: String,
    #[serde(default)]
    pub(crate) target_group: Option<String>,
    #[serde(default)]
    pub(crate) service: Option<String>,
    /// `Sum`, `Average`, `p99`…
    pub(crate) statistic: String,
    /// The alarm is in ALARM while the metric exceeds this.
    pub(crate) threshold: f64,
    /// Consecutive minutes that must exceed the threshold.
    #[serde(default = "minutes")]
    pub(crate) minutes: u32,
    /// The alarm stays in ALARM whatever the metric is.
    #[serde(default)]
    pub(crate) stuck: bool,
    /// Time between a stuck alarm's last state change and the start.
    #[serde(default = "stuck_for")]
    pub(crate) stuck_for: Duration,
}

/// A composite alarm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompositeAlarm {
    /// The composite is in ALARM while any of these metric alarms is.
    pub(crate) any: Vec<String>,
}

/// Metrics that every revision behind a target group publishes: `Requests` and `Errors` per minute, and `Latency` in
/// seconds. They count the requests that the load balancer counts. A minute without errors has no `Errors` data point.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomMetrics {
    pub(crate) namespace: String,
    /// The name of the dimension that holds the service's name.
    #[serde(default = "service_dimension")]
    pub(crate) service: String,
    /// The name of the dimension that holds the task definition (`family:revision`).
    #[serde(default = "revision_dimension")]
    pub(crate) revision: String,
}

fn minutes() -> u32 {
    2
}

fn stuck_for() -> Duration {
    Duration::from_secs(26 * 3600)
}

fn service_dimension() -> String {
    "Service".into()
}

fn revision_dimension() -> String {
    "TaskDefinition".into()
}
