//! The load balancer: listeners, rules with their weights, target groups.

use serde_json::{Value, json};

use super::ids::{Ids, Place};
use crate::sim::scenario;
use crate::sim::scenario::Scenario;

/// An index into the balancer's target groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupId(usize);

impl GroupId {
    pub fn index(self) -> usize {
        self.0
    }
}

/// A target group; who is registered is known by the tasks.
#[derive(Debug)]
pub(super) struct TargetGroup {
    pub name: String,
    pub arn: String,
    pub health_path: String,
    pub interval_seconds: u32,
    pub healthy_after: u32,
    pub unhealthy_after: u32,
    pub drain_seconds: u32,
}

/// A listener; its default action is the rule whose `priority` is `None`.
#[derive(Debug)]
pub(super) struct Listener {
    pub arn: String,
    pub port: u16,
}

/// A rule of a listener.
#[derive(Debug)]
pub(super) struct Rule {
    /// The scenario's name for it.
    pub name: String,
    pub arn: String,
    /// An index into the listeners.
    pub listener: usize,
    /// `None`: the default rule.
    pub priority: Option<u32>,
    /// As DescribeRules shows them.
    pub conditions: Value,
    /// As DescribeRules shows them.
    pub actions: Value,
    /// The forward action's target groups and weights, read from `actions`.
    pub split: Vec<(GroupId, u32)>,
    /// Target group stickiness, seconds.
    pub sticky: Option<u32>,
    /// Where the sticky clients are, a share for each of `split`.
    pub clients: Vec<f64>,
    /// Requests a second.
    pub rps: f64,
}

/// The one Application Load Balancer and all that belongs to it.
#[derive(Debug)]
pub(super) struct Balancer {
    pub name: String,
    pub id: String,
    pub arn: String,
    pub dns: String,
    pub exists: bool,
    pub listeners: Vec<Listener>,
    pub rules: Vec<Rule>,
    pub groups: Vec<TargetGroup>,
}

impl Balancer {
    pub fn new(scenario: &Scenario, place: &Place, ids: &mut Ids) -> Self {
        let name = scenario.load_balancer.clone();
        let id = ids.hex(16);
        let groups = scenario.target_group.iter().map(|(name, group)| TargetGroup {
            arn: place.target_group(name, &ids.hex(16)),
            name: name.clone(),
            health_path: group.health_path.clone(),
            interval_seconds: group.interval_seconds,
            healthy_after: group.healthy_after,
            unhealthy_after: group.unhealthy_after,
            drain_seconds: group.drain_seconds,
        });
        let groups: Vec<_> = groups.collect();
        let mut balancer = Self {
            arn: place.load_balancer(&name, &id),
            dns: format!("{name}-{}.{}.elb.amazonaws.com", ids.number() / 1_000_000_000, place.region),
            exists: !scenario.listener.is_empty(),
            listeners: Vec::new(),
            rules: Vec::new(),
            groups,
            name,
            id,
        };
        for (index, (listener_name, listener)) in scenario.listener.iter().enumerate() {
            let arn = format!("{}/{}", balancer.arn.replacen(":loadbalancer/", ":listener/", 1), ids.hex(16));
            let rule_arn = arn.replacen(":listener/", ":listener-rule/", 1);
            balancer.listeners.push(Listener { arn, port: listener.port });
            let mut rules: Vec<_> = scenario.rule.iter().filter(|(_, r)| r.listener == *listener_name).collect();
            rules.sort_by_key(|(_, r)| r.priority);
            for (name, rule) in rules {
                let arn = format!("{rule_arn}/{}", ids.hex(16));
                let actions = balancer.actions(&rule.action);
                balancer.push(Rule::new(name, arn, index, Some(rule.priority), conditions(rule), rule.rps), actions);
            }
            let arn = format!("{rule_arn}/{}", ids.hex(16));
            let actions = balancer.actions(&listener.default);
            balancer.push(Rule::new(listener_name, arn, index, None, json!([]), listener.rps), actions);
        }
        balancer
    }

    fn push(&mut self, rule: Rule, actions: Value) {
        self.rules.push(rule);
        self.set_actions(self.rules.len() - 1, actions);
    }

    /// The actions of a scenario as DescribeRules shows them.
    fn actions(&self, action: &scenario::Action) -> Value {
        if let Some(status) = action.fixed_response {
            let config =
                json!({"MessageBody": "Not found", "StatusCode": status.to_string(), "ContentType": "text/plain"});
            return json!([{"Type": "fixed-response", "Order": 1, "FixedResponseConfig": config}]);
        }
        if let Some(host) = &action.redirect_host {
            let config = json!({"Protocol": "HTTPS", "Port": "443", "Host": host, "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301"});
            return json!([{"Type": "redirect", "Order": 1, "RedirectConfig": config}]);
        }
        let arn = |name: &str| self.group_named(name).and_then(|g| self.group(g)).map(|g| g.arn.clone());
        let tuples: Vec<_> = action
            .forward
            .iter()
            .map(|(name, weight)| json!({"TargetGroupArn": arn(name), "Weight": weight}))
            .collect();
        let sticky = match action.sticky_seconds {
            Some(seconds) => json!({"Enabled": true, "DurationSeconds": seconds}),
            None => json!({"Enabled": false}),
        };
        let forward = json!({"TargetGroups": tuples, "TargetGroupStickinessConfig": sticky});
        match action.forward.keys().next() {
            Some(only) if action.forward.len() == 1 => {
                json!([{"Type": "forward", "TargetGroupArn": arn(only), "Order": 1, "ForwardConfig": forward}])
            }
            _ => json!([{"Type": "forward", "Order": 1, "ForwardConfig": forward}]),
        }
    }

    pub fn group(&self, id: GroupId) -> Option<&TargetGroup> {
        self.groups.get(id.0)
    }

    pub fn group_named(&self, name: &str) -> Option<GroupId> {
        self.groups.iter().position(|g| g.name == name).map(GroupId)
    }

    pub fn group_with_arn(&self, arn: &str) -> Option<GroupId> {
        self.groups.iter().position(|g| g.arn == arn).map(GroupId)
    }

    pub fn group_ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.groups.len()).map(GroupId)
    }

    pub fn rule_named(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|r| r.name == name && r.priority.is_some())
    }

    /// Some rule forwards to it, at whatever weight.
    pub fn in_use(&self, id: GroupId) -> bool {
        self.rules.iter().any(|r| r.split.iter().any(|(g, _)| *g == id))
    }

    /// Replaces a rule's actions, as they are, and reads the weights out of them.
    pub fn set_actions(&mut self, rule: usize, actions: Value) {
        let empty = Vec::new();
        let forward = actions
            .as_array()
            .unwrap_or(&empty)
            .iter()
            .find(|a| a.get("Type").and_then(Value::as_str) == Some("forward"));
        let config = forward.and_then(|a| a.get("ForwardConfig"));
        let tuples = config.and_then(|c| c.get("TargetGroups")).and_then(Value::as_array);
        let weighted = |tuple: &Value| {
            let group = self.group_with_arn(tuple.get("TargetGroupArn")?.as_str()?)?;
            let weight = tuple.get("Weight").and_then(Value::as_u64).unwrap_or(1);
            Some((group, u32::try_from(weight).unwrap_or(999)))
        };
        let split: Vec<_> = match tuples {
            Some(tuples) => tuples.iter().filter_map(weighted).collect(),
            None => forward
                .and_then(|a| a.get("TargetGroupArn")?.as_str())
                .and_then(|arn| self.group_with_arn(arn))
                .map(|g| (g, 1))
                .into_iter()
                .collect(),
        };
        let sticky = config.and_then(|c| c.get("TargetGroupStickinessConfig"));
        let enabled = sticky.and_then(|s| s.get("Enabled")).and_then(Value::as_bool).unwrap_or(false);
        let seconds = sticky.and_then(|s| s.get("DurationSeconds")).and_then(Value::as_u64).unwrap_or(3600);
        let Some(rule) = self.rules.get_mut(rule) else {
            return;
        };
        // Sticky clients stay where they are when weights change; new groups begin without any.
        let was =
            |group: GroupId| rule.split.iter().zip(&rule.clients).find(|((g, _), _)| *g == group).map(|(_, c)| *c);
        let known = split.iter().any(|(g, _)| was(*g).is_some());
        let total: f64 = split.iter().map(|(_, w)| f64::from(*w)).sum();
        let fresh = |weight: u32| {
            if total > 0.0 { f64::from(weight) / total } else { 0.0 }
        };
        rule.clients = split.iter().map(|(g, w)| if known { was(*g).unwrap_or(0.0) } else { fresh(*w) }).collect();
        rule.sticky = enabled.then(|| u32::try_from(seconds).unwrap_or(u32::MAX));
        rule.split = split;
        rule.actions = actions;
    }

    /// Changes only the weights of a rule's forward action; a target group that somebody took out of it comes back.
    pub fn set_weights(&mut self, rule: usize, weights: &[(GroupId, u32)]) {
        let Some(found) = self.rules.get(rule) else {
            return;
        };
        let mut actions = found.actions.clone();
        for action in actions.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            let tuples = action.get_mut("ForwardConfig").and_then(|c| c.get_mut("TargetGroups")?.as_array_mut());
            let Some(tuples) = tuples else { continue };
            for (group, weight) in weights {
                let Some(arn) = self.group(*group).map(|g| g.arn.as_str()) else {
                    continue;
                };
                let own = tuples.iter_mut().find(|t| t.get("TargetGroupArn").and_then(Value::as_str) == Some(arn));
                match own.and_then(Value::as_object_mut) {
                    Some(tuple) => drop(tuple.insert("Weight".into(), json!(weight))),
                    None => tuples.push(json!({"TargetGroupArn": arn, "Weight": weight})),
                }
            }
            if tuples.len() > 1 {
                action.remove("TargetGroupArn");
            }
        }
        self.set_actions(rule, actions);
    }
}

impl Rule {
    fn new(name: &str, arn: String, listener: usize, priority: Option<u32>, conditions: Value, rps: f64) -> Self {
        let (split, clients) = (Vec::new(), Vec::new());
        Self {
            name: name.into(),
            arn,
            listener,
            priority,
            conditions,
            actions: json!([]),
            split,
            sticky: None,
            clients,
            rps,
        }
    }

    /// The share of the requests that goes to each target group of `split` now: 0–1; empty when nothing has weight.
    pub fn shares(&self) -> impl Iterator<Item = (GroupId, f64)> {
        let total: f64 = self.split.iter().map(|(_, w)| f64::from(*w)).sum();
        let held = if self.sticky.is_some() { 0.7 } else { 0.0 };
        self.split
            .iter()
            .zip(&self.clients)
            .filter(move |_| total > 0.0)
            .map(move |((group, weight), clients)| (*group, (1.0 - held) * f64::from(*weight) / total + held * clients))
    }

    /// One second: some sticky cookies lapse and their owners are sent where the weights say.
    pub fn lapse_cookies(&mut self) {
        let Some(seconds) = self.sticky else { return };
        let total: f64 = self.split.iter().map(|(_, w)| f64::from(*w)).sum();
        for ((_, weight), clients) in self.split.iter().zip(&mut self.clients) {
            let target = if total > 0.0 { f64::from(*weight) / total } else { *clients };
            *clients += (target - *clients) / f64::from(seconds.max(1));
        }
    }
}

fn conditions(rule: &scenario::Rule) -> Value {
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
