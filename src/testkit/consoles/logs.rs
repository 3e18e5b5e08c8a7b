//! Logs of the pair, made up line by line.

use super::*;
use crate::console::message::{Effect, Msg};
use crate::console::screen::View;
use crate::console::update;
use crate::domain::ecs::service::LogDriver;
use crate::domain::logs::{LogLine, LogPage, LogQuery, is_error};

pub(crate) fn awslogs(group: &str) -> LogDriver {
    LogDriver::Awslogs { group: group.into(), region: Some("us-east-1".into()), prefix: Some("ecs".into()) }
}

/// The log of the pair, opened, with what its containers' drivers are said to be: stable's, then the canary's.
pub(crate) fn logs_by(size: (u16, u16), drivers: [Vec<(&str, LogDriver)>; 2]) -> Model {
    let mut model = baking(size);
    let revisions = [(41, "1.8.2"), (42, "1.9.0")].into_iter().zip(drivers);
    let read = revisions.map(|((revision, version), logs)| TaskDefinition {
        logs: logs.into_iter().map(|(container, driver)| (container.to_owned(), driver)).collect(),
        ..definition(td("checkout", revision), version)
    });
    let read: Vec<_> = read.collect();
    let arns = read.iter().map(|definition| definition.arn.clone()).collect();
    learn(&mut model, 1, Query::TaskDefinitions(arns), Answer::TaskDefinitions(read));
    model.screen.current = Screen::View(View::Logs, "checkout".into());
    model
}

/// The same where both sides write to one group.
pub(crate) fn logs(size: (u16, u16)) -> Model {
    logs_by(size, [(); 2].map(|()| vec![("app", awslogs("/ecs/checkout"))]))
}

/// One message at the present time; the pages that are asked for then.
pub(crate) fn feed(model: &mut Model, msg: Msg) -> Vec<LogQuery> {
    let effects = update(model, model.observed.now, msg).into_iter();
    effects.filter_map(|effect| if let Effect::Read(Query::Logs(page)) = effect { Some(page) } else { None }).collect()
}

/// An answer to such a question; the pages that are asked for then.
pub(crate) fn answer(model: &mut Model, page: &LogQuery, answer: Result<LogPage, Fault>) -> Vec<LogQuery> {
    let msg =
        Msg::Read { asked: model.observed.now.at, query: Query::Logs(page.clone()), answer: answer.map(Answer::Logs) };
    feed(model, msg)
}

/// A line that a task wrote so many milliseconds before now.
pub(crate) fn line(millis: i64, task: u32, text: impl Into<String>) -> LogLine {
    let text = text.into();
    LogLine {
        at: now() - SignedDuration::from_millis(millis),
        stream: format!("ecs/app/{task:08x}").into(),
        id: (millis as u64) << 32 | u64::from(task),
        error: is_error(&text),
        text,
        cut: 0,
    }
}

/// Three minutes of a canary that fails now and then beside a stable side that does not.
pub(crate) fn busy_log() -> Vec<LogLine> {
    let mut lines = Vec::new();
    for second in (1..180_i64).rev() {
        for task in 4..8 {
            let text =
                format!(r#"{{"level":"info","msg":"order placed","order":{},"ms":{}}}"#, 90_000 - second, 40 + task);
            lines.push(line(second * 1_000 + i64::from(task) * 7, task, text));
        }
        let text = match second % 9 {
            0 => r#"{"level":"error","msg":"payment provider did not answer within 1500 ms","order":"8f2e","attempt":3,"provider":"acme-pay","trace":"1-67a0b1c2-0123456789abcdef01234567"}"#.to_owned(),
            5 => "2026-11-20 09:40:00 WARN slow query: SELECT \u{1b}[31mcart\u{202e}".to_owned(),
            _ => format!("2026-11-20 09:40:00 INFO order {} placed", 90_000 - second),
        };
        lines.push(line(second * 1_000 + 40, 1, text));
    }
    lines.push(line(500, 0x77, "of a task that nobody knows yet"));
    lines
}

/// The log with those lines read.
pub(crate) fn logged(size: (u16, u16)) -> Model {
    let mut model = logs(size);
    let pages = feed(&mut model, Msg::Tick);
    answer(&mut model, &pages[0], Ok(LogPage { lines: busy_log(), next: None }));
    model
}
