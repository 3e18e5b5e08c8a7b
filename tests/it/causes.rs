//! A newcomer at the real program: from the fleet to the cause in at most three keys. Hostile text from AWS never sends
//! more than text to the terminal.

use tidegate::domain::text;

use crate::tty::Tty;

/// A scenario's console, once the most urgent service is marked without a key press.
fn open(scenario: &str, service: &str) -> Tty {
    let mut tty = Tty::tidegate(&["demo", "--scenario", scenario, "--seed", "7", "--speed", "10"], 120, 40);
    tty.until(&format!("{service} is marked"), |tty| {
        tty.text().lines().any(|line| line.starts_with('▸') && line.contains(service))
    });
    tty
}

/// Presses keys one after the other, each after the previous key's screen is drawn, as a person does.
fn press(tty: &mut Tty, keys: &[(&str, &str)]) {
    assert!(keys.len() <= 3);
    for (key, shows) in keys {
        tty.send(key);
        tty.until_shows(shows);
    }
}

fn leave(mut tty: Tty) {
    assert_eq!(tty.quit(), 0);
    tty.assert_given_back();
}

#[test]
fn a_crash_loop_is_named_on_the_fleet_and_its_log_says_why() {
    let mut tty = open("crash-loop", "payments");
    tty.until_shows("CRASH LOOP");
    press(&mut tty, &[("t", "exit 1 (the application's own error)")]);
    leave(tty);
    let mut tty = open("crash-loop", "payments");
    press(&mut tty, &[("l", "PROVIDER_URL")]);
    leave(tty);
}

#[test]
fn an_image_that_cannot_be_pulled_is_one_key_away() {
    let mut tty = open("cannot-pull", "checkout");
    tty.until_shows("cannot pull");
    press(&mut tty, &[("t", "CannotPullContainerError")]);
    leave(tty);
}

#[test]
fn a_failing_health_check_says_what_was_answered_and_the_log_why() {
    let mut tty = open("failing-health-check", "orders");
    press(&mut tty, &[("g", "Health checks failed with these codes: [503]"), ("l", "inventory-v2.shop.internal")]);
    leave(tty);
}

#[test]
fn a_slow_start_is_told_by_how_long_tasks_lived_and_the_grace_period() {
    let mut tty = open("slow-start", "users");
    press(&mut tty, &[("t", "the grace period is 60 s"), ("l", "warming cache")]);
    leave(tty);
}

/// All output other than text and the sequences that this program draws with.
fn stray(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut stray = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\x1b' {
            if !(text::is_safe(c) || matches!(c, '\r' | '\n')) {
                stray.push(format!("{:?}", c));
            }
            continue;
        }
        match rest.next() {
            // A control sequence: parameters, then one letter of a sequence that moves, styles, clears or switches
            // modes.
            Some('[') => {
                let mut sequence = String::new();
                while !sequence.ends_with(|c| ('\x40'..='\x7e').contains(&c)) {
                    // The last sequence may be incomplete.
                    let Some(c) = rest.next() else { return stray };
                    sequence.push(c);
                }
                if !sequence.ends_with(['H', 'm', 'J', 'K', 'h', 'l', 'G', 'A', 'B', 'C', 'D', 'u', 'n', 'c', 't']) {
                    stray.push(format!("CSI {sequence:?}"));
                }
            }
            // The title of the window: text up to a bell.
            Some(']') => {
                let title: String = rest.by_ref().take_while(|c| *c != '\u{7}').collect();
                if !(title.starts_with("0;") && title.chars().all(text::is_safe)) {
                    stray.push(format!("OSC {title:?}"));
                }
            }
            Some('7' | '8' | '=' | '>') | None => {}
            other => stray.push(format!("ESC {other:?}")),
        }
    }
    stray
}

#[test]
fn a_hostile_aws_reaches_the_terminal_as_text_alone() {
    let mut tty = Tty::tidegate(&["demo", "--scenario", "hostile", "--seed", "7"], 120, 40);
    tty.until_shows("checkout");
    for key in ["t", "g", "e", "l", "a", "h", "d", "\r"] {
        tty.send(key);
        // Keys are handled in order: once the help is visible, the view before it has been drawn.
        tty.send("?");
        tty.until_shows("Read everything from AWS again");
        tty.send("\x1b");
        tty.until("the help is gone", |tty| !tty.shows("Read everything from AWS again"));
    }
    assert_eq!(stray(&tty.raw), Vec::<String>::new());
    leave(tty);
}
