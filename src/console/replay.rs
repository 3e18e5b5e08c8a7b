//! Plays a recording on the core. Effects are dropped: nothing is read from or written to AWS.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dialogs::Dialog;
use super::message::{Msg, Now};
use super::recording::{Entry, Recording};
use super::state::Model;
use super::update;
use super::view;

/// Number of states kept along the way, so that seeking back does not restart from the beginning.
const CHECKPOINTS: usize = 32;

/// A recording, played up to a message.
pub struct Replay {
    recording: Recording,
    model: Model,
    played: usize,
    /// True if the recording says when each dialog was drawn; otherwise a dialog counts as drawn when it opens.
    tells_drawn: bool,
    /// States by the number of messages played before them, in ascending order.
    checkpoints: Vec<(usize, Model)>,
}

impl Replay {
    /// Creates a replay at the start of a recording.
    pub fn new(recording: Recording) -> Self {
        let model = recording.header.model();
        let tells_drawn = recording.entries.iter().any(|entry| entry.msg == Msg::Drawn);
        Self { recording, model, played: 0, tells_drawn, checkpoints: Vec::new() }
    }

    /// The number of messages played.
    pub fn played(&self) -> usize {
        self.played
    }

    /// The number of messages in the recording.
    pub fn len(&self) -> usize {
        self.recording.entries.len()
    }

    /// Returns true if the recording has no messages.
    pub fn is_empty(&self) -> bool {
        self.recording.entries.is_empty()
    }

    /// The state after the last message played.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Operator time between the last message played and the next one; `None` at the end.
    pub fn until_next(&self) -> Option<std::time::Duration> {
        let next = self.recording.entries.get(self.played)?.at;
        let last = self.played.checked_sub(1).and_then(|last| self.recording.entries.get(last));
        let last = last.map_or(self.recording.header.at, |entry| entry.at);
        let span = self.recording.header.rate.operator_time(next.duration_since(last));
        Some(span.max(jiff::SignedDuration::ZERO).unsigned_abs())
    }

    /// Plays the next message. Returns false at the end.
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

    /// Goes to the state after this number of messages, or to the last state.
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

    /// The screen of the session, at the size of its terminal.
    pub fn screen(&self) -> Buffer {
        view::render(&self.model, &self.recording.header.theme, self.model.screen.size)
    }
}

/// A screen as text, one line for each row.
pub fn text(screen: &Buffer) -> String {
    let mut text = String::new();
    let Rect { width, height, .. } = screen.area;
    for y in 0..height {
        let (mut line, mut x) = (String::new(), 0);
        while x < width {
            let symbol = screen.cell((x, y)).map_or(" ", |cell| cell.symbol());
            line.push_str(symbol);
            // A wide character also takes the next cell.
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap_or(1).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
