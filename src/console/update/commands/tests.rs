//! The effects that keys have on a dialog, and those that they must never have.

use jiff::SignedDuration;

use super::*;
use crate::console::keymap::Key;
use crate::console::message::{Msg, Now};
use crate::console::screen::Screen;
use crate::console::update;
use crate::domain::settings::RollbackConfirm;
use crate::testkit::consoles;

#[test]
fn r_in_a_question_is_for_the_release_that_the_question_is_about() {
    let model = consoles::baking((120, 40));
    let checkout = model.focus().unwrap().clone();
    let family = checkout.stable.task_definition.family().to_owned();
    let weight = Dialog::Weight { release: checkout.name.clone(), input: Input::default(), error: None };
    let revisions = Dialog::Revisions(Revisions {
        release: checkout.name.clone(),
        family,
        selected: None,
        purpose: Purpose::Start,
    });
    let other = model.observed.releases.iter().find(|release| release.name != checkout.name).unwrap().name.clone();
    for dialog in [weight, revisions] {
        let mut model = model.clone();
        // The selection below the dialog has moved to another line.
        model.screen.current = Screen::Fleet;
        (model.screen.fleet.selected, model.screen.fleet.moved) = (Some(other.clone()), true);
        model.observed.settings.rollback_confirm = RollbackConfirm::Never;
        model.screen.dialog = Some(dialog);
        let effects = update(&mut model, Now::new(consoles::now()), Msg::Key(Key::Char('R')));
        let ordered = effects.iter().find_map(|effect| match effect {
            Effect::Execute { plan, .. } => Some(plan),
            _ => None,
        });
        assert_eq!(ordered.map(|plan| (&plan.release, plan.intent.is_rollback())), Some((&checkout.name, true)));
    }
}

#[test]
fn what_is_typed_into_a_question_that_is_gone_is_never_taken_for_keys() {
    use crate::domain::analysis::VerdictStatus;
    let mut model = consoles::baking((120, 40));
    let mut now = Now::new(consoles::now());
    let mut press = |model: &mut Model, keys: &str| {
        let keys = keys.chars().flat_map(|c| {
            now.at += SignedDuration::from_millis(150);
            update(model, now, Msg::Key(if c == '!' { Key::Esc } else { Key::Char(c) }))
        });
        keys.filter(|effect| matches!(effect, Effect::Execute { .. })).count()
    };
    assert_eq!(press(&mut model, "Pcheck"), 0);
    let Some(Dialog::Confirm(confirm)) = &mut model.screen.dialog else { panic!("{:?}", model.screen.dialog) };
    assert!(matches!(confirm.consent, Consent::Name(_)));
    // The verdict was better when the dialog appeared.
    confirm.plan.gate = None;
    assert!(
        model.observed.releases.iter().any(|it| it.name == "checkout" && it.verdict.outcome != VerdictStatus::Pass)
    );
    assert_eq!(press(&mut model, "out RoR yRn"), 0, "{:?}", model.screen.dialog);
    assert!(matches!(model.screen.dialog, Some(Dialog::Closed { .. })), "{:?}", model.screen.dialog);
    model.screen.size = (40, 10);
    update(&mut model, Now::new(consoles::now()), Msg::Resized(40, 10));
    assert_eq!(press(&mut model, "RRR"), 0);
    model.screen.size = (120, 40);
    assert_eq!(press(&mut model, "!R"), 1, "esc has been read; R acts");
}
