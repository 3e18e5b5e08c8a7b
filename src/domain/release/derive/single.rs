//! One service alone: replaced in place, shifted by ECS between two target groups, or moved by another controller.

use jiff::{SignedDuration, Timestamp};

use super::history::{began_after, is_rollback_deployment, known_bad_of, overridden_config, went_back};
use super::native::{bake_of, production_rule, route_to, served_from, sides};
use super::observed::{UNKNOWN_SHARE, UNTRIED, observed};
use super::other_rules;
use super::phase::single_phase;
use super::side::{deployment_under_way, drop_shared_metrics, series, side, timed};
use super::standing::{Standing, with_since};
use crate::domain::analysis;
use crate::domain::analysis::{ReasonCode, Step, Verdict};
use crate::domain::ecs::deployment::{DeploymentOutcome, ServiceDeployment, Strategy};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::service::{Controller, Service};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::condition::Condition;
use crate::domain::release::ladder::Ladder;
use crate::domain::release::production_rule::ProductionRule;
use crate::domain::release::share::Percent;
use crate::domain::release::{Bake, LocalState, Method, Phase, ReleaseState, Share, Side};
use crate::domain::rollback::target;
use crate::domain::settings::Settings;

/// The release of a service that has no canary service beside it.
#[expect(clippy::too_many_lines, reason = "the members of a release, each with where it is known from")]
pub(super) fn single(
    service: &Service,
    snapshot: &Snapshot,
    settings: &Settings,
    local: &LocalState,
    now: Timestamp,
) -> (ReleaseState, Verdict) {
    let name = service.key.service.clone();
    let history = history_of(service, snapshot);
    let under_way = deployment_under_way(service, snapshot);
    let (method, watch_only) = method(service, under_way, settings);
    let (blue, mut green) = both_sides(service, under_way.filter(|_| method.shifted_by_ecs()), snapshot, settings);
    let same = green.as_mut().and_then(|green| drop_shared_metrics(&blue, green));
    let rules: Vec<_> = shifted_rule(service, under_way, [Some(&blue), green.as_ref()], snapshot).into_iter().collect();
    let (configured, timed) = (rules.first().and_then(ProductionRule::share), green.as_ref().is_some_and(timed));
    let other_rules = other_rules(&rules, &[service], snapshot);
    let ladder = ladder(method, service, under_way, settings);
    let began = under_way.and_then(|deployment| deployment.started_at.or(deployment.created_at));
    let standing = Standing {
        rules: &rules,
        share: configured,
        sides: [&blue, green.as_ref().unwrap_or(&blue)],
        began,
        ladder: &ladder,
        by_ecs: method == Method::Native,
        other_rules: &other_rules,
    };
    let since = standing.since(&written(method, local), snapshot, now);
    let step = Step { since, began, bake: settings.bake_of(&name), timed, share: configured };
    let (verdict, observed) = judged(&blue, green.as_ref(), &step, (snapshot, settings), now);
    let verdict = with_since(verdict, configured.filter(|_| green.is_some()), since);
    let pauses = under_way.map(ServiceDeployment::pauses).unwrap_or_default();
    let of = bake_for(method, under_way, configured, step.bake);
    let shared = configured.is_some_and(|share| !share.is_zero());
    let since = since.filter(|_| shared && of > SignedDuration::ZERO);
    let newest = green.as_ref().unwrap_or(&blue);
    let mut release = ReleaseState {
        phase: Phase::Steady,
        previous: target::candidates(service, &newest.task_definition, snapshot),
        known_bad: known_bad_of(&[service], snapshot, &local.known_bad, now),
        repair: None,
        overridden_config: overridden_config(service, history).map(Box::new),
        conditions: Vec::new(),
        steady_since: service.primary().and_then(|primary| primary.updated_at.or(primary.created_at)),
        went_back: went_back(service, history).max(local.rolled_back.filter(|at| !began_after(service, *at))),
        configuration: service.configuration.clone(),
        // What the list still shows as under way, and ECS no longer names, is neither.
        deployment: under_way.or(history.first().filter(|it| it.status.ended())).cloned().map(Box::new),
        rules_unread: !service.target_groups.is_empty() && snapshot.routes.get().is_none(),
        other_rules,
        rules,
        share: Share { requested: requested(method, under_way, local, configured), configured, observed },
        // A rollback deployment that fails rolls nothing back.
        is_rollback_deployment: under_way.is_some_and(|it| is_rollback_deployment(it, history))
            && newest.failure_reason.is_none(),
        registered: snapshot.newest_of(service.task_definition.family()).cloned(),
        ladder,
        bake: since.map(|since| Bake { since: since.at, seen: since.seen, of }),
        stage: under_way.and_then(|deployment| deployment.stage.clone()),
        stable: blue,
        canary: green,
        name,
        method,
        watch_only,
        managed: service.managed,
        stickiness_off: Vec::new(),
        pauses,
    };
    release.phase = single_phase(&release, under_way.is_some(), local, now);
    release.conditions = conditions(&release, under_way, now);
    release.conditions.extend(same.filter(|_| shared));
    (release, verdict)
}

/// The service's deployments, newest first, as far as they were read.
fn history_of<'a>(service: &Service, snapshot: &'a Snapshot) -> &'a [ServiceDeployment] {
    let history = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    history.map(Vec::as_slice).unwrap_or_default()
}

/// The shares that a new revision climbs: by ECS's strategy, or by the settings where the console writes the weights.
fn ladder(method: Method, service: &Service, under_way: Option<&ServiceDeployment>, settings: &Settings) -> Ladder {
    match method {
        Method::Native => Ladder::of(strategy(service, under_way)),
        _ => settings.ladder_of(&service.key.service).clone(),
    }
}

/// The bake of the present share: `ours` where ECS waits for weights to be written, else ECS's own.
fn bake_for(
    method: Method,
    under_way: Option<&ServiceDeployment>,
    configured: Option<Percent>,
    ours: SignedDuration,
) -> SignedDuration {
    match under_way {
        Some(deployment) if method == Method::NativeWeighted && !deployment.pauses().is_empty() => ours,
        Some(deployment) => bake_of(deployment, configured),
        None => SignedDuration::ZERO,
    }
}

/// This machine's memory of the share: only where the machine writes the weights itself.
fn written(method: Method, local: &LocalState) -> LocalState {
    let LocalState { requested, since, .. } = *local;
    if method == Method::NativeWeighted {
        LocalState { requested, since, ..LocalState::default() }
    } else {
        LocalState::default()
    }
}

/// What is replaced and what replaces it; of a service that ECS does not shift now, the service alone.
fn both_sides(
    service: &Service,
    shifted: Option<&ServiceDeployment>,
    snapshot: &Snapshot,
    settings: &Settings,
) -> (Side, Option<Side>) {
    let own = settings.own_of(&service.key.service);
    if let Some((blue, green)) = shifted.and_then(|deployment| sides(service, deployment, own, snapshot)) {
        return (blue, Some(green));
    }
    let group = served_from(service, snapshot);
    let mut alone = side(service, group, route_to(group, snapshot), own, snapshot);
    let under_way = deployment_under_way(service, snapshot);
    alone.deployment = under_way.map(|deployment| deployment.arn.clone()).or(alone.deployment);
    (alone, None)
}

/// The rule that ECS writes while it shifts, with both sides' target groups.
fn shifted_rule(
    service: &Service,
    under_way: Option<&ServiceDeployment>,
    [blue, green]: [Option<&Side>; 2],
    snapshot: &Snapshot,
) -> Option<ProductionRule> {
    let group = |side: Option<&Side>| side?.target_group.clone();
    let (stable, canary) = (group(blue)?, group(green)?);
    let route = production_rule(service, under_way, snapshot)?.clone();
    Some(ProductionRule { route, stable, canary })
}

/// The verdict, and the canary's share of the requests that were counted.
fn judged(
    blue: &Side,
    green: Option<&Side>,
    step: &Step,
    (snapshot, settings): (&Snapshot, &Settings),
    now: Timestamp,
) -> (Verdict, Option<Percent>) {
    let thresholds = settings.thresholds_of(&blue.service.service);
    let shared = step.share.is_some_and(|share| !share.is_zero());
    if let Some(canary) = green.filter(|_| shared) {
        let verdict = analysis::of_canary(series(canary, snapshot), series(blue, snapshot), step, now, thresholds);
        // Without a settled minute of its own nothing has been observed of it, not even that it gets nothing.
        let observed = observed(&verdict).filter(|_| verdict.judged.minutes > 0);
        return (verdict, observed);
    }
    let verdict = analysis::of_service(series(blue, snapshot), now, thresholds);
    let why = match step.share {
        Some(_) => ReasonCode::Untried.because(UNTRIED),
        None => ReasonCode::ShareUnknown.because(UNKNOWN_SHARE),
    };
    (if green.is_some() { verdict.downgrade_to_inconclusive(why) } else { verdict }, None)
}

fn method(service: &Service, under_way: Option<&ServiceDeployment>, settings: &Settings) -> (Method, Option<String>) {
    let watched = |who: &str| Some(format!("{who} moves this service; it can only be watched here."));
    match &service.controller {
        Controller::CodeDeploy => (Method::CodeDeploy, watched("CodeDeploy")),
        Controller::External | Controller::Other(_) => (Method::External, watched("Another controller")),
        Controller::Ecs if !shifts(service, under_way) => (Method::Rolling, None),
        Controller::Ecs => {
            let wanted = settings.services.get(&service.key.service).is_some_and(|service| service.native_weighted);
            let fits = *strategy(service, under_way) == Strategy::BlueGreen;
            // What AWS owns, it alone writes.
            (if wanted && fits && service.managed.is_none() { Method::NativeWeighted } else { Method::Native }, None)
        }
    }
}

/// Whether ECS shifts traffic: by what the deployment under way was started with where that does, else by what the next
/// one would go by.
fn shifts(service: &Service, under_way: Option<&ServiceDeployment>) -> bool {
    strategy(service, under_way).shifts_traffic()
}

fn strategy<'a>(service: &'a Service, under_way: Option<&'a ServiceDeployment>) -> &'a Strategy {
    let own = under_way.map(|deployment| &deployment.configuration.strategy);
    own.filter(|own| own.shifts_traffic()).unwrap_or(&service.configuration.strategy)
}

fn requested(
    method: Method,
    under_way: Option<&ServiceDeployment>,
    local: &LocalState,
    configured: Option<Percent>,
) -> Option<Percent> {
    // ECS's own request stays 0 while the console writes the rule; what was written for an earlier release is over.
    let written = configured.is_some_and(|share| !share.is_zero()) || local.doing.is_some();
    match method {
        Method::NativeWeighted => local.requested.filter(|_| under_way.is_some() && written),
        _ => under_way.and_then(|deployment| deployment.requested),
    }
}

/// How long a finished rollback stays flagged; without it the service would look steady.
pub(super) const FLAGGED: SignedDuration = SignedDuration::from_hours(1);

/// That the newest deployment was rolled back, where that ended lately; that it could not be, until another one begins.
fn recent_rollback(release: &ReleaseState, now: Timestamp) -> Option<Condition> {
    let newest = release.deployment.as_deref()?;
    let complete = match newest.outcome()? {
        DeploymentOutcome::RolledBack => true,
        DeploymentOutcome::RollbackFailed => false,
        DeploymentOutcome::Succeeded | DeploymentOutcome::Stopped => return None,
    };
    let at = newest.finished_at.or(newest.created_at)?;
    if complete && now.duration_since(at) >= FLAGGED {
        return None;
    }
    let reason = newest.rollback.as_ref().and_then(|rollback| rollback.reason.clone()).or(newest.reason.clone());
    let revision = newest.task_definition().map(TaskDefinitionArn::tag);
    Some(Condition::RolledBack { revision, complete, at, reason })
}

fn conditions(release: &ReleaseState, under_way: Option<&ServiceDeployment>, now: Timestamp) -> Vec<Condition> {
    let sides = release.sides();
    // How the newest deployment ended is said below.
    let failures = sides.filter_map(|side| side.failure_reason.clone()).filter(|reason| !reason.of_rollback());
    let mut conditions: Vec<_> = failures.map(Condition::RolloutFailure).collect();
    let to_climb = release.share.configured.is_some_and(|share| !share.is_full());
    let writes_weights = release.method == Method::NativeWeighted && release.paused_for_weights() && to_climb;
    if let Some(stage) = release.stage.clone().filter(|_| !release.pauses.is_empty()) {
        conditions.push(Condition::Paused { stage, pauses: release.pauses.len(), writes_weights });
    }
    let reason = under_way.and_then(|deployment| deployment.rollback.as_ref()?.reason.clone());
    conditions.extend(reason.map(|reason| Condition::RollingBack { reason }));
    if let Some(before) = release.overridden_config.as_ref().filter(|_| under_way.is_none()) {
        let at_once = release.configuration.is_at_once();
        conditions.push(Condition::ConfigurationOverridden { at_once, restores: before.describe() });
    }
    if under_way.is_none() {
        conditions.extend(recent_rollback(release, now));
    }
    conditions
}
