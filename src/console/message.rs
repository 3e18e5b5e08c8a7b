//! What comes into the core, and what it asks to be done.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::keymap::Key;
use crate::domain::clock_rate::ClockRate;
use crate::domain::ecs::names::Location;
use crate::domain::fault::Fault;
use crate::domain::history::History;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::operation::{OperationId, Progress};
use crate::domain::plan::Plan;

/// The time as it enters the core: a stamp on each message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// On AWS's clock.
    pub at: Timestamp,
    /// How fast that clock runs.
    pub rate: ClockRate,
}

impl Now {
    /// A time of AWS itself, whose clock is the operator's too.
    pub fn new(at: Timestamp) -> Self {
        Self { at, rate: ClockRate::default() }
    }

    /// The operator's time that has passed since `then`.
    pub fn since(&self, then: Timestamp) -> SignedDuration {
        self.rate.operator_time(self.at.duration_since(then).max(SignedDuration::ZERO))
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Msg {
    /// A key was pressed by a hand; an acting one never as a repeat, and never in a paste or a burst.
    Key(Key),
    /// Text was pasted, or came in a burst of keys. It is text, wherever it lands, and never a command.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resized(u16, u16),
    /// The terminal came to the front, or left it.
    Focus(bool),
    /// A question was drawn for the first time.
    Drawn,
    /// Time passed.
    Tick,
    /// The program was stopped and goes on: all that is on screen is old.
    Resumed,
    /// A question was answered, or not.
    Read {
        /// When it was asked.
        asked: Timestamp,
        /// The question.
        query: Query,
        /// The answer.
        answer: Result<Answer, Fault>,
    },
    /// An operation read something for itself.
    Overheard {
        /// When it was asked.
        asked: Timestamp,
        /// The question.
        query: Query,
        /// The answer.
        answer: Answer,
    },
    /// An operation went on.
    Progress {
        /// Which.
        operation: OperationId,
        /// How.
        progress: Progress,
    },
    /// What the audit remembers of this account and region.
    Recalled(History),
    /// Something outside the core went wrong that the operator should know of.
    Trouble(String),
}

/// How an operation came to be ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whether the console did it by itself, having been told to; else it was a key.
    pub automatic: bool,
    /// What the operator typed, or what the console went by.
    pub why: Option<String>,
}

/// One thing to do, outside the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Ask AWS.
    Read(Query),
    /// Ask the audit what it remembers of an account and region.
    Recall(Location),
    /// Carry out a plan.
    Execute {
        /// Whose progress is reported under this number.
        operation: OperationId,
        /// The plan.
        plan: Box<Plan>,
        /// Who ordered it, and why.
        order: Order,
    },
    /// Send nothing more of an operation. What is on the wire stays there.
    Cancel(OperationId),
    /// Put text on the operator's clipboard.
    Copy(String),
    /// Let the shell have the terminal.
    Suspend,
    /// End the program.
    Quit,
}
