//! A recorded session: a header and the messages that entered the core, one JSON line each, without secrets.

use std::hash::BuildHasher;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::links::Shell;
use super::message::{Msg, Now};
use super::state::Model;
use super::view::Theme;
use crate::domain::clock_rate::ClockRate;
use crate::domain::ecs::names::Location;
use crate::domain::ecs::task_definition::hide;
use crate::domain::metrics::Percentile;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::settings::Settings;

/// The `schema` of the first line.
pub const SCHEMA: &str = "tidegate.recording/1";

/// The first line: the initial state of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of tidegate that made the recording.
    pub version: String,
    /// Start of the session, on AWS's clock.
    pub at: Timestamp,
    /// The rate of AWS's clock.
    pub rate: ClockRate,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The terminal's colours and characters.
    pub theme: Theme,
    /// The environment on the screen.
    pub location: Location,
    /// The percentile of latency that was shown first.
    pub percentile: Percentile,
    /// The settings of planner and verdict.
    pub settings: Settings,
    /// The words for the operator's shell.
    pub shell: Shell,
}

impl Header {
    /// The header of a session that begins with `model`.
    pub fn of(model: &Model, theme: &Theme) -> Self {
        let mut shell = model.shell.clone();
        // A URL may contain a name and a password.
        shell.endpoint = shell.endpoint.filter(|endpoint| !endpoint.contains('@'));
        Self {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: model.observed.now.at,
            rate: model.observed.now.rate,
            size: model.screen.size,
            theme: *theme,
            location: model.observed.place.clone(),
            percentile: model.screen.release.percentile,
            settings: model.observed.settings.clone(),
            shell,
        }
    }

    /// The initial state of the session.
    pub fn model(&self) -> Model {
        let now = Now { at: self.at, rate: self.rate };
        let mut model = Model::new(self.settings.clone(), self.location.clone(), now, self.size);
        model.screen.release.percentile = self.percentile;
        model.shell = self.shell.clone();
        model
    }
}

/// A line after the first: a message and its stamp.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Time at which the message entered the core, on AWS's clock.
    pub at: Timestamp,
    /// The message.
    pub msg: Msg,
}

impl Entry {
    /// An entry without the content that a recording must not hold: values of a revealed task definition, texts of log
    /// lines, and pasted text that no text field accepted.
    pub fn redacted(at: Timestamp, mut msg: Msg, taken_as_text: bool, digest: &impl BuildHasher) -> Self {
        match &mut msg {
            Msg::Read {
                query: Query::Definition { reveal: true, .. },
                answer: Ok(Answer::Definition(definition)),
                ..
            } => {
                hide(&mut definition.json, &|text| digest.hash_one(text));
            }
            Msg::Read { answer: Ok(Answer::Logs(page)), .. } => {
                page.lines.iter_mut().for_each(|line| line.text = masked(&line.text));
            }
            Msg::Paste(text) if !taken_as_text => *text = masked(text),
            _ => {}
        }
        Self { at, msg }
    }
}

/// The shape of a text: `x` for each letter and digit.
fn masked(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { 'x' } else { c }).collect()
}

/// A whole session.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The header.
    pub header: Header,
    /// The messages, in order.
    pub entries: Vec<Entry>,
}

/// The reason why a text is not a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The first line is not a header of a recording.
    #[error("line 1: not a recording of tidegate ({0})")]
    Foreign(String),
    /// The header has a format unknown to this version.
    #[error("line 1: the recording is {0}; this version plays {SCHEMA}")]
    OtherSchema(String),
    /// The last line is incomplete.
    #[error("line {line}: the recording is cut off here")]
    CutOff {
        /// Line number, from 1.
        line: usize,
    },
    /// A line is not a message.
    #[error("line {line}: not a message of a recording, {error}")]
    NoMessage {
        /// Line number, from 1.
        line: usize,
        /// The parser's reason.
        error: String,
    },
}

impl Recording {
    /// Parses a complete recording.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Schema {
            schema: String,
        }
        let mut lines = text.split_inclusive('\n').enumerate();
        let (_, first) = lines.next().ok_or_else(|| Unreadable::Foreign("the file is empty".to_owned()))?;
        let foreign = |error: serde_json::Error| Unreadable::Foreign(without_place(&error));
        let Schema { schema } = serde_json::from_str(first).map_err(foreign)?;
        if schema != SCHEMA {
            return Err(Unreadable::OtherSchema(schema));
        }
        let header = serde_json::from_str(first).map_err(foreign)?;
        let entry = |(at, text): (usize, &str)| {
            let line = at + 1;
            if !text.ends_with('\n') {
                return Err(Unreadable::CutOff { line });
            }
            serde_json::from_str(text).map_err(|error| Unreadable::NoMessage { line, error: without_place(&error) })
        };
        Ok(Self { header, entries: lines.map(entry).collect::<Result<_, _>>()? })
    }
}

/// The error's text without its position: the parser counts lines within the one line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line 1 column ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
