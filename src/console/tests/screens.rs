//! Snapshots of whole screens.

use insta::assert_snapshot;

use super::{draw, glyphs, picture, plain};
use crate::console::dialogs::{Confirm, Consent, Dialog, Purpose, Revisions};
use crate::console::screen::Screen;
use crate::console::screens::release::state::Panel;
use crate::console::state::Model;
use crate::console::state::list::Find;
use crate::console::view::{Palette, Theme};
use crate::domain::clock_rate::ClockRate;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::operation::{OperationOutcome, Progress};
use crate::domain::plan;
use crate::domain::plan::{Context, Intent, Refusal, Remedy};
use crate::testkit::consoles;
use crate::testkit::consoles::{hear, learn, order, td};

pub(super) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A scenario at each size, glyphs only: the layout.
pub(super) fn layouts(name: &str, make: impl Fn((u16, u16)) -> Model) {
    for size in SIZES {
        let buffer = draw(&make(size), &plain());
        assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), glyphs(&buffer));
    }
}

fn fleet(size: (u16, u16)) -> Model {
    let mut model = consoles::bad(size);
    model.screen.current = Screen::Fleet;
    model
}

#[test]
fn the_fleet() {
    layouts("fleet", fleet);
}

#[test]
fn a_release_at_every_phase() {
    layouts("baking", consoles::baking);
    layouts("waiting", consoles::waiting);
    layouts("rolling_back", consoles::rolling_back);
    layouts("finishing", consoles::finishing);
    layouts("failed", consoles::failed);
    layouts("no_data", consoles::no_data);
    layouts("faulty", consoles::faulty);
    layouts("rolling", consoles::rolling);
}

fn confirm(mut model: Model, intent: Intent, consent: Consent) -> Model {
    let release = model.release("checkout").unwrap();
    let context =
        Context { place: &model.observed.place, settings: &model.observed.settings, now: model.observed.now.at };
    let plan = plan::plan(release, &intent, &context).unwrap();
    model.screen.dialog =
        Some(Dialog::Confirm(Box::new(Confirm { plan, consent, ways: Vec::new(), drawn: None, details: false })));
    model
}

#[test]
fn dialogs() {
    layouts("confirm_step", |size| confirm(consoles::waiting(size), Intent::Step { to: None }, Consent::Yes));
    layouts("confirm_finish_by_name", |size| {
        let full = consoles::open(size, consoles::Pair::at(100, 200));
        confirm(full, Intent::Finish, Consent::Name("check".into()))
    });
    layouts("confirm_rollback", |size| {
        confirm(fleet(size), Intent::Rollback { to: None, at_once: false }, Consent::Yes)
    });
    layouts("weight", |size| {
        let mut model = consoles::baking(size);
        let error = Some("120 is not a percentage between 0 and 100".to_owned());
        model.screen.dialog = Some(Dialog::Weight { release: "checkout".into(), input: "120".into(), error });
        model
    });
    layouts("refused", |size| {
        let mut model = consoles::baking(size);
        let refusal = Refusal::new("The canary has 10% of the traffic.", Remedy::StepToFull);
        model.screen.dialog = Some(Dialog::Refused { title: "finish checkout".into(), refusal, of: None });
        model
    });
    layouts("help", |size| {
        let mut model = consoles::baking(size);
        model.screen.dialog = Some(Dialog::Help { top: 0 });
        model
    });
}

fn choosing(size: (u16, u16)) -> Model {
    let mut model = consoles::open(size, consoles::Pair::at(0, 900));
    model.screen.dialog = Some(Dialog::Revisions(Revisions {
        release: "checkout".into(),
        family: "checkout".into(),
        selected: Some(1),
        purpose: Purpose::Start,
    }));
    model
}

#[test]
fn the_choice_of_a_revision_reads_fails_and_lists() {
    let size = SIZES[0];
    assert_snapshot!("revisions_reading", glyphs(&draw(&choosing(size), &plain())));
    let mut failing = choosing(size);
    let denied = Fault::new(FaultKind::Denied, "ListTaskDefinitions", "checkout", "not authorized");
    hear(&mut failing, 1, Query::Family("checkout".into()), Err(denied));
    assert_snapshot!("revisions_denied", glyphs(&draw(&failing, &plain())));
    let mut read = choosing(size);
    let arns = (30..44).rev().map(|revision| td("checkout", revision)).collect();
    learn(&mut read, 1, Query::Family("checkout".into()), Answer::Family(arns));
    assert_snapshot!("revisions", glyphs(&draw(&read, &plain())));
}

#[test]
fn before_there_is_anything_to_show() {
    let size = SIZES[0];
    assert_snapshot!("silent", glyphs(&draw(&consoles::silent(size), &plain())));
    let mut expired = consoles::silent(size);
    let fault = Fault {
        code: Some("ExpiredTokenException".into()),
        request_id: Some("9c1e77aa".into()),
        ..Fault::new(
            FaultKind::Expired,
            "ListServices",
            "prod",
            "The security token included in the request is expired",
        )
    };
    hear(&mut expired, 3, Query::Services, Err(fault));
    assert_snapshot!("expired", glyphs(&draw(&expired, &plain())));
    let mut empty = consoles::known(size);
    learn(&mut empty, 1, Query::Services, Answer::Services(Vec::new()));
    assert_snapshot!("no_services", glyphs(&draw(&empty, &plain())));
    let mut filtered = fleet(size);
    filtered.screen.fleet.find = Find { text: "chekout".into(), only: true, typing: true };
    assert_snapshot!("no_match", glyphs(&draw(&filtered, &plain())));
    let mut gone = consoles::baking(size);
    gone.screen.current = Screen::Release("gone".into());
    assert_snapshot!("gone", glyphs(&draw(&gone, &plain())));
}

#[test]
fn each_panel_of_a_small_screen() {
    for panel in [Panel::Tasks, Panel::Events, Panel::Operation, Panel::Sources] {
        let mut model = if panel == Panel::Tasks { consoles::failed(SIZES[0]) } else { consoles::finishing(SIZES[0]) };
        if panel == Panel::Sources {
            model = consoles::faulty(SIZES[0]);
        }
        model.screen.release.panel = panel;
        assert_snapshot!(format!("panel_{panel}"), glyphs(&draw(&model, &plain())));
    }
}

#[test]
fn the_ends_of_operations() {
    let unanswered = Fault::new(FaultKind::Unanswered, "ModifyRule", "rule 7f3c01", "no answer within 5 s");
    let ends = [
        (
            "done",
            vec![
                Progress::Verified { step: 0 },
                Progress::Verified { step: 1 },
                Progress::Ended(OperationOutcome::Done),
            ],
        ),
        ("asked_back", vec![Progress::Sent { step: 0 }, Progress::Unknown { step: 0, fault: unanswered.clone() }]),
        (
            "unknown",
            vec![Progress::Sent { step: 0 }, Progress::Ended(OperationOutcome::Unknown { step: 0, fault: unanswered })],
        ),
        (
            "failed",
            vec![
                Progress::Verified { step: 0 },
                Progress::Ended(OperationOutcome::Failed { step: 1, reason: "desiredCount is 2".into() }),
            ],
        ),
    ];
    for (name, reports) in ends {
        let mut model = consoles::bad(SIZES[0]);
        order(&mut model, Intent::Rollback { to: None, at_once: false }, reports);
        model.screen.release.panel = Panel::Operation;
        assert_snapshot!(format!("operation_{name}"), glyphs(&draw(&model, &plain())));
    }
}

#[test]
fn looks() {
    let size = SIZES[0];
    for (name, model) in [("fleet", fleet(size)), ("bad", consoles::bad(size)), ("faulty", consoles::faulty(size))] {
        for (looks, theme) in [
            ("sixteen", plain()),
            ("mono", Theme::new(Palette::Mono, false)),
            ("ascii", Theme::new(Palette::Mono, true)),
        ] {
            assert_snapshot!(format!("looks_{name}_{looks}"), picture(&draw(&model, &theme)));
        }
    }
}

#[test]
fn a_clock_in_a_hurry_is_said_and_ages_are_the_operators() {
    let mut model = consoles::baking(SIZES[1]);
    model.observed.now.rate = ClockRate::new(60.0);
    model.observed.settings.read_only = true;
    model.observed.settings.protected = false;
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("clock ×60") && text.contains("READ-ONLY"), "{text}");
    assert!(!text.contains("≥"), "the change was seen: {text}");
    for since in model.observed.snapshot.weights_since.values_mut() {
        since.seen = false;
    }
    // The requests would tell it too.
    model.observed.snapshot.metrics.remove(&consoles::meter("checkout-canary"));
    model.derive();
    model.screen.release.percentile = model.screen.release.percentile.next();
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("≥3m of 10 min") && text.contains("latency p99 45m ─"), "{text}");
    assert!(text.contains("NOT READY") && text.contains("This console is read-only."), "{text}");
}
