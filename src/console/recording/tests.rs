use std::hash::RandomState;

use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::*;
use crate::console::message::{Effect, Order};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::task_definition::Definition;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::logs::{LogLine, LogPage, LogQuery, LogSource};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::operation::{OperationId, OperationOutcome, Progress};
use crate::domain::plan::{Plan, Receipt};
use crate::testkit::consoles;
use crate::testkit::worlds::{intent, native_intent, native_scene, scene};

fn text() -> String {
    let header = Header::of(&consoles::baking((120, 40)), &Theme::default());
    let entry = Entry { at: consoles::now(), msg: Msg::Tick };
    format!("{}\n{}\n", serde_json::to_string(&header).unwrap(), serde_json::to_string(&entry).unwrap())
}

#[test]
fn a_file_that_is_no_recording_is_refused_with_its_line() {
    let whole = text();
    assert_eq!(Recording::parse(&whole).unwrap().entries.len(), 1);
    for (text, said) in [
        (String::new(), "line 1: not a recording of tidegate (the file is empty)"),
        ("[1, 2]\n".to_owned(), "line 1: not a recording of tidegate ("),
        (r#"{"schema":"tidegate.audit/1"}"#.to_owned(), "line 1: the recording is tidegate.audit/1;"),
        (format!("{whole}{{\"at\":\n"), "line 3: not a message of a recording, EOF"),
        (format!("{whole}{}", r#"{"at":"2026-11-21T09:00:00Z","msg":"tick"}"#), "line 3: the recording is cut off"),
        (format!("{whole}{}\n", r#"{"at":"2026-11-21T09:00:00Z","msg":"jump"}"#), "line 3: not a message of a"),
    ] {
        let error = Recording::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn secrets_stay_out() {
    let (at, digest) = (consoles::now(), RandomState::new());
    let secret = "hunter2-secret";
    let write = |msg: Msg, taken: bool| serde_json::to_string(&Entry::redacted(at, msg, taken, &digest)).unwrap();
    let arn = TaskDefinitionArn::new("arn:aws:ecs:us-east-1:123456789012:task-definition/x:7");
    let json = serde_json::json!({
        "containerDefinitions": [{"name": "app", "environment": [{"name": "DB", "value": secret}]}]
    });
    let revealed = Msg::Read {
        asked: at,
        query: Query::Definition { arn: arn.clone(), reveal: true },
        answer: Ok(Answer::Definition(Box::new(Definition { arn, json }))),
    };
    assert!(!write(revealed, false).contains("hunter2"));
    let source = LogSource { group: "/ecs/x".to_owned(), region: None, prefix: "x/app/".to_owned() };
    let line = LogLine { at, stream: "x/app/1".into(), id: 1, text: format!("t={secret}"), cut: 0, error: false };
    let logs = Msg::Read {
        asked: at,
        query: Query::Logs(LogQuery { source, from: at, token: None }),
        answer: Ok(Answer::Logs(LogPage { lines: vec![line], next: None })),
    };
    let logs = write(logs, false);
    assert!(!logs.contains("hunter2") && logs.contains("x=xxxxxxx-xxxxxx"), "{logs}");
    assert!(!write(Msg::Paste(secret.to_owned()), false).contains("hunter2"));
    assert!(write(Msg::Paste("checkout".to_owned()), true).contains("checkout"));
}

fn read_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// Every answer of a snapshot, as a message.
fn answers(snapshot: &Snapshot) -> Vec<Msg> {
    let mut answers = Vec::new();
    answers.extend(snapshot.services.get().map(|all| Answer::Services(all.values().cloned().collect())));
    answers.extend(snapshot.routes.get().map(|all| Answer::Routes(all.values().cloned().collect())));
    let deployments = snapshot.deployments.values().filter_map(|reading| reading.get().cloned());
    answers.extend(deployments.map(Answer::Deployments));
    let series = snapshot.metrics.iter().filter_map(|(source, reading)| Some((source.clone(), reading.get()?.clone())));
    answers.push(Answer::Metrics(series.collect()));
    let health = snapshot.health.iter().filter_map(|(group, reading)| Some((group.clone(), reading.get()?.clone())));
    answers.push(Answer::Health(health.collect()));
    let read = |answer| Msg::Read { asked: consoles::now(), query: Query::Services, answer: Ok(answer) };
    answers.into_iter().map(read).collect()
}

/// A plan's warnings are sentences in a document, so effects are compared as documents.
fn document(effect: &Effect) -> serde_json::Value {
    serde_json::to_value(effect).unwrap()
}

fn execute(plan: Plan, why: String) -> Effect {
    let order = Order { automatic: false, why: Some(why) };
    Effect::Execute { operation: OperationId(7), plan: Box::new(plan), order }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_and_effects_of_any_pair_are_read_back(scene in scene(), intent in intent(), text in any::<String>()) {
        for msg in answers(&scene.snapshot()) {
            prop_assert_eq!(read_back(&msg), msg);
        }
        for release in scene.releases() {
            if let Ok(plan) = scene.plan(&release, &intent) {
                let effect = execute(plan, text.clone());
                prop_assert_eq!(document(&read_back(&effect)), document(&effect));
            }
        }
    }

    #[test]
    fn effects_of_any_native_release_are_read_back(scene in native_scene(), intent in native_intent()) {
        if let Ok(plan) = scene.plan(&scene.release(), &intent) {
            let effect = execute(plan, String::new());
            prop_assert_eq!(document(&read_back(&effect)), document(&effect));
        }
    }

    #[test]
    fn reports_and_faults_are_read_back(step in any::<usize>(), text in any::<String>(), second in 0i64..4_000_000_000) {
        let fault = Fault::new(FaultKind::Throttled, "ModifyRule", "checkout", text.clone());
        let at = Timestamp::from_second(second).unwrap();
        let reports = [
            Progress::Waiting { step, what: text.clone() },
            Progress::Sent { step },
            Progress::Answered { step, receipt: Receipt { request_id: None, answer: text.clone() } },
            Progress::Unknown { step, fault: fault.clone() },
            Progress::Verified { step },
            Progress::Ended(OperationOutcome::Done),
            Progress::Ended(OperationOutcome::Refused { step, fault: fault.clone() }),
            Progress::Ended(OperationOutcome::Failed { step, reason: text.clone() }),
        ];
        let reports = reports.map(|progress| Msg::Progress { operation: OperationId(step as u64), progress });
        let others = [
            Msg::Paste(text.clone()),
            Msg::Trouble(text),
            Msg::Resized(80, 24),
            Msg::Read { asked: at, query: Query::Identity, answer: Err(fault) },
        ];
        for msg in reports.into_iter().chain(others) {
            prop_assert_eq!(read_back(&msg), msg);
        }
    }
}
