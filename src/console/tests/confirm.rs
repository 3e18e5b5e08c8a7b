//! The ROLLBACK line and the key `R` agree for any release, any settings and any screen.

use proptest::prelude::*;
use proptest::sample::select;

use super::{draw, glyphs, plain};
use crate::console::dialogs::{Consent, Dialog};
use crate::console::keymap::Key;
use crate::console::message::{Effect, Msg, Now};
use crate::console::screen::Screen;
use crate::console::screens::rollback_line;
use crate::console::state::Model;
use crate::console::update;
use crate::console::widgets::canvas::Canvas;
use crate::domain::plan::Plan;
use crate::domain::settings::{RollbackConfirm, Settings};
use crate::testkit::consoles;
use crate::testkit::worlds::{Scene, now, scene};

/// The result of pressing `R`.
#[derive(Debug, PartialEq)]
enum Pressed {
    Acted,
    Asked,
    Refused,
}

fn press_r(model: &mut Model) -> (Pressed, Option<Plan>) {
    press(model, Key::Char('R'))
}

fn press(model: &mut Model, key: Key) -> (Pressed, Option<Plan>) {
    let at = model.observed.now.at + jiff::SignedDuration::from_secs(1);
    let effects = update(model, Now::new(at), Msg::Key(key));
    let ordered = effects.into_iter().find_map(|effect| match effect {
        Effect::Execute { plan, .. } => Some(*plan),
        _ => None,
    });
    match (&model.screen.dialog, ordered) {
        (None, Some(plan)) => (Pressed::Acted, Some(plan)),
        (Some(Dialog::Confirm(confirm)), None) if matches!(confirm.consent, Consent::Yes) => {
            (Pressed::Asked, Some(confirm.plan.clone()))
        }
        (_, None) => (Pressed::Refused, None),
        (Some(_), Some(plan)) => panic!("a question over what is carried out already: {plan:?}"),
    }
}

/// The result that the ROLLBACK line promises: the keys before the two spaces that part them from what they do.
fn promised(line: &str) -> Pressed {
    let badge = ["ROLLBACK NOT READY", "ROLLBACK READY", "NOTHING TO ROLL BACK"];
    assert!(badge.iter().any(|badge| line.contains(badge)), "{line}");
    match line {
        line if line.contains(" R y  ") => Pressed::Asked,
        line if line.contains(" R  ") => Pressed::Acted,
        _ => Pressed::Refused,
    }
}

/// An idle console that observes this scene and has run no operation.
fn console(scene: &Scene, settings: Settings, size: (u16, u16)) -> Model {
    let mut model = Model::new(settings, scene.place.clone(), Now::new(now()), size);
    model.observed.snapshot = scene.snapshot();
    model.derive();
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rollback_line_names_the_keys_that_a_rollback_takes(
        scene in scene(),
        protected in any::<bool>(),
        rollback_confirm in select(vec![RollbackConfirm::Idle, RollbackConfirm::Always, RollbackConfirm::Never]),
        small in any::<bool>(),
        fleet in any::<bool>(),
    ) {
        let settings = Settings { protected, rollback_confirm, ..scene.settings() };
        let console = console(&scene, settings, if small { (50, 12) } else { (120, 40) });
        for release in &console.observed.releases {
            let mut model = console.clone();
            model.screen.current = if fleet { Screen::Fleet } else { Screen::Release(release.name.clone()) };
            (model.screen.fleet.selected, model.screen.fleet.moved) = (Some(release.name.clone()), true);
            let theme = plain();
            let Model { observed, operations, screen, polls, .. } = &model;
            let canvas = Canvas { observed, operations, screen, polls, theme: &theme };
            let line = rollback_line::lines(&canvas, Some(release), 200)[0].to_string();
            let screen = glyphs(&draw(&model, &theme));
            let (pressed, plan) = press_r(&mut model);
            let promised = promised(&line);
            prop_assert_eq!(&pressed, &promised, "{}", line);
            prop_assert_eq!(plan.is_some(), pressed != Pressed::Refused);
            prop_assert!(plan.is_none_or(|plan| plan.intent.is_rollback() && plan.gate.is_none()));
            if small && pressed != Pressed::Refused {
                prop_assert_eq!(screen.contains("R y rolls back"), pressed == Pressed::Asked, "{}", screen);
            }
            // A dialog only ever asks for `y`: pressing `R` does not confirm it.
            if pressed == Pressed::Asked {
                consoles::draw(&mut model);
                prop_assert_eq!(press_r(&mut model).0, Pressed::Asked);
                prop_assert_eq!(press(&mut model, Key::Char('y')).0, Pressed::Acted);
            }
        }
    }
}
