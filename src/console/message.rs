//! Messages into the core, and the effects that the core returns.

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
    /// Time on AWS's clock.
    pub at: Timestamp,
    /// Rate of AWS's clock.
    pub rate: ClockRate,
}

impl Now {
    /// A time on the clock of AWS itself, which is the operator's clock too.
    pub fn new(at: Timestamp) -> Self {
        Self { at, rate: ClockRate::default() }
    }

    /// Returns the operator's time that has passed since `then`.
    pub fn since(&self, then: Timestamp) -> SignedDuration {
        self.rate.operator_time(self.at.duration_since(then).max(SignedDuration::ZERO))
    }
}

/// One event for the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Msg {
    /// A key was pressed by hand. An acting key is never a repeat, and never part of a paste or a burst.
    Key(Key),
    /// Text was pasted, or came in a burst of keys. Such text is never a command, wherever it lands.
    Paste(String),
    /// The terminal has a new size: columns, rows.
    Resized(u16, u16),
    /// The terminal came to the front, or left it.
    Focus(bool),
    /// A dialog was drawn for the first time.
    Drawn,
    /// Time passed.
    Tick,
    /// The program was stopped and continues: everything on the screen is old.
    Resumed,
    /// A query ended with an answer or a fault.
    Read {
        /// Time of the query.
        asked: Timestamp,
        /// The query.
        query: Query,
        /// The answer, or the fault.
        answer: Result<Answer, Fault>,
    },
    /// An operation made a query of its own.
    Overheard {
        /// Time of the query.
        asked: Timestamp,
        /// The query.
        query: Query,
        /// The answer.
        answer: Answer,
    },
    /// An operation made progress.
    Progress {
        /// The operation.
        operation: OperationId,
        /// The progress.
        progress: Progress,
    },
    /// The audit's history of this account and region was read.
    Recalled(History),
    /// Something outside the core went wrong, and the operator should know.
    Trouble(String),
}

/// The order for an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// True if automatic promotion ordered the operation; false: an operator did, by a key.
    pub automatic: bool,
    /// The operator's typed reason, or the console's grounds.
    pub why: Option<String>,
}

/// One action outside the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Query AWS.
    Read(Query),
    /// Read the audit's history of an account and region.
    Recall(Location),
    /// Carry out a plan.
    Execute {
        /// The operation's number, under which progress is reported.
        operation: OperationId,
        /// The plan.
        plan: Box<Plan>,
        /// The order, with its reason.
        order: Order,
    },
    /// Write to the audit that the operator gave up a rollback that had not happened.
    Waive {
        /// The rollback's newest plan.
        plan: Box<Plan>,
        /// Time of the order, and the reason why the rollback had not happened.
        note: String,
    },
    /// Send no further call of an operation. A call on the wire stays there.
    Cancel(OperationId),
    /// Put text on the operator's clipboard.
    Copy(String),
    /// Give the terminal to the shell.
    Suspend,
    /// End the program.
    Quit,
}
