//! No size and no text can break the screen, and nothing old or unknown looks well.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use strum::IntoEnumIterator;

use super::{draw, glyphs, plain};
use crate::console::dialogs::{Confirm, Consent, Dialog, Purpose, Revisions};
use crate::console::keymap::{BINDINGS, Key};
use crate::console::message::Msg;
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::screens::release::state::Panel;
use crate::console::screens::release::state::Plotted;
use crate::console::state::Model;
use crate::console::state::screen::SMALLEST;
use crate::console::update;
use crate::console::view::{Palette, Theme};
use crate::domain::plan::{Intent, Refusal, Remedy};
use crate::domain::text::is_safe;
use crate::testkit::consoles;

const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}evil\r\n\u{9b}31m\u{200b}👩‍👩‍👧‍👦🇺🇸e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}東京";

/// Every dialog that a model can have on top.
pub(super) fn dialogs(model: &Model) -> Vec<Option<Dialog>> {
    let mut dialogs = vec![None, Some(Dialog::Help { top: 0 })];
    let name = || Consent::Name("chec".into());
    let consents = || [Consent::Yes, name(), Consent::Reason { name: EVIL.into(), why: EVIL.into() }];
    for intent in [Intent::Rollback { to: None, at_once: false }, Intent::Step { to: None }, Intent::Finish] {
        if let Some(Ok(plan)) = model.focus().map(|release| model.observed.plan(release, &intent)) {
            dialogs.extend(consents().map(|consent| {
                let (plan, ways) = (plan.clone(), Vec::new());
                Some(Dialog::Confirm(Box::new(Confirm { plan, consent, ways, drawn: None, details: false })))
            }));
        }
    }
    let releases = [Some(EVIL.to_owned()), model.focus().map(|release| release.name.clone())];
    for release in releases.into_iter().flatten() {
        dialogs.extend([Consent::Yes, name()].map(|consent| {
            let release = release.clone();
            Some(Dialog::AutoPromotion { release, consent, drawn: None })
        }));
    }
    dialogs.push(Some(Dialog::Weight { release: EVIL.into(), input: EVIL.into(), error: Some(EVIL.into()) }));
    dialogs.push(Some(Dialog::Revisions(Revisions {
        release: EVIL.into(),
        family: EVIL.into(),
        selected: Some(99),
        purpose: Purpose::Rollback,
    })));
    dialogs.push(Some(Dialog::Refused { title: EVIL.into(), refusal: Refusal::new(EVIL, Remedy::Watch), of: None }));
    dialogs
}

fn is_clean(model: &Model, theme: &Theme) {
    has_clean_cells(&draw(model, theme), theme);
}

/// Asserts that a terminal draws each cell, and obeys none.
pub(super) fn has_clean_cells(drawn: &Buffer, theme: &Theme) {
    for cell in &drawn.content {
        let symbol = cell.symbol();
        assert!(symbol.chars().all(is_safe), "{symbol:?}");
        assert!(symbol.chars().count() <= 4, "{symbol:?}");
        assert!(!theme.ascii() || symbol.is_ascii(), "{symbol:?}");
    }
}

#[test]
fn every_size_is_drawn() {
    let text = EVIL.repeat(300);
    let mut model = consoles::hostile((80, 24), &text);
    let dialogs = dialogs(&model);
    let columns = (1..=20).chain((21..78).step_by(9)).chain(78..=84).chain((85..=130).step_by(11));
    for columns in columns {
        for rows in (1..=8).chain((9..22).step_by(5)).chain(22..=26).chain((27..=45).step_by(6)) {
            model.screen.size = (columns, rows);
            model.screen.current = if rows % 2 == 0 { Screen::Fleet } else { Screen::Release("checkout".into()) };
            let index = usize::from(columns) + usize::from(rows);
            model.screen.dialog = dialogs.get(index % dialogs.len()).cloned().flatten();
            model.screen.release.zoom = Plotted::iter().nth(index % 7);
            draw(&model, &plain());
        }
    }
}

#[test]
fn hostile_text_never_reaches_a_cell() {
    let text = EVIL.repeat(300);
    for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        let mut model = consoles::hostile(size, &text);
        for dialog in dialogs(&model) {
            model.screen.dialog = dialog;
            for screen in [Screen::Fleet, Screen::Release("checkout".into()), Screen::Release(text.clone())] {
                model.screen.current = screen;
                is_clean(&model, &plain());
            }
        }
        model.screen.dialog = None;
        let mut native = consoles::native_hostile(size, &text);
        let rows = native.observed.deployments(native.focus().unwrap()).len();
        for marked in 0..rows {
            let all = native.observed.deployments(native.focus().unwrap());
            let arn = all.get(marked).map(|deployment| deployment.arn.as_str().to_owned());
            native.screen.lists.entry(View::History).or_default().marked = arn;
            for screen in
                [Screen::Fleet, Screen::Release("payments".into()), Screen::View(View::History, "payments".into())]
            {
                native.screen.current = screen;
                is_clean(&native, &plain());
            }
        }
        model.screen.current = Screen::Release("checkout".into());
        for panel in [Panel::Tasks, Panel::Events, Panel::Operation, Panel::Sources, Panel::Around] {
            model.screen.release.panel = panel;
            is_clean(&model, &plain());
        }
        for plotted in Plotted::iter() {
            model.screen.release.zoom = Some(plotted);
            is_clean(&model, &plain());
        }
    }
}

#[test]
fn ascii_is_all_that_is_drawn_where_it_is_asked_for() {
    let theme = Theme::new(Palette::Mono, true);
    for size in [(30, 8), (80, 24), (120, 40), (200, 60)] {
        for mut model in [
            consoles::bad(size),
            consoles::faulty(size),
            consoles::troubled(size),
            consoles::hostile(size, EVIL),
            consoles::native_hostile(size, EVIL),
        ] {
            is_clean(&model, &theme);
            for plotted in Plotted::iter() {
                model.screen.release.zoom = Some(plotted);
                is_clean(&model, &theme);
            }
            model.screen.current = Screen::Fleet;
            is_clean(&model, &theme);
            model.screen.current = Screen::View(View::History, "payments".into());
            is_clean(&model, &theme);
            model.screen.dialog = Some(Dialog::Help { top: 0 });
            is_clean(&model, &theme);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_text_breaks_the_screen(text in "(?s).{0,60}", columns in 1u16..130, rows in 1u16..45) {
        let mut model = consoles::hostile((columns, rows), &text);
        is_clean(&model, &plain());
        model.screen.current = Screen::Fleet;
        is_clean(&model, &plain());
        let mut native = consoles::native_hostile((columns, rows), &text);
        is_clean(&native, &plain());
        native.screen.current = Screen::View(View::History, "payments".into());
        is_clean(&native, &plain());
    }
}

#[test]
fn a_small_terminal_says_what_it_needs_and_that_r_and_q_work() {
    let text = glyphs(&draw(&consoles::bad((59, 14)), &plain()));
    for part in ["59×14", "60×15", "R roll back", "q quit", "R rolls back to :41", "FAIL"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn the_rollback_line_and_the_footer_are_always_there() {
    for size in [SMALLEST, (120, 40), (200, 60)] {
        let mut history = consoles::native_over(size);
        history.screen.current = Screen::View(View::History, "payments".into());
        for model in [
            consoles::baking(size),
            consoles::bad(size),
            consoles::failed(size),
            consoles::faulty(size),
            consoles::no_data(size),
            consoles::rolling(size),
            consoles::silent(size),
            consoles::native_doubtful(size),
            history,
        ] {
            for dialog in [None, Some(Dialog::Help { top: 0 })] {
                let mut shown = model.clone();
                shown.screen.dialog = dialog;
                let text = glyphs(&draw(&shown, &plain()));
                let rows: Vec<_> = text.lines().collect();
                assert!(rows[rows.len() - 4..].iter().any(|row| row.contains("ROLLBACK")), "{text}");
                assert!(rows[rows.len() - 1].contains(if shown.screen.dialog.is_none() {
                    "q quit"
                } else {
                    "esc close"
                }));
                assert!(rows[0].contains("us-east-1"), "{text}");
            }
        }
    }
}

#[test]
fn the_help_has_every_key_at_every_size() {
    for size in [SMALLEST, (120, 40), (200, 60)] {
        let mut model = consoles::baking(size);
        let now = model.observed.now;
        let mut screens = Vec::new();
        update(&mut model, now, Msg::Key(Key::Char('?')));
        for _ in 0..2 * BINDINGS.len() {
            let text = glyphs(&draw(&model, &plain()));
            assert!(text.contains('└'), "the frame is whole\n{text}");
            screens.push(text);
            update(&mut model, now, Msg::Key(Key::Down));
        }
        for binding in BINDINGS.iter().filter(|binding| !crate::console::keymap::MARKS.contains(&binding.action)) {
            let keys: Vec<_> = binding.keys.iter().map(|key| key.label()).collect();
            let first = binding.help.split(' ').take(3).collect::<Vec<_>>().join(" ");
            let has = |line: &str| line.contains(&keys.join(" ")) && line.contains(&first);
            let found = screens.iter().any(|text| text.lines().any(has));
            assert!(found, "{keys:?} {first} at {size:?}\n{}", screens[0]);
        }
        // What is not all shown says so, and the way back to the top is as long as the way down.
        let (first, last) = (&screens[0], &screens[screens.len() - 1]);
        let more = |text: &str| text.lines().any(|line| line.contains("│ ↓ ") && line.contains(" more "));
        assert_eq!((more(first), more(last)), (size == SMALLEST, false), "{first}\n{last}");
        for _ in 0..2 * BINDINGS.len() {
            update(&mut model, now, Msg::Key(Key::Up));
        }
        assert_eq!(&glyphs(&draw(&model, &plain())), first);
    }
}

/// Rows that hold something green.
fn green(model: &Model) -> Vec<String> {
    let buffer = draw(model, &plain());
    let width = usize::from(buffer.area.width);
    let text = glyphs(&buffer);
    let rows = buffer.content.chunks(width).zip(text.lines());
    rows.filter(|(cells, _)| cells.iter().any(|cell| cell.fg == Color::Green))
        .map(|(_, line)| line.trim().to_owned())
        .collect()
}

#[test]
fn what_is_old_or_unknown_is_never_green() {
    for size in [SMALLEST, (120, 40), (200, 60)] {
        for screen in [Screen::Fleet, Screen::Release("checkout".into())] {
            let mut old = consoles::faulty(size);
            old.screen.current = screen.clone();
            // Who asks, and what is registered, are read seldom and not old yet.
            let mut lines = green(&old);
            lines.retain(|line| !line.contains("STS identity") && !line.contains("ECS revisions"));
            assert_eq!(lines, Vec::<String>::new(), "{size:?} {screen:?}");
        }
        assert_eq!(green(&consoles::silent(size)), Vec::<String>::new());
        let nothing = consoles::no_data(size);
        assert!(green(&nothing).iter().all(|line| !line.contains("verdict")), "{:?}", green(&nothing));
    }
    assert!(!green(&consoles::baking(SMALLEST)).is_empty());
}
