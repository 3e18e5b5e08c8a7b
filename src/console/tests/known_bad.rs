//! Revisions known to be bad are marked, with the reason, wherever they are shown.

use super::{draw, glyphs, plain};
use crate::console::keymap::Key;
use crate::console::screen::{Screen, View};
use crate::console::state::Model;
use crate::domain::analysis::VerdictStatus;
use crate::domain::rollback::known_bad::{BadReason, KnownBad};
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, ago, open, press, td};

fn seen(model: &Model) -> String {
    glyphs(&draw(model, &plain()))
}

#[test]
fn a_revision_known_to_be_bad_is_marked_on_the_fleet_and_in_its_questions() {
    let mut model = open((120, 40), Pair::at(1, 40));
    let bad = KnownBad { task_definition: td("checkout", 42), reason: BadReason::RolledBack, at: ago(7_200) };
    model.operations.local.get_mut("checkout").unwrap().known_bad = vec![bad];
    model.derive();
    let passed = model.release("checkout").unwrap().verdict.outcome == VerdictStatus::Pass;
    assert!(!passed, "a PASS would refute it");
    for screen in [Screen::Fleet, Screen::Release("checkout".into())] {
        model.screen.current = screen;
        let text = seen(&model);
        assert!(text.contains("known bad"), "{text}");
        assert!(text.contains("✖ :42: it was rolled back on"), "{text}");
    }
    press(&mut model, &[Key::Char('P')]);
    assert!(seen(&model).contains("it was rolled back on"), "{}", seen(&model));
}

#[test]
fn the_history_marks_revisions_that_were_rolled_back() {
    let mut model = consoles::native_back((120, 40));
    model.screen.current = Screen::View(View::History, "payments".into());
    model.derive();
    let text = seen(&model);
    let bad = model.release("payments").unwrap().known_bad.first().cloned().unwrap();
    let row = text.lines().find(|line| line.contains(&format!(" {} ", bad.task_definition.tag()))).unwrap();
    assert!(row.contains('✖'), "{text}");
    assert!(text.contains("ECS rolled it back on"), "{text}");
}
