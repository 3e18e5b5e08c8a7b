//! A world out of a scenario: everything steady, with its past.

use std::collections::VecDeque;

use super::balancer::Balancer;
use super::catalog::Catalog;
use super::clock::{MINUTE, Ms, SECOND};
use super::config::Config;
use super::ids::Ids;
use super::service::{Deployment, Event, Monitor, Rollback, Rollout, Service, ServiceDeployment, Status};
use super::stages::Native;
use super::task::Task;
use crate::sim::scenario::{self, Outcome, Scenario, Strategy};

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
        grace: Ms::from(from.grace_seconds) * SECOND,
        tags: from.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        revisions: Vec::new(),
        deployments: Vec::new(),
        history: Vec::new(),
        events: VecDeque::new(),
        tasks: Vec::new(),
        steady: true,
    };
    let mut past: Vec<_> = from.past.iter().collect();
    past.sort_by_key(|p| std::cmp::Reverse(p.ago.ms));
    let mut good = None;
    for entry in past {
        let def = catalog.find(&entry.task_definition)?;
        let at = start - entry.ago.ms;
        let target = service.add_revision(def, group, at, ids);
        let mut deployment = record(&service, target, good.into_iter().collect(), at, entry.took.ms, ids);
        let source = good.unwrap_or(target);
        match entry.outcome {
            Outcome::Successful => good = Some(target),
            Outcome::RolledBack => {
                let reason =
                    entry.reason.clone().unwrap_or_else(|| "Service deployment rolled back by user request.".into());
                deployment.status = Status::RollbackSuccessful;
                deployment.native = deployment.native.map(|_| Native::over(0.0));
                deployment.reason = Some(reason.clone());
                deployment.rollback = Some(Rollback { reason, started: at + entry.took.ms / 2, revision: source });
            }
            Outcome::Superseded => {
                deployment.status = Status::Stopped;
                deployment.stopped = deployment.finished;
                deployment.reason =
                    Some("Service deployment was stopped because a newer service deployment started.".into());
            }
        }
        service.history.push(deployment);
    }
    let def = catalog.find(&from.task_definition)?;
    let target = service.add_revision(def, group, deployed, ids);
    let deployment = record(&service, target, good.into_iter().collect(), deployed, 240 * SECOND, ids);
    service.history.push(deployment);
    let id = ids.number();
    let mut primary = Deployment::new(id, target, from.desired, deployed);
    (primary.rollout, primary.updated) = (Rollout::Completed, deployed + 240 * SECOND);
    service.deployments.push(primary);
    let behaviour = catalog.get(def).behaviour;
    for n in 0..from.desired {
        // Tasks are a few seconds apart, and some have been replaced since.
        let age = if n % 5 == 4 { (begin - deployed) / 3 } else { begin - deployed };
        let mut task = Task::launch(def, &behaviour, id, group, begin - age + Ms::from(n) * 2 * SECOND, ids);
        task.settle(&balancer.groups);
        service.tasks.push(task);
    }
    service.events.push_back(Event {
        id: ids.uuid(),
        created: deployed + 240 * SECOND,
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

/// A service deployment that went well.
fn record(service: &Service, target: usize, sources: Vec<usize>, at: Ms, took: Ms, ids: &mut Ids) -> ServiceDeployment {
    let config = service.config.clone();
    let monitor = |on: bool| {
        if on { Monitor::MonitoringComplete } else { Monitor::Disabled }
    };
    let stage = (config.strategy != Strategy::Rolling).then(|| Native::over(100.0));
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
