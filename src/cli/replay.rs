//! `replay`: plays a recorded session on the terminal, or prints one screen. Needs neither AWS nor credentials.

use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use tokio::time::{Instant, sleep_until};

use super::args::Replay as Options;
use super::exit::{Exit, Failure, internal};
use super::out::Out;
use crate::console::event_loop::Canvas;
use crate::console::keymap::Key;
use crate::console::message::Msg;
use crate::console::recording::{Recording, Unreadable};
use crate::console::replay::{Replay, text};
use crate::console::signals::{Ended, Signals};
use crate::console::terminal;
use crate::files;

/// Maximum bytes of a recording: a busy console records a tenth of this in a day.
const LARGEST: u64 = 1 << 30;
/// Minimum time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// Slowest and fastest speed.
const SPEEDS: (f64, f64) = (0.125, 512.0);

/// Prints a screen of a recording, or plays it. Returns the exit code.
pub(super) async fn replay(out: &mut Out, options: &Options) -> Result<u8, Failure> {
    let mut replay = Replay::new(load(options)?);
    if let Some(at) = options.at.filter(|at| *at > replay.len()) {
        return Err(Failure::usage(
            format!("{} has {} messages, not {at}", options.file.display(), replay.len()),
            "Name a smaller number with --at, or none for the last screen.",
        ));
    }
    if options.print {
        replay.seek(options.at.unwrap_or(replay.len()));
        out.say(text(&replay.screen()).trim_end())?;
        return Ok(Exit::Done.code());
    }
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Failure::usage(
            "A replay needs a terminal, on standard input and on standard output.",
            "Without a terminal, --print prints the last screen, and --print --at N the screen after N messages.",
        ));
    }
    replay.seek(options.at.unwrap_or(0));
    let ended = play(Player::new(replay, options.speed)).await.map_err(|error| internal("the replay ended", error))?;
    Ok(ended.exit_code())
}

fn load(options: &Options) -> Result<Recording, Failure> {
    let name = options.file.display();
    let text = files::read(&options.file, LARGEST)
        .map_err(|error| Failure::usage(format!("cannot read {name}: {error}"), "Check the path."))?;
    let text = String::from_utf8_lossy(&text);
    Recording::parse(&text).map_err(|error| {
        let advice = match error {
            Unreadable::CutOff { line } => format!("`head -n {} {name}` gives what can be played.", line - 1),
            Unreadable::OtherSchema(_) => "Play it with the version of tidegate that recorded it.".to_owned(),
            _ => "TIDEGATE_RECORD=FILE records a session of the console.".to_owned(),
        };
        Failure::usage(format!("{name}, {error}"), advice)
    })
}

/// A replay with its speed and the time of its next message.
struct Player {
    replay: Replay,
    speed: f64,
    paused: bool,
    due: Instant,
}

impl Player {
    fn new(replay: Replay, speed: f64) -> Self {
        let mut player = Self { replay, speed, paused: false, due: Instant::now() };
        player.wait();
        player
    }

    /// Sets the time of the next message, counted from now.
    fn wait(&mut self) {
        let span = self.replay.until_next().unwrap_or_default();
        self.due = Instant::now() + span.div_f64(self.speed);
    }

    fn is_running(&self) -> bool {
        !self.paused && self.replay.played() < self.replay.len()
    }

    /// Plays all messages that are due.
    fn advance(&mut self) {
        let now = Instant::now();
        while self.is_running() && self.due <= now {
            self.replay.step();
            self.due += self.replay.until_next().unwrap_or_default().div_f64(self.speed);
        }
    }

    /// Handles a key; returns true if the operator quits.
    fn pressed(&mut self, key: Key) -> bool {
        match key {
            Key::Char('q') | Key::Ctrl('c') => return true,
            Key::Char(' ') => self.paused = !self.paused,
            Key::Right => {
                self.paused = true;
                self.replay.step();
            }
            Key::Left => {
                self.paused = true;
                self.replay.seek(self.replay.played().saturating_sub(1));
            }
            Key::Home => self.replay.seek(0),
            Key::End => self.replay.seek(self.replay.len()),
            Key::Char('+' | '=') => self.speed = (self.speed * 2.0).min(SPEEDS.1),
            Key::Char('-') => self.speed = (self.speed / 2.0).max(SPEEDS.0),
            _ => return false,
        }
        self.wait();
        false
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let room = Rect { height: area.height.saturating_sub(1), ..area };
        let screen = self.replay.screen();
        let buffer = frame.buffer_mut();
        for (x, y) in room.intersection(screen.area).positions().map(|position| (position.x, position.y)) {
            if let (Some(to), Some(from)) = (buffer.cell_mut((x, y)), screen.cell((x, y))) {
                *to = from.clone();
            }
        }
        let status = Style::new().add_modifier(Modifier::REVERSED);
        let bottom = Rect { y: area.y + room.height, height: area.height.min(1), ..area };
        frame.render_widget(Line::styled(self.status(), status), bottom);
    }

    /// The status line: position, speed and keys.
    fn status(&self) -> String {
        let (played, messages) = (self.replay.played(), self.replay.len());
        let state = match (played == messages, self.paused) {
            (true, _) => "END",
            (false, true) => "PAUSED",
            (false, false) => "PLAYING",
        };
        let at = self.replay.model().observed.now.at.strftime("%Y-%m-%d %H:%M:%SZ");
        let (columns, rows) = self.replay.model().screen.size;
        format!(
            " {state}  {played}/{messages}  {at}  speed {}  {columns}x{rows}  space pause  left right step  + - speed  \
             q quit",
            self.speed
        )
    }
}

async fn play(mut player: Player) -> io::Result<Ended> {
    let mut signals = Signals::listen()?;
    let mut screen = terminal::Screen::enter()?;
    let mut events = pin!(terminal::events()?);
    loop {
        if screen.draw(|frame| player.draw(frame)).is_err() {
            return Ok(Ended::TerminalGone);
        }
        let next = player.due.max(Instant::now() + FRAME);
        tokio::select! {
            biased;
            ended = signals.next() => return Ok(ended),
            event = events.next() => match event {
                Some(Ok(Msg::Key(key))) if player.pressed(key) => return Ok(Ended::ByOperator),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Ended::TerminalGone),
            },
            () = sleep_until(next), if player.is_running() => player.advance(),
        }
    }
}
