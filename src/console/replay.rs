//! Plays a recording on the core. Effects are dropped: nothing is read or written.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dialogs::Dialog;
use super::message::{Msg, Now};
use super::recording::{Entry, Recording};
use super::state::Model;
use super::update;
use super::view;

/// So many states on the way are kept, so that going back does not begin at the start each time.
const CHECKPOINTS: usize = 32;

/// A recording, played up to some message.
pub struct Replay {
    recording: Recording,
    model: Model,
    played: usize,
    /// Whether the session tells when a question was drawn; else it was drawn when it was asked.
    tells_drawn: bool,
    /// States, by the number of messages before them; in that order.
    checkpoints: Vec<(usize, Model)>,
}

impl Replay {
    /// A recording at its start.
    pub fn new(recording: Recording) -> Self {
        let model = recording.header.model();
        let tells_drawn = recording.entries.iter().any(|entry| entry.msg == Msg::Drawn);
        Self { recording, model, played: 0, tells_drawn, checkpoints: Vec::new() }
    }

    /// How many messages were played.
    pub fn played(&self) -> usize {
        self.played
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.recording.entries.len()
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.recording.entries.is_empty()
    }

    /// The state at this message.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The operator's time between the last message that was played and the next one; `None` at the end.
    pub fn until_next(&self) -> Option<std::time::Duration> {
        let next = self.recording.entries.get(self.played)?.at;
        let last = self.played.checked_sub(1).and_then(|last| self.recording.entries.get(last));
        let last = last.map_or(self.recording.header.at, |entry| entry.at);
        let span = self.recording.header.rate.operator_time(next.duration_since(last));
        Some(span.max(jiff::SignedDuration::ZERO).unsigned_abs())
    }

    /// Plays the next message. Returns whether there was one.
    pub fn step(&mut self) -> bool {
        let Some(Entry { at, msg }) = self.recording.entries.get(self.played) else { return false };
        let apart = (self.len() / CHECKPOINTS).max(64);
        let newest = self.checkpoints.last().map_or(0, |(played, _)| *played);
        if self.played >= newest + apart {
            self.checkpoints.push((self.played, self.model.clone()));
        }
        let now = Now { at: *at, rate: self.recording.header.rate };
        update(&mut self.model, now, msg.clone());
        if !self.tells_drawn && self.model.screen.dialog.as_mut().is_some_and(Dialog::awaits_drawing) {
            update(&mut self.model, now, Msg::Drawn);
        }
        self.played += 1;
        true
    }

    /// Goes to the state after so many messages, or to the last one.
    pub fn seek(&mut self, played: usize) {
        if played < self.played {
            let checkpoint = self.checkpoints.iter().rfind(|(at, _)| *at <= played);
            (self.played, self.model) = match checkpoint {
                Some((at, model)) => (*at, model.clone()),
                None => (0, self.recording.header.model()),
            };
        }
        while self.played < played && self.step() {}
    }

    /// The screen as the session showed it, in the size that its terminal had.
    pub fn screen(&self) -> Buffer {
        view::render(&self.model, &self.recording.header.theme, self.model.screen.size)
    }
}

/// A screen as text, a line a row.
pub fn text(screen: &Buffer) -> String {
    let mut text = String::new();
    let Rect { width, height, .. } = screen.area;
    for y in 0..height {
        let (mut line, mut x) = (String::new(), 0);
        while x < width {
            let symbol = screen.cell((x, y)).map_or(" ", |cell| cell.symbol());
            line.push_str(symbol);
            // A wide character takes the cell behind it too.
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
