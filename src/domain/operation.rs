//! The execution of a plan, as the executor reports it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::{Call, Intent, Plan, Receipt};
use crate::domain::rollback::goal::Goal;

/// The id of an operation. A report with an old id is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId(pub u64);

/// A report from the executor. `step` counts from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "progress")]
pub enum Progress {
    /// A step waits: for a condition before its call, or for a state to be read back after it.
    Waiting {
        /// The step's index.
        step: usize,
        /// The missing condition, in words.
        what: String,
    },
    /// The step's call is on the wire.
    Sent {
        /// The step's index.
        step: usize,
    },
    /// AWS accepted the call. The step is not done: nothing has been read back.
    Answered {
        /// The step's index.
        step: usize,
        /// AWS's response.
        receipt: Receipt,
    },
    /// No response came, or one that leaves the effect open. The call is never sent again; the state is read back.
    Unknown {
        /// The step's index.
        step: usize,
        /// The failure of the call.
        fault: Fault,
    },
    /// The expected state has been read back.
    Verified {
        /// The step's index.
        step: usize,
    },
    /// The operation is over.
    Ended(OperationOutcome),
}

/// The outcome of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum OperationOutcome {
    /// Every step was read back.
    Done,
    /// AWS refused a call, or the state had changed since the operator saw it: nothing more was sent.
    Refused {
        /// The index of the step.
        step: usize,
        /// The refusal.
        fault: Fault,
    },
    /// A condition that a step waited for did not come, or cannot come any more.
    Failed {
        /// The index of the step.
        step: usize,
        /// The reason, in words.
        reason: String,
    },
    /// A write got no response and could not be read back in time.
    Unknown {
        /// The index of the step.
        step: usize,
        /// The failure of the call.
        fault: Fault,
    },
    /// The operation was cancelled before its end: the operator's next operation took its place, or its time was over.
    Superseded,
}

impl OperationOutcome {
    /// Returns true if every step was read back.
    pub(crate) fn is_done(&self) -> bool {
        *self == Self::Done
    }

    /// The outcome in one line, for an operation with the title `title`; true if something is wrong.
    pub(crate) fn describe(&self, title: &str) -> (String, bool) {
        match self {
            Self::Done => (format!("done and read back: {title}"), false),
            Self::Superseded => (format!("no longer pursued: {title}"), false),
            // AWS's own message for a hook that was already answered is long and says less. The advice must fit the
            // line.
            Self::Refused { step, fault }
                if fault.kind == FaultKind::Changed && fault.operation == "ContinueServiceDeployment" =>
            {
                (format!("not done at step {}: {} {}", step + 1, fault.advice, fault.headline()), true)
            }
            Self::Refused { step, fault } => {
                (format!("not done, {} at step {}: {fault}", fault.kind.word(), step + 1), true)
            }
            Self::Failed { step, reason } => (format!("step {} failed: {reason}", step + 1), true),
            Self::Unknown { step, fault } => (format!("step {}: outcome unknown. {fault}", step + 1), true),
        }
    }
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Waiting for the condition that the text names.
    Waiting(String),
    /// On the wire since the time.
    Sent(Timestamp),
    /// Accepted by AWS, not yet read back.
    Answered(Timestamp, Receipt),
    /// Sent, with an unknown effect; being read back.
    Unknown(Timestamp, Fault),
    /// Read back at the time.
    Verified(Timestamp),
    /// Begun, but not read back when the operation ended.
    Stopped,
}

/// An operation: in flight until it has an outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The operation's id.
    pub id: OperationId,
    /// The plan that is executed.
    pub plan: Plan,
    /// Time of the operator's key press.
    pub asked: Timestamp,
    /// The state of each step of the plan.
    pub steps: Vec<StepState>,
    /// The time and the outcome; `None`: in flight.
    pub outcome: Option<(Timestamp, OperationOutcome)>,
    /// The goal that the operator confirmed; only for a rollback.
    pub goal: Option<Goal>,
}

impl Operation {
    /// An operation that has just been ordered.
    pub fn new(id: OperationId, plan: Plan, asked: Timestamp) -> Self {
        let steps = plan.steps.iter().map(|_| StepState::Pending).collect();
        Self { id, plan, asked, steps, outcome: None, goal: None }
    }

    /// Returns true if the operation has no outcome yet.
    pub fn in_flight(&self) -> bool {
        self.outcome.is_none()
    }

    /// Number of steps that have been read back.
    pub fn verified(&self) -> usize {
        self.steps.iter().filter(|state| matches!(state, StepState::Verified(_))).count()
    }

    /// Returns true if a call was sent that moves users, or lets ECS move them.
    pub fn moved_users(&self) -> bool {
        let states = self.plan.steps.iter().zip(&self.steps);
        let moves = |call: &Call| matches!(call, Call::SetWeights { .. } | Call::AnswerPause { .. });
        let mut sent = states.filter(|(_, state)| !matches!(state, StepState::Pending | StepState::Waiting(_)));
        sent.any(|(step, _)| step.call.as_ref().is_some_and(moves))
    }

    /// Returns true if the operation is in flight with a call that is on the wire or not read back.
    pub fn awaits_answer(&self) -> bool {
        let awaited =
            |state: &StepState| matches!(state, StepState::Sent(_) | StepState::Answered(..) | StepState::Unknown(..));
        self.in_flight() && self.steps.iter().any(awaited)
    }

    /// The calls that may have been sent and were not read back. In flight: all calls up to the step at work, whose
    /// call may go out at any moment. Afterwards: the call whose outcome is unknown.
    pub fn unproven(&self) -> Vec<&Call> {
        let begun = self.steps.iter().rposition(|state| *state != StepState::Pending).unwrap_or(0);
        let begun = begun + usize::from(matches!(self.steps.get(begun), Some(StepState::Verified(_))));
        let unproven = |index: usize, state: &StepState| match &self.outcome {
            None => index <= begun && !matches!(state, StepState::Verified(_)),
            Some((_, OperationOutcome::Unknown { step, .. })) => index == *step,
            Some(_) => false,
        };
        let states = self.plan.steps.iter().zip(&self.steps).enumerate();
        states
            .filter(|(index, (_, state))| unproven(*index, state))
            .filter_map(|(_, (step, _))| step.call.as_ref())
            .collect()
    }

    /// Returns true if both are rollbacks to the same revision. An `intent` that names no revision agrees with any
    /// rollback.
    pub fn leads_to(&self, intent: &Intent) -> bool {
        match (&self.plan.intent, intent) {
            (Intent::Rollback { .. }, Intent::Rollback { to: None, .. }) => true,
            (Intent::Rollback { to: own, .. }, Intent::Rollback { to: Some(to), .. }) => {
                own.as_ref().or(self.goal.as_ref().and_then(|goal| goal.to.as_ref())) == Some(to)
            }
            _ => false,
        }
    }

    /// Takes in a report.
    pub fn report(&mut self, at: Timestamp, progress: Progress) {
        let (step, state) = match progress {
            Progress::Waiting { step, what } => {
                // A call on the wire is shown as such until its response.
                match self.steps.get(step) {
                    Some(StepState::Pending | StepState::Waiting(_)) => (step, StepState::Waiting(what)),
                    _ => return,
                }
            }
            Progress::Sent { step } => (step, StepState::Sent(at)),
            Progress::Answered { step, receipt } => (step, StepState::Answered(at, receipt)),
            Progress::Unknown { step, fault } => (step, StepState::Unknown(at, fault)),
            Progress::Verified { step } => (step, StepState::Verified(at)),
            Progress::Ended(outcome) => {
                for state in &mut self.steps {
                    if !matches!(state, StepState::Verified(_) | StepState::Pending) {
                        *state = StepState::Stopped;
                    }
                }
                self.outcome = Some((at, outcome));
                return;
            }
        };
        if let Some(slot) = self.steps.get_mut(step) {
            *slot = state;
        }
    }

    /// Time from the key press to the first write that was read back, on AWS's clock.
    pub fn key_to_read_back(&self) -> Option<SignedDuration> {
        let first = self.plan.steps.iter().position(|step| step.call.is_some())?;
        match self.steps.get(first) {
            Some(StepState::Verified(at)) => Some(at.duration_since(self.asked)),
            _ => None,
        }
    }
}
