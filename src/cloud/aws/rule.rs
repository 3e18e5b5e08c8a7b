//! A listener rule, or a listener's default action: read whole, written back whole, with other weights.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, Rule as RawRule, RuleCondition, TargetGroupStickinessConfig,
    TargetGroupTuple,
};

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Forward, Route, RouteId, Stickiness};
use crate::domain::release::share::Weight;

/// A route together with the actions that AWS listed for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) route: Route,
    /// Every action, as it was read.
    pub(super) actions: Vec<Action>,
}

/// Where a rule is: what its own description does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) load_balancer: Arn,
    pub(super) port: Option<u16>,
}

/// The requests that a rule is for.
#[derive(Default)]
struct Matching {
    priority: String,
    /// In words.
    conditions: Vec<String>,
    /// The members that have to stay as they were seen, beside the actions.
    rest: String,
}

impl Rule {
    /// A rule that forwards; `None` for one that does not.
    pub(super) fn from_rule(raw: RawRule, spot: &Spot) -> Option<Self> {
        let id = RouteId::Rule(Arn::new(raw.rule_arn?));
        let conditions = raw.conditions.unwrap_or_default();
        // Transforms are no part of the actions, and ModifyRule leaves them alone; but a rule whose transforms
        // changed is not the rule that was seen.
        let rest = format!("{conditions:?} {:?}", raw.transforms);
        let conditions = conditions.iter().map(in_words).collect();
        let matching = Matching { priority: raw.priority.unwrap_or_default(), conditions, rest };
        Self::new(id, matching, raw.actions.unwrap_or_default(), spot)
    }

    /// A listener's default action, if it forwards.
    pub(super) fn from_default(listener: Arn, actions: Vec<Action>, spot: &Spot) -> Option<Self> {
        let matching = Matching { priority: "default".to_owned(), ..Matching::default() };
        Self::new(RouteId::Default(listener), matching, actions, spot)
    }

    fn new(id: RouteId, matching: Matching, actions: Vec<Action>, spot: &Spot) -> Option<Self> {
        let forwards = forwards(&actions);
        if forwards.is_empty() {
            return None;
        }
        let stickiness = |enabled: bool| {
            let all = actions.iter();
            let mut all =
                all.filter_map(|action| action.forward_config.as_ref()?.target_group_stickiness_config.as_ref());
            let found = all.find(|stickiness| stickiness.enabled.unwrap_or(false) == enabled)?;
            u32::try_from(found.duration_seconds?).ok()
        };
        let (stickiness, former_stickiness) = (stickiness(true), stickiness(false));
        let Matching { priority, conditions, rest } = matching;
        let shape = shape(&actions, &rest);
        let Spot { load_balancer, port } = spot.clone();
        let unknown_action = unknown_action(&actions).map(str::to_owned);
        let other_actions = actions.len() > 1;
        let route = Route {
            id,
            load_balancer,
            default_rule: None,
            port,
            priority,
            conditions,
            forwards,
            stickiness,
            former_stickiness,
            unknown_action,
            other_actions,
            shape,
        };
        Some(Self { route, actions })
    }

    /// The same default action with the ARN of the listener's default rule.
    pub(super) fn with_default_rule(mut self, arn: Option<Arn>) -> Self {
        self.route.default_rule = arn;
        self
    }

    pub(super) fn spot(&self) -> Spot {
        Spot { load_balancer: self.route.load_balancer.clone(), port: self.route.port }
    }

    /// The actions to write: these, with other weights for the target groups that are named, and with another
    /// stickiness if there is one. `None` if one of those groups is not among them.
    pub(super) fn reweighted(&self, weights: &[Forward], stickiness: Option<Stickiness>) -> Option<Vec<Action>> {
        if !weights.iter().all(|to| self.route.weight(&to.target_group).is_some()) {
            return None;
        }
        let wanted: HashMap<&str, Weight> = weights.iter().map(|to| (to.target_group.as_str(), to.weight)).collect();
        let written = |action: &Action| with_stickiness(reweigh(action.clone(), &wanted), stickiness);
        Some(self.actions.iter().map(written).collect())
    }
}

/// The first action of a kind that this version does not know: its settings were lost in reading, so that it cannot be
/// written back.
fn unknown_action(actions: &[Action]) -> Option<&str> {
    let kinds = actions.iter().filter_map(|action| action.r#type.as_ref());
    kinds.map(ActionTypeEnum::as_str).find(|kind| !ActionTypeEnum::values().contains(kind))
}

/// An action that is sticky for other clients. Off keeps the duration, by which people can tell what it was.
fn with_stickiness(mut action: Action, stickiness: Option<Stickiness>) -> Action {
    if let (Some(config), Some(stickiness)) = (action.forward_config.as_mut(), stickiness) {
        let (enabled, seconds) = match stickiness {
            Stickiness::Off { was } => (false, was),
            Stickiness::On { seconds } => (true, seconds),
        };
        let builder = TargetGroupStickinessConfig::builder().enabled(enabled);
        let written = builder.set_duration_seconds(i32::try_from(seconds).ok()).build();
        config.target_group_stickiness_config = Some(written);
    }
    action
}

fn reweigh(mut action: Action, wanted: &HashMap<&str, Weight>) -> Action {
    if let Some(config) = action.forward_config.as_mut().filter(|config| !config.target_groups().is_empty()) {
        let groups = config.target_groups.iter_mut().flatten();
        for group in groups {
            let arn = group.target_group_arn.as_deref().unwrap_or_default();
            if let Some(weight) = wanted.get(arn) {
                group.weight = Some(weight.value().into());
            }
        }
        // AWS takes the short form for one target group only.
        if config.target_groups().len() > 1 {
            action.target_group_arn = None;
        }
    } else if let Some(weight) = action.target_group_arn.as_deref().and_then(|arn| wanted.get(arn)) {
        let group = TargetGroupTuple::builder()
            .set_target_group_arn(action.target_group_arn.clone())
            .weight(weight.value().into())
            .build();
        let stickiness = action.forward_config.and_then(|config| config.target_group_stickiness_config);
        let config = ForwardActionConfig::builder().target_groups(group);
        action.forward_config = Some(config.set_target_group_stickiness_config(stickiness).build());
    }
    if let Some(oidc) = action.authenticate_oidc_config.as_mut() {
        // AWS never gives the secret out; this says that it stays.
        oidc.use_existing_client_secret = Some(true);
        oidc.client_secret = None;
    }
    action
}

/// Where the actions send traffic. An absent weight counts as 1, and so does the short form.
pub(super) fn forwards(actions: &[Action]) -> Vec<Forward> {
    let forward = |arn: &str, weight: Option<i32>| Forward {
        target_group: Arn::new(arn),
        weight: u64::try_from(weight.unwrap_or(1).clamp(0, Weight::MAX.into()))
            .ok()
            .and_then(|weight| Weight::new(weight).ok())
            .unwrap_or(Weight::ZERO),
    };
    let mut all = Vec::new();
    for action in actions.iter().filter(|action| action.r#type == Some(ActionTypeEnum::Forward)) {
        let groups = action.forward_config.as_ref().map(ForwardActionConfig::target_groups).unwrap_or_default();
        let named = groups.iter().filter_map(|group| Some(forward(group.target_group_arn.as_deref()?, group.weight)));
        all.extend(named);
        if groups.is_empty()
            && let Some(arn) = &action.target_group_arn
        {
            all.push(forward(arn, None));
        }
    }
    all
}

/// A digest of everything but the weights. The same content gives the same number, whatever the order in which
/// AWS lists target groups and whichever of its two forms a single target group comes in.
fn shape(actions: &[Action], rest: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    rest.hash(&mut hasher);
    for action in actions {
        let mut action = action.clone();
        let mut parameters = BTreeMap::new();
        // Maps print their entries in a random order: these are taken out and sorted.
        let oidc = action.authenticate_oidc_config.as_mut();
        parameters.extend(oidc.and_then(|it| it.authentication_request_extra_params.take()).unwrap_or_default());
        let cognito = action.authenticate_cognito_config.as_mut();
        parameters.extend(cognito.and_then(|it| it.authentication_request_extra_params.take()).unwrap_or_default());
        let mut groups: Vec<String> = forwards(std::slice::from_ref(&action))
            .into_iter()
            .map(|forward| forward.target_group.as_str().to_owned())
            .collect();
        groups.sort();
        let stickiness = action.forward_config.take().and_then(|config| config.target_group_stickiness_config);
        // Absent and switched off are the same, and then the duration says nothing.
        let stickiness = stickiness.filter(|it| it.enabled == Some(true)).map(|it| it.duration_seconds);
        action.target_group_arn = None;
        if let Some(oidc) = action.authenticate_oidc_config.as_mut() {
            oidc.use_existing_client_secret = None;
        }
        format!("{action:?} {parameters:?} {groups:?} {stickiness:?}").hash(&mut hasher);
    }
    hasher.finish()
}

/// A condition as people speak of it.
fn in_words(condition: &RuleCondition) -> String {
    let field = condition.field.as_deref().unwrap_or_default();
    let plain = [condition.values(), condition.regex_values()].concat();
    // The value list and the typed form say the same, where both are there.
    let (what, values): (String, Vec<String>) = if let Some(it) = &condition.path_pattern_config {
        ("path".to_owned(), [it.values(), it.regex_values()].concat())
    } else if let Some(it) = &condition.host_header_config {
        ("host".to_owned(), [it.values(), it.regex_values()].concat())
    } else if let Some(it) = &condition.http_header_config {
        let name = it.http_header_name.as_deref().unwrap_or_default();
        (format!("header {name}:"), [it.values(), it.regex_values()].concat())
    } else if let Some(it) = &condition.http_request_method_config {
        ("method".to_owned(), it.values().to_vec())
    } else if let Some(it) = &condition.source_ip_config {
        ("source".to_owned(), it.values().to_vec())
    } else if let Some(it) = &condition.query_string_config {
        let pair = |key: Option<&str>, value: &str| key.map_or(value.to_owned(), |key| format!("{key}={value}"));
        let pairs = it.values().iter().map(|it| pair(it.key(), it.value().unwrap_or_default()));
        ("query".to_owned(), pairs.collect())
    } else {
        let what = match field {
            "path-pattern" => "path",
            "host-header" => "host",
            other => other,
        };
        (what.to_owned(), Vec::new())
    };
    let values = if values.is_empty() { plain } else { values };
    format!("{what} {}", values.join(" or "))
}

#[cfg(test)]
mod tests;
