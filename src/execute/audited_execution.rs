//! Executes a plan and writes its audit, for the console and for the commands.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::audit::{Event, Journal, Line, Order, operation_id};
use super::executor::{Options, execute};
use crate::cloud::Cloud;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::operation::{OperationOutcome, Progress};
use crate::domain::plan::{Call, Plan};

/// The audit of an operation, and its order.
pub struct Audit<'a> {
    /// The file, or why it could not be opened.
    pub journal: Result<&'a Journal, &'a str>,
    /// Who ordered it, how and why.
    pub order: &'a Order,
    /// The plan that is carried out.
    pub plan: &'a Plan,
}

/// Executes a plan and writes its progress to the audit. A forward plan needs the audit: without one nothing is sent. A
/// rollback does not wait for the audit, nor for its disk.
pub async fn execute_audited(
    actor: &dyn Cloud,
    options: &Options,
    cancel: &CancellationToken,
    audit: &Audit<'_>,
    report: &mut (dyn FnMut(Progress) + Send),
) -> OperationOutcome {
    let plan = audit.plan;
    let mut trail = Trail {
        audit,
        plan,
        options,
        id: operation_id(options.clock.now()),
        ordered: options.clock.elapsed(),
        sent: None,
        unanswered: None,
    };
    if let Err(trouble) = trail.order().await
        && !plan.intent.is_rollback()
    {
        let mut fault = Fault::new(FaultKind::Refused, "audit", &*plan.release, trouble);
        "Nothing was sent. Make the file writable, or set TIDEGATE_STATE_DIR to a directory that is."
            .clone_into(&mut fault.advice);
        let outcome = OperationOutcome::Refused { step: 0, fault };
        report(Progress::Ended(outcome.clone()));
        return outcome;
    }
    execute(actor, plan, options, cancel, &mut |progress| {
        trail.note(&progress);
        report(progress);
    })
    .await
}

/// The lines of one operation.
struct Trail<'a> {
    audit: &'a Audit<'a>,
    plan: &'a Plan,
    options: &'a Options,
    id: String,
    ordered: Duration,
    /// When the present step's call was sent.
    sent: Option<Duration>,
    /// The step whose call has no answer yet.
    unanswered: Option<usize>,
}

impl<'a> Trail<'a> {
    fn line(&self, event: Event) -> Line<'_> {
        Line::new(self.options.clock.now(), &self.id, event, self.plan, self.audit.order)
    }

    async fn order(&self) -> Result<(), String> {
        let journal = self.audit.journal.map_err(str::to_owned)?;
        let written = journal.write(&self.line(Event::Ordered));
        if self.plan.intent.is_rollback() {
            return Ok(());
        }
        written.await.unwrap_or_else(|_| Err("the audit file's writer is gone".to_owned()))
    }

    fn call(&self, step: usize) -> Option<&'a Call> {
        self.plan.steps.get(step)?.call.as_ref()
    }

    fn since(&self, then: Duration) -> Option<u64> {
        u64::try_from(self.options.clock.elapsed().saturating_sub(then).as_millis()).ok()
    }

    fn note(&mut self, progress: &Progress) {
        let Ok(journal) = self.audit.journal else { return };
        match progress {
            Progress::Sent { step } => {
                (self.sent, self.unanswered) = (Some(self.options.clock.elapsed()), Some(*step));
            }
            Progress::Answered { .. } | Progress::Unknown { .. } => self.unanswered = None,
            _ => {}
        }
        let took_ms = self.sent.and_then(|sent| self.since(sent));
        let line = match progress {
            Progress::Waiting { .. } => return,
            Progress::Sent { step } => Line { step: Some(*step), call: self.call(*step), ..self.line(Event::Call) },
            Progress::Answered { step, receipt } => {
                Line { step: Some(*step), took_ms, ..self.line(Event::Answer).receipt(receipt) }
            }
            Progress::Unknown { step, fault } => {
                Line { step: Some(*step), fault: Some(fault), took_ms, ..self.line(Event::Unknown) }
            }
            Progress::Verified { step } => {
                let wrote_weights = matches!(self.call(*step), Some(Call::SetWeights { .. }));
                let after = self.plan.steps.get(*step).into_iter().flat_map(|step| &step.after);
                Line {
                    step: Some(*step),
                    took_ms: took_ms.filter(|_| self.call(*step).is_some()),
                    share: self.plan.share.filter(|_| wrote_weights),
                    read_back: after.map(|expect| expect.describe()).collect(),
                    ..self.line(Event::Verified)
                }
            }
            Progress::Ended(outcome) => {
                if let Some(step) = self.unanswered.filter(|_| *outcome == OperationOutcome::Superseded) {
                    let note = "no longer awaited: another order took its place";
                    // The journal's thread writes it; the rollback that took its place does not wait.
                    drop(journal.write(&Line { step: Some(step), note: Some(note), ..self.line(Event::Unknown) }));
                }
                let done = *outcome == OperationOutcome::Done;
                Line {
                    outcome: Some(outcome),
                    share: self.plan.share.filter(|_| done),
                    took_ms: self.since(self.ordered),
                    ..self.line(Event::Ended)
                }
            }
        };
        drop(journal.write(&line));
    }
}
