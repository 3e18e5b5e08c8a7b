//! From the snapshot to what is known of every release, in one order:
//!
//! 1. what is under way, and what the numbers say of it (`release::derive`);
//! 2. what CloudWatch's alarms say: in ALARM is a FAIL;
//! 3. whether the minutes behind the numbers are known: if not, there is no PASS;
//! 4. the rollout's health: beside a crash loop there is no PASS either;
//! 5. whether it is steady: without a task that runs, or with users who get nothing, there is no PASS;
//! 6. what was known before: a FAIL stays until a PASS refutes it;
//! 7. whether the newest release was rolled back: what runs since then passes for nothing;
//! 8. whether a rollback is open.
//!
//! Each step may only take a PASS away or add a FAIL, and none reads what a later one finds.

mod unread;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use self::unread::unread;
use super::analysis::{ReasonCode, Verdict, VerdictStatus, alarms};
use super::health::rollout_health::RolloutHealth;
use super::health::rule_repair::rule_repair;
use super::health::{rollout, steadiness};
use super::observe::snapshot::{Since, Snapshot};
use super::release::condition::Severity;
use super::release::{LocalState, Release, ReleaseState, derive};
use super::rollback::known_bad::BadReason;
use super::rollback::readiness;
use super::settings::Settings;
use super::wording::Wording;

/// Every release of the environment, by name, with its verdict, its health and how ready a rollback is.
pub fn releases(
    snapshot: &Snapshot,
    settings: &Settings,
    local: &BTreeMap<String, LocalState>,
    now: Timestamp,
) -> Vec<Release> {
    let idle = LocalState::default();
    let derived = derive::releases(snapshot, settings, local, now).into_iter();
    let whole = derived.map(|(mut state, verdict)| {
        state.conditions.extend(steadiness::conditions(&state, snapshot, now));
        state.repair = rule_repair(&state, snapshot).map(Box::new);
        state.conditions.sort_by_key(|condition| Reverse(condition.severity()));
        let denied = local.get(&state.name).unwrap_or(&idle).denied.as_slice();
        let verdict = with_alarms(verdict, &state, snapshot, settings, now);
        let verdict = with_freshness(verdict, &state, snapshot, now);
        let ailment = rollout::ailment(&state, snapshot, now);
        let verdict = with_health(verdict, &state, ailment.as_ref());
        let verdict = with_steadiness(verdict, &state);
        let verdict = with_memory(verdict, &state);
        let verdict = with_rollback(verdict, &state);
        let service = snapshot.service(&state.stable.service);
        let preflight = service.map(|service| readiness::preflight(&state, service, snapshot, denied, now));
        Release { state, verdict, ailment, preflight: preflight.unwrap_or_default() }
    });
    whole.collect()
}

fn with_alarms(
    verdict: Verdict,
    release: &ReleaseState,
    snapshot: &Snapshot,
    settings: &Settings,
    now: Timestamp,
) -> Verdict {
    let names = alarms::names(release, snapshot, settings);
    let since = release.bake.map(|bake| Since { at: bake.since, seen: bake.seen });
    let since = since.or_else(|| snapshot.weights_since.get(&release.rules.first()?.route.id).copied());
    alarms::apply_alarms(verdict, &names, snapshot, since, now)
}

fn with_freshness(verdict: Verdict, release: &ReleaseState, snapshot: &Snapshot, now: Timestamp) -> Verdict {
    match unread(release, &verdict, snapshot, now) {
        Some(why) => verdict.downgrade_to_inconclusive(ReasonCode::NumbersUnread.because(why)),
        None => verdict,
    }
}

/// A FAIL of this revision stays until it is refuted: a new share has no numbers yet.
fn with_memory(mut verdict: Verdict, release: &ReleaseState) -> Verdict {
    let canary = release.canary.as_ref().filter(|_| release.is_shared());
    let bad = canary.and_then(|canary| release.known_against(&canary.task_definition));
    if let Some(bad) = bad.filter(|bad| matches!(bad.reason, BadReason::Failed(_)))
        && verdict.outcome == VerdictStatus::Inconclusive
    {
        verdict.outcome = VerdictStatus::Fail;
        verdict.reasons.insert(0, ReasonCode::FailedBefore.because(format!("{bad}; not refuted since")));
    }
    verdict
}

/// A PASS is of a release. Once that was taken back, stable's numbers are nobody's reason to go on.
fn with_rollback(verdict: Verdict, release: &ReleaseState) -> Verdict {
    if let Some(at) = release.went_back {
        let why = format!("rolled back at {}", at.strftime("%Y-%m-%d %H:%MZ"));
        return verdict.downgrade_to_inconclusive(ReasonCode::RolledBack.because(why));
    }
    match &release.canary {
        Some(canary) if release.is_abandoned() => {
            let tag = canary.task_definition.tag();
            let why = format!("{tag} has no traffic and no tasks: it was rolled back, or never released");
            verdict.downgrade_to_inconclusive(ReasonCode::Untried.because(why))
        }
        _ => verdict,
    }
}

/// The tasks that crash answer no requests: the numbers are those of the tasks that serve.
fn with_health(verdict: Verdict, release: &ReleaseState, health: Option<&RolloutHealth>) -> Verdict {
    if release.in_flight() && matches!(health, Some(RolloutHealth::CrashLoop { .. })) {
        let why = "the new revision's tasks fail: what is counted is of those that serve";
        return verdict.downgrade_to_inconclusive(ReasonCode::CrashLoop.because(why));
    }
    verdict
}

/// Numbers of the past say nothing of what does not run now.
fn with_steadiness(verdict: Verdict, release: &ReleaseState) -> Verdict {
    if let Some(idle) = idle(release, verdict.baseline.is_some()) {
        return verdict.downgrade_to_inconclusive(ReasonCode::NoTask.because(idle));
    }
    let grave = |severity: Severity| severity == Severity::Critical;
    match release.conditions.iter().find(|it| it.denies_steady() && grave(it.severity())) {
        Some(condition) => {
            verdict.downgrade_to_inconclusive(ReasonCode::Unsteady.because(condition.message(Wording::PLAIN)))
        }
        None => verdict,
    }
}

/// That no task runs of what is judged. Which tasks of one service are whose is not always known.
fn idle(release: &ReleaseState, compared: bool) -> Option<String> {
    if release.canary.is_none() || release.one_service() {
        return release.sides().all(|side| side.running == 0).then(|| "no task runs".to_owned());
    }
    let mut judged = std::iter::once(&release.stable).chain(release.canary.iter().filter(|_| compared));
    judged.find(|side| side.running == 0).map(|idle| format!("no task of {} runs", idle.service.service))
}
