//! Text that comes as keys acts on no screen and in no dialog, in whatever pieces it comes.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::safety;
use crate::console::keyboard::Keyboard;
use crate::console::message::{Effect, Msg, Now};
use crate::console::screen::{Screen, View};
use crate::console::state::Model;
use crate::console::update;
use crate::testkit::consoles;

/// Every screen, with every dialog on it that was there to be read, where a key would act at once or after a `y`.
fn scenes() -> Vec<Model> {
    let mut scenes = Vec::new();
    for (model, protected) in [(consoles::bad((120, 40)), false), (consoles::waiting((120, 40)), true)] {
        let mut screens = vec![Screen::Fleet, Screen::Release("checkout".into())];
        screens.extend([View::Logs, View::History, View::Diff].map(|view| Screen::View(view, "checkout".into())));
        for screen in screens {
            let mut model = model.clone();
            model.observed.settings.protected = protected;
            model.screen.current = screen;
            for dialog in safety::dialogs(&model) {
                let mut model = model.clone();
                model.screen.dialog = dialog;
                consoles::draw(&mut model);
                scenes.push(model);
            }
        }
        let mut small = model.clone();
        small.screen.size = (40, 10);
        scenes.push(small);
        let mut searching = model.clone();
        searching.screen.current = Screen::Fleet;
        searching.screen.fleet.find.typing = true;
        scenes.push(searching);
    }
    scenes
}

/// Feeds reads, so many milliseconds apart, to a console; returns whether anything was sent.
fn acts(model: &mut Model, reads: &[(u64, Vec<u8>)]) -> bool {
    let (mut keyboard, mut at, start) = (Keyboard::default(), Duration::from_secs(1), model.observed.now);
    let mut acted = false;
    let mut feed = |model: &mut Model, at: Duration, msgs: Vec<Msg>| {
        for msg in msgs {
            let now = Now { at: start.at + jiff::SignedDuration::try_from(at).unwrap(), ..start };
            acted |= update(model, now, msg).iter().any(|effect| matches!(effect, Effect::Execute { .. }));
            consoles::draw(model);
        }
    };
    for (gap, bytes) in reads {
        let next = at + Duration::from_millis(*gap);
        while let Some(due) = keyboard.due().filter(|due| *due <= next) {
            feed(model, due, keyboard.wake(due));
        }
        at = next;
        feed(model, at, keyboard.read(at, bytes));
    }
    while let Some(due) = keyboard.due() {
        feed(model, due, keyboard.wake(due));
    }
    acted || !model.operations.automatic.is_empty()
}

/// A text of at least two letters, acting keys the likeliest.
fn text() -> impl Strategy<Value = String> {
    let letter = select("RRRPPWSFHNyyyn\ncheckout please 100%é".chars().collect::<Vec<_>>());
    let sequence = select(vec![
        "\u{1b}OR",
        "\u{1b}[1;2R",
        "\u{1b}P>|R y\u{1b}\\",
        "\u{1b}]11;rgb:RRRR\u{7}",
        "\u{1b}[24;80R",
        "\u{1b}[?2026;2$y",
    ]);
    let words =
        select(vec!["Rollback please", "Please… yes…", "Rr", "y\n", "Py", "PyPyRy", "W50\ny", "Sjj\ny", "checkout\n"]);
    prop_oneof![
        3 => prop::collection::vec(letter, 2..12).prop_map(|letters| letters.into_iter().collect::<String>()),
        1 => sequence.prop_map(str::to_owned),
        1 => words.prop_map(str::to_owned),
    ]
}

/// A text in reads: whole, between brackets, or in pieces that follow one another at once.
fn reads() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let cuts = prop::collection::vec((1usize..6, 0u64..25), 0..16);
    (text(), any::<bool>(), cuts).prop_map(|(text, bracketed, cuts)| {
        let text = if bracketed { format!("\u{1b}[200~{text}\u{1b}[201~") } else { text };
        let (mut rest, mut reads) = (text.as_bytes(), Vec::new());
        for (length, gap) in cuts {
            let (piece, left) = rest.split_at(length.min(rest.len()));
            reads.push((gap, piece.to_vec()));
            rest = left;
        }
        reads.push((7, rest.to_vec()));
        reads.retain(|(_, piece)| !piece.is_empty());
        reads
    })
}

#[test]
fn no_text_acts_whatever_its_pieces_the_screen_and_the_dialog() {
    let scenes = scenes();
    let config = ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(reads in prop::collection::vec(reads(), 1..3), scene in select(scenes))| {
        let mut model = scene;
        for reads in reads {
            // Half a second later another text comes.
            let pause = vec![(500, Vec::new())];
            let acted = acts(&mut model, &[pause, reads.clone()].concat());
            prop_assert!(!acted, "{reads:?}");
        }
    });
}

#[test]
fn a_key_acts_within_30_milliseconds_and_a_burst_is_said_to_be_a_paste() {
    let mut model = consoles::bad((120, 40));
    assert!(acts(&mut model.clone(), &[(100, b"R".to_vec())]));
    assert!(!acts(&mut model, &[(100, b"Rollback please".to_vec())]));
    assert!(model.screen.dialog.is_none());
    assert_eq!(model.screen.notice.unwrap().text, "pasted text is not taken for keys");
}

#[test]
fn a_question_is_answered_once_it_was_there_to_be_read() {
    let asked = |between: u64| {
        let mut model = consoles::waiting((120, 40));
        model.observed.settings.protected = false;
        acts(&mut model, &[(100, b"P".to_vec()), (between, b"y".to_vec())])
    };
    assert_eq!([40, 100, 149, 150, 1_000].map(asked), [false, false, false, true, true]);
    // Held down, the key that opened a question does not answer it, nor does the one that answered it act again.
    let mut model = consoles::waiting((120, 40));
    model.observed.settings.protected = false;
    let held = [vec![(100, b"R".to_vec()), (500, b"R".to_vec())], vec![(33, b"R".to_vec()); 60]].concat();
    let mut idle = model.clone();
    idle.screen.current = Screen::Release("search".into());
    assert!(!acts(&mut idle, &held));
    assert!(acts(&mut model, &held));
    assert_eq!(model.operations.next_id.0, 2, "one operation");
}

#[test]
fn a_burst_fills_a_text_field_as_a_paste_does_and_enter_in_it_confirms_nothing() {
    let mut model = consoles::waiting((120, 40));
    model.observed.settings.protected = true;
    let key = |byte: &[u8]| vec![(300, byte.to_vec())];
    let typed = |model: &mut Model| {
        let input = model.screen.dialog.as_mut().and_then(|dialog| dialog.input());
        input.map(|input| input.value().to_owned())
    };
    assert!(!acts(&mut model, &[key(b"P"), key(b"check"), vec![(5, b"ou".to_vec()), (5, b"t\r".to_vec())]].concat()));
    assert_eq!(typed(&mut model).as_deref(), Some("checkout"));
    assert!(acts(&mut model, &key(b"\r")));

    // A search and the palette: the letters are typed, enter goes nowhere.
    let mut model = consoles::waiting((120, 40));
    model.screen.current = Screen::Fleet;
    assert!(!acts(&mut model, &[key(b"/"), key(b"Rpay\r")].concat()));
    assert!(model.screen.typing() && model.screen.fleet.find.text.value() == "Rpay");
    let mut model = consoles::waiting((120, 40));
    assert!(!acts(&mut model, &[key(b":"), key(b"roll back\ry")].concat()));
    assert_eq!(typed(&mut model).as_deref(), Some("roll backy"));
}
