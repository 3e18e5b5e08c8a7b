//! A log of 100,000 lines a minute, followed for ten minutes. The benchmark measures the time to take in a page of ten
//! thousand lines, the time from a key to its frame, and the memory.
//!
//! CloudWatch is a pure function of the time here, so that only the console is measured. The console's passes, repeats
//! and bounds are the real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tidegate::console::keymap::Key;
use tidegate::console::message::{Effect, Msg, Now};
use tidegate::console::screen::Screen;
use tidegate::console::screen::View;
use tidegate::console::state::Model;
use tidegate::console::update;
use tidegate::console::view;
use tidegate::console::view::{Palette, Theme};
use tidegate::domain::ecs::deployment::Configuration;
use tidegate::domain::ecs::names::{Arn, Location, ServiceKey, TaskDefinitionArn};
use tidegate::domain::ecs::service::{Controller, LogDriver, Rollout, RolloutState, Service, TaskDefinition};
use tidegate::domain::logs::buffer::LogSide;
use tidegate::domain::logs::{LogLine, LogPage, LogQuery, is_error};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::settings::Settings;

mod measure;

use measure::{Line, Samples, Wish};

const SIZE: (u16, u16) = (200, 60);
/// Microseconds between two lines: 100,000 a minute.
const APART: i64 = 600;
/// Maximum lines and bytes of a CloudWatch page.
const PAGE: (usize, usize) = (10_000, 1 << 20);
/// Duration of a frame, at thirty frames a second.
const FRAME: Duration = Duration::from_millis(33);
/// Maximum megabytes of the log, however much is written.
const MEMORY: usize = 32;

fn start() -> Timestamp {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

fn written(number: i64) -> Timestamp {
    start() + SignedDuration::from_micros(number * APART)
}

fn line(number: i64, streams: &[Arc<str>]) -> LogLine {
    let stream = &streams[usize::try_from(number).unwrap() % streams.len()];
    let text = match number % 500 {
        0 => format!(r#"{{"level":"error","msg":"payment provider did not answer within 1500 ms","order":{number}}}"#),
        _ => format!(
            r#"{{"level":"info","msg":"order placed","order":{number},"customer":"c-{:08x}","ms":{},"path":"/checkout/confirm"}}"#,
            number * 7_919,
            number % 90
        ),
    };
    let at = Timestamp::from_millisecond(written(number).as_millisecond()).unwrap();
    LogLine { at, stream: stream.clone(), id: number.cast_unsigned(), error: is_error(&text), text, cut: 0 }
}

/// CloudWatch's response at the time `now`.
fn answer(query: &LogQuery, now: Timestamp, streams: &[Arc<str>]) -> LogPage {
    let first = query.from.duration_since(start()).as_micros().max(0);
    let first = (i64::try_from(first).unwrap() + APART - 1) / APART;
    let mut number = query.token.as_ref().map_or(first, |token| token.parse().unwrap());
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while written(number) <= now {
        let line = line(number, streams);
        bytes += line.text.len() + 26;
        if lines.len() >= PAGE.0 || bytes > PAGE.1 {
            return LogPage { lines, next: Some(number.to_string()) };
        }
        lines.push(line);
        number += 1;
    }
    LogPage { lines, next: None }
}

/// A console with the open log of one service.
fn console() -> Model {
    let place = Location { environment: "bench".into(), account: "123456789012".into(), region: "us-east-1".into() };
    let now = Now::new(start() + SignedDuration::from_mins(3));
    let mut model = Model::new(Settings::default(), place, now, SIZE);
    let arn = |kind: &str| Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:{kind}"));
    let revision = TaskDefinitionArn::new(arn("task-definition/shop:42").as_str());
    let service = Service {
        key: ServiceKey::new("prod", "shop"),
        arn: arn("service/prod/shop"),
        cluster_arn: arn("cluster/prod"),
        status: "ACTIVE".into(),
        controller: Controller::Ecs,
        configuration: Configuration::rolling(),
        task_definition: revision.clone(),
        desired: 8,
        running: 8,
        pending: 0,
        rollouts: vec![Rollout {
            id: "ecs-svc/1".into(),
            role: "PRIMARY".into(),
            task_definition: revision.clone(),
            desired: 8,
            running: 8,
            pending: 0,
            failed: 0,
            state: Some(RolloutState::Completed),
            reason: None,
            created_at: None,
            updated_at: None,
        }],
        target_groups: Vec::new(),
        production_rule: None,
        events: Vec::new(),
        tags: std::collections::BTreeMap::new(),
        current_deployment: None,
        created_at: None,
        grace: None,
        execute_command: false,
        daemon: false,
        managed: None,
    };
    let driver = LogDriver::Awslogs { group: "/ecs/shop".into(), region: None, prefix: Some("ecs".into()) };
    let definition = TaskDefinition {
        arn: revision.clone(),
        active: true,
        registered_at: None,
        images: Vec::new(),
        cpu: None,
        memory: None,
        logs: vec![("app".into(), driver)],
    };
    let mut learn = |query, facts| drop(update(&mut model, now, Msg::Read { asked: now.at, query, answer: Ok(facts) }));
    learn(Query::Services, Answer::Services(vec![service]));
    learn(Query::TaskDefinitions(vec![revision]), Answer::TaskDefinitions(vec![definition]));
    model.screen.current = Screen::View(View::Logs, "shop".into());
    model
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<usize>().ok()).unwrap_or(0) / 1024
}

#[expect(clippy::too_many_lines, reason = "one run, from its flags to its exit code")]
fn main() -> ExitCode {
    // The rounds are minutes, with five messages a second.
    let wish = Wish::new(10);
    let streams: Vec<Arc<str>> = (0..8).map(|task| format!("ecs/app/{task:032x}").into()).collect();
    let mut model = console();
    let theme = Theme::new(Palette::Sixteen, false);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    let [mut pages, mut keys, mut searches] = [(); 3].map(|()| Samples::default());
    let before = resident();
    let (mut most, mut behind, mut calls) = (0, SignedDuration::ZERO, 0);
    let mut out: Option<(Timestamp, LogQuery)> = None;
    let steps = wish.rounds as i64 * 60 * 5;
    for step in 0..steps {
        let now = Now::new(model.observed.now.at + SignedDuration::from_millis(200));
        let (msg, page) = match out.take() {
            Some((asked, query)) => {
                let page = answer(&query, asked, &streams);
                (Msg::Read { asked, query: Query::Logs(query), answer: Ok(Answer::Logs(page)) }, true)
            }
            None => (Msg::Tick, false),
        };
        let mut asked = Vec::new();
        let begun = Instant::now();
        asked.extend(update(&mut model, now, msg));
        if page {
            pages.push(begun.elapsed());
        }
        // The operator presses keys all the time, and sometimes searches.
        let key = match step % 50 {
            10 => Key::Char('/'),
            11 => Key::Char('9'),
            12 => Key::Char('1'),
            13 => Key::Esc,
            step if step % 5 == 0 => Key::End,
            _ => Key::Up,
        };
        let begun = Instant::now();
        asked.extend(update(&mut model, now, Msg::Key(key)));
        terminal.draw(|frame| view::view(&model, &theme, frame)).unwrap();
        let samples = if (10..14).contains(&(step % 50)) { &mut searches } else { &mut keys };
        samples.push(begun.elapsed());
        for effect in asked {
            if let Effect::Read(Query::Logs(query)) = effect {
                calls += 1;
                assert!(out.is_none(), "one page at a time");
                out = Some((now.at, query));
            }
        }
        most = most.max(model.screen.logs.bytes());
        if step > 60 * 5 {
            behind =
                behind.max(model.screen.logs.reach().map_or(SignedDuration::MAX, |reach| now.at.duration_since(reach)));
        }
    }
    // Each line up to `until` is counted exactly once.
    let until = model.screen.logs.reach().unwrap();
    let page = model.screen.logs.since().unwrap();
    let expected = |until: Timestamp| until.duration_since(page).as_micros() / i128::from(APART);
    let counted =
        model.screen.logs.book.all(LogSide::Stable).lines + model.screen.logs.book.all(LogSide::Unknown).lines;
    let within = i128::from(counted) >= expected(until) && i128::from(counted) <= expected(model.observed.now.at) + 1;
    let megabytes = most >> 20;
    let code = wish.report(
        &format!("100,000 lines a minute, {} minutes", wish.rounds),
        &[
            Line { what: "a page taken in", samples: &pages, limit: Some(FRAME) },
            Line { what: "a key to its frame", samples: &keys, limit: Some(FRAME) },
            Line { what: "a key of a search to its frame", samples: &searches, limit: Some(FRAME) },
        ],
    );
    println!("{counted} lines counted, {} kept, {calls} calls", model.screen.logs.book.kept());
    println!(
        "at most {megabytes} MiB of log, {} MiB of process more than before; {} s behind",
        resident() - before,
        behind.as_secs()
    );
    let over = !within || megabytes > MEMORY;
    if over {
        println!("OVER: the bound is {MEMORY} MiB, and {} lines were written", expected(until));
    }
    if over && wish.check { ExitCode::FAILURE } else { code }
}
