use jiff::SignedDuration;
use strum::IntoEnumIterator;

use super::*;
use crate::console::keymap::Key;
use crate::console::message::Msg;
use crate::console::screen::{Screen, View};
use crate::console::screens;
use crate::console::state::Model;
use crate::domain::ecs::service::LogDriver;
use crate::domain::logs::LogLine;
use crate::domain::observe::snapshot::Answer;
use crate::testkit::consoles;
use crate::testkit::consoles::{answer, awslogs, feed, line, logged, logs, logs_by};

const SIZE: (u16, u16) = (120, 40);

fn later(model: &mut Model, millis: i64) {
    model.observed.now.at += SignedDuration::from_millis(millis);
}

fn page(lines: Vec<LogLine>, next: Option<&str>) -> Result<LogPage, Fault> {
    Ok(LogPage { lines, next: next.map(str::to_owned) })
}

fn press(model: &mut Model, key: Key) {
    later(model, 200);
    feed(model, Msg::Key(key));
}

fn shown(model: &Model) -> Shown {
    model.screen.logs.shown(&model.screen.list(View::Logs).find)
}

fn marked(model: &Model) -> &str {
    model.screen.logs.marked(shown(model)).map_or("", |line| &line.text)
}

/// So many lines, a millisecond apart, the last of them so many milliseconds ago.
fn lines(number: i64, last: i64) -> Vec<LogLine> {
    (0..number).rev().map(|back| line(last + back, 5, format!("line {}", last + back))).collect()
}

#[test]
fn both_sides_that_share_a_group_are_read_once_from_three_minutes_back() {
    let mut model = logs(SIZE);
    let pages = feed(&mut model, Msg::Tick);
    assert_eq!(pages.len(), 1);
    assert_eq!((pages[0].source.prefix.as_str(), pages[0].source.region.as_deref()), ("ecs/app/", None));
    assert_eq!((pages[0].from, &pages[0].token), (consoles::ago(180), &None));
    assert!(feed(&mut model, Msg::Tick).is_empty(), "it is out");
}

#[test]
fn a_line_is_its_tasks_sides_and_another_ones_is_unknown_until_its_task_is_read() {
    let mut model = logged(SIZE);
    let counts = |model: &Model| {
        let of = |whose| model.screen.logs.book.all(whose);
        [LogSide::Stable, LogSide::Canary, LogSide::Unknown].map(of).map(|count| (count.lines, count.errors))
    };
    assert_eq!(counts(&model), [(716, 0), (179, 19), (1, 0)]);
    let stable = model.observed.snapshot.service(&consoles::key("checkout-stable")).unwrap().clone();
    let mut tasks = consoles::tasks(&stable);
    tasks[3].arn = crate::domain::ecs::names::Arn::new("arn:aws:ecs:us-east-1:123456789012:task/prod/00000077");
    consoles::learn(&mut model, 0, Query::Tasks(stable.key.clone()), Answer::Tasks(tasks));
    feed(&mut model, Msg::Tick);
    assert_eq!(counts(&model), [(717, 0), (179, 19), (0, 0)]);
}

#[test]
fn rates_are_of_a_minute_that_is_all_there_and_unknown_before() {
    let model = logged(SIZE);
    let of = |whose| model.screen.logs.rate(whose);
    assert_eq!(of(LogSide::Stable), Some(Rate { lines: 4.0, errors: 0.0 }));
    let canary = of(LogSide::Canary).unwrap();
    assert!((canary.lines - 1.0).abs() < 1e-9 && (6.0..=7.0).contains(&canary.errors), "{canary:?}");
    assert_eq!(of(LogSide::Unknown), None);
    assert_eq!(logs(SIZE).screen.logs.rate(LogSide::Stable), None, "nothing is read");
    let mut elsewhere = logs_by(SIZE, [vec![("app", awslogs("/ecs/checkout"))], vec![("app", LogDriver::None)]]);
    let pages = feed(&mut elsewhere, Msg::Tick);
    answer(&mut elsewhere, &pages[0], page(lines(9, 60_000), None));
    assert_eq!(elsewhere.screen.logs.rate(LogSide::Canary), None, "what cannot be read is not nothing");
}

#[test]
fn keys_are_answered_while_pages_come() {
    let mut model = logs(SIZE);
    let mut pages = feed(&mut model, Msg::Tick);
    for (number, key) in [Key::Up, Key::PageUp, Key::Down, Key::End, Key::Home, Key::Char('!')].into_iter().enumerate()
    {
        let last = 150_000 - 10_000 * number as i64;
        let query = pages.pop().unwrap();
        answer(&mut model, &query, page(lines(10_000, last), Some("more")));
        let before = marked(&model).to_owned();
        later(&mut model, 600);
        pages = feed(&mut model, Msg::Key(key));
        let now = marked(&model);
        match key {
            Key::Up => assert_eq!(now, format!("line {}", last + 1)),
            // A mark stays where it is, whatever comes in behind it.
            Key::PageUp => assert_eq!((before.as_str(), now), ("line 150001", "line 150011")),
            Key::Down => assert_eq!(now, "line 150010"),
            Key::End => assert_eq!((now, model.screen.logs.follows()), ("line 120000", true)),
            Key::Home => assert_eq!(now, "line 159999"),
            _ => assert!(model.screen.notice.as_ref().is_some_and(|notice| notice.text.contains("no line"))),
        }
        assert_eq!(pages.len(), 1, "and the next page is asked for");
    }
    assert_eq!(model.screen.logs.book.all(LogSide::Stable).lines, 60_000);
}

#[test]
fn no_more_than_two_pages_a_second_are_asked_for_and_none_twice_at_once() {
    let both = [vec![("app", awslogs("/ecs/a"))], vec![("app", awslogs("/ecs/b")), ("proxy", awslogs("/ecs/a"))]];
    let mut model = logs_by(SIZE, both);
    let mut out: Vec<LogQuery> = Vec::new();
    let (mut asked, mut of) = (Vec::new(), std::collections::BTreeSet::new());
    for step in 0..600 {
        later(&mut model, 50);
        let new = match (step % 7, out.pop()) {
            (0..5, Some(query)) => answer(&mut model, &query, page(Vec::new(), Some("more"))),
            (_, query) => {
                out.extend(query);
                feed(&mut model, Msg::Tick)
            }
        };
        for query in new {
            assert!(out.iter().all(|other| other.source != query.source), "one at a time");
            asked.push(model.observed.now.at);
            of.insert(query.source.clone());
            out.push(query);
        }
    }
    assert_eq!(of.len(), 3);
    assert!((50..=61).contains(&asked.len()), "{} pages in 30 s", asked.len());
    assert!(asked.windows(2).all(|pair| pair[1].duration_since(pair[0]) >= SignedDuration::from_millis(500)));
}

#[test]
fn caught_up_it_rests_and_goes_on_and_a_failure_slows_it_down() {
    let mut model = logged(SIZE);
    assert!(!model.screen.logs.catching_up());
    later(&mut model, 2_000);
    assert!(feed(&mut model, Msg::Tick).is_empty());
    later(&mut model, 1_000);
    let mut pages = feed(&mut model, Msg::Tick);
    assert_eq!(
        pages[0].from,
        consoles::now() - SignedDuration::from_millis(10_500),
        "ten seconds behind the newest line"
    );
    let mut waits = Vec::new();
    for _ in 0..4 {
        let denied = Fault::new(FaultKind::Denied, "FilterLogEvents", "log group /ecs/checkout", "not authorized");
        answer(&mut model, &pages[0], Err(denied));
        let asked = model.observed.now.at;
        pages.clear();
        while pages.is_empty() {
            later(&mut model, 1_000);
            pages = feed(&mut model, Msg::Tick);
        }
        waits.push(model.observed.now.at.duration_since(asked).as_secs());
    }
    assert_eq!(waits, [6, 12, 24, 48]);
    let fault = model.screen.logs.readings().find_map(|(_, reading)| reading?.failing().cloned()).unwrap();
    assert_eq!(fault.kind, FaultKind::Denied);
    answer(&mut model, &pages[0], page(Vec::new(), None));
    assert!(
        model.screen.logs.readings().all(|(_, reading)| reading.is_some_and(|reading| reading.failing().is_none()))
    );
}

#[test]
fn a_token_that_is_refused_is_no_failure_to_speak_of() {
    let mut model = logs(SIZE);
    let pages = feed(&mut model, Msg::Tick);
    answer(&mut model, &pages[0], page(lines(10, 90_000), Some("t")));
    later(&mut model, 600);
    let pages = feed(&mut model, Msg::Tick);
    assert_eq!(pages[0].token.as_deref(), Some("t"));
    let refused =
        Fault::new(FaultKind::Refused, "FilterLogEvents", "log group /ecs/checkout", "The specified nextToken");
    answer(&mut model, &pages[0], Err(refused));
    assert!(model.screen.logs.readings().all(|(_, reading)| reading.is_none_or(|reading| reading.failing().is_none())));
    later(&mut model, 6_000);
    let pages = feed(&mut model, Msg::Tick);
    assert_eq!((pages[0].from, &pages[0].token), (consoles::ago(100), &None));
}

#[test]
fn held_it_asks_for_nothing_and_goes_on_where_it_was() {
    let mut model = logged(SIZE);
    press(&mut model, Key::Char(' '));
    later(&mut model, 300_000);
    assert!(feed(&mut model, Msg::Tick).is_empty());
    assert!(feed(&mut model, Msg::Key(Key::Char('r'))).is_empty(), "nor in a hurry");
    later(&mut model, 1_000);
    let pages = feed(&mut model, Msg::Key(Key::Char(' ')));
    assert_eq!(pages[0].from, consoles::now() - SignedDuration::from_millis(10_500));
}

#[test]
fn what_was_read_is_gone_when_the_log_is_left_and_an_answer_to_that_look_is_not_taken() {
    let mut model = logs(SIZE);
    let pages = feed(&mut model, Msg::Tick);
    answer(&mut model, &pages[0], page(lines(10, 90_000), Some("t")));
    later(&mut model, 600);
    let pages = feed(&mut model, Msg::Tick);
    press(&mut model, Key::Esc);
    assert_eq!(model.screen.logs.book.kept(), 0);
    press(&mut model, Key::Char('l'));
    assert!(answer(&mut model, &pages[0], page(lines(10, 80_000), Some("u"))).iter().all(|page| page.token.is_none()));
    assert_eq!(model.screen.logs.book.kept(), 0);
    later(&mut model, 1_000);
    press(&mut model, Key::Esc);
    assert!(feed(&mut model, Msg::Tick).is_empty(), "and nothing is asked for elsewhere");
}

#[test]
fn sides_and_searches_show_what_they_say() {
    let mut model = logged(SIZE);
    assert_eq!(marked(&model), "of a task that nobody knows yet");
    press(&mut model, Key::Tab);
    assert!(marked(&model).contains("order placed"), "stable's newest: {}", marked(&model));
    press(&mut model, Key::Tab);
    assert!(marked(&model).contains("INFO order"), "the canary's: {}", marked(&model));
    press(&mut model, Key::Char('!'));
    let first = marked(&model).to_owned();
    assert!(first.contains("payment provider") && !model.screen.logs.follows());
    assert_eq!(screens::copied(&model.observed, &model.operations.acts, &model.screen), Some(first));
    press(&mut model, Key::Tab);
    for c in "/SLOW".chars() {
        press(&mut model, Key::Char(c));
    }
    press(&mut model, Key::Enter);
    assert!(marked(&model).contains("slow query"));
    let found = model.screen.logs.book.shown(shown(&model)).count();
    assert_eq!(found, 20);
    // In place, among the others, and all round.
    press(&mut model, Key::End);
    press(&mut model, Key::Char('n'));
    let first = model.screen.logs.marked(shown(&model)).unwrap().key;
    assert!(!model.screen.list(View::Logs).find.only);
    press(&mut model, Key::Char('N'));
    let last = model.screen.logs.marked(shown(&model)).unwrap().key;
    assert!(last > first, "round the other way");
    press(&mut model, Key::Char('n'));
    assert_eq!(model.screen.logs.marked(shown(&model)).unwrap().key, first);
    press(&mut model, Key::Esc);
    assert!(
        !model.screen.list(View::Logs).find.active() && matches!(model.screen.current, Screen::View(View::Logs, _))
    );
    press(&mut model, Key::Char('f'));
    assert!(model.screen.logs.follows());
    press(&mut model, Key::Char('f'));
    assert!(!model.screen.logs.follows());
}

#[test]
fn the_log_of_one_task_begins_with_it() {
    let mut model = logs(SIZE);
    let stable = model.observed.snapshot.service(&consoles::key("checkout-stable")).unwrap().clone();
    let crashed = Task { started_at: None, ..consoles::stopped(&stable, "exit 1") };
    let of = of_task(&crashed, consoles::now());
    assert_eq!((of.id.as_str(), of.from, of.whole), ("00000000", consoles::ago(600), true));
    let old = Task { created_at: Some(consoles::ago(9_000)), stopped_at: None, ..crashed };
    assert_eq!(
        (of_task(&old, consoles::now()).from, of_task(&old, consoles::now()).whole),
        (consoles::ago(1_800), false)
    );
    model.screen.logs.task = Some(of);
    let pages = feed(&mut model, Msg::Tick);
    assert_eq!(pages.len(), 1);
    assert_eq!((pages[0].source.prefix.as_str(), pages[0].from), ("ecs/app/00000000", consoles::ago(600)));
}

#[test]
fn what_cannot_be_read_is_said_by_container() {
    let drivers = [
        vec![("app", awslogs("/ecs/checkout")), ("log_router", LogDriver::Other("awsfirelens".into()))],
        vec![
            ("app", LogDriver::Awslogs { group: "/ecs/x".into(), region: Some("eu-west-1".into()), prefix: None }),
            ("proxy", LogDriver::Other("splunk".into())),
            ("init", LogDriver::None),
        ],
    ];
    let mut model = logs_by(SIZE, drivers);
    feed(&mut model, Msg::Tick);
    let sources = &model.screen.logs.sources;
    assert_eq!((sources.read.len(), sources.sides.iter().copied().collect::<Vec<_>>()), (1, vec![LogSide::Stable]));
    let said = sources.unread.join("\n");
    for words in [
        "log_router of :41: log router (awsfirelens)",
        "app of :42: its log is in /ecs/x, without awslogs-stream-prefix",
        "proxy of :42: log driver splunk: its log is not in CloudWatch",
        "init of :42: no logConfiguration",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn tasks_of_a_rolling_service_are_told_apart_by_their_revisions() {
    let model = consoles::rolling(SIZE);
    let release = model.focus().unwrap();
    assert!(release.canary.is_none() && sources::two_sides(release));
    let service = &release.stable.service;
    let of = |revision| sources::whose(release, service, revision);
    assert_eq!(of(&release.stable.task_definition), Some(LogSide::Canary));
    assert_eq!(of(&release.stable.leaving[0]), Some(LogSide::Stable));
    assert_eq!(sources::whose(release, &consoles::key("another"), &release.stable.task_definition), None);
    let names = [LogSide::Stable, LogSide::Canary].map(|whose| sources::name(release, whose));
    assert_eq!(names, ["before", "new"]);
}

#[test]
fn every_key_of_the_log_does_something_where_there_is_nothing() {
    for action in crate::console::keymap::Action::iter() {
        let mut model = logs(SIZE);
        model.dispatch_to_log(action);
        assert_eq!(marked(&model), "");
    }
}
