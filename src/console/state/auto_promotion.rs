//! Automatic promotion of a release: what it waits for, and the countdown before each act.

use jiff::{SignedDuration, Timestamp};

use super::external_changes::World;
use crate::console::message::Now;
use crate::domain::operation::OperationId;

/// AutoPromotion stepping of one release, while it is on.
#[derive(Debug, Clone)]
pub struct AutoPromotion {
    /// When it was switched on.
    pub since: Timestamp,
    /// What it waits for, in words.
    pub says: String,
    /// What is about to be done.
    pub countdown: Option<Countdown>,
    /// Since when the verdict has been FAIL, on fresh numbers all the time.
    pub(crate) failing_since: Option<Timestamp>,
    /// The world as this console left it.
    pub(crate) left: World,
    /// The operation of this console that is in flight.
    pub(crate) watched: Option<OperationId>,
    /// The one that was ordered by itself.
    pub(crate) own: Option<OperationId>,
    /// The one of those that was broken off, because what spoke for it was gone.
    pub(crate) withdrawn: Option<OperationId>,
}

/// The time in which a key can stop what is about to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Countdown {
    /// What will be done: the plan's own title.
    pub title: String,
    /// When it began.
    pub(crate) began: Timestamp,
    /// How long it is, in the operator's time.
    pub(crate) length: SignedDuration,
    /// Whether it is a way back.
    pub(crate) back: bool,
}

/// Why it was switched off, when that was not asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Off {
    /// When.
    pub at: Timestamp,
    /// Why, one sentence.
    pub why: String,
    /// Whether somebody should look; else it is where it should be.
    pub wrong: bool,
}

impl AutoPromotion {
    /// Waits, and counts nothing down.
    pub(crate) fn hold(&mut self, says: String) {
        (self.says, self.countdown) = (says, None);
    }
}

impl Countdown {
    /// What is left of it, as the operator lives it.
    pub fn left(&self, now: &Now) -> SignedDuration {
        self.length.saturating_sub(now.since(self.began)).max(SignedDuration::ZERO)
    }
}
