//! Automatic promotion of a release: its present wait, and the countdown before each act.

use jiff::{SignedDuration, Timestamp};

use super::external_changes::World;
use crate::console::message::Now;
use crate::domain::operation::OperationId;

/// Automatic promotion of one release, while it is on.
#[derive(Debug, Clone)]
pub struct AutoPromotion {
    /// Time at which automatic promotion was switched on.
    pub since: Timestamp,
    /// The awaited condition, in words.
    pub says: String,
    /// The countdown to the next act.
    pub countdown: Option<Countdown>,
    /// Start of the present FAIL verdict, on fresh numbers all the time.
    pub(crate) failing_since: Option<Timestamp>,
    /// The release as this console left it, to detect other operators' changes.
    pub(crate) left: World,
    /// The operation of this console that is in flight.
    pub(crate) watched: Option<OperationId>,
    /// The operation that automatic promotion ordered.
    pub(crate) own: Option<OperationId>,
    /// The operation of automatic promotion that was cancelled, because its grounds were gone.
    pub(crate) withdrawn: Option<OperationId>,
}

/// The time in which a key can stop the next automatic act.
#[derive(Debug, Clone, PartialEq)]
pub struct Countdown {
    /// The title of the plan that will be carried out.
    pub title: String,
    /// Start of the countdown.
    pub(crate) began: Timestamp,
    /// Length of the countdown, in the operator's time.
    pub(crate) length: SignedDuration,
    /// True if the act is a rollback.
    pub(crate) back: bool,
}

/// A switch-off of automatic promotion that no operator requested.
#[derive(Debug, Clone, PartialEq)]
pub struct Off {
    /// Time of the switch-off.
    pub at: Timestamp,
    /// The reason, in one sentence.
    pub why: String,
    /// True if an operator should look; false: the release is where it should be.
    pub wrong: bool,
}

impl AutoPromotion {
    /// Waits, without a countdown.
    pub(crate) fn hold(&mut self, says: String) {
        (self.says, self.countdown) = (says, None);
    }
}

impl Countdown {
    /// Returns the time that is left, on the operator's clock.
    pub fn left(&self, now: &Now) -> SignedDuration {
        self.length.saturating_sub(now.since(self.began)).max(SignedDuration::ZERO)
    }
}
