//! From the snapshot to the releases in it: which services belong together, and what is under way.

mod history;
mod native;
mod observed;
mod phase;
mod side;
mod single;
mod standing;
mod weighted;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::condition::Condition;
use super::pair;
use super::pair::Pairs;
use super::production_rule::ProductionRule;
use super::{LocalState, ReleaseState};
use crate::domain::analysis::Verdict;
use crate::domain::ecs::deployment::Strategy;
use crate::domain::ecs::names::ServiceKey;
use crate::domain::ecs::route::Route;
use crate::domain::ecs::service::{Managed, Service};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::settings::Settings;

pub(crate) use self::native::production_rule;

/// Every release of the environment, with what its numbers say: pairs as one, every other service alone, by name. No two have the same: where
/// several clusters have a service of one name, each is called `cluster/name`.
pub(crate) fn releases(
    snapshot: &Snapshot,
    settings: &Settings,
    local: &BTreeMap<String, LocalState>,
    now: Timestamp,
) -> Vec<(ReleaseState, Verdict)> {
    let Some(services) = snapshot.services.get() else { return Vec::new() };
    let Pairs { pairs, unpaired } = pair::pairs(snapshot, settings);
    let paired: BTreeSet<_> = pairs.iter().flat_map(|pair| [&pair.stable, &pair.canary]).collect();
    let alone: Vec<_> = services.values().filter(|service| !paired.contains(&service.key)).collect();
    let of_pairs = pairs.iter().map(|pair| (pair.name.clone(), &pair.stable));
    let of_alone = alone.iter().map(|service| (service.key.service.clone(), &service.key));
    let names = disambiguate(of_pairs.chain(of_alone).collect());
    let idle = LocalState::default();
    let local_of = |name: &String| local.get(name).unwrap_or(&idle);
    // Settings go by the short name, what this console does by the one that is nobody else's.
    let (pair_names, alone_names) = names.split_at(pairs.len());
    let weighted = pairs.iter().zip(pair_names).filter_map(|(pair, name)| {
        let (state, verdict) = weighted::weighted(pair, snapshot, settings, local_of(name), now)?;
        Some((ReleaseState { name: name.clone(), ..state }, verdict))
    });
    let single = alone.iter().zip(alone_names).map(|(service, name)| {
        let (mut state, verdict) = single::single(service, snapshot, settings, local_of(name), now);
        let reasons = unpaired.get(&service.key).into_iter().flatten();
        let lattice = behind_lattice(service);
        state.conditions.extend(reasons.chain(&lattice).map(|why| Condition::NotAPair { why: why.clone() }));
        (ReleaseState { name: name.clone(), ..state }, verdict)
    });
    let mut releases: Vec<_> = weighted.chain(single).collect();
    releases.sort_by(|(a, _), (b, _)| (&a.name, &a.stable.service).cmp(&(&b.name, &b.stable.service)));
    releases
}

/// The unknowns of a service behind VPC Lattice, and the levers that are left.
fn behind_lattice(service: &Service) -> Option<String> {
    let name = &service.key.service;
    let rest = match service.configuration.strategy {
        Strategy::Rolling => "whether another service shares them is not known",
        _ => "only ECS shifts its traffic and takes it back",
    };
    let lattice = service.managed == Some(Managed::Lattice);
    lattice.then(|| format!("VPC Lattice sends {name} its requests, and its rules are not read: {rest}"))
}

/// Gives those that share a name another one. A key, an operation and a line of the audit name a release: it must be
/// one. A pair's stem may be what another service of its cluster is called; no two have the same stable service.
fn disambiguate(mut named: Vec<(String, &ServiceKey)>) -> Vec<String> {
    let with_cluster = |name: &str, stable: &ServiceKey| format!("{}/{name}", stable.cluster);
    let by_service = |_: &str, stable: &ServiceKey| stable.to_string();
    for longer in [&with_cluster as &dyn Fn(&str, &ServiceKey) -> String, &by_service] {
        let mut called: BTreeMap<String, usize> = BTreeMap::new();
        for (name, _) in &named {
            *called.entry(name.clone()).or_default() += 1;
        }
        for (name, stable) in named.iter_mut().filter(|(name, _)| called.get(name).is_some_and(|count| *count > 1)) {
            *name = longer(name, stable);
        }
    }
    named.into_iter().map(|(name, _)| name).collect()
}

/// Every rule beside the production rules that has a target group of one of these services.
fn other_rules(production: &[ProductionRule], services: &[&Service], snapshot: &Snapshot) -> Vec<Route> {
    let groups: BTreeSet<_> = services.iter().flat_map(|service| &service.target_groups).collect();
    let ours = |route: &Route| production.iter().any(|rule| rule.route.id == route.id);
    let others = snapshot.routes.get().into_iter().flat_map(|routes| routes.to_any(groups.iter().copied()));
    others.filter(|route| !ours(route)).cloned().collect()
}
