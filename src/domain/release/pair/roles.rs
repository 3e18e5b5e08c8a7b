//! The roles of a pair, stable and canary, and the pair's name.

use crate::domain::ecs::service::{RolloutState, Service};
use crate::domain::settings::Settings;

/// The tag that assigns the roles where the names do not.
const ROLE_TAG: &str = "tidegate:role";

/// The source of the two roles, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoleSource {
    /// The age: the older good revision is stable.
    Age,
    /// The tag or the name of one service.
    OneSide,
    /// The tags or the names of both services.
    BothSides,
    /// The configuration.
    Configuration,
}

/// Returns true if `one` is the stable service, with the source: configuration, then names, then tags, then age.
///
/// # Errors
/// The reason if no source decides, and how to configure the roles.
pub(super) fn roles(one: &Service, other: &Service, settings: &Settings) -> Result<(bool, RoleSource), String> {
    let (a, b) = (one.key.service.as_str(), other.key.service.as_str());
    for entry in settings.services.values() {
        match (entry.stable.as_deref(), entry.canary.as_deref()) {
            (Some(stable), _) if stable == a => return Ok((true, RoleSource::Configuration)),
            (Some(stable), _) if stable == b => return Ok((false, RoleSource::Configuration)),
            (_, Some(canary)) if canary == b => return Ok((true, RoleSource::Configuration)),
            (_, Some(canary)) if canary == a => return Ok((false, RoleSource::Configuration)),
            _ => {}
        }
    }
    if let Some(told) = told_by(roles_in_names(a, b)).or_else(|| told_by((role_tag(one), role_tag(other)))) {
        return Ok(told);
    }
    match (good_since(one), good_since(other)) {
        (Some(first), Some(second)) if first < second => Ok((true, RoleSource::Age)),
        (Some(first), Some(second)) if second < first => Ok((false, RoleSource::Age)),
        _ => Err(format!(
            "It is not certain which of {a} and {b} is the stable one. Say so in the configuration: \
             [services.NAME] stable = \"…\" canary = \"…\", or tag them {ROLE_TAG} = stable / canary."
        )),
    }
}

/// Returns true if two roles make the first service stable.
fn told_by(roles: (Option<Role>, Option<Role>)) -> Option<(bool, RoleSource)> {
    use Role::{Canary, Stable};
    match roles {
        (Some(Stable), Some(Canary)) => Some((true, RoleSource::BothSides)),
        (Some(Canary), Some(Stable)) => Some((false, RoleSource::BothSides)),
        (Some(Stable), None) | (None, Some(Canary)) => Some((true, RoleSource::OneSide)),
        (Some(Canary), None) | (None, Some(Stable)) => Some((false, RoleSource::OneSide)),
        _ => None,
    }
}

fn role_tag(service: &Service) -> Option<Role> {
    match service.tags.get(ROLE_TAG)?.as_str() {
        "stable" => Some(Role::Stable),
        "canary" => Some(Role::Canary),
        _ => None,
    }
}

/// The creation time of the primary rollout, if the rollout is complete.
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

/// The words in which two names differ, and the words that they share before and after. Shared words indicate no role:
/// `next-web-stable` and `next-web-canary` both belong to an application called `next-web`.
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

/// The roles that the names of a pair indicate.
fn roles_in_names(one: &str, other: &str) -> (Option<Role>, Option<Role>) {
    let (one, other, _) = words_apart(one, other);
    let first = |words: &[&str]| words.iter().find_map(|word| role(word));
    (first(&one), first(&other))
}

/// The common part of two names without the roles (`checkout` of `checkout-stable`, `checkout-canary`); `None`: the
/// names differ in more than the roles.
pub(super) fn stem(stable: &str, canary: &str) -> Option<String> {
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
