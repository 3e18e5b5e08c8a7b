use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::analysis::VerdictStatus;
use crate::domain::assess::releases;
use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, EarlySuccess, ServiceDeployment, Strategy};
use crate::domain::ecs::route::{Forward, Health};
use crate::domain::ecs::service::RolloutState;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::release::condition::Severity;
use crate::domain::release::{Phase, Release};
use crate::domain::settings::Settings;
use crate::domain::wording::Wording;
use crate::testkit::consoles::{Pair, ago, group, now, open, revision_of, route, service, td};
use crate::testkit::worlds::scene;

/// `search` at rest: 6 of 6 tasks, its group served by one rule, all read a moment ago.
struct World {
    service: Service,
    routes: Vec<Route>,
    health: Vec<(Arn, Health)>,
    deployments: Vec<ServiceDeployment>,
}

fn forward(name: &str, weight: u64) -> Forward {
    Forward { target_group: group(name), weight: Weight::new(weight).unwrap() }
}

fn healthy(healthy: u32, unhealthy: u32) -> Health {
    Health { healthy, unhealthy, ..Health::default() }
}

impl World {
    fn new() -> Self {
        Self {
            service: service("search", "search", 88, 6, 3 * 86_400),
            routes: vec![Route { forwards: vec![forward("search", 1)], ..route(1, 0) }],
            health: vec![(group("search"), healthy(6, 0))],
            deployments: Vec::new(),
        }
    }

    /// The same as a service that ECS shifts between `search` and `green`, with these weights and healthy targets.
    fn native([blue, green]: [u64; 2], targets: [u32; 2]) -> Self {
        let mut world = Self::new();
        let strategy = Strategy::Canary { percent: 5.0, bake_minutes: 3 };
        world.service.configuration = Configuration { strategy, ..Configuration::rolling() };
        world.service.target_groups = vec![group("search"), group("green")];
        world.routes = vec![Route { forwards: vec![forward("search", blue), forward("green", green)], ..route(1, 0) }];
        world.health = vec![(group("search"), healthy(targets[0], 0)), (group("green"), healthy(targets[1], 0))];
        world
    }

    fn event(&mut self, seconds: i64, message: &str) {
        let event = ServiceEvent { id: format!("e{seconds}"), at: ago(seconds), message: message.to_owned() };
        self.service.events.push(event);
        self.service.events.sort_by_key(|event| std::cmp::Reverse(event.at));
    }

    fn release(&self) -> Release {
        let mut snapshot = Snapshot::default();
        let key = self.service.key.clone();
        snapshot.apply(ago(2), &Query::Services, Ok(Answer::Services(vec![self.service.clone()])));
        snapshot.apply(ago(2), &Query::Routes, Ok(Answer::Routes(self.routes.clone())));
        snapshot.apply(ago(2), &Query::Health(Vec::new()), Ok(Answer::Health(self.health.clone())));
        snapshot.apply(ago(2), &Query::Deployments(key), Ok(Answer::Deployments(self.deployments.clone())));
        releases(&snapshot, &Settings::default(), &BTreeMap::new(), now()).remove(0)
    }

    /// Reason and message of what keeps it from being steady.
    fn unsteady(&self) -> Option<(&'static str, String)> {
        let release = self.release();
        let found = release.unsteady().map(|it| (it.reason(), it.message(Wording::PLAIN)));
        assert_eq!(release.needs_somebody(), found.is_some(), "{release}");
        found
    }
}

fn changed(change: impl FnOnce(&mut World)) -> World {
    let mut world = World::new();
    change(&mut world);
    world
}

#[test]
fn a_service_at_rest_with_all_it_wants_is_steady() {
    assert_eq!(World::new().unsteady(), None);
    assert_eq!(World::native([100, 0], [6, 0]).unsteady(), None);
    assert_eq!(World::native([0, 1], [0, 6]).unsteady(), None);
}

#[test]
fn missing_tasks_need_somebody_after_a_grace() {
    let missing = |running: u32, pending: u32, since: i64| {
        changed(|world| {
            (world.service.running, world.service.pending) = (running, pending);
            world.service.rollouts[0].running = running;
            world.service.events.clear();
            world.event(since, "(service search) has stopped 1 running tasks: (task 1).");
        })
        .unsteady()
        .map(|(_, message)| message)
    };
    assert_eq!(missing(0, 0, 300).as_deref(), Some("no task runs, 6 wanted"));
    assert_eq!(missing(4, 0, 300).as_deref(), Some("only 4 of 6 wanted tasks run"));
    assert_eq!(missing(4, 0, 60), None, "ECS did something about it a minute ago");
    assert_eq!(missing(4, 2, 120), None, "all of them are being started");
    assert_eq!(missing(4, 2, 400).as_deref(), Some("only 4 of 6 wanted tasks run"));
    assert_eq!(missing(6, 0, 300), None);
}

#[test]
fn tasks_are_not_missed_while_a_rollout_is_under_way() {
    let world = changed(|world| {
        world.service.running = 4;
        let rollout = &mut world.service.rollouts[0];
        (rollout.state, rollout.created_at) = (Some(RolloutState::InProgress), Some(ago(240)));
        rollout.updated_at = Some(ago(240));
        world.service.events.clear();
    });
    assert_eq!(world.unsteady(), None);
}

#[test]
fn what_ecs_says_of_tasks_that_do_not_start_counts_until_it_says_that_all_is_well() {
    let fails = "(service search) is unable to consistently start tasks successfully. For more information, see …";
    let place = "(service search) was unable to place a task because no container instance met all of its \
                 requirements. Reason: No Container Instances were found in your cluster.";
    let capacity =
        "(service search) was unable to place a task. Reason: Capacity is unavailable at this time. Try later.";
    let steady = "(service search) has reached a steady state.";
    let said = |messages: &[(i64, &str)], running: u32| {
        let mut world = World::new();
        world.service.events.clear();
        world.service.running = running;
        messages.iter().for_each(|(seconds, message)| world.event(*seconds, message));
        world.unsteady()
    };
    let failing = |text: &str| Some(("tasks_do_not_start", text.to_owned()));
    let unplaced = |text: &str| Some(("tasks_not_placed", format!("ECS cannot place a task: {text}")));
    assert_eq!(said(&[(30, fails)], 6), failing("ECS says that tasks keep failing to start"));
    assert_eq!(said(&[(30, fails)], 0), failing("ECS says that tasks keep failing to start"));
    assert_eq!(said(&[(60, fails), (30, steady)], 6), None);
    assert_eq!(said(&[(60, steady), (30, fails)], 6).map(|it| it.0), Some("tasks_do_not_start"));
    assert_eq!(said(&[(4 * 3_600, fails)], 6), None, "hours ago");
    assert_eq!(said(&[(30, place)], 5), unplaced("no container instance met all of its requirements"));
    assert_eq!(said(&[(30, capacity)], 5), unplaced("Capacity is unavailable at this time"));
    assert_eq!(said(&[(30, place)], 6), None, "all of them run");
}

#[test]
fn a_rule_sends_traffic_to_tasks_or_somebody_is_needed() {
    let zero = |weight: u64| {
        changed(|world| {
            (world.service.desired, world.service.running) = (0, 0);
            world.service.rollouts[0].running = 0;
            world.health = vec![(group("search"), healthy(0, 0))];
            world.routes[0].forwards[0].weight = Weight::new(weight).unwrap();
        })
        .unsteady()
    };
    let served = ("scaled_to_zero", "the desired count is 0, and a rule sends it traffic".to_owned());
    assert_eq!(zero(1), Some(served));
    assert_eq!(zero(0), None);
    let targets = |health: Health| changed(|world| world.health = vec![(group("search"), health)]).unsteady();
    let none = |text: &str| Some(("no_healthy_target", text.to_owned()));
    assert_eq!(targets(healthy(0, 0)), none("search gets 100% of the traffic and has no target"));
    assert_eq!(targets(healthy(0, 6)), none("search gets 100% of the traffic and has no healthy target"));
    let some = ("unhealthy_targets", "2 of 6 targets in search are unhealthy".to_owned());
    assert_eq!(targets(healthy(4, 2)), Some(some));
    assert_eq!(changed(|world| world.health.clear()).unsteady(), None, "what was not read is not known");
}

#[test]
fn a_service_that_is_being_deleted_needs_somebody() {
    let status = |status: &str, weight: u64| {
        let world = changed(|world| {
            world.service.status = status.to_owned();
            world.routes[0].forwards[0].weight = Weight::new(weight).unwrap();
        });
        let severity = world.release().unsteady().map(Condition::severity);
        (world.unsteady().map(|it| it.1), severity)
    };
    use Severity::{Critical, Warning};
    let said = |text: &str, severity| (Some(text.to_owned()), Some(severity));
    assert_eq!(status("DRAINING", 0), said("ECS is deleting the service (DRAINING)", Warning));
    let serves = "ECS is deleting the service (DRAINING), and a rule sends it traffic";
    assert_eq!(status("DRAINING", 1), said(serves, Critical));
    let gone = "the service was deleted (INACTIVE), and a rule sends it traffic";
    assert_eq!(status("INACTIVE", 1), said(gone, Critical));
    assert_eq!(status("ACTIVE", 1), (None, None));
}

#[test]
fn a_production_rule_that_is_divided_at_rest_is_said_loudly() {
    let world = World::native([50, 950], [6, 0]);
    let divided = "the rule is divided with no deployment under way: green gets 95% and has no healthy target, \
                   search gets 5%; ECS refuses every deployment until one group has all";
    let release = world.release();
    let found: Vec<_> = release.conditions.iter().map(Condition::reason).collect();
    assert_eq!(found, ["divided_at_rest", "no_healthy_target"]);
    let message = release.conditions[0].message(Wording::PLAIN);
    assert_eq!(message, divided);
    assert_eq!((release.urgency(), release.verdict.outcome), (1, VerdictStatus::Inconclusive));
    // Not known to be at rest: ECS names a deployment that was not read.
    let mut named = World::native([50, 950], [6, 6]);
    named.service.current_deployment = Some(Arn::new("arn:aws:ecs:us-east-1:123456789012:service-deployment/a"));
    assert_eq!(named.unsteady(), None);
}

#[test]
fn a_rule_is_mended_where_one_group_alone_has_tasks() {
    let repair = |weights, targets| {
        let repair = World::native(weights, targets).release().state.repair;
        repair.map(|it| it.weights.iter().map(|to| to.weight.value()).collect::<Vec<_>>())
    };
    assert_eq!(repair([50, 950], [6, 0]), Some(vec![999, 0]), "no weight is above 999");
    assert_eq!(repair([0, 100], [6, 0]), Some(vec![100, 0]));
    assert_eq!(repair([100, 0], [0, 6]), Some(vec![0, 100]));
    assert_eq!(repair([0, 0], [6, 0]), Some(vec![100, 0]));
    assert_eq!(repair([100, 0], [6, 0]), None, "nothing is to be mended");
    assert_eq!(repair([50, 950], [6, 6]), None, "either could be meant");
    assert_eq!(repair([50, 950], [0, 0]), None, "neither can serve");
    let mut unread = World::native([50, 950], [6, 0]);
    unread.health.pop();
    assert_eq!(unread.release().state.repair, None, "the other group may have tasks");
    let mut named = World::native([50, 950], [6, 0]);
    named.service.current_deployment = Some(Arn::new("arn:aws:ecs:us-east-1:123456789012:service-deployment/a"));
    assert_eq!(named.release().state.repair, None, "ECS may write the rule");
}

#[test]
fn tasks_of_older_revisions_that_stay_need_somebody() {
    let stays = |role: &str, since: i64| {
        changed(|world| {
            let mut old = world.service.rollouts[0].clone();
            (old.id, old.role, old.task_definition) = ("ecs-svc/87".into(), role.into(), td("search", 87));
            (old.running, world.service.rollouts[0].updated_at) = (2, Some(ago(since)));
            world.service.rollouts.push(old);
        })
        .unsteady()
        .map(|it| it.1)
    };
    assert_eq!(stays("ACTIVE", 600).as_deref(), Some("tasks of :87 still run beside the new ones"));
    assert_eq!(stays("INACTIVE", 30), None);
}

/// `search` at :88, whose newest deployment ended so many hours ago and left old tasks of :87 for later.
fn deferring(hours: i64, cleanup: &str) -> World {
    changed(|world| {
        let early = EarlySuccess { enable: true, healthy_percent: Some(90), cleanup: Some(cleanup.to_owned()) };
        let configuration = Configuration { early_success: Some(early), ..Configuration::rolling() };
        world.service.configuration = configuration.clone();
        let mut old = world.service.rollouts[0].clone();
        (old.id, old.role, old.task_definition) = ("ecs-svc/87".into(), "ACTIVE".into(), td("search", 87));
        (old.running, world.service.running) = (2, 8);
        world.service.rollouts[0].updated_at = Some(ago(hours * 3_600));
        world.service.rollouts.push(old);
        world.deployments = vec![deployed(1, 88, hours, configuration)];
    })
}

fn deployed(id: u8, revision: u32, hours: i64, configuration: Configuration) -> ServiceDeployment {
    let arn = Arn::new(format!("arn:aws:ecs:us-east-1:1:d/{id}"));
    ServiceDeployment {
        created_at: Some(ago(hours * 3_600 + 300)),
        finished_at: Some(ago(hours * 3_600)),
        target: Some(revision_of("search", revision)),
        configuration,
        ..ServiceDeployment::new(arn, DeploymentStatus::Successful)
    }
}

#[test]
fn old_tasks_that_ecs_removes_later_need_nobody_for_two_weeks() {
    let said = |world: &World| {
        let release = world.release();
        let found: Vec<_> = release.conditions.iter().map(Condition::reason).collect();
        (found, release.needs_somebody())
    };
    let world = deferring(1, "DEFERRED");
    assert_eq!(said(&world), (vec!["cleanup_deferred"], false));
    let message = world.release().conditions[0].message(Wording::PLAIN);
    assert!(message.starts_with("tasks of :87 run on: ECS removes them when it can (deferred cleanup), until "));
    assert_eq!(world.release().phase, Phase::Steady);
    let mut unread = deferring(1, "DEFERRED");
    unread.deployments.clear();
    assert_eq!(said(&unread), (vec!["cleanup_deferred"], false), "the service's own configuration tells");
    assert_eq!(said(&deferring(15 * 24, "DEFERRED")), (vec!["several_revisions"], true), "ECS has given up");
    assert_eq!(said(&deferring(1, "BLOCKING")), (vec!["several_revisions"], true));
    // ECS goes on starting tasks outside of the deployment: that is no rollout which could be stopped.
    let mut behind = deferring(1, "DEFERRED");
    behind.service.rollouts[0].state = Some(RolloutState::InProgress);
    assert_eq!((said(&behind).1, behind.release().phase), (false, Phase::Steady));
}

#[test]
fn old_tasks_do_not_hide_that_new_ones_are_missing() {
    let mut world = deferring(1, "DEFERRED");
    (world.service.rollouts[0].running, world.service.running) = (5, 7);
    let missing = world.unsteady().map(|it| it.1);
    assert_eq!(missing.as_deref(), Some("only 5 of 6 wanted tasks run"));
}

#[test]
fn tasks_of_what_was_gone_back_from_need_somebody_at_once() {
    let mut world = deferring(1, "DEFERRED");
    let configuration = world.service.configuration.clone();
    world.deployments.push(deployed(2, 87, 5, configuration.clone()));
    world.deployments.push(deployed(3, 88, 24, configuration));
    let said = world.unsteady().map(|it| it.0);
    assert_eq!(said, Some("several_revisions"), ":88 was brought back in place of :87");
}

#[test]
fn a_rollback_that_failed_is_a_failure_until_something_else_is_deployed() {
    let failed = |native: bool, rolling: bool, since: i64| {
        let mut world = if native { World::native([100, 0], [6, 0]) } else { World::new() };
        let ended = ServiceDeployment {
            created_at: Some(ago(5 * 3_600)),
            finished_at: Some(ago(4 * 3_600)),
            target: Some(revision_of("search", 89)),
            reason: Some("tasks failed to start".into()),
            ..ServiceDeployment::new(Arn::new("arn:aws:ecs:us-east-1:1:d/1"), DeploymentStatus::RollbackFailed)
        };
        world.deployments = vec![ended];
        let mut old = world.service.rollouts[0].clone();
        (old.id, old.role, old.task_definition) = ("ecs-svc/89".into(), "ACTIVE".into(), td("search", 89));
        if rolling {
            world.service.rollouts[0].state = None;
            world.service.rollouts.push(old);
        }
        world.service.rollouts[0].created_at = Some(ago(since));
        world.release()
    };
    for (native, rolling) in [(true, true), (true, false), (false, false), (false, true)] {
        let release = failed(native, rolling, 3 * 86_400);
        assert_eq!((release.phase, release.urgency()), (Phase::Failed, 0));
        assert_eq!(release.verdict.outcome, VerdictStatus::Inconclusive);
        let said = release.unsteady().map(Condition::reason);
        assert_eq!(said, Some("rollback_failed"));
        assert_ne!(failed(native, false, 60).phase, Phase::Failed, "another one was deployed since");
    }
}

#[test]
fn of_a_pair_each_service_is_named() {
    let mut pair = Pair::at(10, 1_200);
    pair.canary.running = 0;
    pair.canary.rollouts[0].running = 0;
    let release = open((120, 40), pair).release("checkout").unwrap().clone();
    let said: Vec<_> = release.conditions.iter().filter(|it| it.denies_steady()).collect();
    let said: Vec<_> = said.into_iter().map(|it| it.message(Wording::PLAIN)).collect();
    assert_eq!(
        said,
        ["checkout-canary: no task runs, 2 wanted", "checkout-canary gets 10% of the traffic and has no target"]
    );
    assert_eq!(release.verdict.reasons[0], "no task of checkout-canary runs");
    assert_eq!(release.verdict.outcome, VerdictStatus::Inconclusive);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_steady_needs_somebody_and_what_is_grave_never_passes(scene in scene()) {
        for release in scene.releases() {
            let Some(condition) = release.unsteady() else { continue };
            prop_assert!(release.needs_somebody(), "{release}");
            prop_assert!(!release.to_string().contains("is steady"), "{release}");
            let grave = condition.severity() == Severity::Critical;
            prop_assert!(!grave || release.verdict.outcome != VerdictStatus::Pass, "{release}");
            for condition in release.conditions.iter().filter(|it| it.denies_steady()) {
                prop_assert!(!condition.message(Wording::PLAIN).is_empty() && !condition.brief().is_empty());
            }
            prop_assert!(release.conditions.is_sorted_by_key(|it| std::cmp::Reverse(it.severity())));
        }
    }
}
