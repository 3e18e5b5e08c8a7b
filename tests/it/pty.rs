//! The real program in a real terminal: what a key does to AWS, and that the terminal is given back whatever happens.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tidegate::cloud::Cloud;
use tidegate::console::driver::Driver;
use tidegate::console::event_loop::Console;
use tidegate::console::message::Now;
use tidegate::console::state::Model;
use tidegate::console::state::screen::SMALLEST;
use tidegate::console::terminal;
use tidegate::console::view::{Palette, Theme};
use tidegate::domain::ecs::names::Location;
use tidegate::domain::fault::Fault;
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::plan::{Call, Receipt};
use tidegate::domain::settings::Settings;
use tidegate::execute::executor::Options;

use crate::tty::{DEMO, Tty};

/// A demo that has read all that a rollback needs.
fn demo(columns: u16, rows: u16) -> Tty {
    let mut tty = Tty::tidegate(&DEMO, columns, rows);
    tty.until_shows("checkout");
    tty
}

/// … with checkout's own screen open.
fn open(columns: u16, rows: u16) -> Tty {
    let mut tty = demo(columns, rows);
    tty.until("checkout is marked", |tty| {
        tty.text().lines().any(|line| line.starts_with('▸') && line.contains("checkout"))
    });
    tty.send("\r");
    // Only this screen's footer has it: the fleet shows some of the release too.
    tty.until_shows("esc back");
    tty
}

fn leave(mut tty: Tty) {
    assert_eq!(tty.quit(), 0);
    tty.assert_given_back();
}

#[test]
fn a_step_is_taken_and_taken_back_and_the_terminal_is_as_it_was() {
    let mut tty = open(120, 40);
    tty.assert_taken();
    tty.send("P");
    tty.until_shows("y carry it out");
    tty.confirm();
    tty.until_shows("key → read back");
    tty.until_shows("10 % of users");
    tty.send("R");
    tty.until_shows("weight 100");
    tty.until_shows("done and read back: checkout all traffic back to");
    leave(tty);
}

#[test]
fn what_is_pasted_does_nothing() {
    let mut tty = open(120, 40);
    tty.send("\x1b[200~R\nPy\nW100\n\x1b[201~");
    tty.until_shows("pasted text is not taken for keys");
    // Keys are read in order: when this one is done, so is all before it.
    tty.send("?");
    tty.until_shows("Read everything from AWS again");
    tty.send("?");
    tty.until_shows("1 % of users");
    assert!(!tty.shows("y carry it out") && !tty.shows("key → read back"), "{tty:?}");
    tty.send("\t\t\t");
    leave(tty);
}

#[test]
fn what_comes_in_a_burst_in_pieces_or_as_a_reply_does_nothing() {
    let mut tty = open(120, 40);
    tty.send("Rollback please");
    tty.until_shows("pasted text is not taken for keys");
    for pieces in [["\x1b", "O", "R"], ["\x1b", "[", "1;2R"], ["\x1b", "]11;rgb:R", "\x07"]] {
        tty.look_on(Duration::from_millis(200));
        tty.send("?");
        tty.until_shows("Read everything from AWS again");
        for piece in pieces {
            tty.send(piece);
            tty.look_on(Duration::from_millis(15));
        }
        tty.until("esc closes the help", |tty| !tty.shows("Read everything from AWS again"));
    }
    for piece in ["\x1bP>|", "R", "y\x1b\\"] {
        tty.send(piece);
        tty.look_on(Duration::from_millis(40));
    }
    tty.send("\x1b[?2026;2$y\x1b[?64;1;2c\x1b[24;80R\x1b[114;65u");
    tty.look_on(Duration::from_millis(400));
    assert!(!tty.shows("y carry it out") && !tty.shows("key → read back"), "{tty:?}");
    tty.send("R");
    tty.until_shows("done and read back: checkout all traffic back to");
    leave(tty);
}

#[test]
fn the_keyboard_protocol_is_switched_on_only_where_the_terminal_supports_it() {
    let mut tty = Tty::tidegate(&DEMO, 80, 24);
    let sent =
        |tty: &Tty, sequence: &[u8]| tty.raw.windows(sequence.len()).filter(|window| *window == sequence).count();
    tty.until("the terminal is asked", |tty| sent(tty, b"\x1b[?u") == 1);
    tty.until_shows("checkout");
    assert_eq!(sent(&tty, b"\x1b[>31u"), 0, "it has not answered");
    tty.send("\x1b[?0u");
    tty.until("it is switched on", |tty| sent(tty, b"\x1b[>31u") == 1);
    tty.look_on(Duration::from_millis(300));
    tty.send("\x1b[113;1;113u");
    assert_eq!(tty.exit_code(), 0);
    tty.assert_given_back();
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_r_works_all_the_same() {
    let mut tty = Tty::tidegate(&DEMO, 59, 14);
    tty.until_shows("too small: 59×14");
    tty.until_shows("needs 60×15");
    tty.until("what R does", |tty| tty.shows("checkout") && tty.shows("R rolls back to"));
    tty.send("R");
    tty.until("R is carried out", |tty| !tty.shows("checkout") || !tty.shows("R rolls back to"));
    tty.resize(120, 40);
    tty.until_shows("done and read back: checkout all traffic back to");
    tty.resize(59, 14);
    tty.until_shows("too small: 59×14");
    leave(tty);
}

#[test]
fn nobody_says_yes_to_a_question_that_the_screen_is_too_small_to_show() {
    let mut tty = open(120, 40);
    tty.send("P");
    tty.until_shows("y carry it out");
    tty.resize(59, 14);
    tty.until_shows("too small: 59×14");
    tty.send("y");
    // A busy machine may deliver a new size before the key: the screen is still too small then.
    tty.resize(58, 14);
    tty.until_shows("too small: 58×14");
    tty.resize(120, 40);
    tty.until_shows("1 % of users");
    assert!(!tty.shows("y carry it out") && !tty.shows("key → read back"), "{tty:?}");
    leave(tty);
}

#[test]
fn any_size_at_any_time_is_survived() {
    let mut tty = open(120, 40);
    for (columns, rows) in
        [(1, 1), (2, 50), (300, 2), (80, 24), (79, 24), (80, 23), (60, 15), (59, 15), (20, 5), (250, 80), (100, 30)]
    {
        tty.resize(columns, rows);
        tty.send(if columns % 2 == 0 { "p" } else { "\t" });
    }
    tty.until("the last size is drawn", |tty| {
        tty.shows("checkout") && tty.text().lines().any(|line| line.chars().count() > 80)
    });
    leave(tty);
}

#[test]
fn a_signal_ends_it_with_the_exit_code_of_that_signal() {
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut tty = Tty::tidegate(&DEMO, 80, 24);
        tty.until("a frame", |tty| tty.shows("tidegate"));
        tty.signal(signal);
        assert_eq!(tty.exit_code(), code, "SIG{signal}: {tty:?}");
        tty.assert_given_back();
    }
}

#[test]
fn it_ends_when_its_terminal_goes_away() {
    assert_eq!(demo(80, 24).close(), 129);
}

#[test]
fn without_a_terminal_it_says_what_to_do_instead() {
    let home = tempfile::tempdir().unwrap();
    for words in [&DEMO[..], &[]] {
        let ran = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(words)
            .env_clear()
            .env("HOME", home.path())
            .env("TIDEGATE_STATE_DIR", home.path().join("state"))
            .env("AWS_REGION", "us-east-1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains("needs a terminal") && said.contains("tidegate status"), "{said}");
        assert!(ran.stdout.is_empty(), "no escape sequence goes into a file");
    }
}

#[test]
fn ctrl_z_leaves_the_terminal_to_the_shell_and_fg_brings_the_console_back() {
    // Job control without a line editor of the shell's own.
    let script = r#""$@"; echo "left with $?"; read -r answer; fg >/dev/null; echo "ended with $?""#;
    let program = env!("CARGO_BIN_EXE_tidegate");
    let words: Vec<_> = ["-m", "-c", script, "sh", program].into_iter().chain(DEMO).collect();
    let mut tty = Tty::start(Path::new("/bin/sh"), &words, 120, 40);
    tty.until_shows("checkout");
    tty.assert_taken();
    tty.send("\x1a");
    tty.until_shows("left with 1");
    tty.assert_given_back();
    tty.send("go on\r");
    tty.until_shows("back from the shell");
    tty.assert_taken();
    tty.send("q");
    tty.until_shows("ended with 0");
    assert_eq!(tty.exit_code(), 0);
    tty.assert_given_back();
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_what_happened_below_it() {
    for how in ["panic_in_a_task", "panic_in_the_loop"] {
        let name = format!("pty::{how}");
        let words = ["--exact", &name, "--ignored", "--nocapture", "--test-threads=1"];
        let mut tty = Tty::start(&std::env::current_exe().unwrap(), &words, 120, 40);
        assert_ne!(tty.exit_code(), 0);
        assert!(tty.raw.windows(8).any(|window| window == b"\x1b[?1049h"), "the screen was taken: {tty:?}");
        tty.assert_given_back();
        assert!(tty.shows("this cloud is broken"), "{how}: {tty:?}");
    }
}

/// A cloud with a bug in it.
struct Broken;

#[async_trait]
impl Cloud for Broken {
    async fn read(&self, _: &Query) -> Result<Answer, Fault> {
        panic!("this cloud is broken");
    }

    async fn act(&self, _: &Call) -> Result<Receipt, Fault> {
        panic!("this cloud is broken");
    }
}

#[tokio::test]
#[ignore = "only to be run in a terminal of its own, by the test above"]
async fn panic_in_a_task() {
    terminal::restore_on_panic(|panic| panic.to_string());
    let place = Location { environment: "test".to_owned(), account: String::new(), region: "us-east-1".to_owned() };
    let broken = Arc::new(Broken);
    let console = Console {
        model: Model::new(Settings::default(), place, Now::new(Timestamp::now()), SMALLEST),
        theme: Theme::new(Palette::Sixteen, false),
        driver: Driver::new(broken.clone(), broken, Err("none".to_owned()), Options::default()),
        recorder: None,
    };
    let _ = terminal::run(console).await;
}

#[test]
#[ignore = "only to be run in a terminal of its own, by the test above"]
fn panic_in_the_loop() {
    terminal::restore_on_panic(|panic| panic.to_string());
    let _screen = terminal::Screen::enter().unwrap();
    panic!("this cloud is broken");
}
