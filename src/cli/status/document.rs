//! The document that `status --json` prints. Its members only change on purpose.

use serde_json::{Value, json};

use super::rollback::planned_rollback;
use crate::cli::deployments::brief;
use crate::cli::observe::Observation;
use crate::cli::wording::COMMANDS;
use crate::domain::analysis::{Reason, Verdict, VerdictStatus};
use crate::domain::health::revision_tasks::RevisionTasks;
use crate::domain::health::rollout::RolloutHealth;
use crate::domain::health::stop_reason::Cause;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::plan::Context;
use crate::domain::release::condition::Condition;
use crate::domain::release::{Release, Side};
use crate::domain::rollback::known_bad::KnownBad;
use crate::domain::rollback::target::KnownGood;
use crate::domain::settings::Settings;

/// `tidegate.status/1`.
pub(crate) fn document(seen: &Observation, shown: &[&Release], settings: &Settings) -> Value {
    let context = Context { place: &seen.place, settings, now: seen.now };
    json!({
        "schema": "tidegate.status/1",
        "at": seen.now,
        "environment": seen.place.environment,
        "account": seen.place.account,
        "region": seen.place.region,
        "identity": seen.identity.as_ref().map(|identity| &identity.arn),
        "protected": settings.protected,
        "read_only": settings.read_only,
        "services": shown.iter().map(|release| service(seen, release, &context)).collect::<Vec<_>>(),
        "ignored": seen.ignored,
        "faults": seen.faults,
    })
}

fn known_bad(bad: &KnownBad) -> Value {
    json!({ "task_definition": bad.task_definition, "at": bad.at, "reason": bad.to_string() })
}

/// One release, as every document has it.
pub(crate) fn service(seen: &Observation, release: &Release, context: &Context<'_>) -> Value {
    let back = planned_rollback(release, context);
    json!({
        "name": release.name,
        "cluster": release.stable.service.cluster,
        "method": release.method,
        "phase": release.phase,
        "needs_somebody": release.needs_somebody(),
        "stable": side(&release.stable),
        "canary": release.canary.as_ref().map(side),
        "share_percent": release.share,
        "ladder": release.ladder,
        "bake": release.bake.map(|bake| json!({
            "since": bake.since,
            "seen": bake.seen,
            "elapsed_seconds": bake.elapsed(seen.now).as_secs(),
            "of_seconds": bake.of.as_secs(),
            "done": bake.done(seen.now),
        })),
        "verdict": verdict(&release.verdict),
        "rollback": {
            "ready": back.ready,
            "target": back.target,
            "path": back.path,
            "calls": back.calls,
            "blocked": back.obstacles.iter().map(|check| &check.what).collect::<Vec<_>>(),
        },
        "known_bad": release.known_bad.iter().map(known_bad).collect::<Vec<_>>(),
        "previous": release.previous.iter().map(good).collect::<Vec<_>>(),
        "pauses": release.pauses,
        "stage": release.stage,
        "deployment": release.deployment.as_deref().map(brief),
        "preflight": release.preflight,
        "ailment": release.ailment.as_ref().map(ailment),
        "watch_only": release.watch_only,
        "managed": release.managed,
        "remarks": release.conditions.iter().map(|condition| condition.message(COMMANDS)).collect::<Vec<_>>(),
        "conditions": release.conditions.iter().map(condition).collect::<Vec<_>>(),
        "steady_since": release.steady_since,
        "data_age_seconds": age(&seen.snapshot, seen),
    })
}

fn condition(condition: &Condition) -> Value {
    json!({
        "reason": condition.reason(),
        "severity": condition.severity(),
        "message": condition.message(COMMANDS),
    })
}

/// `outcome` says the same as `opinion`, which is what it was called first and stays for those who read it.
fn verdict(verdict: &Verdict) -> Value {
    let mut document = json!({
        "opinion": match verdict.outcome {
            VerdictStatus::Pass => "good",
            VerdictStatus::Fail => "bad",
            VerdictStatus::Inconclusive => "unsure",
        },
    });
    let codes = |reasons: &[Reason]| reasons.iter().map(|reason| reason.code).collect::<Vec<_>>();
    if let Some(document) = document.as_object_mut() {
        document.insert("reason_codes".to_owned(), json!(codes(&verdict.reasons)));
        document.insert("ground_codes".to_owned(), json!(codes(&verdict.grounds)));
    }
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), json!(verdict)) {
        document.extend(members);
    }
    document
}

/// What a rollout suffers from. Both kinds have every member; what does not apply, or is not known, is null.
fn ailment(ailment: &RolloutHealth) -> Value {
    let (mut failed, mut cause, mut since, mut usual) = (None, None, None, None);
    match ailment {
        RolloutHealth::CrashLoop { failed: count, cause: known, .. } => {
            (failed, cause) = (Some(count), known.map(Cause::word));
        }
        RolloutHealth::Stalled { since: at, usual: took, .. } => {
            (since, usual) = (Some(at), took.map(|took| took.as_secs()));
        }
    }
    json!({
        "kind": ailment.kind(),
        "revision": ailment.revision().short(),
        "text": ailment.to_string(),
        "failed": failed,
        "cause": cause,
        "since": since,
        "usual_seconds": usual,
    })
}

fn side(side: &Side) -> Value {
    let own = side.own();
    json!({
        "service": side.service.service,
        "task_definition": side.task_definition,
        "revision": side.task_definition.short(),
        "version": side.version,
        "weight": side.weight,
        "running": own.running,
        "desired": own.desired,
        "pending": own.pending,
        "healthy": own.healthy,
        "others": side.others().map(other).collect::<Vec<_>>(),
        "rolling": side.rolling,
        "daemon": side.daemon,
        "trouble": side.failure_reason,
    })
}

/// A revision that runs beside a side's own.
fn other(other: &RevisionTasks) -> Value {
    json!({
        "task_definition": other.task_definition,
        "revision": other.task_definition.short(),
        "running": other.running,
        "desired": other.desired,
        "pending": other.pending,
        "healthy": other.healthy,
    })
}

fn good(good: &KnownGood) -> Value {
    json!({
        "task_definition": good.task_definition,
        "evidence": good.evidence,
        "at": good.at,
        "good_for_seconds": good.good_for.map(|span| span.as_secs()),
        "active": good.active,
        "backed_out": good.rolled_back_from,
    })
}

/// The age of the oldest of what the lever goes by: services and rules.
fn age(snapshot: &Snapshot, seen: &Observation) -> Option<i64> {
    let ages = [snapshot.services.age(seen.now), snapshot.routes.age(seen.now)];
    ages.into_iter().flatten().map(|age| age.as_secs()).max()
}
