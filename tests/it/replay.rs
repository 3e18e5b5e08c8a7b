//! A recorded session, played again: the same screens, without AWS and without secrets.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tidegate::console::keymap::Key;
use tidegate::console::message::Msg;
use tidegate::console::recording::Recording;
use tidegate::console::replay::{Replay, text};
use tidegate::sim::scenario::Scenario;

use crate::harness::Harness;
use crate::tty::Tty;

fn load(dir: &TempDir) -> Recording {
    let text = std::fs::read_to_string(dir.path().join("session.jsonl")).unwrap();
    Recording::parse(&text).unwrap()
}

fn tidegate(words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate")).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_replay_shows_each_screen_of_the_session() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("session.jsonl");
    let mut console = Harness::recorded("bad-canary", &path).await;
    console.go("checkout").await;
    console.pass(240).await;
    console.press("e").await;
    console.hit(Key::Esc);
    console.feed(Msg::Resized(100, 30));
    console.press("R").await;
    console.pass(30).await;
    console.stop_recording();

    let mut replay = Replay::new(load(&dir));
    assert_eq!(replay.len(), console.frames.len());
    for (message, frame) in console.frames.iter().enumerate() {
        assert!(replay.step());
        let screen = replay.screen();
        assert!(screen == *frame, "after message {message}:\n{}\nand not\n{}", text(&screen), text(frame));
    }
    assert!(!replay.step());
    for played in [console.frames.len() / 2, 1, console.frames.len()] {
        replay.seek(played);
        assert!(replay.screen() == console.frames[played - 1], "back to {played}");
    }

    let file = path.to_str().unwrap();
    let (code, last, _) = tidegate(&["replay", file, "--print"]);
    assert_eq!((code, last.trim_end()), (0, text(console.frames.last().unwrap()).trim_end()));
    let (code, first, _) = tidegate(&["replay", file, "--print", "--at", "1"]);
    assert_eq!((code, first.trim_end()), (0, text(&console.frames[0]).trim_end()));
    let (code, _, said) = tidegate(&["replay", file, "--print", "--at", "1000000"]);
    assert!(code == 2 && said.contains("messages, not 1000000"), "{said}");
    let (code, _, said) = tidegate(&["replay", file]);
    assert!(code == 2 && said.contains("--print"), "{said}");

    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let (code, _, said) = tidegate(&["replay", file, "--print"]);
    assert!(code == 2 && said.contains(&format!("line {}: the recording is cut off", whole.lines().count())), "{said}");
    let (code, _, said) = tidegate(&["replay", "Cargo.toml", "--print"]);
    assert!(code == 2 && said.contains("Cargo.toml, line 1: not a recording of tidegate"), "{said}");
}

/// The harness compares each message with what it is read back as; this walks through every scenario and every view.
#[tokio::test]
async fn messages_of_every_scenario_are_read_back_as_they_were() {
    for scenario in Scenario::names() {
        let dir = TempDir::new().unwrap();
        let mut console = Harness::recorded(scenario, &dir.path().join("session.jsonl")).await;
        console.keeps_frames = false;
        console.press("\n").await;
        console.pass(5).await;
        for view in ["t", "g", "e", "l", "d", "a", "h"] {
            console.press(view).await;
            console.hit(Key::Esc);
        }
        console.stop_recording();
        assert!(load(&dir).entries.len() > console.frames.len(), "{scenario}");
    }
}

#[tokio::test]
async fn a_revealed_secret_is_on_the_screen_and_not_in_the_recording() {
    const SECRET: &str = "hunter2-not-real";
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("session.jsonl");
    let mut console = Harness::recorded("good-release", &path).await;
    console.go("checkout").await;
    console.press("duv").await;
    // The values are read before the cursor moves on.
    console.pass(2).await;
    let rows = 40;
    console.press(&"j".repeat(rows)).await;
    console.stop_recording();
    let shown = console.frames.iter().position(|frame| text(frame).contains(SECRET));
    let shown = shown.unwrap_or_else(|| panic!("{}", text(console.frames.last().unwrap())));
    assert!(!std::fs::read_to_string(&path).unwrap().contains(SECRET));
    let mut replay = Replay::new(load(&dir));
    replay.seek(shown + 1);
    assert!(text(&replay.screen()).contains("(hidden)"), "{}", text(&replay.screen()));
    while replay.step() {
        assert!(!text(&replay.screen()).contains(SECRET), "{}", text(&replay.screen()));
    }
}

#[test]
fn a_demo_is_recorded_and_played_in_the_terminal() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("session.jsonl");
    let file = path.to_str().unwrap().to_owned();
    let record = [("TIDEGATE_RECORD".to_owned(), file.clone())];
    let program = Path::new(env!("CARGO_BIN_EXE_tidegate"));
    let mut demo = Tty::start_with(program, &["demo", "--seed", "7"], &record, 120, 40);
    demo.until_shows("checkout");
    assert_eq!(demo.quit(), 0);

    let mut replay = Tty::tidegate(&["replay", &file], 120, 41);
    replay.until_shows("speed 1");
    replay.send("+ ");
    replay.until_shows("speed 2");
    replay.until_shows("120x40");
    // The last key of the session was to leave it; what it showed stays.
    replay.send("\x1b[F");
    replay.until_shows("END");
    assert!(replay.shows("checkout"), "{}", replay.text());
    let last = load(&dir).entries.len();
    assert!(replay.shows(&format!("{last}/{last}")), "{}", replay.text());
    replay.send("\x1b[D");
    replay.until_shows(&format!("{}/{last}", last - 1));
    assert_eq!(replay.quit(), 0);
}
