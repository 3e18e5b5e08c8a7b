use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::console::state::Model;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{
    Configuration, DeploymentStatus, Hook, PAUSE, Rollback, ServiceDeployment, Strategy as Shift,
};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Forward, RouteId};
use crate::domain::ecs::service::{ServiceEvent, Task};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::release::Method;
use crate::domain::release::share::Weight;
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, ago, key, learn, revision_of, route, td};

/// The pair `checkout` of which nothing is said yet but its weights: 99/1, read ten minutes ago.
fn quiet() -> Model {
    let mut model = consoles::open((120, 40), Pair::at(1, 600));
    consoles::rewind(&mut model, 10_000);
    let services = model.observed.snapshot.services.value.as_mut().unwrap();
    services.1.values_mut().for_each(|service| service.events.clear());
    model
}

fn happened(model: &Model, acts: &[Act]) -> Vec<Entry> {
    happened_with(model, acts, &BTreeSet::new())
}

fn happened_with(model: &Model, acts: &[Act], alarms: &BTreeSet<String>) -> Vec<Entry> {
    let release = model.release("checkout").unwrap();
    timeline(&model.observed.snapshot, release, &EventText { acts, since: ago(3_600), alarms })
}

fn told(entries: &[Entry]) -> Vec<(Option<Origin>, String)> {
    entries.iter().map(|entry| (entry.hand, entry.text.clone())).collect()
}

fn weights(stable: u64, canary: u64) -> Vec<Forward> {
    route(stable, canary).forwards
}

/// An act that sent one call so many seconds ago and saw its end two seconds later.
fn act(seconds: i64, what: AffectedResource) -> Act {
    let touch = Touch { at: ago(seconds), verified: Some(ago(seconds - 2)), step: 0, what };
    Act {
        id: format!("act {seconds}"),
        at: ago(seconds),
        title: "checkout something".into(),
        by: By::Key,
        who: None,
        why: None,
        touches: vec![touch],
        ended: Some((ago(seconds - 2), "done and read back: checkout something".into(), false)),
    }
}

fn write(seconds: i64, stable: u64, canary: u64) -> Act {
    act(seconds, AffectedResource::Weights { route: route(1, 1).id, weights: weights(stable, canary) })
}

fn see(model: &mut Model, seconds: i64, stable: u64, canary: u64) {
    let routes = vec![route(stable, canary), consoles::route_of_search()];
    learn(model, seconds, Query::Routes, Answer::Routes(routes));
}

const OURS: Option<Origin> = Some(Origin::Ours);
const OTHERS: Option<Origin> = Some(Origin::Others);

#[test]
fn a_change_of_weights_is_ours_if_a_write_of_ours_explains_it_and_each_write_explains_one() {
    // What was written how many seconds ago, what was seen how many seconds ago, and whose each change was.
    type Seen = (i64, u64, u64);
    let table: [(&str, &[Seen], &[Seen], &[Option<Origin>]); 8] = [
        ("nobody wrote here", &[], &[(100, 50, 50)], &[OTHERS]),
        ("ours", &[(101, 90, 10)], &[(100, 90, 10)], &[OURS]),
        ("read before it was sent, answered after", &[(96, 90, 10)], &[(100, 90, 10)], &[OURS]),
        ("seen long before it was sent", &[(60, 90, 10)], &[(100, 90, 10)], &[OTHERS]),
        ("seen long after it was read back", &[(400, 90, 10)], &[(100, 90, 10)], &[OTHERS]),
        ("other weights", &[(101, 90, 10)], &[(100, 50, 50)], &[OTHERS]),
        (
            "ours, undone by somebody, and redone by somebody",
            &[(101, 90, 10)],
            &[(100, 90, 10), (90, 99, 1), (80, 90, 10)],
            &[OTHERS, OTHERS, OURS],
        ),
        (
            "ours twice, somebody's between",
            &[(101, 90, 10), (81, 100, 0)],
            &[(100, 90, 10), (90, 50, 50), (80, 100, 0)],
            &[OURS, OTHERS, OURS],
        ),
    ];
    for (what, writes, seen, whose) in table {
        let mut model = quiet();
        for (seconds, stable, canary) in seen {
            see(&mut model, *seconds, *stable, *canary);
        }
        let acts: Vec<_> = writes.iter().map(|(at, stable, canary)| write(*at, *stable, *canary)).collect();
        let traffic = happened(&model, &acts).into_iter().filter(|entry| entry.kind == Kind::Traffic);
        let hands: Vec<_> = traffic.inspect(|entry| assert!(entry.seen)).map(|entry| entry.hand).collect();
        assert_eq!(hands, whose, "{what}");
    }
    let mut model = quiet();
    see(&mut model, 30, 50, 50);
    assert_eq!(told(&happened(&model, &[])), [(OTHERS, "weights 99/1 → 50/50, not from here".to_owned())]);
}

fn deployment(revision: u32, created: i64) -> ServiceDeployment {
    let arn = format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/checkout-canary/{revision}");
    ServiceDeployment {
        created_at: Some(ago(created)),
        target: Some(revision_of("checkout", revision)),
        sources: vec![revision_of("checkout", revision - 1)],
        ..ServiceDeployment::new(Arn::new(arn), DeploymentStatus::InProgress)
    }
}

fn history(model: &mut Model, seconds: i64, deployments: Vec<ServiceDeployment>) {
    learn(model, seconds, Query::Deployments(key("checkout-canary")), Answer::Deployments(deployments));
}

#[test]
fn a_deployment_is_told_from_its_creation_to_its_end_and_whose_it_was() {
    let mut model = quiet();
    let good = ServiceDeployment {
        status: DeploymentStatus::Successful,
        started_at: Some(ago(899)),
        finished_at: Some(ago(600)),
        ..deployment(41, 900)
    };
    let back = ServiceDeployment {
        status: DeploymentStatus::RollbackSuccessful,
        started_at: Some(ago(380)),
        finished_at: Some(ago(200)),
        reason: Some("it was rolled back".into()),
        rollback: Some(Rollback {
            to: Some(revision_of("checkout", 41)),
            reason: Some("circuit breaker".into()),
            started_at: Some(ago(250)),
        }),
        ..deployment(42, 400)
    };
    let long_ago = ServiceDeployment {
        status: DeploymentStatus::Successful,
        finished_at: Some(ago(86_000)),
        ..deployment(40, 86_400)
    };
    history(&mut model, 5, vec![back, good, long_ago]);
    let started = AffectedResource::Deployment { service: key("checkout-canary"), task_definition: td("checkout", 42) };
    let entries = happened(&model, &[act(401, started)]);
    let deployments: Vec<_> = entries.into_iter().filter(|entry| entry.kind == Kind::Deployment).collect();
    assert!(deployments.iter().all(|entry| !entry.seen), "all of these are AWS's own times");
    let lines: Vec<_> = told(&deployments);
    let expected = [
        (None, "deployment :41 → :42 was rolled back: it was rolled back"),
        (None, "deployment :41 → :42 goes back to :41: circuit breaker"),
        (None, "deployment :41 → :42 started"),
        (OURS, "deployment :41 → :42 created, from here, ROLLING"),
        (None, "deployment :40 → :41 succeeded"),
        (OTHERS, "deployment :40 → :41 created, not from here, ROLLING"),
        (None, "deployment :39 → :40 succeeded"),
        // Before anything from here was remembered it may have been anybody's.
        (None, "deployment :39 → :40 created, ROLLING"),
    ];
    assert_eq!(lines, expected.map(|(hand, text)| (hand, text.to_owned())));
}

#[test]
fn stages_and_pauses_are_told_as_they_were_seen_and_who_answered() {
    let pause = |status: &str, until: i64| Hook {
        id: "ecs-pause-1".into(),
        kind: PAUSE.into(),
        status: status.into(),
        until: Some(ago(until)),
        then: Some("ROLLBACK".into()),
    };
    let at = |stage: &str, hooks: Vec<Hook>| ServiceDeployment {
        stage: Some(stage.into()),
        hooks,
        configuration: Configuration { strategy: Shift::BlueGreen, ..Configuration::rolling() },
        ..deployment(42, 86_400)
    };
    let arn = deployment(42, 0).arn;
    let answer = act(51, AffectedResource::Answer { deployment: arn.clone(), hook: "ecs-pause-1".into() });
    let stop = act(51, AffectedResource::Stop { deployment: arn });
    let gone = |until| (Vec::new(), until);
    let table: [(Vec<Act>, (Vec<Hook>, i64), Option<Origin>, &str); 6] = [
        (vec![answer], gone(-600), OURS, "the pause of deployment :41 → :42 was answered, from here"),
        (vec![stop], gone(-600), OURS, "the pause of deployment :41 → :42 is over: it was taken back from here"),
        (Vec::new(), gone(-600), OTHERS, "the pause of deployment :41 → :42 was answered, not from here"),
        (
            Vec::new(),
            (vec![pause("SUCCEEDED", -600)], -600),
            OTHERS,
            "the pause of deployment :41 → :42 was answered, not from here",
        ),
        (Vec::new(), gone(60), None, "the pause of deployment :41 → :42 is over: its time was up"),
        (
            Vec::new(),
            (vec![pause("TIMED_OUT", 60)], 60),
            None,
            "nobody answered: the pause of deployment :41 → :42 ran out",
        ),
    ];
    for (acts, (after, until), hand, text) in table {
        let mut model = quiet();
        history(&mut model, 200, vec![at("SCALE_UP", Vec::new())]);
        history(&mut model, 100, vec![at("POST_SCALE_UP", vec![pause("AWAITING_ACTION", until)])]);
        history(&mut model, 50, vec![at("BAKE_TIME", after)]);
        // The same again changes nothing.
        history(&mut model, 40, vec![at("BAKE_TIME", Vec::new())]);
        let entries: Vec<_> = happened(&model, &acts).into_iter().filter(|entry| entry.seen).collect();
        let said = told(&entries);
        assert!(said.contains(&(hand, text.to_owned())), "{text}: {said:?}");
        let others = [
            "deployment :41 → :42 at BAKE_TIME, after POST_SCALE_UP",
            "deployment :41 → :42 waits for an answer",
            "deployment :41 → :42 at POST_SCALE_UP, after SCALE_UP",
        ];
        assert!(others.iter().all(|text| said.contains(&(None, (*text).to_owned()))), "{said:?}");
    }
}

fn failed(id: usize, seconds: i64, code: &str, reason: &str) -> Task {
    let service = consoles::service("checkout-canary", "checkout", 42, 1, 100);
    Task {
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:task/prod/{id:04x}")),
        stopped_at: Some(ago(seconds)),
        stop_code: Some(code.into()),
        ..consoles::stopped(&service, reason)
    }
}

#[test]
fn failures_of_one_revision_and_cause_close_together_are_one_entry_with_the_newest_words() {
    let mut model = quiet();
    let tasks = vec![
        failed(1, 30, "TaskFailedToStart", "CannotPullContainerError: new"),
        failed(2, 300, "TaskFailedToStart", "CannotPullContainerError: old"),
        failed(3, 700, "TaskFailedToStart", "CannotPullContainerError: older"),
        failed(4, 3_000, "TaskFailedToStart", "CannotPullContainerError: long ago"),
        failed(5, 400, "UserInitiated", "Task stopped by ana"),
        failed(6, 350, "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)"),
    ];
    learn(&mut model, 2, Query::Tasks(key("checkout-canary")), Answer::Tasks(tasks));
    let entries = happened(&model, &[]);
    let expected = [
        (None, "3 tasks of :42: cannot pull the image: CannotPullContainerError: new (task 0001)"),
        (OTHERS, "a task of :42: stopped by somebody: Task stopped by ana (task 0005)"),
        (None, "a task of :42: cannot pull the image: CannotPullContainerError: long ago (task 0004)"),
    ];
    assert_eq!(told(&entries), expected.map(|(hand, text)| (hand, text.to_owned())));
    assert_eq!((entries[0].count, entries[0].first, entries[0].at), (3, ago(700), ago(30)));
}

fn events(model: &mut Model, messages: &[(i64, &str)]) {
    let event = |(index, (seconds, message)): (usize, &(i64, &str))| ServiceEvent {
        id: format!("event {index}"),
        at: ago(*seconds),
        message: (*message).to_owned(),
    };
    let mut service = model.observed.snapshot.service(&key("checkout-canary")).unwrap().clone();
    service.events = messages.iter().enumerate().map(event).collect();
    learn(model, 0, Query::Service(service.key.clone()), Answer::Service(Box::new(service)));
}

#[test]
fn what_ecs_repeats_is_one_entry_and_other_words_are_another() {
    let mut model = quiet();
    events(
        &mut model,
        &[
            (10, "(service checkout-canary) has started 1 tasks: (task 0123456789abcdef0123456789abcdef)."),
            (70, "(service checkout-canary) has started 2 tasks: (task fedcba98765432100123456789abcdef)."),
            (90, "(service checkout-canary) has reached a steady state."),
            (130, "(service checkout-canary) has started 1 tasks: (task 00000000000000000123456789abcdef)."),
            (5_000, "(service checkout-canary) has started 1 tasks: (task 11111111111111110123456789abcdef)."),
            (6_000, "(service checkout-canary) was unable to place a task because no container instance met all."),
        ],
    );
    let entries = happened(&model, &[]);
    let folded: Vec<_> = entries.iter().map(|entry| (entry.at, entry.count, entry.wrong)).collect();
    let expected = [(ago(10), 3, false), (ago(90), 1, false), (ago(5_000), 1, false), (ago(6_000), 1, true)];
    assert_eq!(folded, expected);
    assert_eq!(entries[0].first, ago(130));
    assert_eq!(
        entries[0].text, "has started 1 tasks: (task 0123456789abcdef0123456789abcdef).",
        "the newest one's words"
    );
    assert_eq!(entries[0].about, "checkout-canary");
}

#[test]
fn an_alarm_is_told_since_when_it_is_so_and_how_it_was_seen_to_change() {
    let mut model = quiet();
    let names = BTreeSet::from(["5xx".to_owned(), "latency".to_owned(), "unread".to_owned()]);
    let alarm = |name: &str, state, since: Option<i64>| Alarm {
        name: name.into(),
        state,
        reason: Some("Threshold Crossed".into()),
        since: since.map(ago),
    };
    let asked = |names: &BTreeSet<String>| Query::Alarms(names.iter().cloned().collect());
    let first = vec![alarm("5xx", AlarmState::Ok, Some(9_000)), alarm("latency", AlarmState::Ok, Some(8_000))];
    learn(&mut model, 300, asked(&names), Answer::Alarms(first));
    let second = vec![alarm("5xx", AlarmState::Alarm, Some(130)), alarm("latency", AlarmState::Ok, Some(8_000))];
    learn(&mut model, 120, asked(&names), Answer::Alarms(second));
    let third = vec![alarm("5xx", AlarmState::Ok, None), alarm("latency", AlarmState::Ok, Some(8_000))];
    learn(&mut model, 60, asked(&names), Answer::Alarms(third));
    let entries = happened_with(&model, &[], &names);
    let said: Vec<_> = entries.iter().map(|it| (it.at, it.seen, it.wrong, it.text.as_str())).collect();
    let expected = [
        (ago(60), true, false, "in ALARM → OK: Threshold Crossed"),
        (ago(130), false, true, "OK → in ALARM: Threshold Crossed"),
        (ago(8_000), false, false, "OK: Threshold Crossed"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn an_act_is_told_from_its_order_to_its_end_with_what_was_typed() {
    let mut model = quiet();
    see(&mut model, 100, 90, 10);
    let act = Act { why: Some("the gate is wrong".into()), by: By::Automatic, ..write(100, 90, 10) };
    let failed = Act { ended: Some((ago(40), "step 1 failed: no".into(), true)), ..write(50, 80, 20) };
    let under_way = Act { ended: None, id: "last".into(), who: Some("role/oncall".into()), ..write(10, 70, 30) };
    let entries = happened(&model, &[act, failed, under_way]);
    let said: Vec<_> = entries.iter().map(|it| (it.about.as_str(), it.wrong, it.text.as_str())).collect();
    let expected = [
        ("role/oncall", false, "ordered with a key: checkout something"),
        ("this console", true, "step 1 failed: no"),
        ("this console", false, "ordered with a key: checkout something"),
        ("this console", false, "done and read back: checkout something"),
        ("rule 7f3c01", false, "weights 99/1 → 90/10, written from here"),
        ("this console", false, "ordered by AUTOMATIC: checkout something, because: the gate is wrong"),
    ];
    assert_eq!(said, expected);
}

fn any_weights() -> impl Strategy<Value = (u64, u64)> {
    proptest::sample::select(vec![(99, 1), (90, 10), (50, 50), (0, 100), (100, 0)])
}

fn any_act() -> impl Strategy<Value = Act> {
    let touched = prop_oneof![
        3 => any_weights().prop_map(|(stable, canary)| write(0, stable, canary).touches.remove(0).what),
        1 => any_weights().prop_map(|(stable, canary)| {
            let elsewhere = RouteId::Rule(Arn::new("arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/9"));
            AffectedResource::Weights { route: elsewhere, weights: weights(stable, canary) }
        }),
        1 => (40..44u32).prop_map(|revision| {
            AffectedResource::Deployment { service: key("checkout-canary"), task_definition: td("checkout", revision) }
        }),
        1 => Just(AffectedResource::Weights { route: route(1, 1).id, weights: Vec::new() }),
    ];
    let odd = (any::<bool>(), any::<bool>(), -100..10_000i64);
    (0..4_000i64, touched, odd).prop_map(|(seconds, what, (ended, verified, end))| {
        let mut act = act(seconds, what);
        if !verified {
            act.touches[0].verified = None;
        }
        act.ended = ended.then(|| (ago(end), "over".to_owned(), false));
        act
    })
}

fn any_event() -> impl Strategy<Value = (i64, String)> {
    let message = prop_oneof![
        "[a-f0-9]{0,9} [a-z]{0,4}( [0-9]{1,3})?",
        "\\PC{0,40}",
        Just("(service x".to_owned()),
        Just(String::new()),
    ];
    (-100..100_000i64, message)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_it_is_sorted_bounded_and_every_change_of_weights_is_exactly_ours_or_others(
        changes in proptest::collection::vec((any_weights(), 1..60i64), 0..40),
        acts in proptest::collection::vec(any_act(), 0..12),
        said in proptest::collection::vec(any_event(), 0..120),
        stops in proptest::collection::vec((-50..9_000i64, 0..4usize, "\\PC{0,20}"), 0..40),
        created in proptest::collection::vec((40..44u32, -50..9_000i64), 0..6),
    ) {
        let mut model = quiet();
        let mut at = 3_000;
        for ((stable, canary), later) in &changes {
            at -= *later;
            see(&mut model, at, *stable, *canary);
        }
        let said: Vec<_> = said.iter().map(|(at, message)| (*at, message.as_str())).collect();
        events(&mut model, &said);
        let codes = ["TaskFailedToStart", "EssentialContainerExited", "UserInitiated", "SpotInterruption"];
        let tasks = stops.iter().enumerate().map(|(id, (at, code, reason))| failed(id, *at, codes[*code], reason));
        learn(&mut model, 0, Query::Tasks(key("checkout-canary")), Answer::Tasks(tasks.collect()));
        history(&mut model, 0, created.into_iter().map(|(revision, at)| deployment(revision, at)).collect());
        let entries = happened(&model, &acts);
        prop_assert!(entries.len() <= KEPT);
        prop_assert!(entries.is_sorted_by_key(|entry| Reverse(entry.at)));
        prop_assert!(entries.iter().all(|entry| entry.first <= entry.at && entry.count > 0));
        let moved = changes.iter().any(|((stable, _), _)| *stable != 99);
        let changes = model.observed.snapshot.weight_changes.get(&route(1, 1).id).map(Vec::len).unwrap_or_default();
        let traffic: Vec<_> = entries.iter().filter(|entry| entry.kind == Kind::Traffic).collect();
        prop_assert_eq!(traffic.len(), changes);
        prop_assert!(changes > 0 || !moved);
        prop_assert!(traffic.iter().all(|entry| entry.hand.is_some() && entry.seen));
        let ours = traffic.iter().filter(|entry| entry.hand == OURS).count();
        let writes = acts.iter().flat_map(|act| &act.touches);
        let writes = writes.filter(|touch| matches!(&touch.what, AffectedResource::Weights { route: of, .. } if *of == route(1, 1).id));
        prop_assert!(ours <= writes.count(), "a write explains one change at the most");
        // Nothing that was told is lost in the folding.
        let told: usize = entries.iter().filter(|entry| entry.kind == Kind::Service).map(|entry| entry.count).sum();
        prop_assert_eq!(told, said.len());
    }
}

#[test]
fn a_shift_by_ecs_is_nobodys_and_weights_beside_a_held_deployment_are_somebodys() {
    let mut model = consoles::native_weighted((120, 40));
    let mut release = model.release("payments").unwrap().clone();
    let history = &mut model.observed.snapshot.deployments.get_mut(&key("payments")).unwrap().value.as_mut().unwrap().1;
    history[0].stage = Some(crate::domain::release::WEIGHT_PAUSE_STAGE);
    release.method = Method::Native;
    let mut route = release.rules[0].route.clone();
    route.forwards.iter_mut().for_each(|forward| forward.weight = Weight::new(17).unwrap());
    learn(&mut model, 1, Query::Route(route.id.clone()), Answer::Route(route));
    let told = EventText { acts: &[], since: ago(3_600), alarms: &BTreeSet::new() };
    let hands = |release: &Release| {
        let entries = timeline(&model.observed.snapshot, release, &told);
        let traffic = entries.into_iter().filter(|entry| entry.kind == Kind::Traffic);
        traffic.map(|entry| (entry.hand, entry.text)).collect::<Vec<_>>()
    };
    let by_ecs = hands(&release);
    assert!(by_ecs.iter().all(|(hand, text)| hand.is_none() && text.contains("shifts traffic")), "{by_ecs:?}");
    release.method = Method::NativeWeighted;
    let held = hands(&release);
    assert!(!held.is_empty() && held.iter().all(|(hand, _)| *hand == OTHERS), "{held:?}");
}
