//! Two services behind weighted target groups.

use jiff::Timestamp;

use super::history::{began_after, known_bad_of};
use super::observed::{UNTRIED, observed};
use super::other_rules;
use super::phase::weighted_phase;
use super::side::{drop_shared_metrics, newest_deployment, series, side, timed, with_groups};
use super::single::FLAGGED;
use super::standing::{Standing, with_since};
use crate::domain::analysis;
use crate::domain::analysis::{ReasonCode, Step, Verdict};
use crate::domain::ecs::route::RouteId;
use crate::domain::ecs::service::Service;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::condition::Condition;
use crate::domain::release::pair::Pair;
use crate::domain::release::production_rule::ProductionRule;
use crate::domain::release::share::Percent;
use crate::domain::release::{Bake, LocalState, Method, ReleaseState, Share, Side};
use crate::domain::rollback::known_bad::{BadReason, KnownBad};
use crate::domain::rollback::target;
use crate::domain::settings::Settings;

/// The release of a pair; `None` where a part of it has not been read.
pub(super) fn weighted(
    pair: &Pair,
    snapshot: &Snapshot,
    settings: &Settings,
    local: &LocalState,
    now: Timestamp,
) -> Option<(ReleaseState, Verdict)> {
    let (stable, canary) = (snapshot.service(&pair.stable)?, snapshot.service(&pair.canary)?);
    let chief = speaks_for_all(&pair.rules)?;
    let (configured, own, route) = (chief.share(), settings.own_of(&pair.name), Some(&chief.route));
    let stable_side = side(stable, Some(&chief.stable), route, own, snapshot);
    let stable_side = with_groups(stable_side, pair.rules.iter().map(|rule| &rule.stable), snapshot);
    let canary_side = side(canary, Some(&chief.canary), route, own, snapshot);
    let mut canary_side = with_groups(canary_side, pair.rules.iter().map(|rule| &rule.canary), snapshot);
    let same = drop_shared_metrics(&stable_side, &mut canary_side);
    let other_rules = other_rules(&pair.rules, &[stable, canary], snapshot);
    let began = canary.primary().and_then(|primary| primary.created_at);
    let standing = Standing {
        by_ecs: false,
        rules: &pair.rules,
        share: configured,
        sides: [&stable_side, &canary_side],
        began,
        ladder: settings.ladder_of(&pair.name),
        other_rules: &other_rules,
    };
    let since = standing.since(local, snapshot, now);
    let step = Step { since, began, bake: settings.bake_of(&pair.name), timed: timed(&canary_side), share: configured };
    let (verdict, observed) = judged(pair, [&stable_side, &canary_side], &step, (snapshot, settings), now);
    let verdict = with_since(verdict, configured, since);
    let shared = configured.is_some_and(|share| !share.is_zero());
    let (went_back, known_bad) = rolled_back(&standing, [stable, canary], local, snapshot, now);
    let mut conditions = conditions(pair, chief, local);
    conditions.extend(recently_rolled_back(went_back, &canary_side, now));
    // A canary that waits without traffic mostly has stable's revision still.
    conditions.extend(same.filter(|_| shared));
    let bake = since.filter(|_| shared).map(|since| Bake { since: since.at, seen: since.seen, of: step.bake });
    let phase = weighted_phase((&stable_side, &canary_side), configured, bake, local, now);
    let state = ReleaseState {
        managed: None,
        stickiness_off: stickiness_off(pair, local),
        name: pair.name.clone(),
        method: Method::Weighted,
        phase,
        share: Share { requested: local.requested, configured, observed },
        ladder: settings.ladder_of(&pair.name).clone(),
        bake,
        previous: target::candidates(stable, &stable_side.task_definition, snapshot),
        known_bad,
        watch_only: pair.uncertain.clone(),
        pauses: Vec::new(),
        stage: None,
        conditions,
        steady_since: stable.primary().and_then(|primary| primary.updated_at.or(primary.created_at)),
        went_back,
        stable: stable_side,
        canary: Some(canary_side),
        rules_unread: false,
        rules: pair.rules.clone(),
        other_rules,
        configuration: stable.configuration.clone(),
        deployment: newest_deployment(stable, snapshot),
        repair: None,
        overridden_config: None,
        is_rollback_deployment: false,
        registered: snapshot.newest_of(stable.task_definition.family()).cloned(),
    };
    Some((state, verdict))
}

/// When the newest release was rolled back, and the revisions that are known to be bad: as ECS's history tells, as this
/// machine remembers, and as the requests show it of the canary's revision.
fn rolled_back(
    standing: &Standing<'_>,
    services: [&Service; 2],
    local: &LocalState,
    snapshot: &Snapshot,
    now: Timestamp,
) -> (Option<Timestamp>, Vec<KnownBad>) {
    let [_, canary] = standing.sides;
    let taken_back = standing.taken_back(local, snapshot);
    let over = taken_back.filter(|_| canary.desired == 0).max(local.rolled_back);
    let went_back = over.filter(|at| services.into_iter().all(|service| !began_after(service, *at)));
    let task_definition = canary.task_definition.clone();
    let bad = taken_back.map(|at| KnownBad { task_definition, reason: BadReason::RolledBack, at });
    let ours: Vec<_> = local.known_bad.iter().cloned().chain(bad).collect();
    (went_back, known_bad_of(&services, snapshot, &ours, now))
}

/// Of rules that disagree, the one that matters most: nobody served, else most of the canary.
fn speaks_for_all(rules: &[ProductionRule]) -> Option<&ProductionRule> {
    let share = |rule: &&ProductionRule| rule.share().map_or(f64::INFINITY, Percent::value);
    rules.iter().max_by(|a, b| share(a).total_cmp(&share(b)))
}

/// The verdict, and the canary's share of the requests that were counted.
fn judged(
    pair: &Pair,
    [stable, canary]: [&Side; 2],
    step: &Step,
    (snapshot, settings): (&Snapshot, &Settings),
    now: Timestamp,
) -> (Verdict, Option<Percent>) {
    let thresholds = settings.thresholds_of(&pair.name);
    let verdict = analysis::of_canary(series(canary, snapshot), series(stable, snapshot), step, now, thresholds);
    let without_traffic = step.share.is_some_and(Percent::is_zero);
    // Of a canary that should get something, nothing has been observed before its first settled minute.
    let observed = observed(&verdict).filter(|_| verdict.judged.minutes > 0 || without_traffic);
    if !without_traffic {
        return (verdict, observed);
    }
    // Without traffic there is nothing to say about the canary; then stable is judged, as any other service.
    let verdict = analysis::of_service(series(stable, snapshot), now, thresholds);
    let untried = ReasonCode::Untried.because(UNTRIED);
    let verdict = if canary.desired > 0 { verdict.downgrade_to_inconclusive(untried) } else { verdict };
    (verdict, observed)
}

/// A pair that was rolled back lately is marked like any other service.
fn recently_rolled_back(went_back: Option<Timestamp>, canary: &Side, now: Timestamp) -> Option<Condition> {
    let at = went_back.filter(|at| now.duration_since(*at) < FLAGGED)?;
    Some(Condition::RolledBack { revision: Some(canary.task_definition.tag()), complete: true, at, reason: None })
}

/// The stickiness that this machine switched off and that is off still.
fn stickiness_off(pair: &Pair, local: &LocalState) -> Vec<(RouteId, u32)> {
    let off = |(id, _): &&(RouteId, u32)| {
        pair.rules.iter().any(|rule| rule.route.id == *id && rule.route.stickiness.is_none())
    };
    local.stickiness.iter().filter(off).cloned().collect()
}

fn conditions(pair: &Pair, chief: &ProductionRule, local: &LocalState) -> Vec<Condition> {
    let configured = chief.share();
    let mut conditions = Vec::new();
    if pair.rules.iter().any(|other| other.share() != configured) {
        conditions.push(Condition::UnevenWeights);
    }
    if configured.is_none() {
        conditions.push(Condition::NobodyServed);
    }
    if let Some(requested) = local.requested
        && local.doing.is_none()
        && configured.is_some_and(|configured| (configured.value() - requested.value()).abs() > 0.05)
    {
        conditions.push(Condition::WeightsChangedElsewhere { written: requested });
    }
    conditions.extend(pair.rules.iter().find_map(|rule| Some(Condition::Sticky { seconds: rule.route.stickiness? })));
    let off = stickiness_off(pair, local).into_iter().map(|(_, seconds)| seconds).max();
    conditions.extend(off.map(|seconds| Condition::StickinessOff { seconds }));
    conditions.extend(pair.uncertain.iter().map(|why| Condition::RolesUncertain { why: why.clone() }));
    conditions
}
