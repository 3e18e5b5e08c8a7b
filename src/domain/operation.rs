//! A plan being carried out, as it is reported.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::{Call, Intent, Plan, Receipt};
use crate::domain::rollback::goal::Goal;

/// Tells operations apart; a stale report is ignored by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId(pub u64);

/// A report from the executor. `step` counts from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "progress")]
pub enum Progress {
    /// A step waits: for what must hold before its call, or for what must be read back.
    Waiting {
        /// Which step.
        step: usize,
        /// What is missing, in words.
        what: String,
    },
    /// The step's call is on the wire.
    Sent {
        /// Which step.
        step: usize,
    },
    /// AWS took it. Not done: nothing has been read back.
    Answered {
        /// Which step.
        step: usize,
        /// AWS's answer.
        receipt: Receipt,
    },
    /// No answer came, or one that leaves it open. It is read back, never sent again.
    Unknown {
        /// Which step.
        step: usize,
        /// What happened.
        fault: Fault,
    },
    /// What was expected has been observed.
    Verified {
        /// Which step.
        step: usize,
    },
    /// The operation is over.
    Ended(OperationOutcome),
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum OperationOutcome {
    /// Every step was read back.
    Done,
    /// AWS refused a call, or what was seen had changed: nothing more was sent.
    Refused {
        /// At which step.
        step: usize,
        /// AWS's refusal.
        fault: Fault,
    },
    /// Something that was waited for did not come, or cannot come any more.
    Failed {
        /// At which step.
        step: usize,
        /// Why.
        reason: String,
    },
    /// A write was not answered and could not be read back in time.
    Unknown {
        /// At which step.
        step: usize,
        /// What happened.
        fault: Fault,
    },
    /// Another operation of the operator's took its place.
    Superseded,
}

impl OperationOutcome {
    /// Whether every step was read back.
    pub(crate) fn is_done(&self) -> bool {
        *self == Self::Done
    }

    /// The outcome of the operation of that title in a line, and whether something is wrong.
    pub(crate) fn describe(&self, title: &str) -> (String, bool) {
        match self {
            Self::Done => (format!("done and read back: {title}"), false),
            Self::Superseded => (format!("no longer pursued: {title}"), false),
            // AWS's own words for a spent hook are long and say less: what they come to must fit the line.
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

/// Where a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Waiting for this.
    Waiting(String),
    /// On the wire since then.
    Sent(Timestamp),
    /// Taken by AWS, not yet read back.
    Answered(Timestamp, Receipt),
    /// On the wire, unanswered; being read back.
    Unknown(Timestamp, Fault),
    /// Read back at that time.
    Verified(Timestamp),
    /// Did not come to its end.
    Stopped,
}

/// An operation: in flight until it has an outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What is carried out.
    pub plan: Plan,
    /// When the operator pressed the key.
    pub asked: Timestamp,
    /// A state for each step of the plan.
    pub steps: Vec<StepState>,
    /// How it ended, and when.
    pub outcome: Option<(Timestamp, OperationOutcome)>,
    /// Of a rollback: the goal that was confirmed.
    pub goal: Option<Goal>,
}

impl Operation {
    /// An operation that has just been ordered.
    pub fn new(id: OperationId, plan: Plan, asked: Timestamp) -> Self {
        let steps = plan.steps.iter().map(|_| StepState::Pending).collect();
        Self { id, plan, asked, steps, outcome: None, goal: None }
    }

    /// Whether it still runs.
    pub fn in_flight(&self) -> bool {
        self.outcome.is_none()
    }

    /// How many steps have been read back.
    pub fn verified(&self) -> usize {
        self.steps.iter().filter(|state| matches!(state, StepState::Verified(_))).count()
    }

    /// Whether a call of it was sent that moves users, or lets ECS move them.
    pub fn moved_users(&self) -> bool {
        let states = self.plan.steps.iter().zip(&self.steps);
        let moves = |call: &Call| matches!(call, Call::SetWeights { .. } | Call::AnswerPause { .. });
        let mut sent = states.filter(|(_, state)| !matches!(state, StepState::Pending | StepState::Waiting(_)));
        sent.any(|(step, _)| step.call.as_ref().is_some_and(moves))
    }

    /// Whether a call is on the wire, or not read back.
    pub fn awaits_answer(&self) -> bool {
        let awaited =
            |state: &StepState| matches!(state, StepState::Sent(_) | StepState::Answered(..) | StepState::Unknown(..));
        self.in_flight() && self.steps.iter().any(awaited)
    }

    /// The calls that may have been sent and were not read back: in flight up to the step that is at work, whose call may
    /// go out at any moment; afterwards the one whose outcome is unknown.
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

    /// Whether it is a rollback that leads where `intent` leads.
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
                // A call that is on the wire stays shown as such until it is answered.
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

    /// From the key to the first write that was read back, on AWS's clock.
    pub fn key_to_read_back(&self) -> Option<SignedDuration> {
        let first = self.plan.steps.iter().position(|step| step.call.is_some())?;
        match self.steps.get(first) {
            Some(StepState::Verified(at)) => Some(at.duration_since(self.asked)),
            _ => None,
        }
    }
}
