//! The safety rules that the execution of a plan can keep or break, tested on worlds that go wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use proptest::prelude::*;
use proptest::sample::select;
use tokio_util::sync::CancellationToken;

use super::executor::{Options, execute};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::domain::fault::FaultKind;
use crate::domain::operation::{OperationOutcome, Progress};
use crate::domain::plan::{Call, Expect, Intent, Met, Plan};
use crate::testkit::fake_cloud::{Edit, Mishap, World};
use crate::testkit::worlds;
use crate::testkit::worlds::{Scene, calm_pair, forward, intent};

/// Executes a plan. The model's world answers at once, so one poll of the future runs to the end.
fn run(world: &World, plan: &Plan, cancel: &CancellationToken) -> (OperationOutcome, Vec<Progress>) {
    world.with(|state| state.rollback = plan.intent.is_rollback());
    let options = Options { clock: Arc::new(world.clone()), ..Options::default() };
    let mut progress = Vec::new();
    let outcome = {
        let mut report = |moved| progress.push(moved);
        let mut whole = Box::pin(execute(world, plan, &options, cancel, &mut report));
        match whole.as_mut().now_or_never() {
            Some(outcome) => outcome,
            None => {
                cancel.cancel();
                whole.now_or_never().expect("a cancelled operation ends at once")
            }
        }
    };
    (outcome, progress)
}

fn planned(scene: &Scene, intent: &Intent) -> Option<Plan> {
    let releases = scene.releases();
    scene.plan(releases.first()?, intent).ok()
}

/// Returns true if only optional waits lie between two steps.
fn passed_over(plan: &Plan, from: usize, to: usize) -> bool {
    plan.steps[from..to].iter().all(|step| step.optional && step.call.is_none())
}

fn holds(world: &World, expect: &Expect) -> bool {
    let facts = world.read(&expect.query(world.now())).now_or_never().unwrap();
    facts.is_ok_and(|facts| expect.compare(&facts, worlds::now(), world.now()) == Met::Yes)
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        6 => Just(Mishap::None),
        1 => select(vec![Mishap::AnswerLost, Mishap::CallLost, Mishap::Denied, Mishap::Ignored, Mishap::Hangs]),
    ]
}

fn edit() -> impl Strategy<Value = (Duration, Edit)> {
    let edit = prop_oneof![
        select(vec![(100, 0), (0, 100), (50, 50), (7, 3)]).prop_map(|(stable, canary)| Edit::Weights(stable, canary)),
        Just(Edit::Shape),
        (any::<bool>(), 1u8..6).prop_map(|(canary, revision)| Edit::Deploys(canary, revision)),
    ];
    ((0u64..300).prop_map(Duration::from_secs), edit)
}

/// The world of a scene, healthy where tasks run, and its weights.
fn started(scene: &Scene) -> (World, Vec<(u16, u16)>) {
    (World::new(scene), scene.weights.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rules 1 and 2, in a sequence of worlds: whatever is lost or late, no call gives weight to a side without tasks,
    /// sets both weights to 0, removes tasks under traffic or replaces the revision under it.
    #[test]
    fn rules_1_and_2_no_call_hurts_users(
        scene in calm_pair(), intent in intent(),
        mishaps in proptest::collection::vec(mishap(), 0..8),
        unread in proptest::collection::vec(any::<bool>(), 0..5),
    ) {
        let Some(plan) = planned(&scene, &intent) else { return Ok(()) };
        let (world, _) = started(&scene);
        world.with(|state| (state.mishaps, state.unread) = (mishaps, unread));
        run(&world, &plan, &CancellationToken::new());
        let mut harm = world.with(|state| state.harm.clone());
        // The dialog for "at once" names the price: stable may have no tasks yet.
        let at_once = matches!(plan.intent, Intent::Rollback { at_once: true, .. });
        harm.retain(|harm| !(at_once && harm.starts_with("weight for nobody")));
        prop_assert!(harm.is_empty(), "{harm:?} {plan:#?}");
    }

    /// Rule 6. A write without a response is never sent again blindly: no call is sent twice. An effect that could not
    /// be read back ends as unknown, never as done or refused.
    #[test]
    fn rule_6_sent_once(
        scene in calm_pair(), intent in intent(),
        mishaps in proptest::collection::vec(mishap(), 0..8),
    ) {
        let Some(plan) = planned(&scene, &intent) else { return Ok(()) };
        let (world, _) = started(&scene);
        world.with(|state| state.mishaps = mishaps.clone());
        let (outcome, progress) = run(&world, &plan, &CancellationToken::new());
        let sent = world.with(|state| state.sent.clone());
        let calls: Vec<&Call> = plan.calls().collect();
        prop_assert!(sent.len() <= calls.len());
        for ((sent, _), planned) in sent.iter().zip(&calls) {
            prop_assert_eq!(sent, *planned);
        }
        let sent_reports = progress.iter().filter(|moved| matches!(moved, Progress::Sent { .. })).count();
        prop_assert_eq!(sent_reports, sent.len());
        let ended = progress.iter().filter(|moved| matches!(moved, Progress::Ended(_))).count();
        prop_assert_eq!(ended, 1);
        prop_assert_eq!(progress.last(), Some(&Progress::Ended(outcome.clone())));
        let last = sent.len().checked_sub(1).and_then(|last| mishaps.get(last)).copied().unwrap_or(Mishap::None);
        match last {
            Mishap::Denied => {
                let denied = matches!(&outcome, OperationOutcome::Refused { fault, .. } if fault.kind == FaultKind::Denied);
                prop_assert!(denied, "{outcome:?}");
            }
            // A lost call reads back as applied only if the state was so already.
            Mishap::CallLost => prop_assert!(!matches!(outcome, OperationOutcome::Refused { .. }), "{outcome:?}"),
            Mishap::Hangs => prop_assert_eq!(outcome, OperationOutcome::Superseded),
            _ => {}
        }
    }

    /// Rule 7. Only an observation turns "sent" into "done": the outcome done means that the world has the expected
    /// state.
    #[test]
    fn rule_7_done_is_so(
        scene in calm_pair(), intent in intent(),
        mishaps in proptest::collection::vec(mishap(), 0..8),
        edits in proptest::collection::vec(edit(), 0..2),
    ) {
        let Some(plan) = planned(&scene, &intent) else { return Ok(()) };
        let (world, _) = started(&scene);
        world.with(|state| (state.mishaps, state.edits) = (mishaps, edits));
        let (outcome, progress) = run(&world, &plan, &CancellationToken::new());
        let verified = |index| progress.contains(&Progress::Verified { step: index });
        if outcome == OperationOutcome::Done {
            let waits = |index: usize| plan.steps[index].optional && plan.steps[index].call.is_none();
            prop_assert!((0..plan.steps.len()).all(|index| verified(index) || waits(index)));
            let last = plan.steps.last().into_iter().flat_map(|step| &step.after);
            prop_assert!(last.into_iter().all(|expect| holds(&world, expect)), "{plan:#?}");
        }
        // Steps run in order: each step is read back before the next one is sent.
        let mut done = 0;
        for moved in &progress {
            match moved {
                Progress::Verified { step } => { prop_assert!(*step == done || passed_over(&plan, done, *step)); done = step + 1; }
                Progress::Sent { step } => prop_assert!(*step == done || passed_over(&plan, done, *step)),
                _ => {}
            }
        }
    }

    /// Rule 4. If the rule or the deployment changed since the operator saw it, no call that relied on it is sent.
    #[test]
    fn rule_4_somebody_else_was_faster(scene in calm_pair(), intent in forward(), edit in edit()) {
        let Some(plan) = planned(&scene, &intent) else { return Ok(()) };
        let (world, _) = started(&scene);
        let before = world.with(|state| state.routes.clone());
        world.with(|state| state.edits = vec![(Duration::ZERO, edit.1)]);
        // Somebody edits between the planning and the execution.
        let _ = crate::clock::Clock::sleep(&world, Duration::ZERO).now_or_never();
        let after = world.with(|state| state.routes.clone());
        let (outcome, _) = run(&world, &plan, &CancellationToken::new());
        let (sent, now) = world.with(|state| (state.sent.clone(), state.routes.clone()));
        if before != after {
            let wrote = sent.iter().any(|(call, applied)| *applied && matches!(call, Call::SetWeights { .. }));
            prop_assert!(!wrote, "{sent:?}");
            prop_assert_eq!(now, after, "the other's edit is still there");
            if plan.calls().any(|call| matches!(call, Call::SetWeights { .. })) {
                prop_assert_ne!(outcome, OperationOutcome::Done);
            }
        }
    }

    /// Rule 9. Credentials of another account send nothing forward; for a rollback, AWS itself decides.
    #[test]
    fn rule_9_other_credentials(scene in calm_pair(), intent in forward()) {
        let Some(plan) = planned(&scene, &intent) else { return Ok(()) };
        let (world, _) = started(&scene);
        world.with(|state| "999999999999".clone_into(&mut state.account));
        let (outcome, _) = run(&world, &plan, &CancellationToken::new());
        prop_assert_eq!(world.with(|state| state.sent.len()), 0);
        if plan.calls().next().is_some() {
            prop_assert_ne!(outcome, OperationOutcome::Done);
        }
    }

    /// After a cancel nothing more is sent.
    #[test]
    fn cancelled_is_over(scene in calm_pair(), intent in intent()) {
        let Some(plan) = planned(&scene, &intent).filter(|plan| !plan.is_reached()) else { return Ok(()) };
        let (world, _) = started(&scene);
        let cancel = CancellationToken::new();
        cancel.cancel();
        let (outcome, _) = run(&world, &plan, &cancel);
        prop_assert_eq!(outcome, OperationOutcome::Superseded);
        prop_assert_eq!(world.with(|state| state.sent.len()), 0);
    }
}

fn at_ten() -> Scene {
    use crate::testkit::worlds::{Going, SideScene, place};
    let side = |revision, desired| SideScene {
        td: revision,
        desired,
        healthy: Some(desired),
        going: Going::Settled,
        status: "ACTIVE",
        named: false,
    };
    Scene {
        stable: side(1, 10),
        canary: Some(side(2, 1)),
        names: ("shop-stable", "shop-canary"),
        weights: vec![(90, 10)],
        controller: crate::domain::ecs::service::Controller::Ecs,
        shift: crate::domain::ecs::deployment::Strategy::Rolling,
        history: None,
        witnesses: Vec::new(),
        inactive: Vec::new(),
        errors: None,
        age: 0,
        failing: false,
        read_only: false,
        place: place(),
        doing: None,
        requested: None,
    }
}

#[test]
fn a_rollback_is_sent_before_anything_is_read() {
    let scene = at_ten();
    let plan = planned(&scene, &Intent::Rollback { to: None, at_once: false }).unwrap();
    let world = World::new(&scene);
    // Every read fails.
    world.with(|state| state.unread = vec![true]);
    let (_, progress) = run(&world, &plan, &CancellationToken::new());
    assert_eq!(progress[0], Progress::Sent { step: 0 });
    assert!(matches!(world.with(|state| state.sent[0].clone()), (Call::SetWeights { .. }, true)));
}

#[test]
fn an_answer_that_was_lost_is_read_back_and_goes_on() {
    let scene = at_ten();
    let plan = planned(&scene, &Intent::Rollback { to: None, at_once: false }).unwrap();
    let world = World::new(&scene);
    world.with(|state| state.mishaps = vec![Mishap::AnswerLost]);
    let (outcome, progress) = run(&world, &plan, &CancellationToken::new());
    assert_eq!(outcome, OperationOutcome::Done);
    assert!(matches!(progress[1], Progress::Unknown { step: 0, .. }), "{progress:?}");
    assert_eq!(world.with(|state| state.sent.len()), 2);
}

/// The time from a lost call to the end of the operation, where AWS can be read from then on.
fn ended_after(intent: &Intent, unread: usize) -> Duration {
    let scene = at_ten();
    let plan = planned(&scene, intent).unwrap();
    let world = World::new(&scene);
    let reads_before = if plan.intent.is_rollback() { 0 } else { 2 };
    world.with(|state| {
        state.mishaps = vec![Mishap::CallLost];
        state.unread = (0..100_000).map(|read| (reads_before..reads_before + unread).contains(&read)).collect();
    });
    let begun = world.elapsed();
    let (outcome, progress) = run(&world, &plan, &CancellationToken::new());
    assert!(matches!(outcome, OperationOutcome::Unknown { step: 0, .. }), "{outcome:?} {progress:?}");
    assert_eq!(world.with(|state| state.sent.len()), 1, "an executor sends a call once");
    world.elapsed() - begun
}

#[test]
fn a_lost_rollback_is_over_seconds_after_aws_shows_that_it_was_not_applied() {
    let rollback = Intent::Rollback { to: None, at_once: false };
    let read_at_once = ended_after(&rollback, 0);
    assert!(read_at_once <= Duration::from_secs(5), "{read_at_once:?}");
    // While nothing can be read, nothing shows whether the call was applied.
    let read_late = ended_after(&rollback, 20);
    assert!((Duration::from_secs(15)..Duration::from_secs(30)).contains(&read_late), "{read_late:?}");
    let never = ended_after(&rollback, 100_000);
    assert!(never >= Duration::from_secs(60), "{never:?}");
}

#[test]
fn a_lost_step_is_read_back_for_a_minute() {
    let step = Intent::Step { to: None };
    assert!(ended_after(&step, 0) >= Duration::from_secs(60));
}

#[test]
fn a_watch_whose_questions_fail_does_not_ask_faster_for_it() {
    let full = Scene { weights: vec![(0, 100)], ..at_ten() };
    let mut plan = planned(&full, &Intent::Finish).unwrap();
    plan.steps.retain(|step| step.hold > jiff::SignedDuration::ZERO);
    let step = plan.steps[0].clone();
    let world = World::new(&Scene { weights: vec![(100, 0)], ..at_ten() });
    // Rule and health are read once; every later query fails.
    world.with(|state| state.unread = (0..100_000).map(|read| !(1..=2).contains(&read)).collect());
    let (outcome, progress) = run(&world, &plan, &CancellationToken::new());
    assert!(matches!(outcome, OperationOutcome::Failed { .. }), "{outcome:?}");
    let asked = progress.iter().filter(|moved| matches!(moved, Progress::Waiting { .. })).count();
    let seconds = usize::try_from((step.hold + step.patience).as_secs()).unwrap();
    assert!((seconds / 2..=seconds + 2).contains(&asked), "{asked} rounds in {seconds} s");
}

#[test]
fn a_finish_takes_its_six_steps_and_goes_on_after_a_crash() {
    let full = Scene { weights: vec![(0, 100)], ..at_ten() };
    let plan = planned(&full, &Intent::Finish).unwrap();
    let calls: Vec<_> = plan.calls().map(Call::describe).collect();
    assert_eq!(calls.len(), 4, "{calls:#?}");
    let world = World::new(&full);
    assert_eq!(run(&world, &plan, &CancellationToken::new()).0, OperationOutcome::Done);
    let settled: BTreeMap<_, _> = world
        .with(|state| state.services.values().map(|service| (service.key.service.clone(), service.desired)).collect());
    assert_eq!(settled["shop-canary"], 0);
    // Interrupted when stable had the revision already: the traffic and the canary's tasks are left to do.
    let mut again = full.clone();
    again.stable.td = 2;
    let plan = planned(&again, &Intent::Finish).unwrap();
    let calls: Vec<_> = plan.calls().map(Call::operation).collect();
    assert_eq!(calls.last(), Some(&"UpdateService"));
    assert!(calls.contains(&"ModifyRule"), "{calls:?}");
    // Interrupted after the traffic had moved: only the canary's tasks are left to do.
    again.weights = vec![(100, 0)];
    assert_eq!(planned(&again, &Intent::Finish).unwrap().calls().count(), 1);
}

/// Executes a plan whose time is over as soon as the first call is sent.
fn run_late(world: &World, plan: &Plan) -> OperationOutcome {
    let overdue = CancellationToken::new();
    let options = Options { clock: Arc::new(world.clone()), overdue: overdue.clone(), ..Options::default() };
    let mut report = |moved| {
        if matches!(moved, Progress::Sent { .. }) {
            overdue.cancel();
        }
    };
    execute(world, plan, &options, &CancellationToken::new(), &mut report).now_or_never().expect("it waits no more")
}

#[test]
fn past_its_time_nothing_is_sent_and_the_call_on_its_way_is_answered() {
    let scene = at_ten();
    let plan = planned(&scene, &Intent::Rollback { to: None, at_once: false }).unwrap();
    for (mishap, unknown) in [(Mishap::None, false), (Mishap::AnswerLost, true)] {
        let world = World::new(&scene);
        world.with(|state| state.mishaps = vec![mishap]);
        let outcome = run_late(&world, &plan);
        assert_eq!(matches!(outcome, OperationOutcome::Unknown { step: 0, .. }), unknown, "{outcome:?}");
        assert_eq!(outcome == OperationOutcome::Superseded, !unknown, "{outcome:?}");
        assert_eq!(world.with(|state| state.sent.len()), 1);
    }
}

#[test]
fn a_step_that_waits_for_tasks_ends_when_somebody_else_moves_the_traffic() {
    let scene = at_ten();
    let plan = planned(&scene, &Intent::Step { to: None }).unwrap();
    let world = World::new(&scene);
    world.with(|state| state.edits = vec![(Duration::from_secs(10), Edit::Weights(100, 0))]);
    let (outcome, _) = run(&world, &plan, &CancellationToken::new());
    let OperationOutcome::Failed { step: 0, reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("somebody else changed it meanwhile: "), "{reason}");
    let waited = world.with(|state| state.now);
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    // A rollback does not stop for such a change.
    let plan = planned(&scene, &Intent::Rollback { to: None, at_once: false }).unwrap();
    let world = World::new(&scene);
    world.with(|state| state.edits = vec![(Duration::from_secs(1), Edit::Shape)]);
    assert_eq!(run(&world, &plan, &CancellationToken::new()).0, OperationOutcome::Done);
}
