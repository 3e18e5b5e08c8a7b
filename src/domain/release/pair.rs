//! Which services belong together: two services behind one rule that weights their target groups.

use std::collections::BTreeMap;

use crate::domain::ecs::deployment::Strategy;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::{Route, RouteId};
use crate::domain::ecs::service::{Controller, RolloutState, Service};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::settings::Settings;

/// Two services that share the traffic of one or more rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// What people call it: the stem of both names, else the stable service's name.
    pub name: String,
    /// The service that was there.
    pub stable: ServiceKey,
    /// Its target group.
    pub stable_group: Arn,
    /// The service that is tried.
    pub canary: ServiceKey,
    /// Its target group.
    pub canary_group: Arn,
    /// Every rule that weights the two, in ARN order.
    pub routes: Vec<RouteId>,
    /// How the two were told apart; `Err` says why they could not be: then the pair is only watched.
    pub told_by: Result<&'static str, String>,
}

/// The tag that tells the two apart where names do not.
pub const ROLE_TAG: &str = "tidegate:role";

/// Finds every pair. Each service is in one pair at the most: the first in ARN order of its rules.
pub fn pairs(snapshot: &Snapshot, settings: &Settings) -> Vec<Pair> {
    let (Some(services), Some(routes)) = (snapshot.services.get(), snapshot.routes.get()) else {
        return Vec::new();
    };
    let mut owner: BTreeMap<&Arn, Vec<&Service>> = BTreeMap::new();
    for service in services.values().filter(|service| ours_to_move(service)) {
        for group in &service.target_groups {
            owner.entry(group).or_default().push(service);
        }
    }
    let mut found: BTreeMap<(ServiceKey, ServiceKey), (Owned<'_>, Owned<'_>, Vec<RouteId>)> = BTreeMap::new();
    for route in routes.values() {
        let Some((one, other)) = two_services(route, &owner) else { continue };
        let (one, other) = if one.0.key <= other.0.key { (one, other) } else { (other, one) };
        found
            .entry((one.0.key.clone(), other.0.key.clone()))
            .or_insert_with(|| (one, other, Vec::new()))
            .2
            .push(route.id.clone());
    }
    let mut taken = Vec::new();
    let mut pairs = Vec::new();
    for (keys, ((one, one_group), (other, other_group), routes)) in found {
        if taken.contains(&keys.0) || taken.contains(&keys.1) {
            continue;
        }
        let told = roles_from(one, other, settings);
        let (stable, stable_group, canary, canary_group) = match told {
            Ok((false, _)) => (other, other_group, one, one_group),
            _ => (one, one_group, other, other_group),
        };
        let name = stem(&stable.key.service, &canary.key.service).unwrap_or_else(|| stable.key.service.clone());
        pairs.push(Pair {
            name,
            stable: stable.key.clone(),
            stable_group: stable_group.clone(),
            canary: canary.key.clone(),
            canary_group: canary_group.clone(),
            routes,
            told_by: told.map(|(_, how)| how),
        });
        taken.extend([keys.0, keys.1]);
    }
    pairs
}

/// Only services that ECS replaces in place can be weighted by us: any other strategy writes the rule itself.
fn ours_to_move(service: &Service) -> bool {
    service.controller == Controller::Ecs && service.configuration.strategy == Strategy::Rolling
}

type Owned<'a> = (&'a Service, &'a Arn);

fn two_services<'a>(route: &'a Route, owner: &BTreeMap<&'a Arn, Vec<&'a Service>>) -> Option<(Owned<'a>, Owned<'a>)> {
    let [one, other] = route.forwards.as_slice() else { return None };
    let single = |group: &'a Arn| match owner.get(group)?.as_slice() {
        [service] => Some((*service, group)),
        _ => None,
    };
    let (one, other) = (single(&one.target_group)?, single(&other.target_group)?);
    (one.0.key != other.0.key).then_some((one, other))
}

/// Whether `one` is the stable service, and how that is known: configuration, then names, then tags, then
/// which revision has been good for longer.
fn roles_from(one: &Service, other: &Service, settings: &Settings) -> Result<(bool, &'static str), String> {
    let (a, b) = (one.key.service.as_str(), other.key.service.as_str());
    for entry in settings.services.values() {
        match (entry.stable.as_deref(), entry.canary.as_deref()) {
            (Some(stable), _) if stable == a => return Ok((true, "configuration")),
            (Some(stable), _) if stable == b => return Ok((false, "configuration")),
            (_, Some(canary)) if canary == b => return Ok((true, "configuration")),
            (_, Some(canary)) if canary == a => return Ok((false, "configuration")),
            _ => {}
        }
    }
    match roles_in_names(a, b) {
        (Some(Role::Stable), Some(Role::Canary) | None) | (None, Some(Role::Canary)) => return Ok((true, "names")),
        (Some(Role::Canary), Some(Role::Stable) | None) | (None, Some(Role::Stable)) => return Ok((false, "names")),
        _ => {}
    }
    let role = |service: &Service| service.tags.get(ROLE_TAG).map(String::as_str).map(str::to_owned);
    match (role(one).as_deref(), role(other).as_deref()) {
        (Some("stable"), Some("canary") | None) | (None, Some("canary")) => return Ok((true, "tags")),
        (Some("canary"), Some("stable") | None) | (None, Some("stable")) => return Ok((false, "tags")),
        _ => {}
    }
    match (good_since(one), good_since(other)) {
        (Some(first), Some(second)) if first < second => Ok((true, "age of the revisions")),
        (Some(first), Some(second)) if second < first => Ok((false, "age of the revisions")),
        _ => Err(format!(
            "It is not certain which of {a} and {b} is the stable one. Say so in the configuration: \
             [services.NAME] stable = \"…\" canary = \"…\", or tag them {ROLE_TAG} = stable / canary."
        )),
    }
}

/// Since when the complete primary rollout has been there.
fn good_since(service: &Service) -> Option<jiff::Timestamp> {
    let primary = service.primary()?;
    (primary.state == Some(RolloutState::Completed)).then_some(primary.created_at)?
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Stable,
    Canary,
}

const STABLE_WORDS: [&str; 4] = ["stable", "primary", "baseline", "main"];
const CANARY_WORDS: [&str; 3] = ["canary", "candidate", "next"];

/// The words of two names that tell them apart, and how many words before and after those they share. What they
/// share says nothing of roles: `next-web-stable` and `next-web-canary` both belong to something called `next-web`.
fn words_apart<'a>(one: &'a str, other: &'a str) -> (Vec<&'a str>, Vec<&'a str>, [Vec<&'a str>; 2]) {
    let words = |name: &'a str| name.split(['-', '_', '.']).collect::<Vec<_>>();
    let (mut one, mut other) = (words(one), words(other));
    let alike = |a: &mut dyn Iterator<Item = (&'a str, &'a str)>| a.take_while(|(a, b)| a == b).count();
    let before = alike(&mut one.iter().copied().zip(other.iter().copied()));
    let shared_before: Vec<_> = one.drain(..before).collect();
    other.drain(..before);
    let after = alike(&mut one.iter().rev().copied().zip(other.iter().rev().copied()));
    let shared_after: Vec<_> = one.split_off(one.len().saturating_sub(after));
    other.truncate(other.len().saturating_sub(after));
    (one, other, [shared_before, shared_after])
}

fn role(word: &str) -> Option<Role> {
    let word = word.to_ascii_lowercase();
    if STABLE_WORDS.contains(&word.as_str()) {
        Some(Role::Stable)
    } else if CANARY_WORDS.contains(&word.as_str()) {
        Some(Role::Canary)
    } else {
        None
    }
}

/// What the names of a pair say of each other's roles.
fn roles_in_names(one: &str, other: &str) -> (Option<Role>, Option<Role>) {
    let (one, other, _) = words_apart(one, other);
    let first = |words: &[&str]| words.iter().find_map(|word| role(word));
    (first(&one), first(&other))
}

/// What two names have in common without their roles (`checkout` of `checkout-stable`, `checkout-canary`);
/// `None` where they are not called alike.
pub fn stem(stable: &str, canary: &str) -> Option<String> {
    let (one, other, [mut stem, after]) = words_apart(stable, canary);
    let bare = |words: Vec<&str>| -> Vec<String> {
        words.into_iter().filter(|word| role(word).is_none()).map(str::to_owned).collect()
    };
    let (one, other) = (bare(one), bare(other));
    if one != other {
        return None;
    }
    stem.extend(one.iter().map(String::as_str));
    stem.extend(after);
    (!stem.is_empty()).then(|| stem.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems() {
        let table = [
            ("checkout-stable", "checkout-canary", Some("checkout")),
            ("checkout", "checkout-canary", Some("checkout")),
            ("shop_cart_main", "shop_cart_next", Some("shop-cart")),
            ("stable", "canary", None),
            ("next-web-stable", "next-web-canary", Some("next-web")),
            ("main", "main-canary", Some("main")),
            ("checkout-stable-v2", "checkout-canary-v2", Some("checkout-v2")),
            ("stable-checkout", "checkout-canary", Some("checkout")),
            ("checkout", "payments", None),
        ];
        for (stable, canary, expected) in table {
            assert_eq!(stem(stable, canary).as_deref(), expected, "{stable} {canary}");
        }
    }

    #[test]
    fn roles_are_whole_words_that_tell_the_two_apart() {
        use Role::{Canary, Stable};
        let table = [
            ("checkout", "checkout-canary", None, Some(Canary)),
            ("checkout-Stable-v2", "checkout-canary-v2", Some(Stable), Some(Canary)),
            ("next-web-stable", "next-web-canary", Some(Stable), Some(Canary)),
            ("main-api", "main-api-candidate", None, Some(Canary)),
            ("stablecoin", "nextcloud", None, None),
            ("canary-blue", "canary-green", None, None),
        ];
        for (one, other, role_of_one, role_of_other) in table {
            assert_eq!(roles_in_names(one, other), (role_of_one, role_of_other), "{one} {other}");
        }
    }
}
