//! Twelve situations, each told by one look at the screen: what is wrong, what `R` does, and whether to go on. What
//! tells a state or a reason is never cut.

use insta::assert_snapshot;
use jiff::SignedDuration;

use super::{draw, glyphs, pending_rollback, plain};
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::console::view;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::release::Phase;
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, hear, learn, now, percent};

const SIZES: [(u16, u16); 5] = [(60, 15), (80, 23), (80, 24), (120, 40), (200, 60)];

type Size = (u16, u16);

/// Rolled back a minute ago.
fn rolled_back(size: Size) -> Model {
    let mut model = consoles::native_over(size);
    for release in model.observed.releases.iter_mut().filter(|release| release.name == "payments") {
        release.went_back = Some(now() - SignedDuration::from_secs(60));
        release.phase = Phase::Steady;
    }
    model
}

/// Another operator stepped three seconds ago, beside a step to 1 % from here.
fn elsewhere(size: Size) -> Model {
    let mut model = consoles::open(size, Pair::at(10, 3));
    model.operations.local.get_mut("checkout").unwrap().requested = Some(percent(1.0));
    model.derive();
    model
}

fn throttled(size: Size) -> Model {
    let mut model = consoles::bad(size);
    hear(
        &mut model,
        0,
        Query::Services,
        Err(Fault::new(FaultKind::Throttled, "DescribeServices", "prod", "slow down")),
    );
    model
}

fn read_only(size: Size) -> Model {
    let mut model = consoles::bad(size);
    model.observed.settings.read_only = true;
    model.derive();
    model
}

fn nothing_found(size: Size) -> Model {
    let mut model = consoles::known(size);
    learn(&mut model, 1, Query::Services, Answer::Services(Vec::new()));
    model
}

/// A situation: how it is made, and the words that a first look must find.
type Situation = (&'static str, fn(Size) -> Model, &'static [&'static str]);

const TWELVE: [Situation; 12] = [
    ("failing canary", consoles::bad, &["✖ FAIL", "1 in 1", "requests fail", "back to 1.8.2, in seconds"]),
    (
        "pause near its end",
        near,
        &["✖ PAUSED", "answer in 04:10, else ECS rolls back", "back to 4.2.0, in about 6 min"],
    ),
    ("crash loop", consoles::crash_loop, &["✖ CRASH LOOP", "6 tasks of :18 failed: exit 1", "to :17"]),
    ("rollback failed", unanswered, &["ROLLBACK NOT DONE", "Sent again as soon as AWS answers", "✖ FAIL"]),
    ("outage", consoles::faulty, &["credentials expired", "WATCHING", "READY"]),
    ("rolled back", rolled_back, &["▲ ROLLED BACK", "users are back on 4.2.0, 60s ago", "NOTHING TO ROLL BACK"]),
    ("steady", consoles::native_over, &["STEADY", "4.2.0 has been healthy for 6d", "ROLLBACK NOT READY"]),
    ("stalled", consoles::stalled, &["▲ STALLED", "nothing has moved for 25 min", "to :17"]),
    ("other operator", elsewhere, &["● WATCHING", "10 % of users", "somebody else changed the weights", "READY"]),
    ("throttled", throttled, &["FAIL", "throttled", "READY"]),
    ("read-only", read_only, &["READ-ONLY", "✖ FAIL", "ROLLBACK NOT READY", "This console is read-only."]),
    ("nothing found", nothing_found, &["no service here", "ROLLBACK NOT READY"]),
];

fn near(size: Size) -> Model {
    consoles::native_paused_for(size, 250, "ROLLBACK")
}

fn unanswered(size: Size) -> Model {
    let mut model = pending_rollback::failed(size, FaultKind::Unreachable);
    model.screen.notice = None;
    model
}

#[test]
fn a_first_look_tells_what_is_wrong_and_what_r_does() {
    for size in SIZES {
        for (name, make, words) in TWELVE {
            let text = glyphs(&draw(&make(size), &plain()));
            for word in words {
                // A sentence may go on in the next row.
                let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(joined.contains(word), "{name} at {size:?}: no {word:?} in\n{text}");
            }
        }
    }
}

/// The rows that tell a state or a reason: the banner, the status and the ROLLBACK line.
fn telling(text: &str) -> Vec<&str> {
    let rows: Vec<_> = text.lines().collect();
    let bottom = rows.iter().rposition(|row| row.contains("ROLL")).unwrap_or(rows.len() - 1);
    rows.iter()
        .enumerate()
        .filter(|(row, _)| (1..=3).contains(row) || *row + 1 >= bottom)
        .map(|(_, row)| *row)
        .collect()
}

#[test]
fn no_state_and_no_reason_is_cut() {
    let more: [fn(Size) -> Model; 12] = [
        consoles::baking,
        consoles::waiting,
        consoles::rolling_back,
        consoles::finishing,
        consoles::failed,
        consoles::no_data,
        consoles::troubled,
        consoles::rolling,
        consoles::native_starting,
        consoles::native_baking,
        consoles::native_doubtful,
        consoles::native_back,
    ];
    for size in [(80, 23), (80, 24)] {
        for make in more.into_iter().chain(TWELVE.map(|(_, make, _)| make)) {
            let mut model = make(size);
            let text = glyphs(&draw(&model, &plain()));
            assert!(telling(&text).iter().all(|row| !row.contains('…')), "{text}");
            model.screen.current = Screen::Fleet;
            let text = glyphs(&draw(&model, &plain()));
            let rows = text.lines().skip(3).take(6);
            let states: Vec<String> = rows.map(|row| row.chars().take(36).collect()).collect();
            assert!(states.iter().all(|state| !state.contains('…')), "{text}");
        }
    }
}

#[test]
fn a_note_alone_is_never_cut() {
    let why = "a rule of another team ".repeat(9) + "keeps the two services from being a pair";
    let mut model = consoles::native_baking((80, 24));
    let releases = model.observed.releases.iter_mut();
    for release in releases.filter(|release| release.name == "payments") {
        release.watch_only = Some(why.clone());
    }
    let text = glyphs(&draw(&model, &plain()));
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined.contains(&why), "{text}");
}

#[test]
fn the_title_of_the_window_names_what_needs_an_operator() {
    let title = |model: &Model| view::title(model, &plain());
    assert_eq!(title(&consoles::bad((80, 24))), "✖ checkout FAIL");
    assert_eq!(title(&near((80, 24))), "✖ payments PAUSED");
    assert_eq!(title(&nothing_found((80, 24))), "tidegate prod");
    let evil = title(&consoles::hostile((80, 24), "\u{1b}]0;x\u{7}"));
    assert!(evil.chars().all(crate::domain::text::is_safe), "{evil:?}");
}

#[test]
fn small_screens_are_laid_out() {
    for (name, make, _) in TWELVE {
        let name = name.replace([' ', '-'], "_");
        for size in [(60, 15), (80, 23)] {
            let text = glyphs(&draw(&make(size), &plain()));
            assert_snapshot!(format!("small_{name}_{}x{}", size.0, size.1), text);
        }
    }
}
