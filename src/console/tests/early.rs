//! Numbers that may still change: shown, and deciding nothing.

use super::{draw, glyphs, plain};
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::domain::analysis::VerdictStatus;
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, measure, open};

fn seen(model: &Model) -> String {
    glyphs(&draw(model, &plain()))
}

#[test]
fn a_failing_revision_is_loud_before_its_first_minute_has_settled() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut model = open(size, Pair::at(100, 70));
        // The revision did not serve anybody before it got everything: nothing speaks against it yet.
        let (_, services) = model.observed.snapshot.services.value.as_mut().unwrap();
        services.get_mut(&consoles::key("checkout-canary")).unwrap().rollouts[0].created_at = Some(consoles::ago(70));
        model.operations.local.clear();
        for (errors, alarming) in [(14.0, true), (0.2, false)] {
            measure(&mut model, 100, errors, 205.0);
            let verdict = &model.release("checkout").unwrap().verdict;
            assert_eq!(
                (verdict.outcome, verdict.judged.minutes),
                (VerdictStatus::Inconclusive, 0),
                "it decides nothing"
            );
            model.screen.current = Screen::Release("checkout".into());
            let text = seen(&model);
            let word = if alarming { "▲ WATCHING" } else { "● WATCHING" };
            assert!(text.contains(word) && text.contains("preliminary: "), "{text}");
            assert_eq!(text.contains("far too many; no FAIL yet"), alarming, "{text}");
            model.screen.current = Screen::Fleet;
            let text = seen(&model);
            let line = text.lines().find(|line| line.contains("checkout")).unwrap();
            assert!(line.contains('~') && line.contains("% ▲") == alarming, "{text}");
        }
    }
}

#[test]
fn settled_minutes_need_no_preliminary_ones() {
    let model = consoles::bad((120, 40));
    assert!(!seen(&model).to_lowercase().contains("preliminary"), "{}", seen(&model));
}
