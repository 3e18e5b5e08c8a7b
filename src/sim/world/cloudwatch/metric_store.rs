//! The metrics of the account: one record per minute for each target group, revision, service and the load balancer.

use std::collections::{HashMap, VecDeque};

use super::latency_histogram::LatencyHistogram;
use crate::sim::world::clock::{MINUTE, Ms, SECOND};
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::task_definitions::catalog::DefinitionId;

/// Minutes that a series keeps.
const RETENTION: usize = 6 * 60;

/// The samples of a minute, summed up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StatisticSet {
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) count: f64,
}

impl StatisticSet {
    pub(crate) fn add(&mut self, value: f64) {
        self.min = if self.count == 0.0 { value } else { self.min.min(value) };
        self.max = if self.count == 0.0 { value } else { self.max.max(value) };
        self.sum += value;
        self.count += 1.0;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count <= 0.0 {
            return;
        }
        let empty = self.count <= 0.0;
        self.min = if empty { other.min } else { self.min.min(other.min) };
        self.max = if empty { other.max } else { self.max.max(other.max) };
        self.sum += other.sum;
        self.count += other.count;
    }
}

/// A minute of a target group.
#[derive(Debug, Clone, Default)]
pub(crate) struct GroupMinute {
    pub(crate) requests: u64,
    pub(crate) code_2xx: u64,
    pub(crate) code_4xx: u64,
    pub(crate) code_5xx: u64,
    pub(crate) connection_errors: u64,
    /// Requests that were routed to unhealthy targets because no target was healthy.
    pub(crate) failed_open: u64,
    pub(crate) latency: LatencyHistogram,
    pub(crate) healthy: StatisticSet,
    pub(crate) unhealthy: StatisticSet,
}

/// A minute of the load balancer: requests that no target answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct BalancerMinute {
    pub(crate) elb_502: u64,
    pub(crate) elb_503: u64,
    pub(crate) elb_504: u64,
    pub(crate) fixed_responses: u64,
}

/// A minute of a service.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceMinute {
    /// Percent of the reservation.
    pub(crate) cpu: StatisticSet,
    /// Percent of the reservation.
    pub(crate) memory: StatisticSet,
    /// CPU units, which Container Insights samples once per task.
    pub(crate) cpu_units: StatisticSet,
    /// Megabytes, which Container Insights samples once per task.
    pub(crate) megabytes: StatisticSet,
}

impl ServiceMinute {
    /// Adds a sample of a task, in percent of its reservation. `reserved` is that reservation in CPU units and
    /// megabytes if Container Insights samples the task too.
    pub(crate) fn add_usage(&mut self, cpu: f64, memory: f64, reserved: Option<(f64, f64)>) {
        self.cpu.add(cpu);
        self.memory.add(memory);
        if let Some((units, megabytes)) = reserved {
            self.cpu_units.add(units * cpu / 100.0);
            self.megabytes.add(megabytes * memory / 100.0);
        }
    }
}

/// A minute of the custom metrics that a revision publishes.
#[derive(Debug, Clone, Default)]
pub(crate) struct CustomMinute {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) latency: LatencyHistogram,
}

/// The records of consecutive minutes.
#[derive(Debug)]
pub(crate) struct MinuteSeries<T> {
    first: i64,
    minutes: VecDeque<T>,
}

impl<T: Default> MinuteSeries<T> {
    fn new(first: i64) -> Self {
        Self { first, minutes: VecDeque::new() }
    }

    pub(crate) fn get(&self, minute: i64) -> Option<&T> {
        self.minutes.get(usize::try_from(minute - self.first).ok()?)
    }

    /// The record of a minute, created if necessary. `None` for a minute before the first one.
    pub(crate) fn get_or_add(&mut self, minute: i64) -> Option<&mut T> {
        let at = usize::try_from(minute - self.first).ok()?;
        while self.minutes.len() <= at {
            self.minutes.push_back(T::default());
        }
        while self.minutes.len() > RETENTION {
            self.minutes.pop_front();
            self.first += 1;
        }
        self.minutes.back_mut()
    }
}

/// All records. `groups` and `services` have the order of the load balancer's target groups and the account's services.
#[derive(Debug)]
pub(crate) struct MetricStore {
    pub(crate) groups: Vec<MinuteSeries<GroupMinute>>,
    pub(crate) balancer: MinuteSeries<BalancerMinute>,
    pub(crate) services: Vec<MinuteSeries<ServiceMinute>>,
    pub(crate) custom: CustomRecords,
}

/// The custom metrics of each revision behind each of its target groups.
#[derive(Debug)]
pub(crate) struct CustomRecords {
    first: i64,
    series: HashMap<(GroupId, DefinitionId), MinuteSeries<CustomMinute>>,
}

impl CustomRecords {
    pub(crate) fn get_or_add(
        &mut self,
        group: GroupId,
        definition: DefinitionId,
        minute: i64,
    ) -> Option<&mut CustomMinute> {
        let series = self.series.entry((group, definition)).or_insert_with(|| MinuteSeries::new(self.first));
        series.get_or_add(minute)
    }

    pub(crate) fn get(&self, group: GroupId, definition: DefinitionId, minute: i64) -> Option<&CustomMinute> {
        self.series.get(&(group, definition))?.get(minute)
    }
}

impl MetricStore {
    pub(crate) fn new(groups: usize, services: usize, first: i64) -> Self {
        Self {
            groups: (0..groups).map(|_| MinuteSeries::new(first)).collect(),
            balancer: MinuteSeries::new(first),
            services: (0..services).map(|_| MinuteSeries::new(first)).collect(),
            custom: CustomRecords { first, series: HashMap::new() },
        }
    }
}

/// The part of a minute that CloudWatch shows now: `None` before it is published, less than 1 while it is incomplete,
/// and 1 at most two minutes after the minute's end. `salt` makes series differ.
pub(crate) fn published_part(minute: i64, salt: u64, now: Ms) -> Option<f64> {
    let mixed = (minute as u64 ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let first = (minute + 1) * MINUTE + MINUTE + (mixed % 30) as Ms * SECOND;
    match now - first {
        ..0 => None,
        age if age < 30 * SECOND => Some(0.35 + (mixed % 40) as f64 / 100.0),
        _ => Some(1.0),
    }
}
