//! An operation in words.

use ratatui::text::Line;

use super::canvas::Canvas;
use super::format;
use super::theme::Role;
use crate::domain::operation::{Operation, OperationOutcome, StepState};
use crate::domain::plan::Plan;
use crate::domain::release::Release;

/// The operation of a release that is in flight.
pub(crate) fn in_flight<'a>(scene: &Canvas<'a>, release: &Release) -> Option<&'a Operation> {
    scene.operations.latest.get(&release.name).filter(|operation| operation.in_flight())
}

/// The present step of an operation, counted from 1, and the number of steps.
pub(crate) fn progress(operation: &Operation) -> (usize, usize) {
    let done = operation.steps.iter().take_while(|state| matches!(state, StepState::Verified(_))).count();
    ((done + 1).min(operation.steps.len()), operation.steps.len())
}

/// An operation in one line.
pub(crate) fn operation_line(scene: &Canvas<'_>, operation: &Operation) -> Line<'static> {
    let verb = operation.plan.intent.verb();
    let read_back = operation
        .key_to_read_back()
        .map(|span| {
            format!(
                ", key {} read back {}",
                scene.theme.arrow(),
                format::seconds(scene.observed.now.rate.operator_time(span))
            )
        })
        .unwrap_or_default();
    let Some((at, outcome)) = &operation.outcome else {
        let (step, of) = progress(operation);
        let at = step.saturating_sub(1);
        let (state, role) =
            operation.steps.get(at).map_or((String::new(), Role::Text), |state| step_words(scene, state));
        let title = operation.plan.steps.get(at).map_or("", |step| title(at, &step.title));
        return Line::from(vec![
            scene.span(format!("● {verb}: step {step} of {of} "), Role::Accent),
            scene.span(state, role),
            scene.span(read_back, Role::Good),
            scene.dim(format!(" · {}", format::clip(title, 80))),
        ]);
    };
    let (text, role) = outcome_words(&operation.plan, outcome);
    let shape = match outcome {
        OperationOutcome::Done if operation.plan.only_begins() => "●",
        OperationOutcome::Done => "✓",
        _ => "✖",
    };
    Line::from(vec![
        scene.span(format!("{shape} {verb} {text}"), role),
        scene.text(read_back),
        scene.dim(format!(", {} ago", format::age(scene.observed.now.since(*at)))),
    ])
}

/// A step's title without its number, which some plans put there themselves.
pub(crate) fn title(index: usize, title: &str) -> &str {
    title.strip_prefix(&format!("{} ", index + 1)).unwrap_or(title)
}

/// An outcome in words.
pub(crate) fn outcome_words(plan: &Plan, outcome: &OperationOutcome) -> (String, Role) {
    match outcome {
        // Read back is that it began; the screen shows how it goes on.
        OperationOutcome::Done if plan.only_begins() => ("begun".to_owned(), Role::Accent),
        OperationOutcome::Done => ("done".to_owned(), Role::Good),
        OperationOutcome::Refused { step, fault } => {
            (format!("refused at step {}: {}", step + 1, fault.headline()), Role::Bad)
        }
        OperationOutcome::Failed { step, reason } => (format!("failed at step {}: {reason}", step + 1), Role::Bad),
        OperationOutcome::Unknown { step, fault } => {
            (format!("OUTCOME UNKNOWN at step {}: {}", step + 1, fault.headline()), Role::Bad)
        }
        OperationOutcome::Superseded => ("gave way to another operation".to_owned(), Role::Warn),
    }
}

/// A step's state in words.
pub(crate) fn step_words(scene: &Canvas<'_>, state: &StepState) -> (String, Role) {
    let ago = |at| format::seconds(scene.observed.now.since(at));
    match state {
        StepState::Pending => ("pending".to_owned(), Role::Dim),
        StepState::Waiting(what) => (format!("waiting: {what}"), Role::Warn),
        StepState::Sent(at) => (format!("sent {} ago, no answer yet", ago(*at)), Role::Warn),
        StepState::Answered(..) => ("answered, reading back".to_owned(), Role::Accent),
        StepState::Unknown(_, fault) => (format!("UNKNOWN ({}): reading back", fault.kind.word()), Role::Bad),
        StepState::Verified(_) => ("read back ✓".to_owned(), Role::Good),
        StepState::Stopped => ("stopped".to_owned(), Role::Bad),
    }
}
