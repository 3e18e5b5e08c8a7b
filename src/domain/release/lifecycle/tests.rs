use super::*;
use crate::domain::ecs::deployment::{Hook, Pause, Rollback, ServiceDeployment, Strategy};
use crate::domain::release::ladder::Ladder;
use crate::domain::release::{Bake, Method, Share};
use crate::testkit::consoles;
use crate::testkit::consoles::{ago, now, percent, revision_of};

const PRE_PRODUCTION: &str = "PRE_PRODUCTION_TRAFFIC_SHIFT";
const PRODUCTION: &str = "PRODUCTION_TRAFFIC_SHIFT";
const RECONCILE: &str = "RECONCILE_SERVICE";
const SCALE_UP: &str = "SCALE_UP";
const BAKE_TIME: &str = "BAKE_TIME";
const CLEAN_UP: &str = "CLEAN_UP";
const CANARY: Strategy = Strategy::Canary { percent: 10.0, bake_minutes: 10 };
const LINEAR: Strategy = Strategy::Linear { percent: 40.0, bake_minutes: 6 };

fn pause_at(stage: &str, timeout_minutes: Option<i32>) -> HookConfiguration {
    HookConfiguration {
        kind: Some(PAUSE.into()),
        target: None,
        role: None,
        stages: vec![stage.into()],
        details: None,
        timeout_minutes,
        timeout_action: Some("ROLLBACK".into()),
    }
}

/// A native release under way: its strategy, its stage, what ECS asked for, and where pauses stand.
fn release(strategy: Strategy, stage: &str, requested: f64, pauses: &[&str]) -> Release {
    let mut release = consoles::open((80, 24), consoles::Pair::at(10, 192)).release("ledger").unwrap().clone();
    let mut deployment = ServiceDeployment::new(release.stable.arn.clone(), DeploymentStatus::InProgress);
    deployment.configuration = Configuration {
        strategy,
        bake_minutes: Some(5),
        hooks: pauses.iter().map(|stage| pause_at(stage, None)).collect(),
        ..Configuration::rolling()
    };
    (deployment.stage, deployment.requested) = (Some(stage.into()), Some(percent(requested)));
    release.deployment = Some(Box::new(deployment));
    release.stage = Some(stage.into());
    release.share = Share { requested: Some(percent(requested)), configured: Some(percent(requested)), observed: None };
    release
}

fn deployment(release: &mut Release) -> &mut ServiceDeployment {
    release.deployment.as_mut().unwrap()
}

fn wait_at_a_pause(release: &mut Release, left: i64, then: &str) {
    let until = Some(ago(-left));
    release.pauses.push(Pause { hook: "ecs-pause-1".into(), until, then: Some(then.into()) });
}

fn tenths(share: f64) -> Tenths {
    Tenths::of(percent(share))
}

fn bake(minutes: i64) -> Precondition {
    Precondition::Bake(SignedDuration::from_mins(minutes), None)
}

#[test]
fn what_is_next_at_each_stage_of_each_strategy() {
    let you = |stage: &str| NextAction::WaitForYou(stage.into());
    let at = |share| NextAction::Shift(tenths(share));
    let healthy = Precondition::Healthy(None, 4);
    let table: Vec<(Strategy, &str, f64, &[&str], NextAction, Vec<Precondition>)> = vec![
        (CANARY, RECONCILE, 0.0, &[], NextAction::StartTasks(4), vec![]),
        (CANARY, "PRE_SCALE_UP", 0.0, &[], NextAction::StartTasks(4), vec![]),
        (CANARY, SCALE_UP, 0.0, &[], at(10.0), vec![healthy]),
        (CANARY, SCALE_UP, 0.0, &["POST_SCALE_UP"], you("POST_SCALE_UP"), vec![healthy]),
        (CANARY, "POST_SCALE_UP", 0.0, &[], at(10.0), vec![]),
        (CANARY, "TEST_TRAFFIC_SHIFT", 0.0, &[], at(10.0), vec![]),
        (CANARY, "POST_TEST_TRAFFIC_SHIFT", 0.0, &[PRE_PRODUCTION], you(PRE_PRODUCTION), vec![]),
        (CANARY, PRE_PRODUCTION, 0.0, &[PRE_PRODUCTION], at(10.0), vec![]),
        (CANARY, PRODUCTION, 0.0, &[PRE_PRODUCTION], at(10.0), vec![]),
        (CANARY, PRODUCTION, 10.0, &[], at(100.0), vec![bake(10)]),
        (CANARY, PRODUCTION, 10.0, &[PRE_PRODUCTION], you(PRE_PRODUCTION), vec![bake(10)]),
        (CANARY, PRE_PRODUCTION, 10.0, &[PRE_PRODUCTION], at(100.0), vec![]),
        (CANARY, PRODUCTION, 100.0, &[PRE_PRODUCTION], NextAction::RemoveOld, vec![bake(5)]),
        (CANARY, PRODUCTION, 100.0, &["POST_PRODUCTION_TRAFFIC_SHIFT"], you("POST_PRODUCTION_TRAFFIC_SHIFT"), vec![]),
        (CANARY, "POST_PRODUCTION_TRAFFIC_SHIFT", 100.0, &[], NextAction::RemoveOld, vec![bake(5)]),
        (CANARY, BAKE_TIME, 100.0, &[], NextAction::RemoveOld, vec![bake(5)]),
        (CANARY, CLEAN_UP, 100.0, &[], NextAction::End, vec![]),
        (LINEAR, "POST_TEST_TRAFFIC_SHIFT", 0.0, &[], at(40.0), vec![]),
        (LINEAR, PRODUCTION, 40.0, &[], at(80.0), vec![bake(6)]),
        (LINEAR, PRODUCTION, 80.0, &[], at(100.0), vec![bake(6)]),
        (LINEAR, PRE_PRODUCTION, 80.0, &[], at(100.0), vec![]),
        (LINEAR, BAKE_TIME, 100.0, &[], NextAction::RemoveOld, vec![bake(5)]),
        (Strategy::BlueGreen, SCALE_UP, 0.0, &[], at(100.0), vec![healthy]),
        (Strategy::BlueGreen, PRE_PRODUCTION, 0.0, &[], at(100.0), vec![]),
        (Strategy::BlueGreen, PRODUCTION, 100.0, &[], NextAction::RemoveOld, vec![bake(5)]),
        (Strategy::BlueGreen, CLEAN_UP, 100.0, &[], NextAction::End, vec![]),
        (Strategy::BlueGreen, "SOMETHING_NEW", 0.0, &[], NextAction::Unknown, vec![]),
        (Strategy::BlueGreen, "POST_BAKE_TIME", 100.0, &[], NextAction::RemoveOld, vec![]),
    ];
    for (strategy, stage, requested, pauses, what, waits) in table {
        let told = format!("{strategy} {stage} {requested} {pauses:?}");
        let next = track(&release(strategy, stage, requested, pauses), now()).unwrap().next;
        assert_eq!(next, Next { what, waits }, "{told}");
    }
}

#[test]
fn stages_are_behind_here_or_ahead() {
    let places = |stage: &str, requested| {
        let track = track(&release(CANARY, stage, requested, &[PRE_PRODUCTION]), now()).unwrap();
        let letter = |stop: &StageMark| match stop.at {
            StagePosition::Behind => 'b',
            StagePosition::Here => 'H',
            StagePosition::Ahead => 'a',
            StagePosition::Unknown => '?',
        };
        let named = track.stops.iter().find(|stop| stop.at == StagePosition::Here).map(|stop| stop.name.clone());
        assert!(track.stops.iter().all(|stop| stop.waits == (stop.name == PRE_PRODUCTION.into())));
        (track.stops.iter().map(letter).collect::<String>(), named)
    };
    for (index, stage) in STAGES.iter().enumerate() {
        let expected = format!("{}H{}", "b".repeat(index), "a".repeat(STAGES.len() - index - 1));
        assert_eq!(places(stage.as_str(), 0.0), (expected, Some(stage.clone())));
    }
    // Only where it is; and one that stands before or after a known one, by its name.
    assert_eq!(places(RECONCILE, 0.0), ("Haaaaaaaaaa".into(), Some(RECONCILE.into())));
    assert_eq!(places("PRE_BAKE_TIME", 100.0), ("bbbbbbbbHaa".into(), Some("PRE_BAKE_TIME".into())));
    assert_eq!(places("POST_CLEAN_UP", 100.0), ("bbbbbbbbbbH".into(), Some("POST_CLEAN_UP".into())));
    // One that nothing is known of: only what the traffic proves.
    assert_eq!(places("SOMETHING_NEW", 0.0), ("??????????".into(), None));
    assert_eq!(places("SOMETHING_NEW", 10.0), ("bbbbbb????".into(), None));
}

#[test]
fn shares_are_behind_here_or_ahead_with_their_bakes() {
    use StagePosition::{Ahead, Behind, Here};
    for (strategy, requested, shown) in [
        (CANARY, 0.0, vec![(10.0, Ahead, 10), (100.0, Ahead, 5)]),
        (CANARY, 10.0, vec![(10.0, Here, 10), (100.0, Ahead, 5)]),
        (CANARY, 100.0, vec![(10.0, Behind, 10), (100.0, Here, 5)]),
        (LINEAR, 80.0, vec![(40.0, Behind, 6), (80.0, Here, 6), (100.0, Ahead, 5)]),
        (Strategy::BlueGreen, 0.0, vec![(100.0, Ahead, 5)]),
        (Strategy::BlueGreen, 100.0, vec![(100.0, Here, 5)]),
    ] {
        let steps = track(&release(strategy, PRODUCTION, requested, &[]), now()).unwrap().steps;
        let seen: Vec<_> = steps.iter().map(|step| (step.share.value(), step.at, step.bake.as_secs() / 60)).collect();
        assert_eq!(seen, shown);
    }
}

#[test]
fn a_bake_ends_when_it_can_be_known_to() {
    let mut paced = release(CANARY, PRODUCTION, 10.0, &[]);
    let ends = |release: &Release| match track(release, now()).unwrap().next.waits.last() {
        Some(Precondition::Bake(_, ends)) => *ends,
        other => panic!("{other:?}"),
    };
    assert_eq!(ends(&paced), None, "nobody saw the weights");
    let timer = |since, seen| Some(Bake { since: ago(since), seen, of: SignedDuration::from_mins(3) });
    paced.bake = timer(60, true);
    assert_eq!(ends(&paced), Some(Ends::About(ago(60 - 600))));
    paced.bake = timer(60, false);
    assert_eq!(ends(&paced), Some(Ends::NotAfter(ago(60 - 600))));
    paced.bake = timer(700, true);
    assert_eq!(ends(&paced), None, "what is past is no promise");
    paced.bake = timer(60, true);
    paced.share.configured = Some(percent(0.0));
    assert_eq!(ends(&paced), None, "the rule does not follow yet");
    let mut last = release(CANARY, BAKE_TIME, 100.0, &[]);
    last.bake = timer(60, true);
    assert_eq!(ends(&last), Some(Ends::NotBefore(ago(60 - 300))));
    last.bake = timer(60, false);
    assert_eq!(ends(&last), None);
}

#[test]
fn a_pause_is_answered_before_anything_else() {
    let mut paused = release(CANARY, PRE_PRODUCTION, 10.0, &[PRE_PRODUCTION]);
    wait_at_a_pause(&mut paused, 3_600, "ROLLBACK");
    let seen = track(&paused, now()).unwrap();
    assert_eq!(seen.next, Next { what: NextAction::Shift(tenths(100.0)), waits: vec![Precondition::Answer] });
    let deadline = seen.deadline.unwrap();
    assert_eq!((deadline.left, deadline.then), (Some(SignedDuration::from_mins(60)), Then::GoesBack));

    let lambda = |status: &str| Hook {
        id: "ecs-lambda-1".into(),
        kind: "AWS_LAMBDA".into(),
        status: status.into(),
        until: None,
        then: None,
    };
    deployment(&mut paused).hooks = vec![lambda("IN_PROGRESS"), lambda("SUCCEEDED")];
    assert_eq!(track(&paused, now()).unwrap().next.waits, [Precondition::Answer, Precondition::Hooks(1)]);

    let mut last = release(CANARY, "POST_PRODUCTION_TRAFFIC_SHIFT", 100.0, &["POST_PRODUCTION_TRAFFIC_SHIFT"]);
    wait_at_a_pause(&mut last, 60, "CONTINUE");
    assert_eq!(
        track(&last, now()).unwrap().next,
        Next { what: NextAction::RemoveOld, waits: vec![Precondition::Answer, bake(5)] }
    );
}

#[test]
fn while_this_console_writes_the_rule_the_next_move_is_its_own() {
    let mut held = release(Strategy::BlueGreen, "POST_TEST_TRAFFIC_SHIFT", 0.0, &["POST_TEST_TRAFFIC_SHIFT"]);
    (held.method, held.ladder) = (Method::NativeWeighted, Ladder::default());
    wait_at_a_pause(&mut held, 3_600, "ROLLBACK");
    for (written, next) in [(0.0, Some(1.0)), (1.0, Some(10.0)), (10.0, Some(100.0)), (100.0, None)] {
        held.share.configured = Some(percent(written));
        let seen = track(&held, now()).unwrap();
        assert_eq!(
            seen.next,
            Next { what: NextAction::WritesWeight(next.map(tenths)), waits: vec![Precondition::Answer] }
        );
        let here: Vec<_> = seen.steps.iter().filter(|step| step.at == StagePosition::Here).collect();
        assert_eq!(here.first().map(|step| step.share), Some(percent(written)).filter(|share| !share.is_zero()));
    }
}

#[test]
fn a_deadline_is_near_in_its_last_five_minutes_or_its_last_tenth() {
    for (timeout, left, near) in [
        (None, 301, false),
        (None, 300, true),
        (None, -20, true),
        (Some(20), 301, false),
        (Some(20), 300, true),
        (Some(1_440), 8_641, false),
        (Some(1_440), 8_640, true),
    ] {
        let mut paused = release(CANARY, PRE_PRODUCTION, 0.0, &[]);
        deployment(&mut paused).configuration.hooks =
            vec![pause_at(PRE_PRODUCTION, timeout), pause_at(SCALE_UP, Some(20_000))];
        wait_at_a_pause(&mut paused, left, "CONTINUE");
        wait_at_a_pause(&mut paused, left + 9, "ROLLBACK");
        let deadline = deadline(&paused, now()).unwrap();
        assert_eq!(deadline.near, near, "{timeout:?} {left}");
        assert_eq!((deadline.then, deadline.others), (Then::GoesOn, 1));
        assert_eq!(deadline.left, Some(SignedDuration::from_secs(left.max(0))));
    }
    let mut endless = release(CANARY, PRE_PRODUCTION, 0.0, &[]);
    endless.pauses.push(Pause { hook: "ecs-pause-1".into(), until: None, then: None });
    let deadline = deadline(&endless, now()).unwrap();
    assert_eq!((deadline.left, deadline.near, deadline.then), (None, false, Then::Other(None)));
}

#[test]
fn on_the_way_back_it_goes_back_and_says_why() {
    let mut back = release(LINEAR, PRODUCTION, 40.0, &[]);
    let deployment = deployment(&mut back);
    deployment.status = DeploymentStatus::RollbackInProgress;
    deployment.reason = Some("said elsewhere".into());
    deployment.rollback =
        Some(Rollback { to: Some(revision_of("ledger", 4)), reason: Some("alarm".into()), started_at: Some(ago(30)) });
    let seen = track(&back, now()).unwrap();
    assert_eq!(seen.next.what, NextAction::GoBack);
    let why = seen.back.unwrap();
    assert_eq!((why.reason.as_deref(), why.since), (Some("alarm"), Some(ago(30))));
    assert_eq!(why.to.map(|to| to.tag()), Some(":4".into()));
    assert!(seen.stops.iter().all(|stop| (stop.at == StagePosition::Here) == (stop.name == PRODUCTION.into())));
    assert!(seen.stops.iter().all(|stop| matches!(stop.at, StagePosition::Here | StagePosition::Unknown)));
    assert!(seen.steps.iter().all(|step| step.at == StagePosition::Unknown));
}

#[test]
fn only_a_native_deployment_under_way_has_one() {
    assert_eq!(track(&release(Strategy::Rolling, PRODUCTION, 0.0, &[]), now()), None);
    let mut over = release(CANARY, CLEAN_UP, 100.0, &[]);
    deployment(&mut over).status = DeploymentStatus::Successful;
    assert_eq!(track(&over, now()), None);
    let mut others = release(CANARY, PRODUCTION, 10.0, &[]);
    others.method = Method::Rolling;
    assert_eq!(track(&others, now()), None);
    let mut new = release(CANARY, "", 0.0, &[]);
    (deployment(&mut new).stage, deployment(&mut new).status) = (None, DeploymentStatus::Pending);
    let seen = track(&new, now()).unwrap();
    assert_eq!(seen.next, Next { what: NextAction::StartTasks(4), waits: vec![] });
    assert!(seen.stops.iter().all(|stop| stop.at == StagePosition::Ahead));
}
