use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::assess::releases;
use crate::domain::ecs::deployment::DeploymentStatus;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::service::{RolloutState, Service};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::settings::Settings;
use crate::testkit::consoles::{ago, now, revision_of, service, stopped, td};
use crate::testkit::worlds;

/// `payments` rolling from :17 to :18, with what its rollout says.
fn rolling(running: u32, failed: u32) -> Service {
    let mut rolled = service("payments", "payments", 18, 6, 90);
    let mut old = rolled.rollouts[0].clone();
    (old.id, old.role, old.task_definition) = ("ecs-svc/17".into(), "ACTIVE".into(), td("payments", 17));
    let new = &mut rolled.rollouts[0];
    (new.running, new.failed, new.state) = (running, failed, Some(RolloutState::InProgress));
    (new.created_at, new.updated_at) = (Some(ago(1_500)), Some(ago(1_500)));
    rolled.rollouts.push(old);
    rolled
}

fn look(snapshot: &mut Snapshot, seconds: i64, service: Service) {
    snapshot.apply(ago(seconds), &Query::Services, Ok(Answer::Services(vec![service])));
}

fn ails(snapshot: &Snapshot) -> Option<RolloutHealth> {
    releases(snapshot, &Settings::default(), &BTreeMap::new(), now()).remove(0).ailment
}

/// Tasks of :18 that exited 1, stopped so many seconds ago; the odd one out was of another revision.
fn died(snapshot: &mut Snapshot, service: &Service, seconds: &[i64]) {
    let task = |seconds: &i64| Task {
        stopped_at: Some(ago(*seconds)),
        stop_code: Some("EssentialContainerExited".into()),
        exit_code: Some(1),
        ..stopped(service, "Essential container in task exited")
    };
    let mut tasks: Vec<_> = seconds.iter().map(task).collect();
    tasks.push(Task { task_definition: td("payments", 17), ..task(&5) });
    tasks.push(Task { stop_code: Some("SpotInterruption".into()), exit_code: None, ..task(&5) });
    snapshot.apply(ago(2), &Query::Tasks(service.key.clone()), Ok(Answer::Tasks(tasks)));
}

#[test]
fn tasks_that_fail_one_after_the_other_are_a_crash_loop_with_its_cause() {
    // Failures that ECS counts; when tasks died; what it is called.
    let table = [
        (0, &[][..], None),
        (2, &[], None),
        (3, &[], Some("crash loop: 3 tasks failed")),
        (6, &[30, 60], Some("crash loop: exit 1 ×6")),
        (0, &[30, 60, 90], Some("crash loop: exit 1 ×3")),
        (0, &[30, 60, 700], None),
        (1, &[30, 60, 90, 400], Some("crash loop: exit 1 ×4")),
    ];
    for (failed, seconds, brief) in table {
        let mut snapshot = Snapshot::default();
        let service = rolling(0, failed);
        look(&mut snapshot, 1, service.clone());
        if !seconds.is_empty() {
            died(&mut snapshot, &service, seconds);
        }
        let ailment = ails(&snapshot).filter(|ailment| matches!(ailment, RolloutHealth::CrashLoop { .. }));
        assert_eq!(ailment.as_ref().map(RolloutHealth::brief).as_deref(), brief, "{failed} {seconds:?}");
        assert!(ailment.is_none_or(|ailment| *ailment.revision() == td("payments", 18)));
    }
}

#[test]
fn while_ecs_takes_it_back_it_is_named_what_that_is_for() {
    let mut snapshot = Snapshot::default();
    let looping = rolling(0, 0);
    let mut back = looping.clone();
    back.rollouts.swap(0, 1);
    (back.rollouts[0].role, back.rollouts[1].role) = ("PRIMARY".into(), "ACTIVE".into());
    back.rollouts[0].state = Some(RolloutState::InProgress);
    back.rollouts[0].reason = Some("ECS deployment circuit breaker: rolling back to ecs-svc/17".into());
    (back.rollouts[1].state, back.rollouts[1].failed) = (Some(RolloutState::Failed), 3);
    back.task_definition = td("payments", 17);
    look(&mut snapshot, 1, back);
    died(&mut snapshot, &looping, &[30, 60, 90]);
    let release = releases(&snapshot, &Settings::default(), &BTreeMap::new(), now()).remove(0);
    assert_eq!(release.phase, Phase::RollingBack);
    let said = release.ailment.map(|ailment| ailment.to_string());
    assert_eq!(said.as_deref(), Some("crash loop: :18 3 tasks: exit 1 (the application's own error)"));
}

fn history(snapshot: &mut Snapshot, minutes: &[i64]) {
    let deployment = |(index, minutes): (usize, &i64)| ServiceDeployment {
        created_at: Some(ago(90_000)),
        finished_at: Some(ago(90_000 - minutes * 60)),
        target: Some(revision_of("payments", 10)),
        ..ServiceDeployment::new(Arn::new(format!("deployment/{index}")), DeploymentStatus::Successful)
    };
    let query = Query::Deployments(service("payments", "payments", 18, 6, 90).key);
    let all = minutes.iter().enumerate().map(deployment).collect();
    snapshot.apply(ago(3), &query, Ok(Answer::Deployments(all)));
}

#[test]
fn what_moves_not_for_longer_than_such_deployments_took_has_stalled() {
    // What such deployments took, minutes; when it last moved, seconds ago; how long it has stood still, minutes.
    let table = [
        (&[][..], 890, None),
        (&[], 920, Some(15)),
        (&[2, 2, 3], 290, None),
        (&[2, 2, 3], 320, Some(5)),
        (&[8, 10, 30], 590, None),
        (&[8, 10, 30], 620, Some(10)),
    ];
    for (took, moved, stalled) in table {
        let mut snapshot = Snapshot::default();
        history(&mut snapshot, took);
        look(&mut snapshot, moved + 60, rolling(1, 0));
        look(&mut snapshot, moved, rolling(2, 0));
        look(&mut snapshot, 1, rolling(2, 0));
        let lasted = ails(&snapshot).map(|ailment| match ailment {
            RolloutHealth::Stalled { lasted, since, .. } => {
                assert_eq!(since, ago(moved));
                lasted.as_mins()
            }
            RolloutHealth::CrashLoop { .. } => panic!("{ailment}"),
        });
        assert_eq!(lasted, stalled, "{took:?} {moved}");
    }
}

#[test]
fn a_standstill_is_counted_up_to_the_newest_look_and_not_beyond() {
    let mut snapshot = Snapshot::default();
    look(&mut snapshot, 1_000, rolling(1, 0));
    look(&mut snapshot, 990, rolling(2, 0));
    look(&mut snapshot, 600, rolling(2, 0));
    assert_eq!(ails(&snapshot), None, "nobody has looked for ten minutes");
    look(&mut snapshot, 1, rolling(2, 0));
    let said = ails(&snapshot).unwrap().to_string();
    assert_eq!(said, "stalled: :18 nothing has moved for 16 min; how long such deployments take is not known");
    // On the first look it is so since it was created, where nothing runs yet.
    let mut fresh = Snapshot::default();
    look(&mut fresh, 1, rolling(0, 0));
    assert_eq!(ails(&fresh).map(|ailment| ailment.brief()).as_deref(), Some("stalled 24 min"));
    // A rollout that is over stands still for good.
    let mut over = Snapshot::default();
    look(&mut over, 1, service("payments", "payments", 18, 6, 90_000));
    assert_eq!(ails(&over), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the world is like: an ailment is of what is being released, and a loop is at least three failures.
    #[test]
    fn an_ailment_is_always_of_a_revision_that_is_there(scene in worlds::scene(), native in worlds::native_scene()) {
        for release in scene.releases().iter().chain([&native.release()]) {
            let Some(ailment) = &release.ailment else { continue };
            let sides = [Some(&release.stable), release.canary.as_ref()];
            let has = |side: &Side| {
                let revision = ailment.revision();
                side.task_definition == *revision || side.is_rolling_back
            };
            prop_assert!(sides.into_iter().flatten().any(has));
            prop_assert!(release.urgency() <= 1 && release.needs_somebody());
            match ailment {
                RolloutHealth::CrashLoop { failed, .. } => prop_assert!(*failed >= LOOP),
                RolloutHealth::Stalled { lasted, .. } => {
                    prop_assert!(*lasted > LEAST && release.pauses.is_empty());
                    prop_assert!(!matches!(release.phase, Phase::Waiting | Phase::Baking | Phase::Steady));
                }
            }
        }
    }
}
