//! Pairs behind load balancers as people have them: several balancers, listeners, rules and target groups.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ACCOUNT, REGION, Scene, calm_pair, group, intent, now, place, service};
use crate::domain::assess::releases;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Forward, Health, Route, RouteId};
use crate::domain::ecs::service::Service;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Query, Reading, Snapshot};
use crate::domain::plan::{Context, Intent, Plan, Refusal, plan};
use crate::domain::release::Release;
use crate::domain::release::share::Weight;
use crate::domain::settings::Settings;

const STABLE: &str = "shop-stable";
const CANARY: &str = "shop-canary";
const THIRD: &str = "shop-legacy";

/// Two target groups that rules divide requests between: stable's and the canary's.
const COUPLES: [(&str, &str); 2] = [("shop-stable", "shop-canary"), ("shop-internal-stable", "shop-internal-canary")];

/// What a rule does with its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Division {
    /// Between the groups of a couple, and a third one where it has a weight.
    Both { stable: u16, canary: u16, third: Option<u16> },
    /// To stable's group alone.
    Stable,
    /// To the canary's group alone.
    Canary,
}

#[derive(Debug, Clone)]
pub(crate) struct RuleScene {
    pub balancer: u8,
    pub port: u16,
    pub is_default: bool,
    pub couple: usize,
    pub division: Division,
    pub stickiness: Option<u32>,
}

/// What a console may lack of a topology: reads that failed, were never made, or are old.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Missing {
    /// The rules were never read.
    Rules,
    /// The newest read of the rules failed; the one before is kept.
    NewestRules,
    /// The health of the canary's groups was never read.
    CanaryHealth,
    /// The health of no group was read.
    Health,
    /// The newest read of the services failed; the one before is kept.
    NewestServices,
    /// The canary service is not in the answer.
    Canary,
}

/// A pair with its rules.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    scene: Scene,
    pub rules: Vec<RuleScene>,
    /// Whether the third group belongs to a service that was read.
    third_owned: bool,
}

impl RuleScene {
    /// Whether it divides its requests between both sides.
    pub(crate) fn divides(&self) -> bool {
        matches!(self.division, Division::Both { .. })
    }

    /// Whether users reach its listener.
    pub(crate) fn is_public(&self) -> bool {
        [80, 443].contains(&self.port)
    }

    fn forwards(&self) -> Vec<Forward> {
        let (stable, canary) = COUPLES[self.couple];
        let to = |name, weight: u16| Forward { target_group: group(name), weight: Weight::new(weight.into()).unwrap() };
        match self.division {
            Division::Stable => vec![to(stable, 1)],
            Division::Canary => vec![to(canary, 1)],
            Division::Both { stable: to_stable, canary: to_canary, third } => {
                [to(stable, to_stable), to(canary, to_canary)]
                    .into_iter()
                    .chain(third.map(|weight| to(THIRD, weight)))
                    .collect()
            }
        }
    }

    fn route(&self, index: usize) -> Route {
        let arn = |kind: &str, rest: &str| {
            let (port, balancer) = (self.port, self.balancer);
            Arn::new(format!(
                "arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:{kind}/app/shop-{balancer}/1/{port}{rest}"
            ))
        };
        let load_balancer = Arn::new(format!(
            "arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/shop-{}/1",
            self.balancer
        ));
        let id = match self.is_default {
            true => RouteId::Default(arn("listener", &format!("-{index}"))),
            false => RouteId::Rule(arn("listener-rule", &format!("/{index}"))),
        };
        Route {
            load_balancer,
            default_rule: self.is_default.then(|| arn("listener-rule", &format!("-{index}/0"))),
            port: Some(self.port),
            priority: index.to_string(),
            forwards: self.forwards(),
            stickiness: self.stickiness,
            ..Route::bare(id)
        }
    }
}

impl Topology {
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.rules.iter().enumerate().map(|(index, rule)| rule.route(index)).collect()
    }

    /// The rules that carry production traffic, told without the code under test.
    pub(crate) fn production(&self) -> Vec<Route> {
        let divides_in_public = |couple| {
            let mut all = self.rules.iter();
            all.any(|rule| rule.divides() && rule.is_public() && rule.couple == couple)
        };
        let all = self.rules.iter().zip(self.routes());
        all.filter(|(rule, _)| rule.divides() && (rule.is_public() || !divides_in_public(rule.couple)))
            .map(|(_, route)| route)
            .collect()
    }

    fn services(&self) -> Vec<Service> {
        let sides = [(STABLE, Some(&self.scene.stable), 0), (CANARY, self.scene.canary.as_ref(), 1)];
        let groups = |side: usize| {
            let of = |(stable, canary): &(&str, &str)| group(if side == 0 { stable } else { canary });
            COUPLES.iter().map(of).collect()
        };
        let ours = sides.into_iter().filter_map(|(name, side, index)| {
            Some(Service { target_groups: groups(index), ..service(name, side?, &self.scene) })
        });
        let third = self.third_owned.then(|| service(THIRD, &self.scene.stable, &self.scene));
        ours.chain(third).collect()
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.scene.snapshot();
        let sides = [Some(&self.scene.stable), self.scene.canary.as_ref()];
        for (stable, canary) in COUPLES {
            for (name, side) in [stable, canary].into_iter().zip(sides) {
                let healthy = side.and_then(|side| side.healthy);
                let health = Health { healthy: healthy.unwrap_or(0), ..Health::default() };
                snapshot.health.insert(group(name), Reading::fresh(now(), health));
            }
        }
        let services: BTreeMap<_, _> = self.services().into_iter().map(|it| (it.key.clone(), it)).collect();
        snapshot.services = Reading::fresh(now(), services);
        snapshot.routes = Reading::fresh(now(), self.routes().into_iter().map(|it| (it.id.clone(), it)).collect());
        snapshot
    }

    /// The release of the pair; `None` where no production rule makes it one.
    pub(crate) fn pair(&self) -> Option<Release> {
        let all = releases(&self.snapshot(), &Settings::default(), &BTreeMap::new(), now());
        all.into_iter().find(|release| release.name == "shop")
    }

    /// Every release, as a console sees them that lacks something.
    pub(crate) fn releases_without(&self, missing: Missing) -> Vec<Release> {
        let mut snapshot = self.snapshot();
        let fault = Fault::new(FaultKind::Throttled, "Describe", "all", "Rate exceeded");
        let at = now() + SignedDuration::from_secs(1);
        match missing {
            Missing::Rules => snapshot.routes = Reading::default(),
            Missing::NewestRules => snapshot.apply(at, &Query::Routes, Err(fault)),
            Missing::CanaryHealth => COUPLES.iter().for_each(|(_, canary)| {
                snapshot.health.remove(&group(canary));
            }),
            Missing::Health => snapshot.health.clear(),
            Missing::NewestServices => snapshot.apply(at, &Query::Services, Err(fault)),
            Missing::Canary => {
                let mut left = self.services();
                left.retain(|service| service.key.service != CANARY);
                snapshot.services = Reading::fresh(now(), left.into_iter().map(|it| (it.key.clone(), it)).collect());
            }
        }
        releases(&snapshot, &Settings::default(), &BTreeMap::new(), at)
    }

    pub(crate) fn plan(&self, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        plan(release, intent, &Context { place: &place(), settings: &Settings::default(), now: now() })
    }
}

fn division() -> impl Strategy<Value = Division> {
    let weight = || prop_oneof![2 => select(vec![0u16, 1, 10, 90, 99, 100, 999]), 1 => 0u16..=999];
    let third = proptest::option::weighted(0.3, weight());
    prop_oneof![
        5 => (weight(), weight(), third).prop_map(|(stable, canary, third)| Division::Both { stable, canary, third }),
        1 => Just(Division::Stable),
        1 => Just(Division::Canary),
    ]
}

fn rule() -> impl Strategy<Value = RuleScene> {
    let port = select(vec![80u16, 443, 443, 443, 8081, 8443]);
    let stickiness = proptest::option::weighted(0.2, 1u32..604_800);
    (0u8..3, port, any::<bool>(), 0usize..2, division(), stickiness).prop_map(
        |(balancer, port, is_default, couple, division, stickiness)| RuleScene {
            balancer,
            port,
            is_default,
            couple,
            division,
            stickiness,
        },
    )
}

pub(crate) fn missing() -> impl Strategy<Value = Missing> {
    use Missing::{Canary, CanaryHealth, Health, NewestRules, NewestServices, Rules};
    select(vec![Rules, NewestRules, CanaryHealth, Health, NewestServices, Canary])
}

/// A pair behind one to five rules of up to three load balancers, and something to do with it. The canary may be about to
/// be deleted.
pub(crate) fn topology() -> impl Strategy<Value = (Topology, Intent)> {
    let rollback = any::<bool>().prop_map(|at_once| Intent::Rollback { to: None, at_once });
    let wish = prop_oneof![1 => intent(), 1 => rollback];
    let draining = proptest::bool::weighted(0.1);
    (calm_pair(), proptest::collection::vec(rule(), 1..6), any::<bool>(), draining, wish).prop_map(
        |(scene, rules, third_owned, draining, wish)| {
            let status = if draining { "DRAINING" } else { "ACTIVE" };
            let canary = scene.canary.clone().map(|canary| super::SideScene { status, ..canary });
            let scene = Scene { canary, age: 0, failing: false, requested: None, ..scene };
            (Topology { scene, rules, third_owned }, wish)
        },
    )
}
