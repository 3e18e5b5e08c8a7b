//! A world out of a scenario: everything steady, with its past.

use std::collections::VecDeque;

use super::balancer::{Balancer, GroupId};
use super::catalog::{Catalog, DefId};
use super::clock::{MINUTE, Ms, SECOND};
use super::config::Config;
use super::ids::Ids;
use super::service::{Deployment, Event, Monitor, Rollback, Rollout, Service, ServiceDeployment, Status};
use super::settings::Settings;
use super::stages::Native;
use super::task::Task;
use crate::sim::scenario::{self, PastOutcome, Scenario, Strategy};

/// statusReason of a deployment that a newer one took the place of.
const SUPERSEDED: &str = "Service deployment was stopped because a newer service deployment started.";

/// rollback.reason of a deployment that somebody stopped.
const STOPPED_BY_USER: &str = "Service deployment rolled back by user request.";

/// The services of a scenario as they are at `begin`, when its warm-up begins; ages count from `start`.
pub(super) fn services(
    scenario: &Scenario,
    catalog: &Catalog,
    balancer: &Balancer,
    start: Ms,
    begin: Ms,
    ids: &mut Ids,
) -> Vec<Service> {
    let cluster = |service: &scenario::Service| {
        service.cluster.clone().or(scenario.clusters.first().cloned()).unwrap_or_default()
    };
    let build = |(name, from): (&String, &scenario::Service)| {
        service(name, cluster(from), from, catalog, balancer, start, begin, ids)
    };
    scenario.service.iter().filter_map(build).collect()
}

#[allow(clippy::too_many_arguments, reason = "one caller, which has them all")]
fn service(
    name: &str,
    cluster: String,
    from: &scenario::Service,
    catalog: &Catalog,
    balancer: &Balancer,
    start: Ms,
    begin: Ms,
    ids: &mut Ids,
) -> Option<Service> {
    let group = from.target_group.as_ref().and_then(|g| balancer.group_named(g));
    let deployed = (start - from.deployed.ms).min(begin - MINUTE);
    let took = from.took.ms.min(begin - deployed);
    let settings = Settings::new(&from.setting, None);
    let oldest = from.past.iter().map(|p| start - p.ago.ms).min().unwrap_or(deployed);
    let mut service = Service {
        name: name.into(),
        cluster,
        created: oldest.min(deployed) - 100 * 24 * 60 * MINUTE,
        desired: from.desired,
        config: Config::new(&from.deployment),
        group,
        alternate: from.alternate_target_group.as_ref().and_then(|g| balancer.group_named(g)),
        rule: from.production_rule.as_ref().and_then(|r| balancer.rule_named(r)),
        test_rule: from.test_rule.as_ref().and_then(|r| balancer.rule_named(r)),
        container: from.task_definition.split(':').next().unwrap_or_default().to_owned(),
        grace: Ms::from(from.grace_seconds) * SECOND,
        tags: from.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        revisions: Vec::new(),
        deployments: Vec::new(),
        history: Vec::new(),
        events: VecDeque::new(),
        tasks: Vec::new(),
        steady: true,
    };
    let mut good = None;
    let installed = Entry {
        def: catalog.find(&from.task_definition)?,
        group: if from.on_alternate { service.alternate } else { group },
        settings,
        at: deployed,
        took,
        outcome: PastOutcome::Successful,
        reason: None,
        triggered: Vec::new(),
    };
    let (def, serving) = (installed.def, installed.group);
    // What failed since the last success is newer than it.
    let (since, before): (Vec<_>, Vec<_>) =
        past(from, &installed, catalog, group, start)?.into_iter().partition(|e| e.at > deployed);
    for entry in before {
        remember(&mut service, entry, &mut good, catalog, ids);
    }
    let target = remember(&mut service, installed, &mut good, catalog, ids);
    for entry in since {
        remember(&mut service, entry, &mut good, catalog, ids);
    }
    let id = ids.number();
    let mut primary = Deployment::new(id, target, from.desired, deployed);
    (primary.rollout, primary.updated) = (Rollout::Completed, deployed + took);
    service.deployments.push(primary);
    let behaviour = catalog.get(def).behaviour;
    for n in 0..from.desired {
        // Tasks are a few seconds apart, and some have been replaced since.
        let age = if n % 5 == 4 { (begin - deployed) / 3 } else { begin - deployed };
        let created = begin - age + Ms::from(n) * 2 * SECOND;
        let mut task = Task::launch(def, &behaviour, (id, target), serving, created, ids);
        task.settle(&balancer.groups);
        if let (Some(revision), Some(pulled)) = (service.revisions.get_mut(target), task.pull_stopped) {
            task.digests = revision.pull(catalog, pulled);
        }
        service.tasks.push(task);
    }
    service.events.push_back(Event {
        id: ids.uuid(),
        created: deployed + took,
        message: format!("(service {name}) (deployment ecs-svc/{id}) deployment completed."),
    });
    // A steady service says so every six hours.
    let hours = |ms: Ms| ms / (60 * MINUTE);
    for ago in (1..=5).rev().map(|n| n * 6).filter(|ago| *ago < hours(begin - deployed)) {
        let created = begin - ago * 60 * MINUTE + ids.around(20 * MINUTE);
        service.events.push_back(Event {
            id: ids.uuid(),
            created,
            message: format!("(service {name}) has reached a steady state."),
        });
    }
    Some(service)
}

/// A deployment that is over.
struct Entry {
    def: DefId,
    group: Option<GroupId>,
    settings: Settings,
    at: Ms,
    took: Ms,
    outcome: PastOutcome,
    reason: Option<String>,
    triggered: Vec<String>,
}

/// The earlier deployments of a service, oldest first. `None` when one names no definition.
fn past(
    from: &scenario::Service,
    installed: &Entry,
    catalog: &Catalog,
    group: Option<GroupId>,
    start: Ms,
) -> Option<Vec<Entry>> {
    let entry = |past: &scenario::PastDeployment| {
        Some(Entry {
            def: catalog.find(&past.task_definition)?,
            group,
            settings: Settings::new(&past.setting, Some(&installed.settings)),
            at: start - past.ago.ms,
            took: past.took.ms,
            outcome: past.outcome,
            reason: past.reason.clone(),
            triggered: past.triggered.clone(),
        })
    };
    let mut all = from.past.iter().map(entry).collect::<Option<Vec<_>>>()?;
    all.sort_by_key(|e| e.at);
    Some(all)
}

/// Writes a deployment that is over into a service's history, and gives the index of its revision, whose first task
/// has pulled its images. `good` is the revision that was installed last.
fn remember(service: &mut Service, entry: Entry, good: &mut Option<usize>, catalog: &Catalog, ids: &mut Ids) -> usize {
    let Entry { def, group, settings, at, took, outcome, reason, triggered } = entry;
    let target = service.add_revision(def, group, settings, at, ids);
    if let Some(revision) = service.revisions.get_mut(target) {
        revision.pull(catalog, at);
    }
    let source = good.unwrap_or(target);
    let tested = service.test_rule.is_some();
    let mut deployment = record(service, target, good.iter().copied().collect(), at, took, ids);
    if outcome != PastOutcome::Successful {
        deployment.native = deployment.native.map(|_| Native::over(0.0, tested));
    }
    if !triggered.is_empty() {
        deployment.trip(triggered);
    }
    let rollback = |reason: &str| Some(Rollback { reason: reason.into(), started: at + took / 2, revision: source });
    match outcome {
        PastOutcome::Successful => *good = Some(target),
        PastOutcome::RolledBack => {
            let reason = reason.unwrap_or_else(|| STOPPED_BY_USER.into());
            deployment.status = Status::RollbackSuccessful;
            deployment.rollback = rollback(&reason);
            deployment.reason = Some(reason);
        }
        PastOutcome::RollbackFailed => {
            deployment.status = Status::RollbackFailed;
            deployment.stopped = deployment.finished;
            deployment.rollback = rollback(STOPPED_BY_USER);
            deployment.reason = Some(reason.unwrap_or_else(|| SUPERSEDED.into()));
        }
        PastOutcome::Superseded => {
            deployment.status = Status::Stopped;
            deployment.stopped = deployment.finished;
            deployment.reason = Some(reason.unwrap_or_else(|| SUPERSEDED.into()));
        }
    }
    service.history.push(deployment);
    target
}

/// A service deployment that went well.
fn record(service: &Service, target: usize, sources: Vec<usize>, at: Ms, took: Ms, ids: &mut Ids) -> ServiceDeployment {
    let config = service.config.clone();
    let monitor = |on: bool| {
        if on { Monitor::MonitoringComplete } else { Monitor::Disabled }
    };
    let stage = (config.strategy != Strategy::Rolling).then(|| Native::over(100.0, service.test_rule.is_some()));
    ServiceDeployment {
        id: ids.alnum(21),
        target,
        sources,
        status: Status::Successful,
        reason: None,
        created: at,
        started: Some(at + 2 * SECOND),
        finished: Some(at + took),
        stopped: None,
        updated: at + took,
        rollback: None,
        breaker: monitor(config.breaker),
        failures: 0,
        threshold: config.failure_threshold(service.desired),
        alarms: monitor(config.alarms_enabled),
        triggered: Vec::new(),
        ignored: Vec::new(),
        tasks: service.desired,
        native: stage,
        config,
    }
}
