//! One service alone: replaced in place, shifted by ECS between two target groups, or moved by somebody else.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::condition::Condition;
use super::derive::{
    UNKNOWN_SHARE, UNTRIED, deployment_under_way, doing_phase, drop_shared_metrics, meter, observed, series, share_in,
    side, timed,
};
use super::ladder::Ladder;
use super::share::Percent;
use super::{Bake, LocalState, Method, Phase, Release, Share, Side};
use crate::domain::analysis;
use crate::domain::analysis::Step;
use crate::domain::ecs::deployment::{
    Configuration, DeploymentOutcome, DeploymentStatus, ServiceDeployment, ServiceRevision, Strategy,
};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Route, RouteId};
use crate::domain::ecs::service::{Controller, Rollout, RolloutRole, Service};
use crate::domain::metrics::source::CustomMetrics;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::plan::Intent;
use crate::domain::rollback::readiness::Readiness;
use crate::domain::rollback::target;
use crate::domain::settings::Settings;

pub(super) fn single(
    service: &Service,
    snapshot: &Snapshot,
    settings: &Settings,
    ours: &LocalState,
    now: Timestamp,
) -> Release {
    let name = service.key.service.clone();
    let history = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let history = history.map(Vec::as_slice).unwrap_or_default();
    let under_way = deployment_under_way(service, snapshot);
    let (method, watch_only) = method(service, under_way, settings);
    let own = settings.own_of(&name);
    let (blue, mut green) =
        match under_way.filter(|_| method.shifted_by_ecs()).and_then(|it| sides(service, it, own, snapshot)) {
            Some((blue, green)) => (blue, Some(green)),
            None => {
                let group = served_from(service, snapshot);
                let mut alone = side(service, group, route_to(group, snapshot), own, snapshot);
                alone.deployment = under_way.map(|deployment| deployment.arn.clone()).or(alone.deployment);
                (alone, None)
            }
        };
    let same = green.as_mut().and_then(|green| drop_shared_metrics(&blue, green));
    let groups = blue.target_group.as_ref().zip(green.as_ref().and_then(|green| green.target_group.as_ref()));
    let route = production_rule(service, under_way, snapshot).filter(|_| green.is_some());
    let since = route.and_then(|route| snapshot.weights_since.get(&route.id).copied());
    let configured = route.zip(groups).and_then(|(route, (blue, green))| share_in(route, blue, green));
    let thresholds = settings.thresholds_of(&name);
    let (verdict, observed) = match green.as_ref().filter(|_| configured.is_some_and(|share| !share.is_zero())) {
        Some(canary) => {
            let step = Step { since, bake: settings.bake_of(&name), timed: timed(canary), share: configured };
            let verdict =
                analysis::of_canary(series(canary, snapshot), series(&blue, snapshot), &step, now, thresholds);
            // Without a settled minute of its own nothing has been observed of it, not even that it gets nothing.
            let observed = observed(&verdict).filter(|_| verdict.judged.minutes > 0);
            (verdict, observed)
        }
        None => {
            let verdict = analysis::of_service(series(&blue, snapshot), now, thresholds);
            let why = if configured.is_some() { UNTRIED } else { UNKNOWN_SHARE };
            (if green.is_some() { verdict.downgrade_to_inconclusive(why.to_owned()) } else { verdict }, None)
        }
    };
    let pauses = under_way.map(ServiceDeployment::pauses).unwrap_or_default();
    let stage = under_way.and_then(|deployment| deployment.stage.clone());
    let of = match (method, under_way) {
        (Method::NativeWeighted, Some(_)) if !pauses.is_empty() => settings.bake_of(&name),
        (_, Some(deployment)) => bake_of(deployment, configured),
        _ => SignedDuration::ZERO,
    };
    let bake = since
        .filter(|_| configured.is_some_and(|share| !share.is_zero()) && of > SignedDuration::ZERO)
        .map(|since| Bake { since: since.at, seen: since.seen, of });
    let ladder = match method {
        Method::Native => Ladder::of(strategy(service, under_way)),
        _ => settings.ladder_of(&name).clone(),
    };
    let mut release = Release {
        phase: Phase::Steady,
        previous: target::candidates(service, &green.as_ref().unwrap_or(&blue).task_definition, snapshot),
        temporary: temporary(service, history).map(Box::new),
        ailment: None,
        conditions: Vec::new(),
        steady_since: service.primary().and_then(|primary| primary.updated_at.or(primary.created_at)),
        configuration: service.configuration.clone(),
        // What the list still shows as under way, and ECS no longer names, is neither.
        deployment: under_way.or(history.first().filter(|it| it.status.ended())).cloned().map(Box::new),
        routes: route.cloned().into_iter().collect(),
        share: Share { requested: requested(method, under_way, ours, configured), configured, observed },
        // A way back that fails is none.
        returning: under_way.is_some_and(|it| returning(it, history))
            && green.as_ref().unwrap_or(&blue).failure_reason.is_none(),
        preflight: Readiness::default(),
        registered: snapshot.newest_of(service.task_definition.family()).cloned(),
        stable: blue,
        canary: green,
        name,
        method,
        ladder,
        bake,
        verdict,
        watch_only,
        pauses,
        stage,
    };
    release.phase = phase(&release, service, under_way.is_some(), ours, now);
    release.conditions = conditions(&release, under_way, now);
    release.conditions.extend(same.filter(|_| release.share.configured.is_some_and(|share| !share.is_zero())));
    release
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
            (if wanted && fits { Method::NativeWeighted } else { Method::Native }, None)
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
    ours: &LocalState,
    configured: Option<Percent>,
) -> Option<Percent> {
    // ECS's own request stays 0 while the console writes the rule; what was written for an earlier release is over.
    let written = configured.is_some_and(|share| !share.is_zero()) || ours.doing.is_some();
    match method {
        Method::NativeWeighted => ours.requested.filter(|_| under_way.is_some() && written),
        _ => under_way.and_then(|deployment| deployment.requested),
    }
}

/// Both sides of a deployment under way: what is replaced, and what replaces it.
fn sides(
    service: &Service,
    deployment: &ServiceDeployment,
    own: Option<&CustomMetrics>,
    snapshot: &Snapshot,
) -> Option<(Side, Side)> {
    let target = deployment.target.as_deref()?;
    let route = production_rule(service, Some(deployment), snapshot);
    let source = replaced(deployment, target, route)?;
    let (blue_group, green_group) = groups(service, source, target, deployment.requested, route);
    let one = |revision: &ServiceRevision, group: Option<&Arn>, other: &TaskDefinitionArn| {
        let of = |rollout: &&Rollout| rollout.task_definition == revision.task_definition;
        // Two revisions of one task definition: the primary is the new one, until ECS takes it back.
        let same = *other == revision.task_definition;
        let newer = std::ptr::eq(revision, target);
        let primary_is_new = !deployment.status.rolling_back();
        let of = |rollout: &&Rollout| {
            of(rollout) && (!same || (rollout.role == RolloutRole::Primary) == (newer == primary_is_new))
        };
        let sum = |count: fn(&Rollout) -> u32| service.rollouts.iter().filter(of).map(count).sum();
        let version = snapshot.task_definition(&revision.task_definition).and_then(|definition| definition.version());
        Side {
            task_definition: revision.task_definition.clone(),
            version: version.map(str::to_owned),
            target_group: group.cloned(),
            meter: meter(&service.key, &revision.task_definition, group, route, own),
            weight: group.and_then(|group| route?.weight(group)),
            desired: sum(|rollout| rollout.desired),
            running: sum(|rollout| rollout.running),
            pending: sum(|rollout| rollout.pending),
            healthy: group.and_then(|group| snapshot.health_of(group)).map(|health| health.healthy),
            leaving: Vec::new(),
            settled: false,
            deployment: Some(deployment.arn.clone()),
            ..side(service, None, None, None, snapshot)
        }
    };
    let mut blue = one(source, blue_group.as_ref(), &target.task_definition);
    let mut green = one(target, green_group.as_ref(), &source.task_definition);
    // What is wrong is wrong with the tasks that are being started.
    match deployment.status.rolling_back() {
        true => green.failure_reason = None,
        false => blue.failure_reason = None,
    }
    Some((blue, green))
}

/// Whether a deployment under way is a way back itself: it brings back what ran before, in place of a newer one.
fn returning(under_way: &ServiceDeployment, history: &[ServiceDeployment]) -> bool {
    let target = under_way.task_definition();
    let from_another = under_way.sources.iter().all(|source| Some(&source.task_definition) != target);
    !under_way.status.rolling_back() && from_another && returned(under_way, history)
}

/// What ECS would go back to: what it says, else the one revision that is replaced, else the one of several that serves.
/// `None` where that is not certain: a superseded deployment leaves its revision among the sources.
fn replaced<'a>(
    deployment: &'a ServiceDeployment,
    target: &ServiceRevision,
    route: Option<&Route>,
) -> Option<&'a ServiceRevision> {
    if let Some(to) = deployment.rollback.as_ref().and_then(|rollback| rollback.to.as_deref()) {
        return Some(to).filter(|to| to.arn != target.arn);
    }
    if deployment.unresolved_sources > 0 {
        return None;
    }
    let sources: Vec<_> = deployment.sources.iter().map(|it| &**it).filter(|it| it.arn != target.arn).collect();
    let weight = |source: &&&ServiceRevision| {
        let elsewhere = source.target_groups.iter().filter(|group| !target.target_groups.contains(group));
        elsewhere.filter_map(|group| route?.weight(group)).max()
    };
    match sources.as_slice() {
        [only] => Some(only),
        several => several.iter().filter(|source| weight(source).is_some()).max_by_key(weight).copied(),
    }
}

/// The target groups of both, as ECS resolved them; where it does not say, the one whose weight is nearer to what ECS
/// asked for is the new one's.
fn groups(
    service: &Service,
    source: &ServiceRevision,
    target: &ServiceRevision,
    requested: Option<Percent>,
    route: Option<&Route>,
) -> (Option<Arn>, Option<Arn>) {
    let known = |revision: &ServiceRevision| {
        revision.target_groups.iter().find(|group| service.target_groups.contains(group)).cloned()
    };
    let other = |one: &Arn| service.target_groups.iter().find(|group| *group != one).cloned();
    match (known(source), known(target)) {
        (Some(blue), Some(green)) if blue != green => (Some(blue), Some(green)),
        // Of a group that both are said to have, the new tasks are in it.
        (_, Some(green)) => (other(&green), Some(green)),
        (Some(blue), None) => (Some(blue.clone()), other(&blue)),
        (None, None) => {
            let wanted = requested.map_or(0.0, Percent::value);
            let distance = |green: &&Arn| {
                let share = other(green).zip(route).and_then(|(blue, route)| share_in(route, &blue, green));
                share.map_or(f64::INFINITY, |share| (share.value() - wanted).abs())
            };
            let green = service.target_groups.iter().rev().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            (green.and_then(other), green.cloned())
        }
    }
}

/// The rule that ECS writes for this service.
fn production_rule<'a>(
    service: &Service,
    under_way: Option<&ServiceDeployment>,
    snapshot: &'a Snapshot,
) -> Option<&'a Route> {
    let resolved = under_way.and_then(|deployment| deployment.target.as_ref()?.production_rule.as_ref());
    let named = resolved.or(service.production_rule.as_ref()).and_then(|arn| {
        let rule = snapshot.route(&RouteId::Rule(arn.clone()));
        rule.or_else(|| snapshot.route(&RouteId::Default(arn.clone())))
    });
    named.or_else(|| {
        let both = |route: &&Route| {
            service.target_groups.len() > 1 && service.target_groups.iter().all(|group| route.weight(group).is_some())
        };
        snapshot.routes.get()?.values().find(both)
    })
}

/// A strategy of ECS's own moves the traffic between its target groups: the one that is served from counts.
fn served_from<'a>(service: &'a Service, snapshot: &Snapshot) -> Option<&'a Arn> {
    let served = |group: &&Arn| {
        let routes = snapshot.routes.get().into_iter().flat_map(BTreeMap::values);
        routes.filter_map(|route| route.weight(group)).max()
    };
    service.target_groups.iter().rev().max_by_key(served)
}

fn route_to<'a>(group: Option<&Arn>, snapshot: &'a Snapshot) -> Option<&'a Route> {
    snapshot.routes.get()?.values().find(|route| group.is_some_and(|group| route.weight(group).is_some()))
}

/// How long ECS watches the present share before it goes on.
fn bake_of(deployment: &ServiceDeployment, share: Option<Percent>) -> SignedDuration {
    let step = match deployment.configuration.strategy {
        Strategy::Canary { bake_minutes, .. } | Strategy::Linear { bake_minutes, .. } => bake_minutes,
        _ => 0,
    };
    match (&deployment.stage, share) {
        (Some(LifecycleStage::BakeTime), _) => deployment.configuration.bake(),
        (Some(LifecycleStage::ProductionTrafficShift), Some(share)) if !share.is_full() => {
            SignedDuration::from_mins(step.max(0).into())
        }
        _ => SignedDuration::ZERO,
    }
}

/// What the service went by before a deployment changed that for its own sake: it set the strategy aside to go back at
/// once, or added pauses to a strategy that had none.
fn temporary(service: &Service, history: &[ServiceDeployment]) -> Option<Configuration> {
    let now = &service.configuration;
    history.first().filter(|newest| newest.configuration.same_strategy(now))?;
    let before = history.iter().find(|older| !older.configuration.same_strategy(now))?;
    let before = &before.configuration;
    // Not any change of strategy: one that came with a way back to what ran before.
    let first = history.iter().take_while(|it| it.configuration.same_strategy(now)).last()?;
    let set_aside = now.is_at_once() && before.strategy.shifts_traffic() && returned(first, history);
    let added: Vec<_> = now.hooks.iter().filter(|hook| !before.hooks.contains(hook)).collect();
    let pauses_added = now.strategy == before.strategy
        && now.bake_minutes == before.bake_minutes
        && before.pauses().next().is_none()
        && before.hooks.iter().all(|hook| now.hooks.contains(hook))
        && matches!(added.as_slice(), [only] if only.is_added_pause());
    // Alarms and the like may have been changed on purpose meanwhile: they stay.
    let restored = Configuration {
        strategy: before.strategy.clone(),
        bake_minutes: before.bake_minutes,
        hooks: before.hooks.clone(),
        ..now.clone()
    };
    (set_aside || pauses_added).then_some(restored)
}

/// Whether a deployment, under way or over, brought back a revision that had been deployed well before it.
fn returned(deployment: &ServiceDeployment, history: &[ServiceDeployment]) -> bool {
    let target = deployment.task_definition();
    let mut older = history.iter().skip_while(|it| it.arn != deployment.arn).skip(1);
    target.is_some()
        && older.any(|it| match it.status {
            DeploymentStatus::Successful => it.task_definition() == target,
            DeploymentStatus::RollbackSuccessful => it.rolled_back_to() == target,
            _ => false,
        })
}

fn phase(release: &Release, service: &Service, under_way: bool, ours: &LocalState, now: Timestamp) -> Phase {
    if ours.doing.as_ref().is_some_and(Intent::is_rollback) || release.newest().going_back {
        return Phase::RollingBack;
    }
    if release.sides().any(|side| side.failure_reason.is_some()) {
        return Phase::Failed;
    }
    if !release.pauses.is_empty() {
        return Phase::Waiting;
    }
    if !release.method.shifted_by_ecs() || !under_way {
        return match service.rolling() {
            true => Phase::Shifting,
            false => doing_phase(ours).unwrap_or(Phase::Steady),
        };
    }
    use LifecycleStage as Stage;
    match &release.stage {
        Some(Stage::ReconcileService | Stage::PreScaleUp | Stage::ScaleUp | Stage::PostScaleUp) => Phase::Starting,
        Some(Stage::TestTrafficShift | Stage::PostTestTrafficShift) => Phase::Starting,
        Some(Stage::CleanUp) => Phase::Finishing,
        Some(Stage::BakeTime) => Phase::Baking,
        _ if release.bake.is_some_and(|bake| !bake.done(now)) => Phase::Baking,
        None => Phase::Starting,
        _ => Phase::Shifting,
    }
}

/// How long a finished rollback stays flagged; without it the service would look steady.
const FLAGGED: SignedDuration = SignedDuration::from_hours(1);

/// That the newest deployment was rolled back, where that ended lately.
fn recent_rollback(release: &Release, now: Timestamp) -> Option<Condition> {
    let newest = release.deployment.as_deref()?;
    let complete = match newest.outcome()? {
        DeploymentOutcome::RolledBack => true,
        DeploymentOutcome::RollbackFailed => false,
        DeploymentOutcome::Succeeded | DeploymentOutcome::Stopped => return None,
    };
    let at = newest.finished_at.filter(|at| now.duration_since(*at) < FLAGGED)?;
    let reason = newest.rollback.as_ref().and_then(|rollback| rollback.reason.clone()).or(newest.reason.clone());
    let revision = newest.task_definition().map(TaskDefinitionArn::tag);
    Some(Condition::RolledBack { revision, complete, at, reason })
}

fn conditions(release: &Release, under_way: Option<&ServiceDeployment>, now: Timestamp) -> Vec<Condition> {
    let sides = release.sides();
    let failures = sides.filter_map(|side| side.failure_reason.clone());
    let mut conditions: Vec<_> = failures.map(Condition::RolloutFailure).collect();
    let to_climb = release.share.configured.is_some_and(|share| !share.is_full());
    let writes_weights = release.method == Method::NativeWeighted && release.held() && to_climb;
    if let Some(stage) = release.stage.clone().filter(|_| !release.pauses.is_empty()) {
        conditions.push(Condition::Paused { stage, pauses: release.pauses.len(), writes_weights });
    }
    let reason = under_way.and_then(|deployment| deployment.rollback.as_ref()?.reason.clone());
    conditions.extend(reason.map(|reason| Condition::RollingBack { reason }));
    if let Some(before) = release.temporary.as_ref().filter(|_| under_way.is_none()) {
        let at_once = release.configuration.is_at_once();
        conditions.push(Condition::ConfigurationOverridden { at_once, restores: before.describe() });
    }
    if under_way.is_none() {
        conditions.extend(recent_rollback(release, now));
    }
    conditions
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::ecs::names::Arn;

    fn group(name: &str) -> Arn {
        Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/1"))
    }

    fn revision(number: u32, groups: &[&str]) -> Arc<ServiceRevision> {
        let arn = Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:service-revision/prod/shop/{number}"));
        let definition =
            TaskDefinitionArn::new(format!("arn:aws:ecs:us-east-1:123456789012:task-definition/shop:{number}"));
        let groups = groups.iter().map(|name| group(name)).collect();
        Arc::new(ServiceRevision { target_groups: groups, ..ServiceRevision::bare(arn, definition) })
    }

    fn deployment(target: u32, status: DeploymentStatus) -> ServiceDeployment {
        let arn = format!("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/shop/{target}{status:?}");
        ServiceDeployment { target: Some(revision(target, &[])), ..ServiceDeployment::new(Arn::new(arn), status) }
    }

    fn route(blue: u64, green: u64) -> Route {
        let to = |name: &str, weight: u64| crate::domain::ecs::route::Forward {
            target_group: group(name),
            weight: crate::domain::release::share::Weight::new(weight).unwrap(),
        };
        Route {
            id: RouteId::Rule(Arn::new("rule")),
            load_balancer: Arn::new("lb"),
            port: None,
            priority: "1".into(),
            conditions: Vec::new(),
            forwards: vec![to("blue", blue), to("green", green)],
            stickiness: None,
            shape: 0,
        }
    }

    #[test]
    fn of_several_sources_the_one_that_serves_is_replaced() {
        // :42 was superseded by :43, which took over its target group; users are with :41.
        let target = revision(43, &["green"]);
        let mut under_way = deployment(43, DeploymentStatus::InProgress);
        under_way.sources = vec![revision(42, &["green"]), revision(41, &["blue"])];
        let of = |deployment: &ServiceDeployment| {
            replaced(deployment, &target, Some(&route(100, 0))).map(|it| it.task_definition.tag())
        };
        assert_eq!(of(&under_way).as_deref(), Some(":41"));
        // What cannot be told is not guessed.
        under_way.unresolved_sources = 1;
        assert_eq!(of(&under_way), None);
    }

    #[test]
    fn a_deployment_of_what_ran_before_is_a_way_back() {
        use DeploymentStatus::{InProgress, Stopped, Successful};
        let mut back = deployment(41, InProgress);
        back.sources = vec![revision(42, &[])];
        let older = |status| vec![back.clone(), deployment(42, Successful), deployment(41, status)];
        assert!(returning(&back, &older(Successful)));
        assert!(!returning(&back, &older(Stopped)), "it never ran");
        let mut forward = deployment(43, InProgress);
        forward.sources = vec![revision(42, &[])];
        assert!(!returning(&forward, &[forward.clone(), deployment(42, Successful)]));
    }
}
