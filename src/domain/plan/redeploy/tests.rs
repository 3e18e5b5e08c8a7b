use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::domain::assess::releases;
use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, Rollback, ServiceDeployment, Strategy};
use crate::domain::ecs::names::{Arn, Location};
use crate::domain::ecs::service::RolloutState;
use crate::domain::observe::snapshot::{Answer, Query, Snapshot};
use crate::domain::plan::{Call, Context, Expect, Intent, plan};
use crate::domain::release::{Phase, Release};
use crate::domain::settings::Settings;
use crate::testkit::consoles::{ago, group, now, planned, revision_of, service, td};

/// `search`, whose deployment of :89 ended ROLLBACK_FAILED on the way back to :88; ECS goes for `primary` since.
fn stuck(native: bool, primary: u32) -> Release {
    let mut search = service("search", "search", primary, 6, 5 * 3_600);
    if native {
        let strategy = Strategy::Canary { percent: 10.0, bake_minutes: 5 };
        search.configuration = Configuration { strategy, ..Configuration::rolling() };
        search.target_groups.push(group("green"));
        let mut other = search.rollouts[0].clone();
        (other.id, other.role, other.task_definition) =
            ("ecs-svc/0".into(), "ACTIVE".into(), td("search", 177 - primary));
        search.rollouts.push(other);
        search.rollouts.iter_mut().for_each(|rollout| rollout.state = None);
    }
    let arn = Arn::new("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/search/2");
    let ended = ServiceDeployment {
        created_at: Some(ago(5 * 3_600)),
        finished_at: Some(ago(4 * 3_600)),
        target: Some(revision_of("search", 89)),
        sources: vec![revision_of("search", 88)],
        rollback: Some(Rollback { to: Some(revision_of("search", 88)), reason: None, started_at: None }),
        ..ServiceDeployment::new(arn.clone(), DeploymentStatus::RollbackFailed)
    };
    search.current_deployment = Some(arn);
    let key = search.key.clone();
    let mut snapshot = Snapshot::default();
    snapshot.apply(ago(2), &Query::Services, Ok(Answer::Services(vec![search])));
    snapshot.apply(ago(2), &Query::Routes, Ok(Answer::Routes(Vec::new())));
    snapshot.apply(ago(2), &Query::Deployments(key), Ok(Answer::Deployments(vec![ended])));
    releases(&snapshot, &Settings::default(), &BTreeMap::new(), now()).remove(0)
}

#[test]
fn a_rollback_that_failed_is_made_good_by_a_deployment_of_what_worked() {
    let place = Location { environment: "prod".into(), account: "123456789012".into(), region: "us-east-1".into() };
    let settings = Settings { patience: SignedDuration::from_mins(30), ..Settings::default() };
    let context = Context { place: &place, settings: &settings, now: now() };
    for (native, primary, calls) in [
        (true, 89, "UpdateService prod/search  taskDefinition=search:88"),
        (false, 89, "UpdateService prod/search  taskDefinition=search:88"),
        (true, 88, "UpdateService prod/search  taskDefinition=search:88 forceNewDeployment=true"),
        (false, 88, "UpdateService prod/search  taskDefinition=search:88 forceNewDeployment=true"),
    ] {
        let release = stuck(native, primary);
        assert_eq!(release.phase, Phase::Failed);
        let plan = plan(&release, &Intent::Rollback { to: None, at_once: false }, &context).unwrap();
        assert_eq!(plan.calls().map(Call::describe).collect::<Vec<_>>(), [calls], "{native} {primary}");
        assert_eq!(plan.ends_on(&release), Some(&td("search", 88)));
        let waits =
            plan.steps.iter().flat_map(|step| &step.after).any(|after| matches!(after, Expect::Deployed { .. }));
        assert_eq!(waits, native || primary == 88, "what ran before proves no new deployment");
        let named = Intent::Rollback { to: Some(td("search", 88)), at_once: false };
        assert!(crate::domain::plan::plan(&release, &named, &context).is_ok());
    }
}

/// `search`, a rolling service on :88 that wants so many tasks; its history has :87 before.
fn rolling(desired: u32, forced: bool) -> Release {
    let mut search = service("search", "search", 88, 6, 5 * 3_600);
    search.desired = desired;
    if forced {
        let mut old = search.rollouts[0].clone();
        (old.id, old.role) = ("ecs-svc/0".into(), "ACTIVE".into());
        (search.rollouts[0].running, search.rollouts[0].state) = (0, Some(RolloutState::InProgress));
        search.rollouts.push(old);
        search.current_deployment =
            Some(Arn::new("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/search/3"));
    }
    let deployment = |number: u32, revision: u32, hours: i64| ServiceDeployment {
        created_at: Some(ago(hours * 3_600 + 600)),
        finished_at: Some(ago(hours * 3_600)),
        target: Some(revision_of("search", revision)),
        sources: vec![revision_of("search", revision - 1)],
        ..ServiceDeployment::new(
            Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/search/{number}")),
            DeploymentStatus::Successful,
        )
    };
    let key = search.key.clone();
    let mut snapshot = Snapshot::default();
    snapshot.apply(ago(2), &Query::Services, Ok(Answer::Services(vec![search])));
    snapshot.apply(ago(2), &Query::Routes, Ok(Answer::Routes(Vec::new())));
    let history = vec![deployment(2, 88, 5), deployment(1, 87, 50)];
    snapshot.apply(ago(2), &Query::Deployments(key), Ok(Answer::Deployments(history)));
    releases(&snapshot, &Settings::default(), &BTreeMap::new(), now()).remove(0)
}

#[test]
fn a_service_that_wants_no_tasks_is_not_waited_for() {
    let release = rolling(0, false);
    let back = planned(&release, &Intent::Rollback { to: None, at_once: false }).unwrap();
    assert_eq!(back.calls().count(), 1, "{back:#?}");
    assert!(!back.steps.iter().flat_map(|step| &step.after).any(|after| matches!(after, Expect::Settled { .. })));
    assert!(format!("{:?}", back.warnings).contains("wants no tasks"), "{:?}", back.warnings);
    let start = planned(&release, &Intent::Start { task_definition: td("search", 89), pauses: false }).unwrap();
    assert!(format!("{:?}", start.warnings).contains("wants no tasks"), "{:?}", start.warnings);
    let usual = planned(&rolling(6, false), &Intent::Rollback { to: None, at_once: false }).unwrap();
    assert!(matches!(usual.steps.last().unwrap().after[..], [Expect::Settled { .. }]), "{usual:#?}");
}

#[test]
fn a_forced_deployment_of_what_runs_is_taken_back_to_what_runs() {
    let release = rolling(6, true);
    let plan = planned(&release, &Intent::Rollback { to: None, at_once: false }).unwrap();
    assert!(plan.calls().all(|call| matches!(call, Call::StopDeployment { .. })), "{plan:#?}");
    assert_eq!(plan.ends_on(&release), Some(&td("search", 88)), "not an older one that worked");
}
