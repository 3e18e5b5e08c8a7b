//! Listener rules and how they split traffic.

use serde_json::{Value, json};

use super::target_group::GroupId;
use crate::sim::scenario;

/// A listener rule, or the default action of a listener.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    /// The rule's name in the scenario.
    pub(crate) name: String,
    pub(crate) arn: String,
    /// An index into the load balancer's listeners.
    pub(crate) listener: usize,
    /// `None` for a default action.
    pub(crate) priority: Option<u32>,
    /// The conditions as DescribeRules shows them.
    pub(crate) conditions: Value,
    /// The actions as DescribeRules shows them.
    pub(crate) actions: Value,
    /// The target groups and weights of the forward action in `actions`.
    pub(crate) weights: Vec<(GroupId, u32)>,
    /// Target group stickiness in seconds.
    pub(crate) sticky: Option<u32>,
    /// The share of sticky clients that each of `weights` holds.
    pub(crate) sticky_shares: Vec<f64>,
    /// Requests per second that match the rule.
    pub(crate) rps: f64,
}

impl Rule {
    /// The share (0–1) of the requests that each target group gets now; empty if no group has weight.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (GroupId, f64)> {
        let total: f64 = self.weights.iter().map(|(_, w)| f64::from(*w)).sum();
        let held = if self.sticky.is_some() { 0.7 } else { 0.0 };
        self.weights
            .iter()
            .zip(&self.sticky_shares)
            .filter(move |_| total > 0.0)
            .map(move |((group, weight), sticky)| (*group, (1.0 - held) * f64::from(*weight) / total + held * sticky))
    }

    /// Simulates one second of stickiness: some cookies expire, and their clients move to where the weights send them.
    pub(crate) fn expire_cookies(&mut self) {
        let Some(seconds) = self.sticky else { return };
        let total: f64 = self.weights.iter().map(|(_, w)| f64::from(*w)).sum();
        for ((_, weight), sticky) in self.weights.iter().zip(&mut self.sticky_shares) {
            let target = if total > 0.0 { f64::from(*weight) / total } else { *sticky };
            *sticky += (target - *sticky) / f64::from(seconds.max(1));
        }
    }

    /// Replaces the weights. Sticky clients stay where they are; a new target group begins without any.
    pub(super) fn replace_weights(&mut self, weights: Vec<(GroupId, u32)>) {
        let held = |group: GroupId| {
            let old = self.weights.iter().zip(&self.sticky_shares);
            old.map(|((g, _), share)| (*g, *share)).find(|(g, _)| *g == group).map(|(_, share)| share)
        };
        let any_held = weights.iter().any(|(g, _)| held(*g).is_some());
        let total: f64 = weights.iter().map(|(_, w)| f64::from(*w)).sum();
        let by_weight = |weight: u32| {
            if total > 0.0 { f64::from(weight) / total } else { 0.0 }
        };
        let share = |(group, weight): &(GroupId, u32)| {
            if any_held { held(*group).unwrap_or(0.0) } else { by_weight(*weight) }
        };
        self.sticky_shares = weights.iter().map(share).collect();
        self.weights = weights;
    }
}

/// The conditions of a scenario's rule as DescribeRules shows them.
pub(super) fn conditions(rule: &scenario::Rule) -> Value {
    let mut conditions = Vec::new();
    if !rule.path.is_empty() {
        conditions
            .push(json!({"Field": "path-pattern", "Values": rule.path, "PathPatternConfig": {"Values": rule.path}}));
    }
    if !rule.host.is_empty() {
        conditions
            .push(json!({"Field": "host-header", "Values": rule.host, "HostHeaderConfig": {"Values": rule.host}}));
    }
    Value::Array(conditions)
}
