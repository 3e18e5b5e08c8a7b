//! The parts of the account that traffic flows through.

use crate::sim::world::cloudwatch::metric_store::MetricStore;
use crate::sim::world::ecs::service::Service;
use crate::sim::world::ecs::target::{Health, Target};
use crate::sim::world::elb::load_balancer::LoadBalancer;
use crate::sim::world::task_definitions::catalog::{Catalog, DefinitionId};

/// The load balancer, the services behind it, and the metrics that record the traffic.
pub(crate) struct Site<'a> {
    pub(crate) services: &'a [Service],
    pub(crate) catalog: &'a Catalog,
    pub(crate) load_balancer: &'a mut LoadBalancer,
    pub(crate) metrics: &'a mut MetricStore,
}

/// The targets of a target group and the demand on them.
#[derive(Debug, Default, Clone)]
pub(super) struct GroupLoad {
    /// The number of healthy tasks of each revision.
    pub(super) healthy: Vec<(DefinitionId, u32)>,
    pub(super) unhealthy: Vec<(DefinitionId, u32)>,
    /// Requests per second.
    pub(super) demand: f64,
    /// Requests per second that its healthy tasks get through other target groups.
    pub(super) elsewhere: f64,
    /// The largest share (0–1) that the group has of a rule.
    pub(super) share: f64,
}

impl GroupLoad {
    pub(super) fn count(tasks: &[(DefinitionId, u32)]) -> u32 {
        tasks.iter().map(|(_, n)| n).sum()
    }

    /// Requests per second for each healthy task.
    pub(super) fn per_task(&self) -> f64 {
        self.demand / f64::from(Self::count(&self.healthy).max(1))
    }

    /// Adds the part of a rule's demand that the group gets.
    pub(super) fn add_demand(&mut self, demand: f64, share: f64) {
        self.demand += demand * share;
        self.share = self.share.max(share);
    }
}

impl Site<'_> {
    /// The targets of each target group, without demand yet.
    pub(super) fn group_loads(&self) -> Vec<GroupLoad> {
        let mut loads = vec![GroupLoad::default(); self.load_balancer.groups.len()];
        for task in self.services.iter().flat_map(|s| &s.tasks) {
            for target in &task.targets {
                let Some(load) = loads.get_mut(target.group.index()) else { continue };
                let tasks = match target.health {
                    Health::Healthy => &mut load.healthy,
                    Health::Initial | Health::Unhealthy => &mut load.unhealthy,
                    Health::Draining => continue,
                };
                match tasks.iter_mut().find(|(definition, _)| *definition == task.definition) {
                    Some((_, n)) => *n += 1,
                    None => tasks.push((task.definition, 1)),
                }
            }
        }
        loads
    }

    /// Adds to each target group what its targets have to do in their other target groups.
    pub(super) fn add_work_elsewhere(&self, loads: &mut [GroupLoad]) {
        for task in self.services.iter().flat_map(|s| &s.tasks).filter(|task| task.targets.len() > 1) {
            let healthy = || task.targets.iter().filter(|target| target.health == Health::Healthy);
            let part = |target: &Target| loads.get(target.group.index()).map_or(0.0, GroupLoad::per_task);
            let all: f64 = healthy().map(part).sum();
            let elsewhere: Vec<_> = healthy().map(|target| (target.group, all - part(target))).collect();
            for (group, work) in elsewhere {
                if let Some(load) = loads.get_mut(group.index()) {
                    load.elsewhere += work;
                }
            }
        }
    }
}
