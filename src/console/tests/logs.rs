//! The log's screens.

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, plain};
use crate::console::keymap::Key;
use crate::console::message::Msg;
use crate::console::state::Model;
use crate::domain::ecs::service::LogDriver;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::logs::LogPage;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::testkit::consoles;
use crate::testkit::consoles::{answer, awslogs, feed, line, logged, logs, logs_by};

fn pressed(mut model: Model, keys: &[Key]) -> Model {
    for key in keys {
        model.observed.now.at += jiff::SignedDuration::from_millis(100);
        feed(&mut model, Msg::Key(*key));
    }
    model.screen.notice = None;
    model
}

#[test]
fn the_log_of_both_sides_of_one_and_held() {
    layouts("logs", logged);
    layouts("logs_first_error", |size| pressed(logged(size), &[Key::Tab, Key::Tab, Key::Char('!')]));
    layouts("logs_held", |size| {
        let mut model = pressed(logged(size), &[Key::Char(' '), Key::PageUp]);
        model.observed.now.at += jiff::SignedDuration::from_secs(100);
        model
    });
}

#[test]
fn a_log_that_cannot_be_read_says_why_and_what_to_do() {
    layouts("logs_denied", |size| {
        let mut model = logs(size);
        let pages = feed(&mut model, Msg::Tick);
        let why = "User: arn:aws:sts::123456789012:assumed-role/oncall/ana is not authorized to perform: logs:FilterLogEvents";
        let fault = Fault::new(FaultKind::Denied, "FilterLogEvents", "log group /ecs/checkout", why);
        answer(&mut model, &pages[0], Err(Fault { code: Some("AccessDeniedException".into()), ..fault }));
        model
    });
    layouts("logs_elsewhere", |size| {
        let routed = || vec![("app", LogDriver::Other("awsfirelens".into())), ("log_router", awslogs("/ecs/router"))];
        let mut model = logs_by(size, [routed(), routed()]);
        let pages = feed(&mut model, Msg::Tick);
        answer(&mut model, &pages[0], Ok(LogPage::default()));
        model
    });
}

#[test]
fn a_canary_that_never_started_has_no_log_and_that_is_said() {
    let mut model = logs(SIZES[0]);
    let canary = model.observed.snapshot.service(&consoles::key("checkout-canary")).unwrap().clone();
    let why = "CannotPullContainerError: pull image manifest has been retried 5 time(s): manifest unknown";
    let failed = |id: u32| crate::domain::ecs::service::Task {
        started_at: None,
        arn: crate::domain::ecs::names::Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:task/prod/{id:08x}")),
        ..consoles::stopped(&canary, why)
    };
    consoles::learn(&mut model, 0, Query::Tasks(canary.key.clone()), Answer::Tasks(vec![failed(70), failed(71)]));
    let pages = feed(&mut model, Msg::Tick);
    answer(&mut model, &pages[0], Ok(LogPage::default()));
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("canary has no log: none of its 2 tasks has started: cannot pull the image."), "{text}");
    assert!(text.contains("no lines yet since 09:38:07Z"), "{text}");
}

#[test]
fn a_drawing_costs_what_is_on_the_screen() {
    let mut model = logs(SIZES[2]);
    let pages = feed(&mut model, Msg::Tick);
    let lines = (0..8_000).map(|back| line(170_000 - back * 3, 5, "x".repeat(8_000))).collect();
    answer(&mut model, &pages[0], Ok(LogPage { lines, next: None }));
    assert!(model.screen.logs.bytes() < 30 << 20, "{}", model.screen.logs.bytes());
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("8,000 lines") && text.contains("kept"), "{text}");
}
