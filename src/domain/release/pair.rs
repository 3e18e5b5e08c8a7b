//! Which services belong together: two services behind rules that divide their traffic.

mod roles;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use self::roles::{RoleSource, roles, stem};
use super::production_rule::ProductionRule;
use crate::domain::ecs::deployment::Strategy;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::{Route, target_group_name};
use crate::domain::ecs::service::{Controller, Service};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::settings::Settings;

/// Two services that share the traffic of one or more rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// What people call it: the stem of both names, else the stable service's name.
    pub name: String,
    /// The service that was there.
    pub stable: ServiceKey,
    /// The service that is tried.
    pub canary: ServiceKey,
    /// The rules that carry its production traffic, in ARN order.
    pub rules: Vec<ProductionRule>,
    /// Why it is not certain which of the two is stable: then the pair is only watched.
    pub uncertain: Option<String>,
}

/// Every pair, and why other services behind a divided rule are none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairs {
    /// The pairs. No service is in two of them.
    pub pairs: Vec<Pair>,
    /// One sentence for each rule that divides a service's traffic without making a pair.
    pub unpaired: BTreeMap<ServiceKey, Vec<String>>,
}

/// The services that own a target group.
type Owners<'a> = BTreeMap<&'a Arn, Vec<&'a Service>>;

/// A rule that divides its traffic between target groups of two services.
struct Division<'a> {
    one: (&'a Service, &'a Arn),
    other: (&'a Service, &'a Arn),
    route: &'a Route,
}

/// Finds every pair among the services. Of a service that two pairs could have, the one that is told best gets it.
pub fn pairs(snapshot: &Snapshot, settings: &Settings) -> Pairs {
    let (Some(services), Some(routes)) = (snapshot.services.get(), snapshot.routes.get()) else {
        return Pairs::default();
    };
    let mut owners: Owners<'_> = BTreeMap::new();
    for service in services.values() {
        for group in &service.target_groups {
            owners.entry(group).or_default().push(service);
        }
    }
    let mut found = Pairs::default();
    let mut divisions: BTreeMap<(&ServiceKey, &ServiceKey), Vec<Division<'_>>> = BTreeMap::new();
    for route in routes.values().filter(|route| route.forwards.len() > 1) {
        match division(route, &owners, settings) {
            Ok(division) => divisions.entry((&division.one.0.key, &division.other.0.key)).or_default().push(division),
            Err(why) if why.is_empty() => {}
            Err(why) => found.note(route, &owners, &why),
        }
    }
    let mut candidates: Vec<_> = divisions.into_values().filter_map(|all| pair(&all, settings)).collect();
    candidates.sort_by_key(|(told, _)| std::cmp::Reverse(*told));
    let mut taken: BTreeSet<ServiceKey> = BTreeSet::new();
    for (_, pair) in candidates {
        if let Some(other) = [&pair.stable, &pair.canary].into_iter().find(|service| taken.contains(service)) {
            let why = format!(
                "{} and {} share a rule, and {} has another partner",
                pair.stable.service, pair.canary.service, other.service
            );
            for service in [&pair.stable, &pair.canary] {
                found.unpaired.entry(service.clone()).or_default().push(why.clone());
            }
            continue;
        }
        taken.extend([pair.stable.clone(), pair.canary.clone()]);
        found.pairs.push(pair);
    }
    found.pairs.sort_by(|a, b| (&a.stable, &a.canary).cmp(&(&b.stable, &b.canary)));
    found.unpaired.retain(|service, _| !taken.contains(service));
    found
}

impl Pairs {
    fn note(&mut self, route: &Route, owners: &Owners<'_>, why: &str) {
        let services: BTreeSet<_> = route
            .forwards
            .iter()
            .filter_map(|to| owners.get(&to.target_group))
            .flatten()
            .map(|service| &service.key)
            .collect();
        for service in services {
            self.unpaired
                .entry(service.clone())
                .or_default()
                .push(format!("{} is not a pair's: {why}", route.describe()));
        }
    }
}

/// The two services that a rule divides its traffic between.
///
/// # Errors
/// Why it is no pair's rule; empty where there is nothing to say.
fn division<'a>(route: &'a Route, owners: &Owners<'a>, settings: &Settings) -> Result<Division<'a>, String> {
    let mut owned: Vec<(&Service, &Arn)> = Vec::new();
    let mut hindrances = Vec::new();
    for group in route.forwards.iter().map(|to| &to.target_group) {
        match owners.get(group).map(Vec::as_slice) {
            Some([service]) => match why_not_ours(service) {
                None => owned.push((service, group)),
                Some(why) => hindrances.push(why),
            },
            Some(services) => {
                let names: Vec<_> = services.iter().map(|service| service.key.service.as_str()).collect();
                hindrances.push(format!("{} share target group {}", names.join(" and "), target_group_name(group)));
            }
            None => hindrances.push(format!("no service that was read has target group {}", target_group_name(group))),
        }
    }
    let mut all = route.forwards.iter().map(|to| owners.get(&to.target_group));
    // The two target groups of a service that ECS shifts: nobody looks for a partner there.
    if let Some(Some(first)) = all.next()
        && all.all(|owners| owners == Some(first))
    {
        return Err(String::new());
    }
    let services: BTreeSet<_> = owned.iter().map(|(service, _)| &service.key).collect();
    if services.len() < owned.len() {
        return Err("one service has several target groups in it".to_owned());
    }
    let (one, other) = match owned.as_slice() {
        [] | [_] => return Err(hindrances.join("; ")),
        // The partner may be the service that was not read: only names that tell both sides say that it is not.
        [one, other] if !hindrances.is_empty() && !tell_both(one.0, other.0, settings) => {
            return Err(hindrances.join("; "));
        }
        [one, other] => (*one, *other),
        several => best_told(several, settings)?,
    };
    let (one, other) = if one.0.key <= other.0.key { (one, other) } else { (other, one) };
    Ok(Division { one, other, route })
}

/// Returns true if names, tags or the configuration tell the roles of both, and of no other service.
fn tell_both(one: &Service, other: &Service, settings: &Settings) -> bool {
    let ours = [one.key.service.as_str(), other.key.service.as_str()];
    let named = |name: &Option<String>| name.as_deref().is_none_or(|name| ours.contains(&name));
    let mut of_us = settings
        .services
        .values()
        .filter(|entry| [&entry.stable, &entry.canary].into_iter().flatten().any(|name| ours.contains(&name.as_str())));
    of_us.all(|entry| named(&entry.stable) && named(&entry.canary))
        && roles(one, other, settings).is_ok_and(|(_, source)| source >= RoleSource::BothSides)
}

/// Of three services and more behind one rule, the two whose roles are told best.
fn best_told<'a>(
    owned: &[(&'a Service, &'a Arn)],
    settings: &Settings,
) -> Result<((&'a Service, &'a Arn), (&'a Service, &'a Arn)), String> {
    let couples =
        owned.iter().enumerate().flat_map(|(index, one)| owned.iter().skip(index + 1).map(move |other| (*one, *other)));
    let mut told: Vec<_> =
        couples.filter_map(|(one, other)| Some((roles(one.0, other.0, settings).ok()?.1, (one, other)))).collect();
    told.sort_by_key(|(source, _)| std::cmp::Reverse(*source));
    match told.as_slice() {
        [(source, couple)] if *source > RoleSource::Age => Ok(*couple),
        [(source, couple), (next, _), ..] if *source > RoleSource::Age && source > next => Ok(*couple),
        _ => Err(format!(
            "{} services share it, and nothing tells which two are stable and canary: say so in the configuration, \
             [services.NAME] stable = \"…\" canary = \"…\"",
            owned.len()
        )),
    }
}

/// Why a service's weights are not ours to write; `None`: they are. Only of a service that ECS replaces in place: any
/// other strategy writes the rule itself.
fn why_not_ours(service: &Service) -> Option<String> {
    let name = &service.key.service;
    if let Some(owner) = service.managed {
        return Some(format!("{owner} owns the rules of {name}"));
    }
    match (&service.controller, &service.configuration.strategy) {
        (Controller::Ecs, Strategy::Rolling) => None,
        (Controller::Ecs, strategy) => Some(format!("ECS writes the weights of {name} itself ({strategy})")),
        (Controller::CodeDeploy, _) => Some(format!("CodeDeploy moves {name}")),
        (Controller::External | Controller::Other(_), _) => Some(format!("another controller moves {name}")),
    }
}

/// A pair of the rules that two services share, and how well its roles are told.
fn pair(divisions: &[Division<'_>], settings: &Settings) -> Option<(Option<RoleSource>, Pair)> {
    let Division { one: (one, _), other: (other, _), .. } = divisions.first()?;
    let told = roles(one, other, settings);
    let one_is_stable = told.as_ref().map_or(true, |(one_is_stable, _)| *one_is_stable);
    let (stable, canary) = if one_is_stable { (one, other) } else { (other, one) };
    let name = stem(&stable.key.service, &canary.key.service).unwrap_or_else(|| stable.key.service.clone());
    let rule = |division: &Division<'_>| {
        let groups = (division.one.1.clone(), division.other.1.clone());
        let (stable, canary) = if one_is_stable { groups } else { (groups.1, groups.0) };
        ProductionRule { route: division.route.clone(), stable, canary }
    };
    let rules = rules::production(divisions.iter().map(rule).collect(), settings.rules_of(&name));
    if rules.is_empty() {
        return None;
    }
    let source = told.as_ref().ok().map(|(_, source)| *source);
    let (stable, canary) = (stable.key.clone(), canary.key.clone());
    Some((source, Pair { name, stable, canary, rules, uncertain: told.err() }))
}
