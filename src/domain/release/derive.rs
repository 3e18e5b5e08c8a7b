//! From the snapshot to the releases in it: which services belong together, what is under way, what the metrics say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::condition::{Condition, FailureReason};
use super::pair;
use super::pair::Pair;
use super::share::{Percent, Weights};
use super::unread::unread;
use super::{Bake, LocalState, Method, Phase, Release, Share, Side, single};
use crate::domain::analysis;
use crate::domain::analysis::{Step, Verdict, alarms};
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::Route;
use crate::domain::ecs::service::{Rollout, RolloutRole, RolloutState, Service};
use crate::domain::health::rollout;
use crate::domain::health::rollout::{LOOP, RolloutHealth};
use crate::domain::metrics::Series;
use crate::domain::metrics::source::{CustomMetrics, MetricSource};
use crate::domain::observe::snapshot::{Since, Snapshot};
use crate::domain::plan::Intent;
use crate::domain::rollback::readiness;
use crate::domain::rollback::readiness::Readiness;
use crate::domain::rollback::target;
use crate::domain::settings::Settings;

/// Every release of the environment: pairs as one, every other service alone, by name. No two have the same: where
/// several clusters have a service of one name, each is called `cluster/name`.
pub fn releases(
    snapshot: &Snapshot,
    settings: &Settings,
    ours: &BTreeMap<String, LocalState>,
    now: Timestamp,
) -> Vec<Release> {
    let Some(services) = snapshot.services.get() else { return Vec::new() };
    let pairs = pair::pairs(snapshot, settings);
    let paired: BTreeSet<_> = pairs.iter().flat_map(|pair| [&pair.stable, &pair.canary]).collect();
    let alone: Vec<_> = services.values().filter(|service| !paired.contains(&service.key)).collect();
    let of_pairs = pairs.iter().map(|pair| (pair.name.clone(), &pair.stable));
    let of_alone = alone.iter().map(|service| (service.key.service.clone(), &service.key));
    let names = disambiguate(of_pairs.chain(of_alone).collect());
    let nobody = LocalState::default();
    let ours_of = |name: &String| ours.get(name).unwrap_or(&nobody);
    // Settings go by the short name, what this console does by the one that is nobody else's.
    let (pair_names, alone_names) = names.split_at(pairs.len());
    let weighted = pairs.iter().zip(pair_names).filter_map(|(pair, name)| {
        Some(Release { name: name.clone(), ..weighted(pair, snapshot, settings, ours_of(name), now)? })
    });
    let single = alone.iter().zip(alone_names).map(|(service, name)| Release {
        name: name.clone(),
        ..single::single(service, snapshot, settings, ours_of(name), now)
    });
    let mut releases: Vec<_> = weighted.chain(single).collect();
    for release in &mut releases {
        let names = alarms::names(release, snapshot, settings);
        let since = release.bake.map(|bake| Since { at: bake.since, seen: bake.seen });
        let since = since.or_else(|| snapshot.weights_since.get(&release.routes.first()?.id).copied());
        let apply_alarms = alarms::apply_alarms(release.verdict.clone(), &names, snapshot, since, now);
        release.verdict = match unread(release, snapshot, now) {
            Some(why) => apply_alarms.downgrade_to_inconclusive(why),
            None => apply_alarms,
        };
        release.ailment = rollout::ailment(release, snapshot, now);
        if release.in_flight() && matches!(release.ailment, Some(RolloutHealth::CrashLoop { .. })) {
            let why = "the new revision's tasks fail: what is counted is of those that serve".to_owned();
            release.verdict = release.verdict.clone().downgrade_to_inconclusive(why);
        }
        let denied = ours_of(&release.name).denied.as_slice();
        if let Some(service) = snapshot.service(&release.stable.service) {
            release.preflight = readiness::preflight(release, service, snapshot, denied, now);
        }
    }
    releases.sort_by(|a, b| (&a.name, &a.stable.service).cmp(&(&b.name, &b.stable.service)));
    releases
}

/// Gives those that share a name another one. A key, an operation and a line of the audit name a release: it must be
/// one. A pair's stem may be what another service of its cluster is called; no two have the same stable service.
fn disambiguate(mut named: Vec<(String, &ServiceKey)>) -> Vec<String> {
    let with_cluster = |name: &str, stable: &ServiceKey| format!("{}/{name}", stable.cluster);
    let by_service = |_: &str, stable: &ServiceKey| stable.to_string();
    for longer in [&with_cluster as &dyn Fn(&str, &ServiceKey) -> String, &by_service] {
        let mut called: BTreeMap<String, usize> = BTreeMap::new();
        for (name, _) in &named {
            *called.entry(name.clone()).or_default() += 1;
        }
        for (name, stable) in named.iter_mut().filter(|(name, _)| called.get(name).is_some_and(|count| *count > 1)) {
            *name = longer(name, stable);
        }
    }
    named.into_iter().map(|(name, _)| name).collect()
}

pub(super) fn side(
    service: &Service,
    target_group: Option<&Arn>,
    route: Option<&Route>,
    own: Option<&CustomMetrics>,
    snapshot: &Snapshot,
) -> Side {
    let task_definition = service.primary().map_or(&service.task_definition, |primary| &primary.task_definition);
    let version = snapshot.task_definition(task_definition).and_then(|definition| definition.version());
    let left = service.rollouts.iter().filter(|rollout| rollout.role != RolloutRole::Primary && rollout.running > 0);
    Side {
        service: service.key.clone(),
        arn: service.arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        settled: service.desired > 0 && service.settled_on(task_definition),
        leaving: left.map(|rollout| rollout.task_definition.clone()).collect(),
        going_back: going_back(service, snapshot),
        task_definition: task_definition.clone(),
        version: version.map(str::to_owned),
        target_group: target_group.cloned(),
        meter: meter(&service.key, task_definition, target_group, route, own),
        weight: target_group.and_then(|group| route?.weight(group)),
        desired: service.desired,
        running: service.running,
        pending: service.pending,
        healthy: target_group.and_then(|group| snapshot.health_of(group)).map(|health| health.healthy),
        rolling: service.rolling(),
        failure_reason: failure_reason(service),
        active: service.active(),
        deployment: service.current_deployment.clone(),
    }
}

/// Drops the canary's custom metrics when one of them resolves to the same query as stable's, and returns a condition.
/// Otherwise the canary would be compared with itself, or its errors diluted by stable's traffic.
pub(super) fn drop_shared_metrics(stable: &Side, canary: &mut Side) -> Option<Condition> {
    let (Some(MetricSource::Custom(theirs)), Some(MetricSource::Custom(own))) = (&stable.meter, &canary.meter) else {
        return None;
    };
    let same = own.same_as(theirs);
    if same.is_empty() {
        return None;
    }
    canary.meter = None;
    let revisions = [stable.task_definition.tag(), canary.task_definition.tag()];
    Some(Condition::SharedMetrics { metrics: same.into_iter().map(str::to_owned).collect(), revisions })
}

/// Where a revision's requests are counted: by the team itself where it says so, else by the load balancer.
pub(super) fn meter(
    service: &ServiceKey,
    task_definition: &TaskDefinitionArn,
    target_group: Option<&Arn>,
    route: Option<&Route>,
    own: Option<&CustomMetrics>,
) -> Option<MetricSource> {
    if let Some(own) = own {
        return Some(MetricSource::Custom(own.of(service, task_definition)));
    }
    let (group, balancer) = (target_group?.clone(), route?.load_balancer.clone());
    Some(MetricSource::TargetGroup { group, balancer })
}

/// Whether latency is among what is counted of a side.
pub(super) fn timed(side: &Side) -> bool {
    side.meter.as_ref().is_none_or(MetricSource::timed)
}

/// The minutes of a side, where they were read.
pub(super) fn series<'a>(side: &Side, snapshot: &'a Snapshot) -> Option<&'a Series> {
    snapshot.metrics.get(side.meter.as_ref()?)?.get()
}

fn failure_reason(service: &Service) -> Option<FailureReason> {
    let primary = service.primary()?;
    match primary.state {
        Some(RolloutState::Failed) => {
            let reason = primary.reason.clone().unwrap_or_else(|| "the rollout failed".to_owned());
            Some(FailureReason::Failed(reason))
        }
        _ if primary.failed >= LOOP => Some(FailureReason::TasksFailing(primary.failed)),
        _ => None,
    }
}

fn weighted(
    pair: &Pair,
    snapshot: &Snapshot,
    settings: &Settings,
    ours: &LocalState,
    now: Timestamp,
) -> Option<Release> {
    let (stable, canary) = (snapshot.service(&pair.stable)?, snapshot.service(&pair.canary)?);
    let routes: Vec<_> = pair.routes.iter().filter_map(|id| snapshot.route(id)).cloned().collect();
    let share_in = |route: &Route| share_in(route, &pair.stable_group, &pair.canary_group);
    // Where the rules disagree, the one that matters most speaks for all: nobody served, else most of the canary.
    let weight_of = |route: &&Route| share_in(route).map_or(f64::INFINITY, Percent::value);
    let route = routes.iter().max_by(|a, b| weight_of(a).total_cmp(&weight_of(b)))?;
    let configured = share_in(route);
    let remembered = ours.since.filter(|_| ours.requested.is_some() && ours.requested == configured);
    // Of several rules the one that changed last: before that there was another share.
    let newest =
        routes.iter().filter_map(|route| snapshot.weights_since.get(&route.id).copied()).max_by_key(|it| it.at);
    let since = match (newest, remembered) {
        (Some(since), Some(at)) if !since.seen => Some(Since { at, seen: true }),
        (since, _) => since,
    };
    let since = since.map(|since| with_revision(since, canary));
    let thresholds = settings.thresholds_of(&pair.name);
    let own = settings.own_of(&pair.name);
    let stable_side = side(stable, Some(&pair.stable_group), Some(route), own, snapshot);
    let mut canary_side = side(canary, Some(&pair.canary_group), Some(route), own, snapshot);
    let same = drop_shared_metrics(&stable_side, &mut canary_side);
    let (canary_series, stable_series) = (series(&canary_side, snapshot), series(&stable_side, snapshot));
    let bake_for = settings.bake_of(&pair.name);
    let timed = timed(&canary_side);
    let step = Step { since, bake: bake_for, timed, share: configured };
    let verdict = analysis::of_canary(canary_series, stable_series, &step, now, thresholds);
    // Of a canary that should get something, nothing has been observed before its first settled minute.
    let unwanted = configured.is_some_and(Percent::is_zero);
    let observed = observed(&verdict).filter(|_| verdict.judged.minutes > 0 || unwanted);
    // Without traffic there is nothing to say about the canary; then stable is judged, as any other service.
    let verdict = if configured.is_some_and(Percent::is_zero) {
        let verdict = analysis::of_service(stable_series, now, thresholds);
        if canary_side.desired > 0 { verdict.downgrade_to_inconclusive(UNTRIED.to_owned()) } else { verdict }
    } else {
        verdict
    };
    let mut conditions = Vec::new();
    if routes.iter().any(|other| share_in(other) != configured) {
        conditions.push(Condition::UnevenWeights);
    }
    if configured.is_none() {
        conditions.push(Condition::NobodyServed);
    }
    if let Some(requested) = ours.requested
        && ours.doing.is_none()
        && configured.is_some_and(|configured| (configured.value() - requested.value()).abs() > 0.05)
    {
        conditions.push(Condition::WeightsChangedElsewhere { written: requested });
    }
    conditions.extend(route.stickiness.map(|seconds| Condition::Sticky { seconds }));
    conditions.extend(pair.told_by.as_ref().err().map(|why| Condition::RolesUncertain { why: why.clone() }));
    // A canary that waits without traffic mostly has stable's revision still.
    conditions.extend(same.filter(|_| configured.is_some_and(|share| !share.is_zero())));

    let shared = configured.is_some_and(|share| !share.is_zero());
    let bake = since.filter(|_| shared).map(|since| Bake { since: since.at, seen: since.seen, of: bake_for });
    let phase = weighted_phase(&stable_side, &canary_side, configured, bake, ours, now);
    Some(Release {
        name: pair.name.clone(),
        method: Method::Weighted,
        phase,
        share: Share { requested: ours.requested, configured, observed },
        ladder: settings.ladder_of(&pair.name).clone(),
        bake,
        verdict,
        previous: target::candidates(stable, &stable_side.task_definition, snapshot),
        watch_only: pair.told_by.as_ref().err().cloned(),
        pauses: Vec::new(),
        stage: None,
        ailment: None,
        conditions,
        steady_since: stable.primary().and_then(|primary| primary.updated_at.or(primary.created_at)),
        stable: stable_side,
        canary: Some(canary_side),
        routes,
        configuration: stable.configuration.clone(),
        deployment: newest_deployment(stable, snapshot),
        temporary: None,
        returning: false,
        preflight: Readiness::default(),
        registered: snapshot.newest_of(stable.task_definition.family()).cloned(),
    })
}

/// What there is to say about a canary that nobody is sent to.
pub(super) const UNTRIED: &str = "the canary has no traffic: stable alone is judged";

/// And about one whose share cannot be read.
pub(super) const UNKNOWN_SHARE: &str = "the canary's share is not known: stable alone is judged";

/// Since when it has been this revision too: what another one earned under the same weights says nothing of it.
fn with_revision(since: Since, canary: &Service) -> Since {
    let began = canary.primary().and_then(|primary| primary.created_at).filter(|began| *began > since.at);
    began.map_or(since, |at| Since { at, seen: true })
}

pub(super) fn share_in(route: &Route, stable: &Arn, canary: &Arn) -> Option<Percent> {
    Weights { stable: route.weight(stable)?, canary: route.weight(canary)? }.canary_share()
}

/// The canary's share of the requests that were counted.
pub(super) fn observed(verdict: &Verdict) -> Option<Percent> {
    let stable = verdict.baseline.map_or(0.0, |stable| stable.requests);
    Percent::of(verdict.judged.requests, verdict.judged.requests + stable)
}

pub(super) fn doing_phase(ours: &LocalState) -> Option<Phase> {
    Some(match ours.doing.as_ref()? {
        Intent::Register { .. } => return None,
        Intent::Rollback { .. } => Phase::RollingBack,
        Intent::Finish => Phase::Finishing,
        Intent::Start { .. } => Phase::Starting,
        Intent::Step { .. } | Intent::Weight { .. } => Phase::Shifting,
    })
}

fn weighted_phase(
    stable: &Side,
    canary: &Side,
    configured: Option<Percent>,
    bake: Option<Bake>,
    ours: &LocalState,
    now: Timestamp,
) -> Phase {
    if let Some(phase) = doing_phase(ours) {
        return phase;
    }
    let same = stable.task_definition == canary.task_definition;
    if stable.going_back || stable.rolling && stable.leaving.contains(&canary.task_definition) && !same {
        return Phase::RollingBack;
    }
    let Some(share) = configured else { return Phase::Failed };
    if stable.failure_reason.is_some() || (canary.failure_reason.is_some() && (canary.desired > 0 || !share.is_zero()))
    {
        return Phase::Failed;
    }
    if share.is_zero() {
        return match (canary.rolling, canary.desired, same) {
            (_, 0, _) if stable.rolling => Phase::Shifting,
            (_, 0, _) => Phase::Steady,
            // The last step of a finish: the canary's tasks are still there.
            (_, _, true) => Phase::Finishing,
            (true, _, false) => Phase::Starting,
            (false, _, false) => Phase::Waiting,
        };
    }
    if same {
        return Phase::Finishing;
    }
    match bake {
        Some(bake) if !bake.done(now) => Phase::Baking,
        _ => Phase::Waiting,
    }
}

/// Whether ECS is taking a deployment back by itself. Its deployments say so; where they are not known, the
/// primary rollout does, or that it brings back what worked in place of what failed.
pub(super) fn going_back(service: &Service, snapshot: &Snapshot) -> bool {
    if let Some(deployment) = deployment_under_way(service, snapshot) {
        return deployment.status.rolling_back();
    }
    let Some(primary) = service.primary().filter(|_| service.rolling()) else { return false };
    let failed =
        |rollout: &Rollout| rollout.role != RolloutRole::Primary && rollout.state == Some(RolloutState::Failed);
    let worked = || {
        let witnesses = snapshot.witnessed.get(&service.key);
        witnesses.into_iter().flatten().any(|witness| witness.task_definition == primary.task_definition)
    };
    primary.reason.as_deref().is_some_and(|reason| reason.contains("rolling back"))
        || (service.rollouts.iter().any(failed) && worked())
}

/// The deployment under way, else the newest.
fn newest_deployment(service: &Service, snapshot: &Snapshot) -> Option<Box<ServiceDeployment>> {
    let newest = || snapshot.deployments.get(&service.key)?.get()?.first();
    deployment_under_way(service, snapshot).or_else(newest).cloned().map(Box::new)
}

/// The service deployment that has not ended, where ECS keeps them.
///
/// The service's own answer is asked for more often than that list: where it names a deployment that the list does not
/// have, the list is behind, and says nothing of what is under way.
pub(super) fn deployment_under_way<'a>(service: &Service, snapshot: &'a Snapshot) -> Option<&'a ServiceDeployment> {
    let deployments = snapshot.deployments.get(&service.key)?.get()?;
    if let Some(named) = &service.current_deployment
        && !deployments.iter().any(|deployment| deployment.arn == *named)
    {
        return None;
    }
    deployments.iter().find(|deployment| !deployment.status.ended())
}
