//! The load balancer of a scenario: listeners, rules and target groups.

use indexmap::IndexMap;
use serde::Deserialize;

/// The action of a listener or a rule: exactly one of forward, fixed response and redirect.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    /// Weights (0–999) by target group name.
    #[serde(default)]
    pub(crate) forward: IndexMap<String, u32>,
    /// Target group stickiness.
    #[serde(default)]
    pub(crate) sticky_seconds: Option<u32>,
    /// The status of a fixed response.
    #[serde(default)]
    pub(crate) fixed_response: Option<u16>,
    /// The host of a permanent redirect.
    #[serde(default)]
    pub(crate) redirect_host: Option<String>,
}

/// An HTTP listener and its default action.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listener {
    /// The load balancer's name; the scenario's own one by default. Every other name is an application load balancer.
    #[serde(default)]
    pub(crate) load_balancer: Option<String>,
    pub(crate) port: u16,
    /// The action for requests that no rule matches.
    pub(crate) default: Action,
    /// Requests per second that no rule matches.
    #[serde(default)]
    pub(crate) rps: f64,
}

/// A listener rule and its traffic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The listener's name.
    #[serde(default = "listener")]
    pub(crate) listener: String,
    /// 1–50000; the lowest wins.
    pub(crate) priority: u32,
    /// Path patterns, any of which matches.
    #[serde(default)]
    pub(crate) path: Vec<String>,
    /// Host headers, any of which matches.
    #[serde(default)]
    pub(crate) host: Vec<String>,
    pub(crate) action: Action,
    /// Average requests per second.
    #[serde(default)]
    pub(crate) rps: f64,
}

/// A target group and its health checks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TargetGroup {
    pub(crate) health_path: String,
    pub(crate) interval_seconds: u32,
    /// Consecutive passed checks until a target is healthy.
    pub(crate) healthy_after: u32,
    /// Consecutive failed checks until a target is unhealthy.
    pub(crate) unhealthy_after: u32,
    /// The deregistration delay.
    pub(crate) drain_seconds: u32,
    /// stickiness.enabled: its clients stay with one target, and a rule that forwards to it beside others is sticky too.
    pub(crate) sticky: bool,
    pub(crate) target_type: TargetType,
    pub(crate) ip_address_type: IpAddressType,
}

/// TargetType of a target group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::AsRefStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum TargetType {
    /// A target is an address of a task.
    #[default]
    Ip,
    /// A target is an instance and the host port that a task has on it.
    Instance,
}

/// IpAddressType of a target group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::AsRefStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum IpAddressType {
    #[default]
    Ipv4,
    Ipv6,
}

impl Default for TargetGroup {
    fn default() -> Self {
        Self {
            health_path: "/health".into(),
            interval_seconds: 10,
            healthy_after: 2,
            unhealthy_after: 2,
            drain_seconds: 30,
            sticky: false,
            target_type: TargetType::Ip,
            ip_address_type: IpAddressType::Ipv4,
        }
    }
}

fn listener() -> String {
    "http".into()
}
