//! The load balancer with its listeners, rules and target groups.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::rule::{self, Division, Rule};
use super::target_group::{GroupId, TargetGroup, TargetGroups};
use crate::sim::scenario::{self, Scenario};
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::ids::Ids;

/// A listener. Its default action is the [`Rule`] without a priority.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) port: u16,
    /// The load balancer; `None` for the account's own one, else an index into the others.
    pub(crate) other: Option<usize>,
}

/// A load balancer beside the account's own one: an application load balancer.
#[derive(Debug)]
pub(crate) struct OtherBalancer {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) dns: String,
}

/// The account's load balancer, and what the account has beside it.
#[derive(Debug)]
pub(crate) struct LoadBalancer {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) dns: String,
    /// It is a Network Load Balancer.
    pub(crate) network: bool,
    /// False if the scenario has no listeners: the account has no load balancer then.
    pub(crate) exists: bool,
    pub(crate) others: Vec<OtherBalancer>,
    /// The listeners of all load balancers.
    pub(crate) listeners: Vec<Listener>,
    /// The rules of all listeners.
    pub(crate) rules: Vec<Rule>,
    pub(crate) groups: TargetGroups,
    /// Time until a change of weights is followed.
    propagation: Ms,
}

impl LoadBalancer {
    pub(crate) fn new(scenario: &Scenario, arns: &Arns, ids: &mut Ids) -> Self {
        let name = scenario.load_balancer.clone();
        let id = ids.hex(16);
        let groups = scenario.target_group.iter().map(|(name, group)| TargetGroup {
            arn: arns.target_group(name, &ids.hex(16)),
            name: name.clone(),
            health_path: group.health_path.clone(),
            interval_seconds: group.interval_seconds,
            healthy_after: group.healthy_after,
            unhealthy_after: group.unhealthy_after,
            drain_seconds: group.drain_seconds,
            sticky: group.sticky,
            target_type: group.target_type,
            ip_address_type: group.ip_address_type,
        });
        let groups = TargetGroups::new(groups.collect());
        let mut balancer = Self {
            arn: arns.load_balancer(if scenario.network { "net" } else { "app" }, &name, &id),
            network: scenario.network,
            dns: format!("{name}-{}.{}.elb.amazonaws.com", ids.number() / 1_000_000_000, arns.region),
            exists: scenario.listener.values().any(|listener| listener.load_balancer.is_none()),
            others: Vec::new(),
            listeners: Vec::new(),
            rules: Vec::new(),
            groups,
            propagation: 0,
            name,
            id,
        };
        balancer.add_listeners(scenario, arns, ids);
        balancer.propagation = scenario.propagation_seconds.map_or(0, |seconds| Ms::from(seconds) * SECOND);
        balancer
    }

    fn add_listeners(&mut self, scenario: &Scenario, arns: &Arns, ids: &mut Ids) {
        for (index, (listener_name, listener)) in scenario.listener.iter().enumerate() {
            let other = listener.load_balancer.as_deref().map(|name| self.other(name, arns, ids));
            let balancer = other.and_then(|at| self.others.get(at)).map_or(&self.arn, |other| &other.arn);
            let arn = format!("{}/{}", balancer.replacen(":loadbalancer/", ":listener/", 1), ids.hex(16));
            let rule_arn = arn.replacen(":listener/", ":listener-rule/", 1);
            self.listeners.push(Listener { arn, port: listener.port, other });
            let mut rules: Vec<_> = scenario.rule.iter().filter(|(_, r)| r.listener == *listener_name).collect();
            rules.sort_by_key(|(_, r)| r.priority);
            for (name, from) in rules {
                let rule = Rule {
                    name: name.clone(),
                    arn: format!("{rule_arn}/{}", ids.hex(16)),
                    listener: index,
                    priority: Some(from.priority),
                    conditions: rule::conditions(from),
                    rps: from.rps,
                    ..Rule::default()
                };
                self.add_rule(rule, &from.action);
            }
            let default = Rule {
                name: listener_name.clone(),
                arn: format!("{rule_arn}/{}", ids.hex(16)),
                listener: index,
                conditions: json!([]),
                rps: listener.rps,
                ..Rule::default()
            };
            self.add_rule(default, &listener.default);
        }
    }

    /// The index of the other load balancer of this name, which is added if it is not there.
    fn other(&mut self, name: &str, arns: &Arns, ids: &mut Ids) -> usize {
        if let Some(at) = self.others.iter().position(|other| other.name == name) {
            return at;
        }
        let arn = arns.load_balancer("app", name, &ids.hex(16));
        let dns = format!("{name}-{}.{}.elb.amazonaws.com", ids.number() / 1_000_000_000, arns.region);
        self.others.push(OtherBalancer { name: name.to_owned(), arn, dns });
        self.others.len() - 1
    }

    /// The ARN of a listener's load balancer.
    pub(crate) fn arn_of(&self, listener: &Listener) -> &str {
        listener.other.and_then(|at| self.others.get(at)).map_or(&self.arn, |other| &other.arn)
    }

    /// Returns true if a load balancer with this ARN exists.
    pub(crate) fn has_balancer(&self, arn: &str) -> bool {
        self.exists && arn == self.arn || self.others.iter().any(|other| other.arn == arn)
    }

    /// The ARNs of the load balancers that have a rule to a target group, whatever the weight, by target group.
    pub(crate) fn balancers_by_group(&self) -> HashMap<GroupId, BTreeSet<&str>> {
        let mut all: HashMap<GroupId, BTreeSet<&str>> = HashMap::new();
        for rule in &self.rules {
            let Some(listener) = self.listeners.get(rule.listener) else { continue };
            for (group, _) in &rule.weights {
                all.entry(*group).or_default().insert(self.arn_of(listener));
            }
        }
        all
    }

    fn add_rule(&mut self, rule: Rule, action: &scenario::Action) {
        let actions = self.actions(action);
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
        let arn = |name: &str| self.groups.named(name).and_then(|g| self.group(g)).map(|g| g.arn.clone());
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

    pub(crate) fn group(&self, id: GroupId) -> Option<&TargetGroup> {
        self.groups.get(id)
    }

    /// The rule of this name in the scenario, or the default rule of the listener of this name.
    pub(crate) fn rule_named(&self, name: &str) -> Option<usize> {
        let named = |default: bool| self.rules.iter().position(|r| r.name == name && r.priority.is_none() == default);
        named(false).or_else(|| named(true))
    }

    /// Whether any rule forwards to a target group, whatever the weight.
    pub(crate) fn in_use(&self, id: GroupId) -> bool {
        self.rules.iter().any(|r| r.weights.iter().any(|(g, _)| *g == id))
    }

    /// Stores a rule's actions unchanged, and reads its weights and stickiness from them.
    pub(crate) fn set_actions(&mut self, rule: usize, actions: Value) {
        let is_forward = |a: &&Value| a.get("Type").and_then(Value::as_str) == Some("forward");
        let forward = actions.as_array().into_iter().flatten().find(is_forward);
        let config = forward.and_then(|a| a.get("ForwardConfig"));
        let tuples = config.and_then(|c| c.get("TargetGroups")).and_then(Value::as_array);
        let weighted = |tuple: &Value| {
            let group = self.groups.with_arn(tuple.get("TargetGroupArn")?.as_str()?)?;
            let weight = tuple.get("Weight").and_then(Value::as_u64).unwrap_or(1);
            Some((group, u32::try_from(weight).unwrap_or(999)))
        };
        let weights: Vec<_> = match tuples {
            Some(tuples) => tuples.iter().filter_map(weighted).collect(),
            None => forward
                .and_then(|a| a.get("TargetGroupArn")?.as_str())
                .and_then(|arn| self.groups.with_arn(arn))
                .map(|g| (g, 1))
                .into_iter()
                .collect(),
        };
        let sticky = config.and_then(|c| c.get("TargetGroupStickinessConfig"));
        let enabled = sticky.and_then(|s| s.get("Enabled")).and_then(Value::as_bool).unwrap_or(false);
        let seconds = sticky.and_then(|s| s.get("DurationSeconds")).and_then(Value::as_u64).unwrap_or(3600);
        let propagation = self.propagation;
        if let Some(rule) = self.rules.get_mut(rule) {
            let sticky = enabled.then(|| u32::try_from(seconds).unwrap_or(u32::MAX));
            rule.set_division(Division { weights, sticky }, propagation);
            rule.actions = actions;
        }
    }

    /// Changes the weights of a rule's forward action and nothing else. Adds target groups that the action lacks.
    pub(crate) fn set_weights(&mut self, rule: usize, weights: &[(GroupId, u32)]) {
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
