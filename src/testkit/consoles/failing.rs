//! Releases that fail, with what says why.

use super::*;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::AlarmConfiguration;
use crate::domain::ecs::route::{Target, TargetGroup, TargetState};
use crate::domain::settings::ServiceSettings;

/// A task of that number, so that no two are one.
fn numbered(task: Task, number: u32) -> Task {
    let id = format!("{:08x}{:024x}", 0x4f1c_2a00 + number * 0x1111, number);
    Task { arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/{id}")), ..task }
}

/// A task that lived so many seconds and stopped so many seconds ago.
fn ended(service: &Service, number: u32, seconds: i64, lived: i64, (code, reason): (&str, &str)) -> Task {
    let task = numbered(stopped(service, reason), number);
    Task {
        stop_code: Some(code.into()),
        created_at: Some(ago(seconds + lived + 21)),
        pulled: (Some(ago(seconds + lived + 12)), Some(ago(seconds + lived + 4))),
        started_at: Some(ago(seconds + lived)),
        stopping_at: Some(ago(seconds)),
        stopped_at: Some(ago(seconds - 2)),
        started_by: Some(service.rollouts[0].id.clone()),
        ..task
    }
}

/// `payments` rolls from :17 to :18, whose tasks exit with 1; its release is open.
pub(crate) fn crash_loop(size: (u16, u16)) -> Model {
    let mut model = rolling(size);
    let mut payments = model.observed.snapshot.service(&key("payments")).unwrap().clone();
    let new = &mut payments.rollouts[0];
    (new.failed, new.running, new.pending, new.updated_at) = (6, 0, 1, Some(ago(20)));
    payments.rollouts[1].running = 6;
    payments.running = 6;
    let all: Vec<_> = model.observed.snapshot.services.get().unwrap().values().cloned().collect();
    let all = all.into_iter().map(|had| if had.key == payments.key { payments.clone() } else { had }).collect();
    learn(&mut model, 0, Query::Services, Answer::Services(all));
    let exited = |number: u32| {
        let task = ended(
            &payments,
            number,
            15 + i64::from(number) * 25,
            3 + i64::from(number % 2),
            ("EssentialContainerExited", "Essential container in task exited"),
        );
        let app =
            Container { name: "app".into(), status: "STOPPED".into(), exit_code: Some(1), ..Container::default() };
        Task { exit_code: Some(1), containers: vec![app], ..task }
    };
    let old = Service { task_definition: td("payments", 17), running: 6, pending: 0, ..payments.clone() };
    let mut seen: Vec<_> = (0..6).map(exited).collect();
    let up = Task {
        created_at: Some(ago(9)),
        pulled: (None, None),
        started_at: None,
        health: None,
        address: None,
        ..tasks(&payments).remove(0)
    };
    seen.push(numbered(Task { status: "PENDING".into(), ..up }, 50));
    seen.extend((60..).zip(tasks(&old)).map(|(number, task)| numbered(task, number)));
    seen.push(Task {
        task_definition: td("payments", 17),
        ..ended(
            &payments,
            80,
            900,
            4_000,
            ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/17)"),
        )
    });
    learn(&mut model, 3, Query::Tasks(key("payments")), Answer::Tasks(seen));
    model
}

/// The canary's tasks are killed by the load balancer's health checks soon after the grace period.
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
pub(crate) fn failing_checks(size: (u16, u16)) -> Model {
    let mut pair = Pair::at(0, 900);
    let rollout = &mut pair.canary.rollouts[0];
    (rollout.failed, rollout.running, rollout.state) = (4, 1, Some(RolloutState::InProgress));
    (pair.canary.running, pair.canary.pending) = (1, 1);
    let canary = pair.canary.clone();
    let mut model = open(size, pair);
    let words = "Task failed ELB health checks in (target-group checkout-canary)";
    let killed = |number: u32| {
        let lived = 62 + i64::from(number) * 3;
        let task = ended(&canary, number, 20 + i64::from(number) * 80, lived, ("ServiceSchedulerInitiated", words));
        let app =
            Container { name: "app".into(), status: "STOPPED".into(), exit_code: Some(143), ..Container::default() };
        Task { exit_code: Some(143), containers: vec![app], health: None, ..task }
    };
    let mut seen: Vec<_> = (0..4).map(killed).collect();
    seen.extend((50..).zip(tasks(&canary)).map(|(number, task)| numbered(task, number)));
    seen.push(Task {
        address: Some("10.0.16.99".into()),
        ..ended(&canary, 90, 40, 400, ("SpotInterruption", "Your Spot Task was interrupted."))
    });
    learn(&mut model, 3, Query::Tasks(canary.key), Answer::Tasks(seen));
    let target = |id: &str, state, reason: &str, description: &str| Target {
        id: id.into(),
        port: Some(8080),
        zone: Some("us-east-1a".into()),
        state,
        reason: (!reason.is_empty()).then(|| reason.into()),
        description: (!description.is_empty()).then(|| description.into()),
    };
    let healthy = |index: u32| target(&format!("10.0.{}.{}", index % 2 * 16, 10 + index), TargetState::Healthy, "", "");
    let stable = Health { healthy: 18, targets: (0..18).map(healthy).collect(), ..Health::default() };
    let well = target("10.0.16.99", TargetState::Healthy, "", "");
    let draining = target(
        "10.0.16.99",
        TargetState::Draining,
        "Target.DeregistrationInProgress",
        "Target deregistration is in progress",
    );
    let checked = target(
        "10.0.0.10",
        TargetState::Unhealthy,
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [503]",
    );
    let first =
        target("10.0.16.11", TargetState::Initial, "Elb.InitialHealthChecking", "Initial health checks in progress");
    let before = Health { healthy: 1, unhealthy: 1, targets: vec![checked.clone(), well], ..Health::default() };
    let canary = Health {
        unhealthy: 1,
        initial: 1,
        draining: 1,
        reasons: vec![("Target.ResponseCodeMismatch".into(), 1)],
        targets: vec![draining, first, checked],
        ..Health::default()
    };
    let (stable_group, canary_group) = (group("checkout-stable"), group("checkout-canary"));
    // Of the first look before this one nothing was read of single targets: begun anew.
    model.observed.snapshot.health.clear();
    let health = |health: Health| Answer::Health(vec![(canary_group.clone(), health)]);
    learn(&mut model, 58, Query::Health(Vec::new()), health(before));
    learn(&mut model, 50, Query::Health(Vec::new()), health(canary.clone()));
    let both = Answer::Health(vec![(stable_group.clone(), stable), (canary_group.clone(), canary)]);
    learn(&mut model, 3, Query::Health(Vec::new()), both);
    let settings = |arn: Arn| TargetGroup {
        arn,
        check: "HTTP GET /health, 200 expected".into(),
        interval: Some(10),
        timeout: Some(5),
        healthy_after: Some(3),
        unhealthy_after: Some(2),
        deregistration_delay: Some(300),
    };
    let groups = vec![stable_group, canary_group];
    let read = groups.iter().cloned().map(settings).collect();
    learn(&mut model, 30, Query::TargetGroups(groups), Answer::TargetGroups(read));
    model
}

/// Alarms of every kind: one of ECS's in ALARM, one that is configured and OK, one with too little data, one that is not
/// there.
pub(crate) fn alarmed(size: (u16, u16)) -> Model {
    let mut pair = Pair::at(10, 192);
    pair.canary.configuration.alarms = Some(AlarmConfiguration {
        enable: true,
        rollback: true,
        names: vec!["checkout-canary-5xx".into(), "checkout-canary-latency".into()],
    });
    let mut model = open(size, pair);
    let names = ["checkout-burn", "checkout-5xx", "checkout-gone"].map(str::to_owned).to_vec();
    let of_checkout = ServiceSettings { alarms: names.clone(), ..ServiceSettings::default() };
    model.observed.settings.services.insert("checkout".into(), of_checkout);
    let alarm = |name: &str, state, reason: &str, since: i64| Alarm {
        name: name.into(),
        state,
        reason: Some(reason.into()),
        since: Some(ago(since)),
    };
    let crossed = "Threshold Crossed: 3 out of the last 3 datapoints [14.0 (20/11/26 09:38:00), 11.0 (20/11/26 09:37:00), \
                   9.0 (20/11/26 09:36:00)] were greater than the threshold (5.0) (minimum 3 datapoints for OK -> ALARM transition).";
    let read = vec![
        alarm(
            "checkout-burn",
            AlarmState::Ok,
            "Threshold Crossed: 1 datapoint [0.1] was not greater than the threshold (2.0).",
            86_400,
        ),
        alarm("checkout-5xx", AlarmState::InsufficientData, "Unchecked: Initial alarm creation", 3_600),
        alarm("checkout-canary-5xx", AlarmState::Alarm, crossed, 140),
    ];
    let mut asked = names;
    asked.push("checkout-canary-5xx".into());
    learn(&mut model, 9, Query::Alarms(asked), Answer::Alarms(read));
    model
}

/// `payments` has rolled for half an hour, and two tasks of it run.
pub(crate) fn stalled(size: (u16, u16)) -> Model {
    let mut model = rolling(size);
    let mut payments = model.observed.snapshot.service(&key("payments")).unwrap().clone();
    (payments.rollouts[0].created_at, payments.rollouts[0].updated_at) = (Some(ago(1_800)), Some(ago(1_500)));
    model.observed.snapshot.noticed = crate::domain::observe::progress::ProgressTracker::default();
    let mut all: Vec<_> = model.observed.snapshot.services.get().unwrap().values().cloned().collect();
    all.retain(|had| had.key != payments.key);
    all.push(payments);
    learn(&mut model, 0, Query::Services, Answer::Services(all));
    model
}
