use proptest::prelude::*;

use super::*;
use crate::console::dialogs::{Consent, Dialog};
use crate::console::message::Effect;
use crate::testkit::consoles;
use crate::testkit::consoles::press;

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

fn view(view: View) -> Screen {
    Screen::View(view, "checkout".into())
}

fn on_fleet() -> Model {
    let mut model = consoles::baking((120, 40));
    model.screen.current = Screen::Fleet;
    model
}

#[test]
fn esc_leads_back_screen_by_screen_and_no_screen_twice() {
    let mut model = on_fleet();
    model.screen.fleet.selected = Some("checkout".into());
    press(&mut model, &typed("tle"));
    assert_eq!(model.screen.current, view(View::Events));
    // The tasks are gone back to, not opened above themselves.
    press(&mut model, &typed("t"));
    assert_eq!(model.screen.trail, [Screen::Fleet, view(View::Logs), view(View::Events)]);
    let mut seen = Vec::new();
    for _ in 0..4 {
        press(&mut model, &[Key::Esc]);
        seen.push(model.screen.current.clone());
    }
    assert_eq!(seen, [view(View::Events), view(View::Logs), Screen::Fleet, Screen::Fleet]);
}

#[test]
fn a_views_own_key_leads_back_too() {
    for (key, of) in [('t', View::Tasks), ('g', View::Targets), ('a', View::Alarms), ('h', View::History)] {
        let mut model = consoles::baking((120, 40));
        press(&mut model, &[Key::Char(key)]);
        assert_eq!(model.screen.current, view(of));
        press(&mut model, &[Key::Char(key)]);
        assert_eq!(model.screen.current, Screen::Release("checkout".into()));
    }
}

#[test]
fn what_is_looked_for_is_kept_alone_then_found_among_all() {
    let mut model = on_fleet();
    let names = |model: &Model| {
        model
            .screen
            .fleet
            .lines(&model.observed.releases)
            .iter()
            .map(|release| release.name.clone())
            .collect::<Vec<_>>()
    };
    let all = names(&model);
    press(&mut model, &typed("/ch"));
    let kept = names(&model);
    assert!(kept.len() < all.len() && kept.iter().all(|name| name.contains("ch")), "{kept:?}");
    // Letters of a search are no keys.
    assert!(model.screen.dialog.is_none() && model.screen.current == Screen::Fleet && model.screen.typing());
    press(&mut model, &[Key::Enter]);
    assert_eq!((names(&model), model.screen.typing()), (kept.clone(), false));
    press(&mut model, &typed("n"));
    assert_eq!(names(&model), all);
    let mut found = Vec::new();
    for _ in 0..kept.len() {
        found.extend(model.screen.fleet.selected.clone());
        press(&mut model, &typed("n"));
    }
    // Round and round, and the same way back.
    assert_eq!(model.screen.fleet.selected.as_ref(), found.first());
    press(&mut model, &typed("N"));
    assert_eq!(model.screen.fleet.selected.as_ref(), found.last());
    found.sort();
    let mut kept = kept;
    kept.sort();
    assert_eq!(found, kept);
    press(&mut model, &[Key::Esc]);
    assert_eq!((names(&model), model.screen.find().map(Find::active)), (all, Some(false)));
}

#[test]
fn nothing_to_find_is_said() {
    let mut model = on_fleet();
    press(&mut model, &typed("n"));
    assert!(model.screen.notice.is_some());
    press(&mut model, &typed("/zzz"));
    press(&mut model, &[Key::Enter, Key::Char('n')]);
    assert!(model.screen.notice.as_ref().is_some_and(|notice| notice.wrong));
    assert!(!model.screen.fleet.lines(&model.observed.releases).is_empty(), "n shows all lines again");
}

#[test]
fn the_fleet_is_sorted_as_is_asked_and_the_mark_stays_with_its_release() {
    let mut model = on_fleet();
    press(&mut model, &[Key::Down]);
    let marked = model.screen.fleet.selected.clone();
    press(&mut model, &typed("s"));
    let mut names: Vec<_> =
        model.screen.fleet.lines(&model.observed.releases).iter().map(|release| release.name.clone()).collect();
    assert!(names.is_sorted(), "{names:?}");
    press(&mut model, &typed("o"));
    names.reverse();
    assert_eq!(
        model
            .screen
            .fleet
            .lines(&model.observed.releases)
            .iter()
            .map(|release| release.name.clone())
            .collect::<Vec<_>>(),
        names
    );
    assert_eq!(model.screen.fleet.selected, marked);
}

#[test]
fn a_few_letters_lead_to_a_service_a_view_or_an_act() {
    let mut model = on_fleet();
    press(&mut model, &typed(":chkt"));
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.screen.current, Screen::Release("checkout".into()));
    press(&mut model, &typed(":logs"));
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.screen.current, view(View::Logs));
    press(&mut model, &typed(":search task"));
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.screen.current, Screen::View(View::Tasks, "search".into()));
    press(&mut model, &typed(":qqqq"));
    press(&mut model, &[Key::Enter]);
    assert!(matches!(model.screen.dialog, Some(Dialog::Palette(_))), "nothing fits, and nothing is done");
}

#[test]
fn the_way_back_from_the_palette_asks() {
    let mut model = consoles::baking((120, 40));
    model.observed.settings.rollback_confirm = crate::domain::settings::RollbackConfirm::Never;
    let mut effects = press(&mut model, &typed(":roll"));
    effects.extend(press(&mut model, &[Key::Enter]));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Execute { .. })));
    match &model.screen.dialog {
        Some(Dialog::Confirm(confirm)) => {
            assert!(confirm.plan.intent.is_rollback() && matches!(confirm.consent, Consent::Yes));
        }
        other => panic!("{other:?}"),
    }
}

const KEYS: &str = "tglzedahxyc:/nNsojkGfvu! pr?qWn";

fn any_key() -> impl Strategy<Value = Key> {
    let letters: Vec<Key> = typed(KEYS);
    let others = vec![
        Key::Esc,
        Key::Enter,
        Key::Tab,
        Key::Up,
        Key::Down,
        Key::PageUp,
        Key::PageDown,
        Key::Home,
        Key::End,
        Key::Backspace,
    ];
    prop_oneof![prop::sample::select(letters), prop::sample::select(others)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_pressed_esc_leads_to_the_fleet(keys in prop::collection::vec(any_key(), 0..40)) {
        let mut model = consoles::baking((80, 24));
        for key in keys {
            let effects = press(&mut model, &[key]);
            let acted = effects.iter().any(|effect| matches!(effect, Effect::Execute { .. }));
            prop_assert!(!acted);
            prop_assert!(!model.screen.trail.contains(&model.screen.current), "{:?} {:?}", model.screen.trail, model.screen.current);
        }
        // A question, a search, a plot, and at most every view that there is.
        press(&mut model, &[Key::Esc; 16]);
        prop_assert_eq!(&model.screen.current, &Screen::Fleet);
        prop_assert!(model.screen.dialog.is_none() && !model.screen.typing());
    }
}
