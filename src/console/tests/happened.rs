//! Tests of a release's past: the timeline, and the history that leads on.

use std::sync::Arc;

use insta::assert_snapshot;

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, plain};
use crate::console::keymap::Key;
use crate::console::message::Effect;
use crate::console::screen::{Screen, View};
use crate::console::state::Model;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{AlarmConfiguration, DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::service::{ServiceEvent, Task};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::operation::{OperationOutcome, Progress};
use crate::domain::plan::Intent;
use crate::domain::text::is_safe;
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, ago, hear, key, learn, order, press, route, stopped};

fn seen(model: &Model) -> String {
    glyphs(&draw(model, &plain()))
}

/// A story of one evening: a canary fails, a colleague edits the rule, a rollback follows.
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn evening(size: (u16, u16)) -> Model {
    let mut pair = Pair::at(10, 900);
    let alarms = AlarmConfiguration { names: vec!["checkout-5xx".into()], enable: true, rollback: false };
    pair.canary.configuration.alarms = Some(alarms);
    let start = |index: i64| ServiceEvent {
        id: format!("start {index}"),
        at: ago(100 + 60 * index),
        message: format!(
            "(service checkout-canary) has started 1 tasks: (task 4e1c0d5{index}a0b84f6f9d3e2f51b6a7c8d9)."
        ),
    };
    pair.canary.events = (0..5).map(start).collect();
    pair.canary.events.push(ServiceEvent {
        id: "placed".into(),
        at: ago(700),
        message: "(service checkout-canary) was unable to place a task because no container instance met all of its \
                  requirements. The closest matching container-instance 0f0e0d0c0b0a09080706050403020100 has \
                  insufficient memory available. For more information, see the Troubleshooting section."
            .into(),
    });
    let canary = pair.canary.clone();
    let mut model = consoles::open(size, pair);
    model.operations.acts.since = ago(3_600);
    consoles::rewind(&mut model, 900);
    for (seconds, stable, weight) in [(300, 50, 50), (240, 90, 10)] {
        learn(&mut model, seconds, Query::Routes, Answer::Routes(vec![route(stable, weight)]));
    }
    let pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
                registry.example/checkout:1.9.0: not found";
    let failed = |index: i64| Task {
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:task/prod/4e1c0d5{index}")),
        stopped_at: Some(ago(90 + 60 * index)),
        ..stopped(&canary, pull)
    };
    learn(&mut model, 3, Query::Tasks(canary.key.clone()), Answer::Tasks((0..4).map(failed).collect()));
    let alarm = |state, since: i64| Alarm {
        name: "checkout-5xx".into(),
        state,
        reason: Some("Threshold Crossed: 2 datapoints were greater than the threshold (1.0).".into()),
        since: Some(ago(since)),
    };
    for (seconds, alarm) in [(400, alarm(AlarmState::Ok, 90_000)), (50, alarm(AlarmState::Alarm, 75))] {
        let query = Query::Alarms(vec!["checkout-5xx".into()]);
        learn(&mut model, seconds, query, Answer::Alarms(vec![alarm]));
    }
    let deployment = |service: &str, revision: u32, status, created: i64, finished: Option<i64>| ServiceDeployment {
        created_at: Some(ago(created)),
        started_at: Some(ago(created - 1)),
        finished_at: finished.map(ago),
        target: Some(consoles::revision_of("checkout", revision)),
        sources: vec![consoles::revision_of("checkout", revision - 1)],
        ..ServiceDeployment::new(
            Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/{service}/{revision}")),
            status,
        )
    };
    let of_canary = vec![
        deployment("checkout-canary", 42, DeploymentStatus::Successful, 1_500, Some(1_300)),
        deployment("checkout-canary", 41, DeploymentStatus::Successful, 9 * 86_400, Some(9 * 86_400 - 300)),
    ];
    let of_stable = vec![deployment("checkout-stable", 41, DeploymentStatus::Successful, 8 * 86_400, Some(8 * 86_400))];
    learn(&mut model, 9, Query::Deployments(key("checkout-canary")), Answer::Deployments(of_canary));
    learn(&mut model, 9, Query::Deployments(key("checkout-stable")), Answer::Deployments(of_stable));
    let done =
        vec![Progress::Sent { step: 0 }, Progress::Verified { step: 0 }, Progress::Ended(OperationOutcome::Done)];
    order(&mut model, Intent::Rollback { to: None, at_once: false }, done);
    learn(&mut model, 7, Query::Routes, Answer::Routes(vec![route(100, 0)]));
    model.screen.current = Screen::View(View::Events, "checkout".into());
    model
}

#[test]
fn the_timeline() {
    layouts("timeline", evening);
}

#[test]
fn tab_shows_one_kind_after_the_other_and_a_search_narrows_it() {
    let mut model = evening(SIZES[1]);
    let rows = |model: &Model| seen(model).lines().skip(4).take_while(|line| !line.contains("──")).count();
    let all = rows(&model);
    let mut shown = Vec::new();
    for _ in 0..7 {
        press(&mut model, &[Key::Tab]);
        shown.push((model.screen.events.shown.to_string(), rows(&model) < all));
    }
    let names: Vec<_> = shown.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["tasks", "deployment", "alarms", "ours", "others", "service", "all"]);
    assert!(shown.iter().all(|(name, fewer)| *fewer || name == "all"), "{shown:?}");
    press(&mut model, &[Key::Tab, Key::Tab, Key::Tab, Key::Tab, Key::Tab]);
    assert_snapshot!("timeline_others", seen(&model));
    press(&mut model, &[Key::Tab, Key::Tab, Key::Char('/')]);
    press(&mut model, &"50/50".chars().map(Key::Char).collect::<Vec<_>>());
    let text = seen(&model);
    assert!(text.contains("weights 90/10 → 50/50, not from here"), "{text}");
    assert!(!text.contains("CannotPull"), "{text}");
    let copied = press(&mut model, &[Key::Enter, Key::Char('c')]);
    assert!(copied.iter().any(|effect| matches!(effect, Effect::Copy(text) if text.contains("50/50"))), "{copied:?}");
}

#[test]
fn what_could_not_be_read_is_said_where_it_is_missing() {
    let mut model = evening(SIZES[0]);
    let denied = Fault::new(FaultKind::Denied, "ListTasks", "checkout-canary", "not authorized");
    model.observed.snapshot.tasks.clear();
    hear(&mut model, 1, Query::Tasks(key("checkout-canary")), Err(denied));
    let text = seen(&model);
    assert!(text.contains("✖ ECS tasks denied: ListTasks checkout-canary: not authorized"), "{text}");
    assert!(!text.contains("no events") && !text.contains("cannot pull"), "{text}");
}

#[test]
fn the_history_says_where_its_keys_lead_and_who_else_deployed() {
    let mut model = evening(SIZES[1]);
    model.screen.current = Screen::View(View::History, "checkout".into());
    assert_snapshot!("history_leads", seen(&model));
    // The canary's newest deployment is below the stable service's one.
    press(&mut model, &[Key::Down, Key::Down, Key::Char(' '), Key::Up]);
    let text = seen(&model);
    assert!(text.contains("d compares :41 with it") && text.contains("▲ somebody else started it"), "{text}");
    press(&mut model, &[Key::Char('d')]);
    let (from, to) = (consoles::td("checkout", 41), consoles::td("checkout", 42));
    assert_eq!((model.screen.diff.from.as_ref(), model.screen.diff.to.as_ref()), (Some(&from), Some(&to)));
    press(&mut model, &[Key::Esc, Key::Down, Key::Char(' '), Key::Up]);
    press(&mut model, &[Key::Char('d')]);
    assert_eq!(model.screen.diff.from, Some(from), "what it replaced");
}

#[test]
fn hostile_words_never_reach_a_cell_of_the_timeline() {
    let evil = "\u{1b}[2J\u{202e}evil\r\n\u{9b}31m\u{200b}\u{0}東京".repeat(200);
    for size in SIZES {
        let mut model = consoles::hostile(size, &evil);
        let alarm = Alarm {
            name: evil.clone(),
            state: AlarmState::Other(evil.clone()),
            reason: Some(evil.clone()),
            since: Some(ago(5)),
        };
        model.observed.settings.services.entry("checkout".into()).or_default().alarms = vec![evil.clone()];
        learn(&mut model, 1, Query::Alarms(vec![evil.clone()]), Answer::Alarms(vec![alarm]));
        let mut revision = (*consoles::revision_of("checkout", 42)).clone();
        revision.task_definition = crate::domain::ecs::names::TaskDefinitionArn::new(evil.clone());
        let deployment = ServiceDeployment {
            created_at: Some(ago(9)),
            finished_at: Some(ago(3)),
            reason: Some(evil.clone()),
            target: Some(Arc::new(revision)),
            ..ServiceDeployment::new(Arn::new(evil.clone()), DeploymentStatus::RollbackFailed)
        };
        learn(&mut model, 0, Query::Deployments(key("checkout-stable")), Answer::Deployments(vec![deployment]));
        for view in [View::Events, View::History, View::Diff] {
            model.screen.current = Screen::View(view, "checkout".into());
            for _ in 0..12 {
                for cell in &draw(&model, &plain()).content {
                    assert!(cell.symbol().chars().all(is_safe), "{:?}", cell.symbol());
                }
                press(&mut model, &[Key::Down]);
            }
        }
    }
}
