//! The production rules of a pair: test listeners are excluded, and the configuration has the last word.

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Route, listener_of};
use crate::domain::release::production_rule::ProductionRule;

/// The ports of public traffic.
const PUBLIC_PORTS: [u16; 2] = [80, 443];

/// The rules of `all` that carry production traffic.
///
/// `named` is the service's setting `rules`: each entry is the ARN of a rule or a listener, the last part of an ARN, or
/// a listener's `:PORT`. A leading `!` excludes the rules of the entry. If any entry has no `!`, only the rules of such
/// entries carry production traffic.
///
/// Without such an entry, a rule on a port other than 80 and 443 belongs to a test listener if a rule on one of these
/// ports divides the same two target groups.
pub(super) fn production(all: Vec<ProductionRule>, named: &[String]) -> Vec<ProductionRule> {
    let (excluded, included): (Vec<_>, Vec<_>) =
        named.iter().map(String::as_str).partition(|name| name.starts_with('!'));
    let means = |names: &[&str], rule: &ProductionRule| names.iter().any(|name| is_meant(&rule.route, name));
    let left: Vec<_> = all.into_iter().filter(|rule| !means(&excluded, rule)).collect();
    if !included.is_empty() {
        return left.into_iter().filter(|rule| means(&included, rule)).collect();
    }
    let public: Vec<(Arn, Arn)> = left
        .iter()
        .filter(|rule| is_public(&rule.route))
        .map(|rule| (rule.stable.clone(), rule.canary.clone()))
        .collect();
    let test = |rule: &ProductionRule| {
        !is_public(&rule.route)
            && public.iter().any(|(stable, canary)| (stable, canary) == (&rule.stable, &rule.canary))
    };
    left.into_iter().filter(|rule| !test(rule)).collect()
}

fn is_public(route: &Route) -> bool {
    route.port.is_some_and(|port| PUBLIC_PORTS.contains(&port))
}

fn is_meant(route: &Route, name: &str) -> bool {
    let name = name.trim_start_matches('!').trim();
    if let Some(port) = name.strip_prefix(':') {
        return port.parse().is_ok_and(|port| route.port == Some(port));
    }
    let arns = std::iter::once(route.id.arn()).chain(&route.default_rule);
    let mut with_listener = arns.flat_map(|arn| std::iter::once(arn.clone()).chain(listener_of(arn)));
    with_listener.any(|arn| arn.as_str() == name || arn.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ecs::route::RouteId;

    fn rule(number: u32, port: u16, groups: (&str, &str)) -> ProductionRule {
        let arn =
            format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop/01/l{port}/r{number}");
        let route = Route { port: Some(port), ..Route::bare(RouteId::Rule(Arn::new(arn))) };
        ProductionRule { route, stable: Arn::new(groups.0), canary: Arn::new(groups.1) }
    }

    fn chosen(rules: &[ProductionRule], named: &[&str]) -> Vec<String> {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        production(rules.to_vec(), &named).iter().map(|rule| rule.route.id.arn().name().to_owned()).collect()
    }

    #[test]
    fn a_test_listener_is_kept_apart_and_an_internal_rule_is_not() {
        let (public, internal) = (("stable", "canary"), ("int-stable", "int-canary"));
        let table: [(&[ProductionRule], &[&str]); 6] = [
            (&[rule(1, 443, public)], &["r1"]),
            (&[rule(1, 443, public), rule(2, 8443, public)], &["r1"]),
            (&[rule(1, 80, public), rule(2, 443, public)], &["r1", "r2"]),
            (&[rule(1, 443, public), rule(2, 8081, internal)], &["r1", "r2"]),
            (&[rule(1, 443, public), rule(2, 443, public)], &["r1", "r2"]),
            // Neither rule is identifiable as the production rule.
            (&[rule(1, 8080, public), rule(2, 9090, public)], &["r1", "r2"]),
        ];
        for (rules, expected) in table {
            assert_eq!(chosen(rules, &[]), expected, "{rules:?}");
        }
    }

    #[test]
    fn a_setting_names_or_excludes_rules() {
        let rules = [rule(1, 443, ("s", "c")), rule(2, 8443, ("s", "c")), rule(3, 8081, ("is", "ic"))];
        let listener = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/01/l8443";
        let table: [(&[&str], &[&str]); 8] = [
            (&[], &["r1", "r3"]),
            (&["r2"], &["r2"]),
            (&[rules[2].route.id.arn().as_str()], &["r3"]),
            (&["l443", ":8081"], &["r1", "r3"]),
            (&[listener], &["r2"]),
            (&["!r3"], &["r1"]),
            (&["!:443"], &["r2", "r3"]),
            (&["nonsense"], &[]),
        ];
        for (named, expected) in table {
            assert_eq!(chosen(&rules, named), expected, "{named:?}");
        }
    }
}
