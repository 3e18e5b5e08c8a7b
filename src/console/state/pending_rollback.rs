//! A rollback that was ordered here and did not happen. The rollback stays pending until it is done or an operator
//! waives it. While AWS does not answer, the rollback is armed: the console sends it again as soon as AWS answers.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::clock_rate::ClockRate;
use crate::domain::confirm;
use crate::domain::confirm::{Confirmation, Surface};
use crate::domain::fault::{Applied, FaultKind};
use crate::domain::operation::{OperationId, OperationOutcome};
use crate::domain::plan::{Call, Plan};
use crate::domain::release::Release;
use crate::domain::rollback::goal::Goal;
use crate::domain::settings::Settings;

/// The pause before the second automatic attempt, in the operator's time; each further attempt doubles the pause. The
/// first attempt is not delayed.
const SECOND_ATTEMPT: Duration = Duration::from_secs(5);

/// The longest pause between two automatic attempts, in the operator's time.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A rollback that did not happen yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingRollback {
    /// Time of the operator's order.
    pub ordered: Timestamp,
    /// The newest plan of the rollback.
    pub plan: Plan,
    /// The goal that the operator confirmed.
    pub goal: Goal,
    /// The reason why the rollback did not happen, in a few words.
    pub why: String,
    /// Number of failed attempts.
    pub failed: u32,
    /// The console's present handling of the rollback.
    pub stage: Stage,
}

/// The console's handling of a pending rollback.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// An attempt has not ended yet.
    Sending(OperationId),
    /// AWS did not answer. The next attempt follows an answer to a query that was sent after this time.
    Armed {
        /// End of the last attempt.
        since: Timestamp,
        /// The earliest time of the next attempt.
        next: Timestamp,
    },
    /// AWS refused the rollback, or an awaited condition did not come: an operator decides.
    Stopped {
        /// End of the last attempt.
        since: Timestamp,
    },
    /// AWS answers again, but the rollback would now do something else: `R` asks.
    Changed {
        /// End of the last attempt.
        since: Timestamp,
        /// The title of the plan that `R` would ask about.
        title: String,
    },
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The goal was read back.
    Done,
    /// Another operation superseded the attempt.
    Superseded,
    /// AWS did not answer, or the answer leaves the outcome unknown.
    Unanswered(String),
    /// AWS refused the rollback, or its goal was not reached in time.
    Refused(String),
}

impl Ending {
    /// Classifies an outcome. `answers`: true if AWS answers the essential reads.
    pub fn of(outcome: &OperationOutcome, answers: bool) -> Self {
        match outcome {
            OperationOutcome::Done => Self::Done,
            OperationOutcome::Superseded => Self::Superseded,
            OperationOutcome::Unknown { fault, .. } => Self::Unanswered(in_words(&fault.operation, fault.kind)),
            OperationOutcome::Refused { fault, .. } => {
                let away = matches!(fault.kind, FaultKind::Unreachable | FaultKind::Expired | FaultKind::NoCredentials);
                let why = in_words(&fault.operation, fault.kind);
                if away || fault.applied() == Applied::Unknown { Self::Unanswered(why) } else { Self::Refused(why) }
            }
            OperationOutcome::Failed { reason, .. } if answers => Self::Refused(reason.clone()),
            OperationOutcome::Failed { reason, .. } => Self::Unanswered(reason.clone()),
        }
    }
}

/// A failed call in a few words.
pub fn in_words(operation: &str, kind: FaultKind) -> String {
    format!("{operation}: {}", kind.word())
}

/// The rollback as it would be planned now.
#[derive(Debug, Clone, PartialEq)]
pub enum Replanned {
    /// The rollback's goal is reached.
    Reached,
    /// The rollback has this plan and goal.
    Plan(Box<Plan>, Goal),
    /// There is no plan for the rollback now.
    Refused,
}

/// An event in the life of a pending rollback.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An attempt began.
    Sent(OperationId),
    /// An attempt ended.
    Ended {
        /// Time of the end.
        at: Timestamp,
        /// The ending.
        ending: Ending,
        /// Rate of AWS's clock.
        rate: ClockRate,
    },
    /// Every essential source has an answer to a query that was sent at `read` or later.
    Read {
        /// The time now.
        now: Timestamp,
        /// Query time of the oldest of these answers.
        read: Timestamp,
        /// The rollback as it would be planned now.
        replanned: Replanned,
    },
}

/// The consequence of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The rollback stays pending, as it stands.
    Stay,
    /// The plan is to be sent.
    Send(Box<Plan>),
    /// The rollback is done: nothing is pending any more.
    Done,
}

impl PendingRollback {
    /// Applies an event and returns the consequence.
    pub fn advance(&mut self, event: Event) -> Next {
        match (event, &self.stage) {
            (Event::Sent(id), _) => {
                self.stage = Stage::Sending(id);
                Next::Stay
            }
            (Event::Ended { ending: Ending::Done, .. }, _) => Next::Done,
            (Event::Ended { ending: Ending::Superseded, .. }, _) => Next::Stay,
            (Event::Ended { at, ending: Ending::Unanswered(why), rate }, _) => {
                self.failed += 1;
                let next = at + rate.aws_time(pause_before(self.failed));
                (self.why, self.stage) = (why, Stage::Armed { since: at, next });
                Next::Stay
            }
            (Event::Ended { at, ending: Ending::Refused(why), .. }, _) => {
                self.failed += 1;
                (self.why, self.stage) = (why, Stage::Stopped { since: at });
                Next::Stay
            }
            (Event::Read { now, read, replanned }, _) => self.read(now, read, replanned),
        }
    }

    fn read(&mut self, now: Timestamp, read: Timestamp, replanned: Replanned) -> Next {
        let since = match self.stage {
            Stage::Sending(_) => return Next::Stay,
            Stage::Armed { since, .. } | Stage::Stopped { since } | Stage::Changed { since, .. } => since,
        };
        match (replanned, &self.stage) {
            // An answer to an earlier query shows nothing of the last attempt's effect.
            _ if read < since => Next::Stay,
            (Replanned::Reached, _) => Next::Done,
            (Replanned::Plan(plan, goal), Stage::Armed { next, .. }) if self.goal.allows(&goal) => {
                if now < *next {
                    Next::Stay
                } else {
                    Next::Send(plan)
                }
            }
            (Replanned::Plan(plan, _), Stage::Armed { .. } | Stage::Changed { .. }) => {
                self.stage = Stage::Changed { since, title: plan.title };
                Next::Stay
            }
            (Replanned::Plan(..) | Replanned::Refused, _) => Next::Stay,
        }
    }

    /// Returns true if `R` may send a plan with this goal without asking again.
    pub fn confirms(&self, goal: &Goal) -> bool {
        !matches!(self.stage, Stage::Changed { .. }) && self.goal.allows(goal)
    }

    /// Returns true if the console sends the rollback by itself.
    pub fn is_armed(&self) -> bool {
        matches!(self.stage, Stage::Armed { .. })
    }

    /// Returns true if an attempt is under way that only changes numbers of tasks: an earlier one moved the users.
    pub fn only_scales(&self) -> bool {
        let scales = |call: &Call| matches!(call, Call::UpdateService { task_definition: None, .. });
        self.is_sending() && self.failed > 0 && self.plan.calls().all(scales)
    }

    /// Returns true if an attempt has not ended yet.
    pub fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Sending(_))
    }
}

/// Returns the confirmation that a rollback needs. While a rollback is pending: none if its goal was confirmed before,
/// a yes if the release changed since.
pub fn confirmation(
    pending: Option<&PendingRollback>,
    settings: &Settings,
    release: &Release,
    plan: &Plan,
    surface: Surface,
) -> Confirmation {
    match pending {
        Some(pending) if surface != Surface::Chosen && pending.confirms(&Goal::of(plan, release)) => Confirmation::None,
        Some(_) => confirm::required(settings, release, plan, Surface::Chosen),
        None => confirm::required(settings, release, plan, surface),
    }
}

/// Returns the pause after this number of failed attempts, in the operator's time.
fn pause_before(failed: u32) -> Duration {
    match failed {
        0 | 1 => Duration::ZERO,
        more => SECOND_ATTEMPT.saturating_mul(1 << (more - 2).min(5)).min(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests;
