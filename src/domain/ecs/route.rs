//! The load balancer's side: rules that divide traffic, target groups and their health.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::Arn;
use crate::domain::release::share::Weight;

/// Which rule divides the traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "arn")]
pub enum RouteId {
    /// A listener rule: written with ModifyRule.
    Rule(Arn),
    /// A listener's default action: written with ModifyListener.
    Default(Arn),
}

impl RouteId {
    /// The rule's or the listener's ARN.
    pub fn arn(&self) -> &Arn {
        match self {
            Self::Rule(arn) | Self::Default(arn) => arn,
        }
    }

    /// The operation that writes it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Rule(_) => "ModifyRule",
            Self::Default(_) => "ModifyListener",
        }
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(arn) => write!(f, "rule {}", arn.name()),
            Self::Default(arn) => write!(f, "default action of listener {}", arn.name()),
        }
    }
}

/// One target group of a forward action (`forwardConfig.targetGroups[]`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Forward {
    /// `TargetGroupArn`.
    pub target_group: Arn,
    /// `Weight`; an absent weight counts as 1, as it does for AWS.
    pub weight: Weight,
}

/// A change of a rule's target group stickiness (`TargetGroupStickinessConfig`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stickiness {
    /// Off, so that clients with a cookie follow the weights too. Where AWS refuses that, the weights are written without.
    Off {
        /// The duration that it had, seconds.
        was: u32,
    },
    /// On.
    On {
        /// The duration, seconds.
        seconds: u32,
    },
}

/// A rule, or a listener's default action, whose last action forwards to target groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Which rule.
    pub id: RouteId,
    /// The load balancer's ARN.
    pub load_balancer: Arn,
    /// `RuleArn` of a listener's default rule. A service may name the default action by it.
    #[serde(default)]
    pub default_rule: Option<Arn>,
    /// The listener's port.
    pub port: Option<u16>,
    /// `Priority`, `default` for a default action.
    pub priority: String,
    /// The conditions in words (`path /checkout*`).
    pub conditions: Vec<String>,
    /// Where it sends traffic, with weights.
    pub forwards: Vec<Forward>,
    /// `TargetGroupStickinessConfig.DurationSeconds` where it is enabled, seconds.
    pub stickiness: Option<u32>,
    /// `TargetGroupStickinessConfig.DurationSeconds` where it is disabled, seconds: it was enabled once, and cookies of
    /// that duration may be out. AWS does not tell since when.
    #[serde(default)]
    pub former_stickiness: Option<u32>,
    /// `Type` of the first action that this version does not know: its settings are lost in reading, so that the rule
    /// cannot be written back.
    #[serde(default)]
    pub unknown_action: Option<String>,
    /// True if the rule has other actions than the one that forwards: one that authenticates, for example.
    #[serde(default)]
    pub other_actions: bool,
    /// A digest of everything in the rule but the weights: other actions, conditions, stickiness. Two reads
    /// with the same shape differ in weights at most.
    pub shape: u64,
}

impl Route {
    /// A rule of which nothing else is known.
    #[cfg(test)]
    pub(crate) fn bare(id: RouteId) -> Self {
        Self {
            id,
            load_balancer: Arn::new(""),
            default_rule: None,
            port: None,
            priority: String::new(),
            conditions: Vec::new(),
            forwards: Vec::new(),
            stickiness: None,
            former_stickiness: None,
            unknown_action: None,
            other_actions: false,
            shape: 0,
        }
    }

    /// The longest that a client may keep its side by a cookie, seconds: also one from before stickiness was disabled.
    pub fn cookies_last(&self) -> Option<u32> {
        self.stickiness.max(self.former_stickiness)
    }

    /// Whether an ARN means this rule: its own, its listener's, or that of the listener's default rule.
    pub fn is_named_by(&self, arn: &Arn) -> bool {
        self.id.arn() == arn || self.default_rule.as_ref() == Some(arn)
    }

    /// Whether it sends anything to a target group.
    pub fn serves(&self, target_group: &Arn) -> bool {
        self.weight(target_group).is_some_and(|weight| weight != Weight::ZERO)
    }

    /// The rule as people know it: its listener's port and what it matches.
    pub fn describe(&self) -> String {
        let port = self.port.map(|port| format!(" on port {port}")).unwrap_or_default();
        let matched = match self.conditions.as_slice() {
            [] => String::new(),
            conditions => format!(" ({})", conditions.join(", ")),
        };
        format!("{}{port}{matched}", self.id)
    }

    /// Whether a network load balancer has it, which counts connections and no requests.
    pub fn counts_no_requests(&self) -> bool {
        load_balancer_dimension(&self.load_balancer).starts_with("net/")
    }

    /// The weight that a target group has here.
    pub fn weight(&self, target_group: &Arn) -> Option<Weight> {
        self.forwards.iter().find(|forward| forward.target_group == *target_group).map(|forward| forward.weight)
    }
}

/// The listener of a rule: `…:listener-rule/app/NAME/LB/LISTENER/RULE` hangs on `…:listener/app/NAME/LB/LISTENER`.
pub fn listener_of(rule: &Arn) -> Option<Arn> {
    let (listener, _) = rule.as_str().rsplit_once('/')?;
    let (place, rest) = listener.split_once(":listener-rule/")?;
    Some(Arn::new(format!("{place}:listener/{rest}")))
}

/// A load balancer as metrics name it (`app/shop-alb/0123456789abcdef`); the dimension's value.
pub fn load_balancer_dimension(load_balancer: &Arn) -> &str {
    load_balancer.resource().strip_prefix("loadbalancer/").unwrap_or(load_balancer.resource())
}

/// A target group as metrics name it (`targetgroup/checkout/0123456789abcdef`); the dimension's value.
pub fn target_group_dimension(target_group: &Arn) -> &str {
    target_group.resource()
}

/// A target group's name, out of its ARN.
pub fn target_group_name(target_group: &Arn) -> &str {
    target_group.resource().split('/').nth(1).unwrap_or(target_group.as_str())
}

/// How a target group's targets are (ELBv2 `DescribeTargetHealth`), counted by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `healthy`.
    pub healthy: u32,
    /// `unhealthy`.
    pub unhealthy: u32,
    /// `initial`: registered, not yet checked.
    pub initial: u32,
    /// `draining`.
    pub draining: u32,
    /// `unused`, `unavailable` and whatever else.
    pub other: u32,
    /// Distinct `Reason` codes with their counts, most frequent first (`Target.FailedHealthChecks`).
    pub reasons: Vec<(String, u32)>,
    /// Each target.
    pub targets: Vec<Target>,
}

/// One target of a target group (`TargetHealthDescriptions[]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `Target.Id`: an address, an instance.
    pub id: String,
    /// `Target.Port`.
    pub port: Option<u16>,
    /// `Target.AvailabilityZone`.
    pub zone: Option<String>,
    /// `TargetHealth.State`.
    pub state: TargetState,
    /// `TargetHealth.Reason`.
    pub reason: Option<String>,
    /// `TargetHealth.Description`: the reason in the load balancer's own words.
    pub description: Option<String>,
}

impl Target {
    /// Its id and port: `10.0.0.7:8080`, `[2001:db8::7]:8080`, `i-0a1b2c3d:32768`.
    pub fn address(&self) -> String {
        match self.port {
            Some(port) if self.id.contains(':') => format!("[{}]:{port}", self.id),
            Some(port) => format!("{}:{port}", self.id),
            None => self.id.clone(),
        }
    }
}

/// `TargetHealth.State`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// `healthy`.
    Healthy,
    /// `unhealthy`.
    Unhealthy,
    /// `initial`: registered, not yet checked often enough.
    Initial,
    /// `draining`: deregistered; what it still answers, it may finish.
    Draining,
    /// `unused`: nothing sends it traffic.
    Unused,
    /// A value that this version does not know, `unavailable` among them.
    Other(String),
}

/// A target group's own settings (ELBv2 `DescribeTargetGroups`, `DescribeTargetGroupAttributes`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// `TargetGroupArn`.
    pub arn: Arn,
    /// How targets are checked, in words: `HTTP GET /health, 200 expected`.
    pub check: String,
    /// `HealthCheckIntervalSeconds`, seconds.
    pub interval: Option<u32>,
    /// `HealthCheckTimeoutSeconds`, seconds.
    pub timeout: Option<u32>,
    /// `HealthyThresholdCount`: checks in a row.
    pub healthy_after: Option<u32>,
    /// `UnhealthyThresholdCount`: checks in a row.
    pub unhealthy_after: Option<u32>,
    /// `deregistration_delay.timeout_seconds`, seconds: how long a target drains. `None`: it could not be read.
    pub deregistration_delay: Option<u32>,
}

impl Health {
    /// All but those that are leaving.
    pub fn registered(&self) -> u32 {
        self.healthy + self.unhealthy + self.initial + self.other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rules_listener_is_in_its_arn() {
        let place = "arn:aws:elasticloadbalancing:us-east-1:123456789012:";
        let rule = Arn::new(format!("{place}listener-rule/app/shop/01/02/03"));
        assert_eq!(listener_of(&rule), Some(Arn::new(format!("{place}listener/app/shop/01/02"))));
        assert_eq!(listener_of(&Arn::new("nonsense")), None);
    }
}
