use super::*;
use std::sync::Arc;

use crate::domain::ecs::deployment::{RevisionImage, Rollback, ServiceRevision, TaskCounts};
use crate::domain::ecs::service::TaskDefinition;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::testkit::consoles::{ago, now, revision_of, service, td};
use DeploymentStatus::{InProgress, RollbackFailed, RollbackSuccessful, Stopped, Successful};

fn deployment(target: u32, status: DeploymentStatus) -> ServiceDeployment {
    ServiceDeployment {
        created_at: Some(ago(i64::from(100 - target))),
        target: Some(revision_of("orders", target)),
        ..ServiceDeployment::new(service("orders", "orders", target, 6, 60).arn, status)
    }
}

/// A history as ECS would give it, newest first, from one that is told oldest first: an hour each, ten minutes of it
/// deploying. A rollback goes back to what the third number says.
fn history(told: &[(DeploymentStatus, u32, u32)]) -> Vec<ServiceDeployment> {
    let began = |index: usize| ago(3_600 * (told.len() - index) as i64);
    let one = |(index, (status, target, back)): (usize, &(DeploymentStatus, u32, u32))| ServiceDeployment {
        created_at: Some(began(index)),
        finished_at: status.ended().then(|| began(index) + SignedDuration::from_mins(10)),
        rollback: (*status == RollbackSuccessful).then(|| Rollback {
            to: Some(revision_of("orders", *back)),
            reason: None,
            started_at: None,
        }),
        ..deployment(*target, status.clone())
    };
    let mut history: Vec<_> = told.iter().enumerate().map(one).collect();
    history.reverse();
    history
}

fn world(orders: &Service, history: Vec<ServiceDeployment>, witnessed: &[(u32, i64)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.apply(now(), &Query::Deployments(orders.key.clone()), Ok(Answer::Deployments(history)));
    for (revision, seconds) in witnessed {
        let witness = ObservedHealthy { task_definition: td("orders", *revision), at: ago(*seconds) };
        snapshot.remember(&orders.key, witness);
    }
    snapshot
}

/// A service that has run `current` for a minute: what there is to go back to, and whether it was backed out.
fn found(current: u32, told: &[(DeploymentStatus, u32, u32)], witnessed: &[(u32, i64)]) -> Vec<(u32, bool)> {
    let orders = service("orders", "orders", current, 6, 60);
    let found = candidates(&orders, &td("orders", current), &world(&orders, history(told), witnessed));
    found.iter().map(|good| (good.task_definition.revision().unwrap(), good.rolled_back_from)).collect()
}

fn went(targets: &[u32]) -> Vec<(DeploymentStatus, u32, u32)> {
    targets.iter().map(|target| (Successful, *target, 0)).collect()
}

#[test]
fn a_native_deployment_that_was_superseded_is_no_way_back() {
    let mut orders = service("orders", "orders", 25, 6, 60);
    let older = |revision: u32| Rollout {
        role: "ACTIVE".into(),
        ..service("orders", "orders", revision, 6, 60).rollouts.remove(0)
    };
    orders.rollouts.extend([older(24), older(23)]);
    orders.rollouts.iter_mut().for_each(|rollout| rollout.state = None);
    let history = vec![deployment(25, InProgress), deployment(24, Stopped), deployment(23, Successful)];
    let snapshot = world(&orders, history, &[]);
    let found: Vec<_> =
        candidates(&orders, &td("orders", 25), &snapshot).into_iter().map(|good| good.task_definition).collect();
    assert_eq!(found, [td("orders", 23)]);
}

#[test]
fn what_was_gone_back_from_is_the_last_to_go_back_to() {
    let table: [(&str, u32, Vec<u32>, &[(u32, bool)]); 8] = [
        ("nothing but forward", 42, vec![40, 41, 42], &[(41, false), (40, false)]),
        ("back by one", 41, vec![40, 41, 42, 41], &[(40, false), (42, true)]),
        ("back by two", 40, vec![40, 41, 42, 40], &[(42, true), (41, true)]),
        ("back, and on to another", 43, vec![40, 41, 42, 41, 43], &[(41, false), (40, false), (42, true)]),
        ("back, and there again", 42, vec![40, 41, 42, 41, 42], &[(41, false), (40, false)]),
        ("there again, and further", 43, vec![40, 41, 42, 41, 42, 43], &[(42, false), (41, false), (40, false)]),
        ("the same twice", 42, vec![40, 41, 41, 42, 42], &[(41, false), (40, false)]),
        ("the first ever", 40, vec![40], &[]),
    ];
    for (what, current, told, expected) in table {
        assert_eq!(found(current, &went(&told), &[]), expected, "{what}");
    }
}

#[test]
fn a_deployment_that_did_not_succeed_installed_nothing() {
    let with = |status: DeploymentStatus, current: u32| {
        let told = [(Successful, 40, 0), (Successful, 41, 0), (status, 42, 41)];
        found(current, &told, &[])
    };
    assert_eq!(with(RollbackSuccessful, 41), [(40, false)]);
    assert_eq!(with(Stopped, 41), [(40, false)]);
    assert_eq!(with(RollbackFailed, 41), [(40, false)]);
    // Superseded by one that succeeded: it was never what ran.
    let told = [(Successful, 40, 0), (Stopped, 41, 0), (Successful, 42, 0)];
    assert_eq!(found(42, &told, &[]), [(40, false)]);
    // It had worked once: that stands.
    let told = [(Successful, 41, 0), (Successful, 42, 0), (RollbackSuccessful, 41, 42), (Successful, 43, 0)];
    assert_eq!(found(43, &told, &[]), [(42, false), (41, false)]);
}

#[test]
fn a_rollback_to_what_the_history_no_longer_has_makes_it_known() {
    let told = [(RollbackSuccessful, 42, 41), (Successful, 43, 0)];
    assert_eq!(found(43, &told, &[]), [(41, false)]);
}

#[test]
fn a_history_that_is_behind_does_not_send_anybody_back_to_what_was_just_left() {
    // `R` has brought :41 back, and the history was read before that.
    assert_eq!(found(41, &went(&[40, 41, 42]), &[]), [(40, false), (42, true)]);
}

#[test]
fn what_a_deployment_under_way_replaces_comes_first() {
    let mut orders = service("orders", "orders", 43, 6, 60);
    let mut old = service("orders", "orders", 41, 6, 60).rollouts.remove(0);
    old.role = "ACTIVE".into();
    orders.rollouts[0].state = Some(RolloutState::InProgress);
    orders.rollouts.push(old);
    let told = [went(&[40, 41, 42, 41]), vec![(InProgress, 43, 0)]].concat();
    let found = candidates(&orders, &td("orders", 43), &world(&orders, history(&told), &[]));
    let found: Vec<_> = found
        .iter()
        .map(|good| (good.task_definition.revision().unwrap(), good.evidence, good.rolled_back_from))
        .collect();
    let (replaced, deployed) = (Evidence::Replaced, Evidence::Deployment);
    assert_eq!(found, [(41, replaced, false), (40, deployed, false), (42, deployed, true)]);
}

#[test]
fn witnesses_come_after_the_history_and_are_marked_by_it() {
    let told = went(&[40, 41, 42, 41]);
    assert_eq!(found(41, &told, &[(39, 90_000), (42, 5_000)]), [(40, false), (39, false), (42, true)]);
    // Seen complete, and taken back all the same.
    let told = [(Successful, 41, 0), (RollbackSuccessful, 42, 41)];
    assert_eq!(found(41, &told, &[(39, 90_000), (42, 3_300)]), [(39, false), (42, true)]);
    assert_eq!(found(41, &told, &[(42, 10)]), [(42, false)]);
    // Without a history they are all there is.
    assert_eq!(found(41, &[], &[(42, 10), (40, 90)]), [(42, false), (40, false)]);
}

#[test]
fn how_long_it_was_what_ran() {
    let told = [
        (Successful, 40, 0),
        (Successful, 41, 0),
        (RollbackSuccessful, 42, 41),
        (Successful, 41, 0),
        (Successful, 43, 0),
    ];
    let orders = service("orders", "orders", 43, 6, 60);
    let of = |history| {
        let found = candidates(&orders, &td("orders", 43), &world(&orders, history, &[]));
        found.iter().map(|good| good.good_for.map(|ran| ran.as_mins())).collect::<Vec<_>>()
    };
    // :41 ran on while :42 was tried and while it was deployed again.
    assert_eq!(of(history(&told)), [Some(170), Some(50)]);
    let mut gaps = history(&told);
    gaps.iter_mut().for_each(|deployment| deployment.finished_at = None);
    assert_eq!(of(gaps), [None, None]);
    let mut backwards = history(&told);
    backwards.iter_mut().for_each(|deployment| deployment.created_at = Some(ago(9_000_000)));
    assert_eq!(of(backwards), [None, None]);
}

#[test]
fn equal_and_missing_times_leave_the_order_of_the_list() {
    for at in [None, Some(ago(600))] {
        let mut history = history(&went(&[40, 41, 42, 41]));
        history.iter_mut().for_each(|deployment| (deployment.created_at, deployment.finished_at) = (at, at));
        let orders = service("orders", "orders", 41, 6, 60);
        let found = candidates(&orders, &td("orders", 41), &world(&orders, history, &[]));
        let found: Vec<_> = found.iter().map(|good| (good.task_definition.tag(), good.rolled_back_from)).collect();
        assert_eq!(found, [(":40".to_owned(), false), (":42".to_owned(), true)], "{at:?}");
    }
}

#[test]
fn the_best_was_neither_left_nor_deregistered() {
    let orders = service("orders", "orders", 41, 6, 60);
    let mut snapshot = world(&orders, history(&went(&[39, 40, 41, 42, 41])), &[]);
    let tag = |snapshot: &Snapshot| {
        best(&candidates(&orders, &td("orders", 41), snapshot)).map(|good| good.task_definition.tag())
    };
    assert_eq!(tag(&snapshot).as_deref(), Some(":40"));
    for expected in [Some(":39"), None] {
        let left = best(&candidates(&orders, &td("orders", 41), &snapshot)).unwrap().task_definition.clone();
        let gone = TaskDefinition {
            arn: left,
            active: false,
            registered_at: None,
            images: Vec::new(),
            cpu: None,
            memory: None,
            logs: Vec::new(),
        };
        snapshot.apply(now(), &Query::TaskDefinitions(Vec::new()), Ok(Answer::TaskDefinitions(vec![gone])));
        assert_eq!(tag(&snapshot).as_deref(), expected);
    }
    assert_eq!(candidates(&orders, &td("orders", 41), &snapshot).len(), 3);
}

#[test]
fn what_was_deployed_while_no_task_was_wanted_proves_nothing() {
    let counts = |requested| TaskCounts { requested, running: requested, pending: 0 };
    let image = |digest: Option<&str>| RevisionImage {
        container: "app".into(),
        image: "orders:5.1.1".into(),
        digest: digest.map(str::to_owned),
    };
    // The counts of :24, the digest that its first task resolved; what is gone back to from :25.
    let table = [
        (Some(0), Some(None), ":23"),
        (Some(6), Some(None), ":24"),
        (Some(0), Some(Some("sha256:aa")), ":24"),
        (None, Some(None), ":24"),
        (Some(0), None, ":24"),
    ];
    for (requested, digest, expected) in table {
        let orders = service("orders", "orders", 25, 6, 60);
        let mut told = history(&went(&[23, 24, 25]));
        told[1].target_tasks = requested.map(counts);
        let mut revision = ServiceRevision::clone(&revision_of("orders", 24));
        revision.images.extend(digest.map(image));
        told[1].target = Some(Arc::new(revision));
        let found = candidates(&orders, &td("orders", 25), &world(&orders, told.clone(), &[]));
        assert_eq!(best(&found).unwrap().task_definition.tag(), expected, "{requested:?} {digest:?}");
        if expected == ":23" {
            let evidence: Vec<_> = found.iter().map(|good| (good.task_definition.tag(), good.evidence)).collect();
            assert_eq!(evidence, [(":23".into(), Evidence::Deployment), (":24".into(), Evidence::NeverRan)]);
            // One that was seen healthy from here ran, whatever AWS says.
            let found = candidates(&orders, &td("orders", 25), &world(&orders, told, &[(24, 600)]));
            assert!(
                found
                    .iter()
                    .any(|good| good.task_definition == td("orders", 24) && good.evidence == Evidence::Witnessed)
            );
        }
    }
}
