//! What holds of plans whatever stands around a pair: load balancers, rules, target groups.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Call;
use crate::domain::ecs::route::{Forward, Route, RouteId, Stickiness};
use crate::domain::release::production_rule::ProductionRule;
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{Release, Side};
use crate::domain::wording::Wording;
use crate::testkit::worlds::{Missing, Topology, missing, topology};

fn written(call: &Call) -> Option<(&RouteId, &[Forward])> {
    match call {
        Call::SetWeights { route, weights, .. } => Some((route, weights)),
        _ => None,
    }
}

fn production<'a>(release: &'a Release, route: &RouteId) -> Option<&'a ProductionRule> {
    release.rules.iter().find(|rule| rule.route.id == *route)
}

/// The rules beside production's that send something to a side.
fn serving_too(topology: &Topology, side: &Side) -> Vec<Route> {
    let production: BTreeSet<_> = topology.production().into_iter().map(|route| route.id).collect();
    let mut others = topology.routes();
    others.retain(|route| !production.contains(&route.id) && side.groups().any(|group| route.serves(group)));
    others
}

/// The weights of both sides in a rule, as they were and as they are written, and the sum of all others.
fn sums(rule: &ProductionRule, weights: &[Forward]) -> (u32, u32, u32) {
    let sum = |all: &mut dyn Iterator<Item = Weight>| all.map(|weight| u32::from(weight.value())).sum::<u32>();
    let sides = [&rule.stable, &rule.canary];
    let before = sum(&mut sides.into_iter().filter_map(|group| rule.route.weight(group)));
    (before, sum(&mut weights.iter().map(|to| to.weight)), sum(&mut rule.others().map(|to| to.weight)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_share_is_that_of_production_or_unknown((topology, _) in topology()) {
        let expected: BTreeSet<_> = topology.production().into_iter().map(|route| route.id).collect();
        let Some(release) = topology.pair() else {
            prop_assert!(expected.is_empty());
            return Ok(());
        };
        let found: BTreeSet<_> = release.rules.iter().map(|rule| rule.route.id.clone()).collect();
        prop_assert_eq!(found, expected);
        let shares = release.shares();
        prop_assert!(shares.contains(&release.share.configured), "{shares:?}");
        // Nobody served in one of them matters more than any share.
        prop_assert_eq!(shares.contains(&None), release.share.configured.is_none());
    }

    #[test]
    fn no_plan_writes_anything_but_the_weights_of_both_sides_in_production_rules((topology, intent) in topology()) {
        let Some(release) = topology.pair() else { return Ok(()) };
        let Ok(plan) = topology.plan(&release, &intent) else { return Ok(()) };
        for (route, weights) in plan.calls().filter_map(written) {
            let rule = production(&release, route);
            prop_assert!(rule.is_some(), "{route} is no production rule");
            let Some(rule) = rule else { continue };
            let sides = BTreeSet::from([&rule.stable, &rule.canary]);
            prop_assert_eq!(weights.iter().map(|to| &to.target_group).collect::<BTreeSet<_>>(), sides);
        }
    }

    #[test]
    fn stickiness_is_switched_off_with_the_last_of_the_canarys_weight_alone((topology, intent) in topology()) {
        let Some(release) = topology.pair() else { return Ok(()) };
        let Ok(plan) = topology.plan(&release, &intent) else { return Ok(()) };
        for call in plan.calls() {
            let Call::SetWeights { route, weights, stickiness, .. } = call else { continue };
            let Some(rule) = production(&release, route) else { continue };
            let taken = intent.is_rollback() && rule.share_of(weights) == Some(Percent::ZERO);
            let off = rule.route.stickiness.filter(|_| taken).map(|was| Stickiness::Off { was });
            prop_assert_eq!(*stickiness, off, "{:#?}", plan);
        }
    }

    #[test]
    fn a_third_target_group_keeps_its_share((topology, intent) in topology()) {
        let Some(release) = topology.pair() else { return Ok(()) };
        let Ok(plan) = topology.plan(&release, &intent) else { return Ok(()) };
        for (route, weights) in plan.calls().filter_map(written) {
            let Some(rule) = production(&release, route) else { continue };
            let (before, after, others) = sums(rule, weights);
            // All of it to one side is at most what one weight can be.
            let one_side = weights.iter().any(|to| to.weight == Weight::ZERO);
            let kept = if one_side { before.min(Weight::MAX.into()) } else { before };
            prop_assert!(before == 0 || others == 0 || after == kept, "{before} → {after} beside {others}");
        }
    }

    #[test]
    fn no_plan_takes_tasks_that_another_rule_sends_requests_to((topology, intent) in topology()) {
        let Some(release) = topology.pair() else { return Ok(()) };
        let Ok(plan) = topology.plan(&release, &intent) else { return Ok(()) };
        for call in plan.calls() {
            let Call::UpdateService { service, desired: Some(desired), .. } = call else { continue };
            let Some(side) = release.sides().find(|side| side.service == *service) else { continue };
            let served = serving_too(&topology, side);
            prop_assert!(*desired >= side.desired || served.is_empty(), "{call:?} while {served:?}");
        }
    }

    #[test]
    fn what_was_not_read_is_unknown_and_makes_no_plan_write_anything_else(
        (topology, intent) in topology(),
        missing in missing(),
    ) {
        let production_rules: BTreeSet<_> = topology.production().into_iter().map(|route| route.id).collect();
        let whole = topology.pair().and_then(|release| release.share.configured);
        let releases = topology.releases_without(missing);
        prop_assert!(!releases.is_empty(), "nothing that was read vanishes");
        for release in &releases {
            prop_assert!(release.share.configured.is_none() || release.share.configured == whole, "{release}");
            let Ok(plan) = topology.plan(release, &intent) else { continue };
            for call in plan.calls() {
                match call {
                    Call::SetWeights { route, .. } => prop_assert!(production_rules.contains(route), "{call:?}"),
                    Call::UpdateService { service, desired: Some(desired), .. } => {
                        let side = release.sides().find(|side| side.service == *service);
                        let fewer = side.is_some_and(|side| *desired < side.desired);
                        let served = side.map(|side| serving_too(&topology, side)).unwrap_or_default();
                        prop_assert!(!fewer || served.is_empty(), "{call:?} while {served:?}");
                    }
                    _ => {}
                }
            }
            let unread = matches!(missing, Missing::Rules) && !plan.is_reached();
            let said = plan.warnings.iter().any(|it| it.text(Wording::PLAIN).contains("may be half of a pair"));
            prop_assert!(!unread || said, "{plan:#?}");
        }
    }

    #[test]
    fn a_rollback_leaves_no_production_rule_with_the_canary((topology, intent) in topology()) {
        let Some(release) = topology.pair() else { return Ok(()) };
        let Ok(plan) = topology.plan(&release, &intent) else { return Ok(()) };
        prop_assert!(!plan.is_reached() || plan.calls().next().is_none());
        if !intent.is_rollback() {
            return Ok(());
        }
        let has_users = release.shares().iter().any(|share| *share != Some(Percent::ZERO));
        prop_assert!(has_users || plan.calls().filter_map(written).next().is_none(), "{plan:#?}");
        for rule in &release.rules {
            let writes = plan.calls().filter_map(written).filter(|(route, _)| **route == rule.route.id);
            let last = writes.last().map(|(_, weights)| rule.share_of(weights));
            prop_assert_eq!(last.unwrap_or_else(|| rule.share()), Some(Percent::ZERO), "{:#?}", plan);
        }
    }
}
