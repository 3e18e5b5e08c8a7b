//! A rollback that failed, on every screen. READY is never green while AWS does not respond.

use insta::assert_snapshot;
use strum::IntoEnumIterator;

use super::safety::dialogs;
use super::{draw, glyphs, plain};
use crate::console::keymap::Key;
use crate::console::message::{Effect, Msg};
use crate::console::screen::{Screen, View};
use crate::console::state::Model;
use crate::console::update;
use crate::console::view::Role;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::Query;
use crate::domain::operation::{OperationOutcome, Progress};
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, hear, press};

/// A console whose rollback failed with a fault of this kind.
pub(super) fn failed(size: (u16, u16), kind: FaultKind) -> Model {
    let mut model = consoles::bad(size);
    let effects = press(&mut model, &[Key::Char('R')]);
    let operation = effects.iter().find_map(|effect| match effect {
        Effect::Execute { operation, .. } => Some(*operation),
        _ => None,
    });
    let fault = Fault::new(kind, "ModifyRule", "rule 7f3c01", "no route to host");
    let progress = Progress::Ended(OperationOutcome::Refused { step: 0, fault });
    let now = model.observed.now;
    update(&mut model, now, Msg::Progress { operation: operation.unwrap(), progress });
    model
}

#[test]
fn the_banner() {
    let mut model = failed((80, 24), FaultKind::Unreachable);
    model.screen.notice = None;
    assert_snapshot!("pending_80x24", glyphs(&draw(&model, &plain())));
    model.screen.size = (50, 12);
    assert_snapshot!("pending_small", glyphs(&draw(&model, &plain())));
    let mut model = failed((120, 40), FaultKind::Denied);
    model.screen.current = Screen::Fleet;
    assert_snapshot!("pending_fleet_120x40", glyphs(&draw(&model, &plain())));
}

#[test]
fn it_is_on_every_screen_under_every_dialog() {
    for size in [(80, 24), (160, 50)] {
        let mut model = failed(size, FaultKind::Unreachable);
        let views = View::iter().map(|view| Screen::View(view, "checkout".into()));
        let screens: Vec<_> = views.chain([Screen::Fleet, Screen::Release("checkout".into())]).collect();
        for screen in screens {
            model.screen.current = screen;
            for dialog in dialogs(&model) {
                model.screen.dialog = dialog;
                let text = glyphs(&draw(&model, &plain()));
                let banner = text.lines().position(|line| line.contains("ROLLBACK NOT DONE"));
                assert_eq!(banner, Some(1), "{text}");
                assert!(text.lines().nth(2).unwrap().contains("R try now"), "{text}");
            }
        }
    }
}

/// Returns true if READY is on the screen in green, filled or as an outline.
fn is_green(model: &Model) -> bool {
    let (buffer, green) = (draw(model, &plain()), plain().style(Role::ReadyBadge).fg);
    let (columns, text) = (usize::from(buffer.area.width), glyphs(&buffer));
    let Some((row, line)) = text.lines().enumerate().find(|(_, line)| line.contains("ROLLBACK READY")) else {
        return false;
    };
    let column = line.chars().position(|c| c == 'R').unwrap();
    green.is_some_and(|green| buffer.content[row * columns + column].fg == green)
}

#[test]
fn ready_is_never_green_while_aws_does_not_answer() {
    assert!(is_green(&consoles::bad((120, 40))), "{}", glyphs(&draw(&consoles::bad((120, 40)), &plain())));
    for kind in [FaultKind::Unreachable, FaultKind::Expired, FaultKind::Throttled, FaultKind::Server] {
        let fault = || Fault::new(kind, "DescribeServices", "", "");
        let mut model = consoles::bad((120, 40));
        hear(&mut model, 0, Query::Services, Err(fault()));
        assert!(!is_green(&model), "{kind:?}");
        let mut model = consoles::bad((120, 40));
        hear(&mut model, 0, Query::Routes, Err(fault()));
        assert!(!is_green(&model), "{kind:?}");
        // Reads succeed, but the rollback failed.
        assert!(!is_green(&failed((120, 40), kind)), "{kind:?}");
    }
    // A rollback that takes minutes is not green either.
    assert!(!is_green(&consoles::native_paused((120, 40))));
    let mut model = consoles::native_weighted((120, 40));
    model.screen.notice = None;
    assert!(is_green(&model), "{}", glyphs(&draw(&model, &plain())));
    let fault = Fault::new(FaultKind::Server, "ListServiceDeployments", "", "");
    hear(&mut model, 0, Query::Deployments(consoles::key("payments")), Err(fault));
    assert!(!is_green(&model), "its pause is not known to be there");
    // A stale response does not count.
    let mut model = consoles::open((120, 40), Pair::at(10, 1_200));
    model.observed.now.at += jiff::SignedDuration::from_secs(60);
    assert!(!is_green(&model));
}
