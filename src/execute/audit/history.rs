//! Reads the audit back: orders from this machine, and revisions that ran healthy.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::SCHEMA;
use crate::domain::analysis::VerdictStatus;
use crate::domain::ecs::names::{Arn, Identity, Location, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId, Stickiness};
use crate::domain::history::History;
use crate::domain::observe::snapshot::ObservedHealthy;
use crate::domain::operation::OperationOutcome;
use crate::domain::plan::{Before, Gate};
use crate::domain::release::share::Percent;
use crate::domain::rollback::known_bad::{BadReason, KnownBad};
use crate::domain::timeline::{Act, AffectedResource, By, Touch};
use crate::files;

/// Bytes at the end of the file that are read.
const TAIL: u64 = 1 << 20;

/// How far a line may be ahead of the clock: a clock that was set right goes back a little.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// Acts of one release that are kept: the newest.
const ACTS: usize = 64;

/// The verb of a rollback's lines.
const ROLLBACK: &str = "rollback";

#[derive(Deserialize)]
struct Past {
    schema: String,
    at: Timestamp,
    operation: String,
    event: String,
    #[serde(default)]
    intent: String,
    #[serde(default)]
    who: Option<Identity>,
    via: String,
    #[serde(default)]
    why: Option<String>,
    #[serde(default)]
    step: Option<usize>,
    account: String,
    region: String,
    release: String,
    call: Option<PastCall>,
    plan: Option<PastPlan>,
    outcome: Option<OperationOutcome>,
    share: Option<Percent>,
}

#[derive(Deserialize)]
struct PastPlan {
    #[serde(default)]
    title: String,
    #[serde(default)]
    gate: Option<Gate>,
    #[serde(default)]
    revision: Option<TaskDefinitionArn>,
    before: Vec<Before>,
}

/// The members of a call that name what it changed; a call that this version does not know has none of them.
#[derive(Deserialize)]
struct PastCall {
    call: String,
    route: Option<RouteId>,
    weights: Option<Vec<Forward>>,
    #[serde(default)]
    stickiness: Option<Stickiness>,
    service: Option<ServiceKey>,
    task_definition: Option<TaskDefinitionArn>,
    deployment: Option<Arn>,
    hook: Option<String>,
}

impl PastCall {
    fn affected(self) -> Option<AffectedResource> {
        Some(match self.call.as_str() {
            "set_weights" => AffectedResource::Weights { route: self.route?, weights: self.weights? },
            "update_service" => {
                AffectedResource::Deployment { service: self.service?, task_definition: self.task_definition? }
            }
            "stop_deployment" => AffectedResource::Stop { deployment: self.deployment? },
            "answer_pause" => AffectedResource::Answer { deployment: self.deployment?, hook: self.hook? },
            _ => return None,
        })
    }
}

/// Reads the end of an audit file; `now` is the time on the clock that the lines are stamped by. Lines of other
/// accounts and regions are skipped, and so are lines of the future and lines that cannot be parsed: a gap only means
/// that less is known. A missing file gives an empty history, and so does one that is not tidegate's own.
pub fn recall(path: &Path, location: &Location, now: Timestamp) -> History {
    let mut history = History::default();
    let mut rollbacks = BTreeMap::new();
    let Ok(text) = tail(path) else { return history };
    for line in text.split(|byte| *byte == b'\n') {
        let Ok(past) = serde_json::from_slice::<Past>(line) else { continue };
        if past.schema == SCHEMA && is_here(&past, location) && past.at.duration_since(now) <= AHEAD {
            history.complete_since = Some(history.complete_since.map_or(past.at, |at| at.min(past.at)));
            learn_bad(&mut history, &mut rollbacks, &past, location);
            learn(&mut history, past, location);
        }
    }
    for observed in history.healthy.values_mut() {
        observed.sort_by_key(|observed| std::cmp::Reverse(observed.at));
    }
    history
}

/// What was gone on with against a FAIL is known to be bad, and so is what was rolled back. `rollbacks` has the revision
/// of each rollback that was ordered, by operation.
fn learn_bad(
    history: &mut History,
    rollbacks: &mut BTreeMap<String, TaskDefinitionArn>,
    past: &Past,
    location: &Location,
) {
    let revision = past.plan.as_ref().and_then(|plan| plan.revision.clone());
    let revision = revision.filter(|revision| can_run_here(revision, location));
    let gate = past.plan.as_ref().and_then(|plan| plan.gate.as_ref());
    let failed = gate.filter(|gate| gate.outcome == VerdictStatus::Fail);
    let (task_definition, reason) = match (past.event.as_str(), past.intent == ROLLBACK, revision) {
        ("ordered", true, Some(revision)) => {
            rollbacks.insert(past.operation.clone(), revision);
            return;
        }
        ("ordered", false, Some(revision)) => match failed {
            Some(gate) => (revision, BadReason::Failed(gate.reasons.clone())),
            None => return,
        },
        ("ended", true, _) if !matches!(past.outcome, Some(OperationOutcome::Refused { .. })) => {
            match rollbacks.remove(&past.operation) {
                Some(revision) => (revision, BadReason::RolledBack),
                None => return,
            }
        }
        _ => return,
    };
    let known = history.known_bad.entry(past.release.clone()).or_default();
    known.push(KnownBad { task_definition, reason, at: past.at });
}

/// Whether a line is of this account and region. A line without either is of none.
fn is_here(past: &Past, location: &Location) -> bool {
    !past.account.is_empty() && past.account == location.account && past.region == location.region
}

/// Whether a revision can have run here: its ARN is of this account and region.
fn can_run_here(revision: &TaskDefinitionArn, location: &Location) -> bool {
    let arn = revision.arn();
    arn.account() == Some(&location.account) && arn.region() == Some(&location.region)
}

fn learn(history: &mut History, mut past: Past, location: &Location) {
    let call = past.call.take();
    let writes_weights = call.as_ref().is_some_and(|call| call.call == "set_weights");
    if past.event == "call" {
        learn_stickiness(history, &past.release, call.as_ref());
    }
    learn_act(history, &past, call);
    match past.event.as_str() {
        "ordered" => {
            let before = past.plan.into_iter().flat_map(|plan| plan.before);
            let before = before.filter(|before| before.settled && can_run_here(&before.task_definition, location));
            for Before { service, task_definition, .. } in before {
                let observed = history.healthy.entry(service).or_default();
                observed.retain(|observed| observed.task_definition != task_definition);
                observed.push(ObservedHealthy { task_definition, at: past.at });
            }
        }
        // Until it is read back, the rule's weights are unknown.
        "call" if writes_weights => {
            history.requested.remove(&past.release);
            history.since.remove(&past.release);
        }
        "verified" => {
            if let Some(share) = past.share {
                history.since.insert(past.release.clone(), past.at);
                history.requested.insert(past.release, share);
            }
        }
        "ended" if past.outcome == Some(OperationOutcome::Done) => {
            if past.intent == ROLLBACK {
                history.rolled_back.insert(past.release.clone(), past.at);
            }
            history.requested.extend(past.share.map(|share| (past.release, share)));
        }
        _ => {}
    }
}

/// What was sent counts: whether AWS took it, the rule tells.
fn learn_stickiness(history: &mut History, release: &str, call: Option<&PastCall>) {
    let Some((route, stickiness)) = call.and_then(|call| Some((call.route.as_ref()?, call.stickiness?))) else {
        return;
    };
    let off = history.stickiness.entry(release.to_owned()).or_default();
    off.retain(|(noted, _)| noted != route);
    if let Stickiness::Off { was } = stickiness {
        off.push((route.clone(), was));
    }
}

/// Adds a line to its act. Lines are skipped when the line of the order was not read.
fn learn_act(history: &mut History, past: &Past, call: Option<PastCall>) {
    let acts = history.acts.entry(past.release.clone()).or_default();
    if let (true, Some(plan)) = (past.event == "ordered", &past.plan) {
        acts.push(Act {
            id: past.operation.clone(),
            at: past.at,
            title: plan.title.clone(),
            by: match past.via.as_str() {
                "automatic" => By::Automatic,
                "command" => By::Command,
                _ => By::Key,
            },
            who: past.who.as_ref().map(Identity::short),
            why: past.why.clone(),
            touches: Vec::new(),
            ended: None,
        });
        acts.drain(..acts.len().saturating_sub(ACTS));
        return;
    }
    // Lines of other operations may lie between those of one.
    let Some(act) = acts.iter_mut().rfind(|act| act.id == past.operation) else { return };
    match (past.event.as_str(), past.step, &past.outcome) {
        ("call", Some(step), _) => {
            let what = call.and_then(PastCall::affected);
            act.touches.extend(what.map(|what| Touch { at: past.at, verified: None, step, what }));
        }
        ("verified", Some(step), _) => {
            let touch = act.touches.iter_mut().find(|touch| touch.step == step);
            touch.into_iter().for_each(|touch| touch.verified = Some(past.at));
        }
        ("ended", _, Some(outcome)) => {
            let (text, wrong) = outcome.describe(&act.title);
            act.ended = Some((past.at, text, wrong));
            if let OperationOutcome::Refused { step, .. } = outcome {
                act.withdraw(*step);
            }
        }
        _ => {}
    }
}

fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = files::open_own(path)?;
    let length = file.metadata()?.len();
    // A tail begins in the middle of a line, which does not parse; the rest does.
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text)?;
    Ok(text)
}
