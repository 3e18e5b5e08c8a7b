//! Listener rules, which split traffic among target groups.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::target_group::GroupId;
use crate::sim::scenario;
use crate::sim::world::clock::{Ms, SECOND};

/// The part (0–1) of a sticky rule's requests that comes from clients with a cookie.
const STICKY_PART: f64 = 0.7;

/// The division of requests by a forward action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Division {
    /// Target groups and weights.
    pub(crate) weights: Vec<(GroupId, u32)>,
    /// Target group stickiness in seconds.
    pub(crate) sticky: Option<u32>,
}

/// The sticky clients of a target group, as shares (0–1) of all sticky clients.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    /// Clients from before the last change.
    before: f64,
    /// The share of clients that `before` loses per second.
    lapse: f64,
    /// Clients since the last change.
    since: f64,
}

/// A listener rule, or the default action of a listener.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    /// The name of the rule in the scenario; of a default action, the listener's.
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
    /// Requests per second that match the rule.
    pub(crate) rps: f64,
    /// The division in effect.
    pub(super) followed: Division,
    /// Divisions that will take effect, each with the time left.
    pub(super) coming: VecDeque<(Ms, Division)>,
    /// The sticky clients of each target group of `followed`.
    pub(super) held: Vec<Held>,
}

impl Division {
    /// The part (0–1) of a target group; `None` if no group has weight.
    fn part(&self, weight: u32) -> Option<f64> {
        let total: f64 = self.weights.iter().map(|(_, w)| f64::from(*w)).sum();
        (total > 0.0).then(|| f64::from(weight) / total)
    }
}

impl Rule {
    /// The share (0–1) of the requests that each target group gets now; empty if no group has weight.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (GroupId, f64)> {
        let sticky = if self.followed.sticky.is_some() { STICKY_PART } else { 0.0 };
        self.followed.weights.iter().zip(&self.held).filter_map(move |((group, weight), held)| {
            let part = self.followed.part(*weight)?;
            Some((*group, (1.0 - sticky) * part + sticky * (held.before + held.since)))
        })
    }

    /// Returns true if a forward action is in effect.
    pub(crate) fn forwards(&self) -> bool {
        !self.followed.weights.is_empty()
    }

    /// Simulates one second: changes take effect, and some cookies expire. The weights distribute the clients without a
    /// cookie.
    pub(crate) fn step(&mut self) {
        for (left, _) in &mut self.coming {
            *left -= SECOND;
        }
        while let Some((_, division)) = self.coming.pop_front_if(|(left, _)| *left <= 0) {
            self.follow(division);
        }
        self.expire_cookies();
    }

    fn expire_cookies(&mut self) {
        let mut free = 0.0;
        for held in &mut self.held {
            let lapsed = held.lapse.min(held.before);
            held.before -= lapsed;
            free += lapsed;
        }
        for ((_, weight), held) in self.followed.weights.iter().zip(&mut self.held) {
            held.since += free * self.followed.part(*weight).unwrap_or(0.0);
        }
    }

    /// Stores the rule's division, which takes effect after `propagation`.
    pub(super) fn set_division(&mut self, division: Division, propagation: Ms) {
        self.weights.clone_from(&division.weights);
        if propagation == 0 {
            self.coming.clear();
            self.follow(division);
        } else {
            self.coming.push_back((propagation, division));
        }
    }

    /// Puts a division into effect. Sticky clients stay with their target group until their cookies expire; a new
    /// target group begins without any.
    fn follow(&mut self, division: Division) {
        let before = |group: GroupId| {
            let mut old = self.followed.weights.iter().zip(&self.held);
            old.find(|((of, _), _)| *of == group).map(|(_, held)| held.before + held.since)
        };
        let any_held = division.weights.iter().any(|(group, _)| before(*group).is_some());
        let lifetime = f64::from(division.sticky.unwrap_or(1).max(1));
        let held = |(group, weight): &(GroupId, u32)| {
            let clients = match any_held {
                true => before(*group).unwrap_or(0.0),
                false => division.part(*weight).unwrap_or(0.0),
            };
            Held { before: clients, lapse: clients / lifetime, since: 0.0 }
        };
        self.held = division.weights.iter().map(held).collect();
        self.followed = division;
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
