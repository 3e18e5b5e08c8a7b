//! From starting the program to its first frame, and to the first data on it: `tidegate demo` in a PTY.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::ExitCode;
use std::time::Duration;

#[allow(dead_code)]
mod measure;
#[path = "../it/tty.rs"]
#[allow(dead_code)]
mod tty;

use measure::{Line, Samples, Wish};
use tty::Tty;

fn main() -> ExitCode {
    let wish = Wish::new(20);
    let (mut frame, mut data) = (Samples::default(), Samples::default());
    for _ in 0..wish.rounds {
        let mut tty = Tty::tidegate(&["demo", "--seed", "7"], 120, 40);
        tty.until_shows("tidegate");
        frame.push(tty.started.elapsed());
        tty.until_shows("checkout");
        data.push(tty.started.elapsed());
    }
    wish.report(
        "tidegate demo, from exec",
        &[
            Line { what: "to the first frame", samples: &frame, limit: Some(Duration::from_millis(200)) },
            Line { what: "to the first data on the screen", samples: &data, limit: Some(Duration::from_secs(2)) },
        ],
    )
}
