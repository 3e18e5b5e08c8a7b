//! One service deployment in full: times, revisions, strategy, alarms, circuit breaker and reason.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::theme::Role;
use crate::domain::ecs::deployment::{DeploymentOutcome, DeploymentStatus, ServiceDeployment, ServiceRevision};

/// Columns of the labels.
const LABEL: usize = 10;

/// The name of a deployment: the last part of its ARN.
pub fn name(deployment: &ServiceDeployment) -> String {
    format!("deployment {}", format::clip(deployment.arn.name(), 40))
}

/// The outcome of a deployment, or its progress. An old reading is dimmed, except for a failed rollback.
pub fn outcome(deployment: &ServiceDeployment, fresh: bool) -> (String, Role) {
    let (text, role) = match deployment.outcome() {
        Some(DeploymentOutcome::Succeeded) => ("✓ succeeded", Role::Good),
        Some(DeploymentOutcome::RolledBack) => ("▲ rolled back", Role::Warn),
        Some(DeploymentOutcome::RollbackFailed) => ("✖ ROLLBACK FAILED", Role::Bad),
        Some(DeploymentOutcome::Stopped) => ("○ stopped", Role::Warn),
        None => match &deployment.status {
            DeploymentStatus::Pending => ("● pending", Role::Accent),
            DeploymentStatus::StopRequested => ("● stopping", Role::Accent),
            status if status.rolling_back() => ("▲ going back", Role::Warn),
            DeploymentStatus::Other(other) => return (format!("● {}", format::clip(other, 24)), Role::Accent),
            _ => ("● under way", Role::Accent),
        },
    };
    (text.to_owned(), if fresh || role == Role::Bad { role } else { Role::Dim })
}

/// `:17 → :18`.
pub fn revisions(scene: &Canvas<'_>, deployment: &ServiceDeployment) -> String {
    let to = deployment.task_definition().map_or("?".to_owned(), |to| to.tag());
    // A deployment that started before an earlier one ended replaces the revisions of both.
    let from: Vec<_> = deployment.sources.iter().map(|source| source.task_definition.tag()).collect();
    match from.as_slice() {
        [] => to,
        [from] => format!("{from} {} {to}", scene.theme.arrow()),
        [from, ..] => format!("{from}… {} {to}", scene.theme.arrow()),
    }
}

/// A revision's version: from its task definition, if that was read, else the tag of its first image.
pub fn version(scene: &Canvas<'_>, revision: Option<&ServiceRevision>) -> String {
    let Some(revision) = revision else { return "?".to_owned() };
    let read = scene.observed.snapshot.task_definition(&revision.task_definition);
    if let Some(version) = read.and_then(|definition| definition.version()) {
        return version.to_owned();
    }
    let tag = revision.images.first().and_then(|image| {
        let named = image.image.split('@').next()?;
        named.rsplit('/').next()?.rsplit_once(':').map(|(_, tag)| tag)
    });
    tag.unwrap_or("?").to_owned()
}

/// The reason for the outcome, in AWS's words.
pub fn reason(deployment: &ServiceDeployment) -> Option<String> {
    let rollback = deployment.rollback.as_ref().and_then(|rollback| rollback.reason.as_ref());
    rollback.or(deployment.reason.as_ref()).cloned()
}

/// A deployment in full; AWS's texts are never cut.
pub fn lines(scene: &Canvas<'_>, deployment: &ServiceDeployment, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let room = columns.saturating_sub(LABEL);
    let mut say = |label: &str, text: &str, role: Role| {
        for (index, text) in format::wrap(text, room, 6).into_iter().enumerate() {
            let label = format::pad(if index == 0 { label } else { "" }, LABEL);
            lines.push(Line::from(vec![scene.dim(label), scene.span(text, role)]));
        }
    };
    let (outcome, role) = outcome(deployment, true);
    let role = if role == Role::Good { Role::Text } else { role };
    let stage = deployment.stage.as_ref().filter(|_| !deployment.status.ended());
    let stage = stage.map(|stage| format!(", at {stage}")).unwrap_or_default();
    say("outcome", &format!("{outcome}{stage}"), role);
    if let Some(reason) = reason(deployment) {
        say("why", &reason, Role::Text);
    }
    if let Some(rollback) = &deployment.rollback {
        let to = rollback.to.as_ref().map_or("?".to_owned(), |to| to.task_definition.tag());
        let began = rollback.started_at.map(|at| format!(", begun {}", when(scene, at))).unwrap_or_default();
        let took = rollback.started_at.zip(deployment.finished_at);
        let took =
            took.map(|(from, to)| format!(", took {}", format::lasting(to.duration_since(from)))).unwrap_or_default();
        say("back", &format!("to {to}{began}{took}"), Role::Text);
        // `statusReason` and the rollback's reason are two texts.
        if let Some(status) = deployment.reason.as_ref().filter(|status| Some(*status) != rollback.reason.as_ref()) {
            say("status", status, Role::Text);
        }
    }
    let of = |revision: &ServiceRevision| {
        format!("{} ({})", revision.task_definition.short(), version(scene, Some(revision)))
    };
    let target = deployment.target.as_deref().map_or("not known".to_owned(), of);
    let sources: Vec<_> = deployment.sources.iter().map(|source| of(source)).collect();
    let replaced = if sources.is_empty() { String::new() } else { format!(", replaced {}", sources.join(", ")) };
    say("revision", &format!("{target}{replaced}"), Role::Text);
    say("strategy", &deployment.configuration.describe(), Role::Text);
    say("times", &times(scene, deployment), Role::Text);
    if let Some(alarms) = &deployment.alarms {
        let triggered = match alarms.triggered.as_slice() {
            [] => String::new(),
            names => format!("; ✖ in ALARM: {}", names.join(", ")),
        };
        let role = if alarms.triggered.is_empty() { Role::Text } else { Role::Bad };
        let status = alarms.status.replace('_', " ").to_lowercase();
        say("alarms", &format!("{status}: {}{triggered}", alarms.names.join(", ")), role);
    }
    if let Some(breaker) = deployment.breaker.as_ref().filter(|breaker| breaker.threshold > 0 || breaker.failures > 0) {
        let status = breaker.status.replace('_', " ").to_lowercase();
        say("breaker", &format!("{status}: {} of {} failures", breaker.failures, breaker.threshold), Role::Text);
    }
    if let Some(pause) = deployment.pauses().first() {
        let until = pause.until.map(|at| format!(" until {}", when(scene, at))).unwrap_or_default();
        let then = pause.then.as_deref().unwrap_or("what AWS does not say");
        say("waits", &format!("for somebody{until}, then {then}"), Role::Warn);
    }
    lines
}

/// The times of creation, start and end.
fn times(scene: &Canvas<'_>, deployment: &ServiceDeployment) -> String {
    let times =
        [("created", deployment.created_at), ("started", deployment.started_at), ("ended", deployment.finished_at)];
    let times: Vec<_> =
        times.into_iter().filter_map(|(what, at)| Some(format!("{what} {}", when(scene, at?)))).collect();
    times.join(", ")
}

/// `2026-11-20 09:15:07Z (26m ago)`.
fn when(scene: &Canvas<'_>, at: Timestamp) -> String {
    let off = scene.observed.now.at.duration_since(at);
    let said =
        if off.is_negative() { format!("in {}", format::age(off.abs())) } else { format!("{} ago", format::age(off)) };
    format!("{} ({said})", at.strftime("%Y-%m-%d %H:%M:%SZ"))
}
