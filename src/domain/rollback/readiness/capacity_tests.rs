use std::sync::Arc;

use super::Level;
use crate::console::state::Model;
use crate::domain::ecs::deployment::DeploymentStatus;
use crate::domain::ecs::deployment::{RevisionImage, ServiceDeployment, ServiceRevision, TaskCounts};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::Health;
use crate::domain::ecs::service::{RolloutRole, Service, ServiceEvent, Task};
use crate::domain::observe::snapshot::Reading;
use crate::testkit::consoles::{Pair, ago, group, now, open, tasks, td};

/// A pair whose stable service has no healthy tasks and is otherwise as given.
fn without_tasks(change: impl Fn(&mut Service)) -> Model {
    let mut model = open((120, 40), Pair::at(10, 1_200));
    let mut services = model.observed.snapshot.services.get().unwrap().clone();
    for stable in services.values_mut().filter(|service| service.key.service == "checkout-stable") {
        stable.running = 0;
        change(stable);
    }
    model.observed.snapshot.services = Reading::fresh(now(), services);
    model.observed.snapshot.health.insert(group("checkout-stable"), Reading::fresh(now(), Health::default()));
    model.derive();
    model
}

/// The same, with another change of the canary's service.
fn beside(change: impl Fn(&mut Service)) -> Model {
    let mut model = without_tasks(|stable| stable.desired = 0);
    let mut services = model.observed.snapshot.services.get().unwrap().clone();
    services.values_mut().filter(|service| service.key.service == "checkout-canary").for_each(change);
    model.observed.snapshot.services = Reading::fresh(now(), services);
    model.derive();
    model
}

/// The gravest finding about its rollback, from `Warn` on.
fn gravest(model: &Model) -> Option<(Level, String)> {
    let checks = &model.release("checkout").unwrap().preflight.checks;
    checks.first().filter(|check| check.level >= Level::Warn).map(|check| (check.level, check.what.clone()))
}

#[test]
fn a_rollback_to_a_service_that_gets_no_task_would_wait() {
    let none = "checkout-stable has no healthy task, and none is starting";
    assert_eq!(gravest(&without_tasks(|_| {})), Some((Level::Waits, none.to_owned())));
    let daemon = gravest(&without_tasks(|stable| (stable.daemon, stable.desired) = (true, 0)));
    let only_ecs = "checkout-stable has no healthy task, and only ECS starts one of a daemon";
    assert_eq!(daemon, Some((Level::Waits, only_ecs.to_owned())));
    // The rollback orders tasks, or tasks are on their way.
    assert_eq!(gravest(&without_tasks(|stable| stable.desired = 0)), None);
    assert_eq!(gravest(&without_tasks(|stable| stable.pending = 2)), None);
}

#[test]
fn a_revision_that_crashes_anywhere_in_the_release_is_waited_for_in_vain() {
    let crashing = |failed| {
        beside(|canary| {
            let mut of_stable = canary.rollouts[0].clone();
            (of_stable.id, of_stable.role) = ("ecs-svc/41".into(), RolloutRole::Active);
            (of_stable.task_definition, of_stable.failed, of_stable.running) = (td("checkout", 41), failed, 0);
            canary.rollouts.push(of_stable);
        })
    };
    let failing = "tasks of :41 keep failing: 3 tasks: cause not read yet";
    assert_eq!(gravest(&crashing(3)), Some((Level::Waits, failing.to_owned())));
    assert_eq!(gravest(&crashing(1)), None);
}

#[test]
fn a_cluster_without_room_for_the_tasks_that_a_rollback_needs_is_waited_for() {
    let said = |messages: &[&str]| {
        let event = |(message, age): (&&str, i64)| {
            let message = (*message).to_owned();
            ServiceEvent { id: age.to_string(), at: ago(age), message }
        };
        let events: Vec<_> = messages.iter().zip((120..).step_by(60)).map(event).collect();
        gravest(&without_tasks(|stable| (stable.desired, stable.events) = (0, events.clone())))
    };
    let unplaced = "(service checkout-stable) was unable to place a task because no container instance met all of its \
                    requirements. Reason: No Container Instances were found in your cluster.";
    let steady = "(service checkout-stable) has reached a steady state.";
    let why = "ECS finds no room for tasks of checkout-stable: no container instance met all of its requirements";
    let waits = Some((Level::Waits, why.to_owned()));
    assert_eq!(said(&[unplaced]), waits);
    // It is steady because fewer tasks were wanted.
    assert_eq!(said(&[steady, unplaced]), waits);
    assert_eq!(said(&[steady, "(service checkout-stable) has started 1 tasks: (task 1).", unplaced]), None);
}

#[test]
fn protected_tasks_of_the_canary_run_on_and_hold_nothing_up() {
    let mut model = open((120, 40), Pair::at(10, 1_200));
    let canary = model.release("checkout").unwrap().canary.clone().unwrap();
    let service = model.observed.snapshot.service(&canary.service).unwrap().clone();
    let until = ago(-20 * 60);
    let protected = tasks(&service).into_iter().map(|task| Task { protected_until: Some(until), ..task }).collect();
    model.observed.snapshot.tasks.insert(canary.service.clone(), Reading::fresh(now(), protected));
    model.derive();
    let (level, what) = gravest(&model).unwrap();
    assert_eq!(level, Level::Warn);
    assert!(what.starts_with("2 tasks are protected from scale-in: they run on until "), "{what}");
}

#[test]
fn a_revision_that_was_deployed_without_tasks_is_not_known_to_work() {
    let mut model = without_tasks(|stable| stable.desired = 0);
    let stable = model.release("checkout").unwrap().stable.clone();
    let deployed = |requested, digest: Option<&str>| {
        let image =
            RevisionImage { container: "app".into(), image: "shop:1".into(), digest: digest.map(str::to_owned) };
        let arn = Arn::new("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/checkout-stable/1");
        let target = ServiceRevision {
            images: vec![image],
            ..ServiceRevision::bare(arn.clone(), stable.task_definition.clone())
        };
        let target_tasks = Some(TaskCounts { requested, running: requested, pending: 0 });
        let target = Some(Arc::new(target));
        ServiceDeployment { target, target_tasks, ..ServiceDeployment::new(arn, DeploymentStatus::Successful) }
    };
    let warned = Some((Level::Warn, "no task of :41 ever ran on checkout-stable".to_owned()));
    for (deployment, expected) in [(deployed(0, None), warned), (deployed(4, Some("sha256:1")), None)] {
        model.observed.snapshot.deployments.insert(stable.service.clone(), Reading::fresh(now(), vec![deployment]));
        model.derive();
        assert_eq!(gravest(&model), expected);
    }
}
