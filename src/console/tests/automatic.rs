//! Gates and automatic stepping, as they are shown.

use insta::assert_snapshot;
use jiff::SignedDuration;

use super::{draw, glyphs, plain};
use crate::console::dialogs::{Confirm, Consent, Dialog};
use crate::console::keymap::Key;
use crate::console::message::{Msg, Now};
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::console::update;
use crate::console::view::{Palette, Theme};
use crate::domain::plan::Intent;
use crate::testkit::consoles;

/// A question about the next step.
fn asking(mut model: Model, consent: Consent) -> Model {
    let plan = model.observed.plan(model.focus().unwrap(), &Intent::Step { to: None }).unwrap();
    let (drawn, ways) = (Some(model.observed.now.at), Vec::new());
    model.screen.dialog = Some(Dialog::Confirm(Box::new(Confirm { plan, consent, ways, drawn, details: false })));
    model
}

fn feed(model: &mut Model, msg: Msg) {
    let at = model.observed.now.at + SignedDuration::from_secs(1);
    update(model, Now::new(at), msg);
    consoles::draw(model);
}

/// A canary that baked with PASS, and automatic stepping switched on.
fn on(size: (u16, u16)) -> Model {
    let mut model = consoles::waiting(size);
    model.observed.settings.protected = false;
    feed(&mut model, Msg::Key(Key::Char('H')));
    feed(&mut model, Msg::Key(Key::Char('y')));
    feed(&mut model, Msg::Tick);
    model
}

#[test]
fn a_gate_is_shown_above_the_warnings_with_its_reasons_and_asks_for_one() {
    let size = (80, 24);
    assert_snapshot!("gate_fail", glyphs(&draw(&asking(consoles::bad(size), Consent::Yes), &plain())));
    let name = Consent::Name("checkout".into());
    assert_snapshot!("gate_not_yet_by_name", glyphs(&draw(&asking(consoles::baking(size), name), &plain())));
    let reason = Consent::Reason { name: "checkout".into(), why: "a false alarm".into() };
    assert_snapshot!("gate_reason", glyphs(&draw(&asking(consoles::bad(size), reason), &plain())));
}

#[test]
fn automatic_stepping_is_asked_about_counted_down_and_said_to_be_off() {
    let size = (80, 24);
    let mut asked = consoles::waiting(size);
    feed(&mut asked, Msg::Key(Key::Char('H')));
    assert_snapshot!("automatic_question", glyphs(&draw(&asked, &plain())));
    assert_snapshot!("automatic_countdown", glyphs(&draw(&on(size), &Theme::new(Palette::Mono, false))));
    let ascii = glyphs(&draw(&on(size), &Theme::new(Palette::Mono, true)));
    let banner = ascii.lines().nth(1).unwrap();
    assert_eq!(banner, " AUTOMATIC   checkout 10% > 100% of traffic to :42 in 29 s . any key stops it");
    let mut fleet = on(size);
    fleet.screen.current = Screen::Fleet;
    let fleet = glyphs(&draw(&fleet, &plain()));
    let row = fleet.lines().find(|line| line.contains("AUTOMATIC") && line.contains(":41 → :42")).unwrap();
    assert!(row.starts_with("▸»") && fleet.contains("any key stops it"), "{fleet}");
    let mut stopped = on(size);
    feed(&mut stopped, Msg::Key(Key::Char('x')));
    assert_snapshot!("automatic_off", glyphs(&draw(&stopped, &plain())));
}
