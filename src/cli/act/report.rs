//! A plan and its progress, in lines and in documents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::time_limit::TIME_LIMIT;
use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::cli::wording::COMMANDS;
use crate::clock::Clock;
use crate::domain::fault::Fault;
use crate::domain::operation::{Operation, OperationOutcome, Progress, StepState};
use crate::domain::plan::{Call, Context, Expect, Intent, Plan, Receipt, Refusal, Step};
use crate::domain::release::Release;

/// A plan as it is shown before anything is sent.
pub(in crate::cli) fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![plan.title.clone(), format!("in {}", plan.place)];
    for (index, step) in plan.steps.iter().enumerate() {
        lines.push(format!("  {}. {}", index + 1, step.title));
        let all = |expects: &[Expect]| expects.iter().map(Expect::describe).collect::<Vec<_>>().join(", ");
        if !step.before.is_empty() {
            lines.push(format!("       first    {}", all(&step.before)));
        }
        lines.extend(step.call.as_ref().map(|call| format!("       send     {}", call.describe())));
        if !step.after.is_empty() {
            lines.push(format!("       read     {}", all(&step.after)));
        }
    }
    if let Some(gate) = &plan.gate {
        lines.push(format!("  gate: the verdict is {}", gate.outcome.word()));
        lines.extend(gate.reasons.iter().map(|reason| format!("    - {reason}")));
    }
    lines.extend(plan.warnings.iter().map(|warning| format!("  warning: {}", warning.text(COMMANDS))));
    lines
}

/// `tidegate.plan/1` of a plan.
pub(in crate::cli) fn planned(plan: &Plan, blocked: &[String], now: Timestamp) -> Value {
    json!({
        "schema": "tidegate.plan/1",
        "at": now,
        "environment": plan.place.environment,
        "account": plan.place.account,
        "region": plan.place.region,
        "name": plan.release,
        "intent": plan.intent,
        "refused": null,
        "plan": plan,
        "calls": plan.calls().map(Call::describe).collect::<Vec<_>>(),
        "blocked": blocked,
    })
}

/// `tidegate.plan/1` where there is none.
pub(in crate::cli) fn refused(release: &Release, intent: &Intent, refusal: &Refusal, context: &Context<'_>) -> Value {
    json!({
        "schema": "tidegate.plan/1",
        "at": context.now,
        "environment": context.place.environment,
        "account": context.place.account,
        "region": context.place.region,
        "name": release.name,
        "intent": intent,
        "refused": {
            "reason": refusal.reason,
            "advice": refusal.remedy.text(COMMANDS),
            "remedy": refusal.remedy.word(),
        },
        "plan": null,
        "calls": [],
        "blocked": [],
    })
}

/// Writes down each move as it is made.
pub(super) struct Reporter<'a> {
    out: &'a mut Out,
    told: ExecutionReport,
}

/// An operation with what its reports said.
pub(super) struct ExecutionReport {
    /// Where it is.
    pub(super) operation: Operation,
    /// The steps whose writes went out.
    pub(super) sent: BTreeSet<usize>,
    /// From the order to the first write that was read back, as the operator lived it.
    pub(super) read_back: Option<SignedDuration>,
    /// Why the audit is not complete, where it is not.
    pub(super) audit_trouble: Option<String>,
    /// That the time limit was over, where it was.
    pub(super) timed_out: Option<String>,
    /// That ECS rolled back what was started, where it did.
    pub(super) rolled_back: Option<String>,
    /// AWS's answers, by step.
    answers: BTreeMap<usize, Receipt>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(out: &'a mut Out, operation: Operation) -> Self {
        Self {
            out,
            told: ExecutionReport {
                operation,
                sent: BTreeSet::new(),
                read_back: None,
                audit_trouble: None,
                timed_out: None,
                rolled_back: None,
                answers: BTreeMap::new(),
            },
        }
    }

    /// All that was reported.
    pub(super) fn told(self) -> ExecutionReport {
        self.told
    }

    /// Takes in a report. In JSON mode lines go beside the document.
    pub(super) fn report(&mut self, clock: &dyn Clock, progress: Progress) {
        if let Some(line) = self.line(&progress) {
            if self.out.json {
                self.out.remark(&line);
            } else if self.out.say(&line).is_err() {
                // Nobody can read it; what is under way goes on.
                self.out.remark(&line);
            }
        }
        match &progress {
            Progress::Sent { step } => {
                self.told.sent.insert(*step);
            }
            Progress::Answered { step, receipt } => {
                self.told.answers.insert(*step, receipt.clone());
            }
            _ => {}
        }
        self.told.operation.report(clock.now(), progress);
        self.told.read_back =
            self.told.operation.key_to_read_back().map(|took| clock.rate().operator_time(took)).or(self.told.read_back);
    }

    fn line(&self, progress: &Progress) -> Option<String> {
        let steps = &self.told.operation.plan.steps;
        let place = |index: &usize| format!("{}/{}", index + 1, steps.len());
        let step = |index: &usize| steps.get(*index);
        Some(match progress {
            Progress::Waiting { step, what } => format!("{} waiting: {what}", place(step)),
            Progress::Sent { step: index } => {
                format!("{} sent {}", place(index), step(index)?.call.as_ref()?.describe())
            }
            Progress::Answered { step, receipt } => {
                let request = receipt.request_id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default();
                format!("{} AWS answers: {}{request}", place(step), receipt.answer)
            }
            Progress::Unknown { step, fault } => {
                format!("{} OUTCOME UNKNOWN: {}; it is read back, not sent again", place(step), fault.headline())
            }
            Progress::Verified { step: index } => format!("{} read back: {}", place(index), read_back(step(index)?)),
            Progress::Ended(_) => return None,
        })
    }
}

fn read_back(step: &Step) -> String {
    if step.after.is_empty() {
        return step.title.clone();
    }
    step.after.iter().map(Expect::describe).collect::<Vec<_>>().join(", ")
}

/// How it ended, in lines.
pub(super) fn ending(told: &ExecutionReport, outcome: &OperationOutcome, left_to_aws: &[String]) -> Vec<String> {
    let operation = &told.operation;
    let plan = &operation.plan;
    let step = |index: &usize| {
        let title = plan.steps.get(*index).map_or("", |step| step.title.as_str());
        format!("step {} of {} ({title})", index + 1, plan.steps.len())
    };
    match outcome {
        OperationOutcome::Done => {
            let took = told
                .read_back
                .map(|took| format!("; first write read back after {:.2} s", took.as_secs_f64()))
                .unwrap_or_default();
            let mut lines = vec![format!("done: {}{took}", plan.title)];
            lines.extend(left_to_aws.iter().map(|what| format!("not waited for: {what} (--wait would)")));
            lines
        }
        OperationOutcome::Refused { step: index, fault } => {
            vec![
                format!("refused at {}: {}", step(index), headline(fault)),
                fault.advice.clone(),
                so_far(told, Some(*index)),
            ]
        }
        OperationOutcome::Failed { step: index, reason } => vec![
            format!("failed at {}: {}", step(index), told.rolled_back.as_ref().unwrap_or(reason)),
            so_far(told, None),
            format!("`tidegate status {0}` says where it is; `tidegate rollback {0}` goes back.", plan.release),
        ],
        OperationOutcome::Unknown { step: index, fault } => vec![
            format!("outcome unknown at {}: {}", step(index), headline(fault)),
            format!("It was not sent again. `tidegate status {}` says what AWS has now.", plan.release),
        ],
        OperationOutcome::Superseded => vec![
            format!("{}: nothing more is sent", told.timed_out.as_deref().unwrap_or("stopped")),
            so_far(told, None),
            format!("`tidegate status {}` says where it is.", plan.release),
        ],
    }
}

fn headline(fault: &Fault) -> String {
    let request = fault.request_id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default();
    format!("{}{request}", fault.headline())
}

/// What of the plan is done, and what is open. A call that was refused is neither.
fn so_far(told: &ExecutionReport, refused: Option<usize>) -> String {
    let calls = |read_back: bool| {
        let steps = told.operation.steps.iter().zip(&told.operation.plan.steps).enumerate();
        let calls: Vec<_> = steps
            .filter(|(index, (state, _))| {
                told.sent.contains(index)
                    && Some(*index) != refused
                    && matches!(state, StepState::Verified(_)) == read_back
            })
            .filter_map(|(_, (_, step))| step.call.as_ref().map(Call::describe))
            .collect();
        calls.join("; ")
    };
    match (calls(true), calls(false)) {
        (done, open) if done.is_empty() && open.is_empty() => "Nothing was sent.".to_owned(),
        (done, open) if open.is_empty() => format!("Sent and read back: {done}."),
        (done, open) if done.is_empty() => format!("Sent, not read back: {open}."),
        (done, open) => format!("Sent and read back: {done}. Sent, not read back: {open}."),
    }
}

/// `tidegate.result/1`.
pub(super) fn result(told: &ExecutionReport, outcome: &OperationOutcome, exit: Exit, left_to_aws: &[String]) -> Value {
    let operation = &told.operation;
    let now = operation.outcome.as_ref().map(|(at, _)| at);
    let plan = &operation.plan;
    let steps: Vec<_> = plan
        .steps
        .iter()
        .zip(&operation.steps)
        .enumerate()
        .map(|(index, (step, state))| one(step, state, told.answers.get(&index)))
        .collect();
    let stopped = if told.timed_out.is_some() { TIME_LIMIT } else { "interrupted" };
    let (word, code, reason, fault) = match outcome {
        OperationOutcome::Done => ("done", None, None, None),
        OperationOutcome::Refused { fault, .. } => {
            ("refused", Some(fault.kind.code()), Some(fault.headline()), Some(fault))
        }
        OperationOutcome::Failed { reason, .. } => {
            let code = if told.rolled_back.is_some() { "rolled_back" } else { "step_failed" };
            ("failed", Some(code), told.rolled_back.clone().or_else(|| Some(reason.clone())), None)
        }
        OperationOutcome::Unknown { fault, .. } => {
            ("unknown", Some(fault.kind.code()), Some(fault.headline()), Some(fault))
        }
        OperationOutcome::Superseded => ("stopped", Some(stopped), told.timed_out.clone(), None),
    };
    json!({
        "schema": "tidegate.result/1",
        "at": now,
        "environment": plan.place.environment,
        "account": plan.place.account,
        "region": plan.place.region,
        "name": plan.release,
        "title": plan.title,
        "intent": plan.intent,
        "outcome": word,
        "exit": exit.code(),
        "code": code,
        "reason": reason,
        "fault": fault,
        "steps": steps,
        "warnings": plan.warnings.iter().map(|warning| warning.text(COMMANDS)).collect::<Vec<_>>(),
        "audit_trouble": told.audit_trouble,
        "not_waited_for": left_to_aws,
        "share_percent": plan.share.filter(|_| *outcome == OperationOutcome::Done),
        "first_read_back_seconds": told.read_back.map(|took| took.as_secs_f64()),
    })
}

fn one(step: &Step, state: &StepState, answer: Option<&Receipt>) -> Value {
    let word = match state {
        StepState::Pending => "pending",
        StepState::Waiting(_) => "waiting",
        StepState::Sent(_) => "sent",
        StepState::Answered(..) => "answered",
        StepState::Unknown(..) => "unknown",
        StepState::Verified(_) => "verified",
        StepState::Stopped => "stopped",
    };
    json!({
        "title": step.title,
        "call": step.call.as_ref().map(Call::describe),
        "state": word,
        "answer": answer.map(|receipt| &receipt.answer),
        "request_id": answer.and_then(|receipt| receipt.request_id.as_ref()),
    })
}
