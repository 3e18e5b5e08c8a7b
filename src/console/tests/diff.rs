//! The changes between two revisions, and the redaction of values until an operator reveals them.

use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, plain};
use crate::console::keymap::Key;
use crate::console::message::{Effect, Msg, Now};
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::state::Model;
use crate::console::update;
use crate::domain::ecs::task_definition::{Definition, hidden};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::testkit::consoles;
use crate::testkit::consoles::{hear, learn, press, td};

pub(super) const SECRET: &str = "hunter2-correct-horse";

/// A revision as AWS describes it; `values`: with the values of its environment.
pub(super) fn definition(revision: u32, values: bool) -> Definition {
    let value = |text: &str, digest: u64| if values { text.to_owned() } else { hidden(digest) };
    let newer = revision == 42;
    let password = if newer { SECRET } else { "hunter1" };
    let mut environment = vec![
        json!({"name": "LOG_LEVEL", "value": value("info", 1)}),
        json!({"name": "DB_PASSWORD", "value": value(password, 100 + u64::from(revision))}),
    ];
    if newer {
        environment.push(json!({"name": "NEW_CHECKOUT", "value": value("on", 3)}));
    }
    let image =
        format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/checkout:{}", if newer { "1.9.0" } else { "1.8.2" });
    let json = json!({
        "taskDefinitionArn": td("checkout", revision).arn().as_str(),
        "family": "checkout", "revision": revision, "status": "ACTIVE",
        "cpu": "512", "memory": if newer { "2048" } else { "1024" }, "networkMode": "awsvpc",
        "containerDefinitions": [
            {
                "name": "app", "image": image, "essential": true, "environment": environment,
                "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/health"], "interval": 10},
            },
            {"name": "proxy", "image": "registry.example/envoy:1.30", "essential": false},
        ],
    });
    Definition { arn: td("checkout", revision), json }
}

fn read(model: &mut Model, revision: u32, reveal: bool) -> Vec<Effect> {
    let query = Query::Definition { arn: td("checkout", revision), reveal };
    let answer = Ok(Answer::Definition(Box::new(definition(revision, reveal))));
    let at = model.observed.now.at + SignedDuration::from_secs(1);
    update(model, Now::new(at), Msg::Read { asked: at, query, answer })
}

pub(super) fn open(size: (u16, u16)) -> Model {
    let mut model = consoles::baking(size);
    press(&mut model, &[Key::Char('d')]);
    for revision in [41, 42] {
        read(&mut model, revision, false);
    }
    model
}

fn seen(model: &Model) -> String {
    glyphs(&draw(model, &plain()))
}

fn asked(effects: &[Effect], reveal: bool) -> usize {
    let asks = |effect: &&Effect| matches!(effect, Effect::Read(Query::Definition { reveal: it, .. }) if *it == reveal);
    effects.iter().filter(asks).count()
}

#[test]
fn the_diff_of_a_release_in_flight() {
    layouts("diff", open);
    let mut model = open(SIZES[0]);
    press(&mut model, &[Key::Char('u')]);
    assert_snapshot!("diff_unfolded", seen(&model));
    press(&mut model, &[Key::Char('u'), Key::Char('y'), Key::End]);
    assert_snapshot!("diff_json", seen(&model));
}

#[test]
fn a_value_is_on_no_screen_until_it_is_asked_for_and_not_after_leaving() {
    let mut model = open((200, 60));
    let shows = |model: &Model| {
        let text = seen(model);
        assert!(!text.contains("hidden:"), "a digest is nobody's business: {text}");
        text.contains(SECRET)
    };
    for view in [View::Tasks, View::Targets, View::Events, View::Logs, View::Diff, View::Alarms, View::History] {
        model.screen.current = Screen::View(view, "checkout".into());
        assert!(!shows(&model), "{view}");
    }
    model.screen.current = Screen::View(View::Diff, "checkout".into());
    // The variable's line is marked, folded and unfolded, as a change and as JSON.
    for keys in [&[][..], &[Key::Char('u')], &[Key::Char('y')], &[Key::Char('y')]] {
        press(&mut model, keys);
        for _ in 0..40 {
            press(&mut model, &[Key::Down]);
            assert!(!shows(&model));
        }
        press(&mut model, &[Key::Home]);
    }
    assert!(!seen(&model).contains("VALUES SHOWN"));
    let effects = press(&mut model, &[Key::Char('v')]);
    assert_eq!(asked(&effects, true), 2, "{effects:?}");
    assert!(seen(&model).contains("VALUES SHOWN") && !shows(&model), "none has come yet");
    read(&mut model, 42, true);
    assert!(!shows(&model), "hidden and shown values are not compared");
    read(&mut model, 41, true);
    let text = seen(&model);
    assert!(shows(&model) && text.contains(&format!("hunter1 → {SECRET}")) && text.contains("VALUES SHOWN"), "{text}");
    press(&mut model, &[Key::Char('y')]);
    assert!(shows(&model), "in the JSON too");
    press(&mut model, &[Key::Char('y')]);
    // The snapshot never holds the values.
    assert!(
        model.observed.snapshot.definitions.values().all(|reading| !reading
            .get()
            .unwrap()
            .json
            .to_string()
            .contains(SECRET))
    );
    press(&mut model, &[Key::Esc]);
    assert!(!shows(&model));
    press(&mut model, &[Key::Char('d')]);
    assert!(!shows(&model) && !seen(&model).contains("VALUES SHOWN") && model.screen.diff.revealed.is_empty());
    // An answer after leaving the view is not kept.
    read(&mut model, 42, true);
    assert!(!shows(&model) && model.screen.diff.revealed.is_empty());
    let effects = press(&mut model, &[Key::Char('v')]);
    assert_eq!(asked(&effects, true), 2, "asked anew each time: {effects:?}");
    read(&mut model, 41, true);
    read(&mut model, 42, true);
    assert!(shows(&model));
    press(&mut model, &[Key::Char('v')]);
    assert!(!shows(&model) && model.screen.diff.revealed.is_empty());
}

#[test]
fn what_cannot_be_compared_is_said_in_words() {
    let size = SIZES[1];
    let mut model = consoles::baking(size);
    let effects = press(&mut model, &[Key::Char('d')]);
    assert_eq!(asked(&effects, false), 2, "{effects:?}");
    assert!(seen(&model).contains("checkout:41 is being read"));
    let denied = Fault::new(FaultKind::Denied, "DescribeTaskDefinition", "checkout:41", "not authorized");
    hear(&mut model, 0, Query::Definition { arn: td("checkout", 41), reveal: false }, Err(denied));
    let text = seen(&model);
    assert!(text.contains("✖ checkout:41 could not be read") && text.contains("not authorized"), "{text}");
    let mut same = open(size);
    same.screen.diff.from = Some(td("checkout", 42));
    same.screen.diff.to = Some(td("checkout", 42));
    assert!(seen(&same).contains("both sides are the same revision"), "{}", seen(&same));
    let mut gone = open(size);
    let mut inactive = definition(41, false);
    inactive.json["status"] = Value::from("INACTIVE");
    let query = Query::Definition { arn: td("checkout", 41), reveal: false };
    learn(&mut gone, -5, query, Answer::Definition(Box::new(inactive)));
    assert!(seen(&gone).contains("INACTIVE"), "{}", seen(&gone));
    let mut first = consoles::open(size, consoles::Pair::at(0, 900));
    for release in &mut first.observed.releases {
        release.previous.clear();
        release.phase = crate::domain::release::Phase::Steady;
        release.canary = None;
    }
    first.screen.current = Screen::View(View::Diff, "checkout".into());
    let text = seen(&first);
    assert!(text.contains("no revision is known that ran before"), "{text}");
}

#[test]
fn what_is_folded_is_found_and_the_json_can_be_searched() {
    let mut model = open(SIZES[1]);
    assert!(!seen(&model).contains("LOG_LEVEL") && seen(&model).contains("the same, u unfolds"));
    press(&mut model, &[Key::Char('/')]);
    press(&mut model, &"log_level".chars().map(Key::Char).collect::<Vec<_>>());
    assert!(seen(&model).contains("LOG_LEVEL"), "{}", seen(&model));
    press(&mut model, &[Key::Esc, Key::Char('y'), Key::Char('/')]);
    press(&mut model, &"memory".chars().map(Key::Char).collect::<Vec<_>>());
    let text = seen(&model);
    assert!(text.contains("\"memory\": \"2048\"") && !text.contains("containerPort"), "{text}");
}
