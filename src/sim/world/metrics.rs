//! What CloudWatch knows: a record a minute for each target group, load balancer and service, published late.

use std::collections::{HashMap, VecDeque};

use super::balancer::GroupId;
use super::catalog::DefId;
use super::clock::{MINUTE, Ms, SECOND};
use super::sketch::Sketch;

/// Minutes that are kept.
const KEPT: usize = 6 * 60;

/// Samples within a minute.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gauge {
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub n: f64,
}

impl Gauge {
    pub fn add(&mut self, value: f64) {
        self.min = if self.n == 0.0 { value } else { self.min.min(value) };
        self.max = if self.n == 0.0 { value } else { self.max.max(value) };
        self.sum += value;
        self.n += 1.0;
    }

    pub fn merge(&mut self, other: &Self) {
        if other.n <= 0.0 {
            return;
        }
        let empty = self.n <= 0.0;
        self.min = if empty { other.min } else { self.min.min(other.min) };
        self.max = if empty { other.max } else { self.max.max(other.max) };
        self.sum += other.sum;
        self.n += other.n;
    }
}

/// A target group's minute.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupMinute {
    pub requests: u64,
    pub code_2xx: u64,
    pub code_4xx: u64,
    pub code_5xx: u64,
    pub connection_errors: u64,
    /// Routed to unhealthy targets because there were no others.
    pub failed_open: u64,
    pub latency: Sketch,
    pub healthy: Gauge,
    pub unhealthy: Gauge,
}

/// The load balancer's own minute: what no target answered.
#[derive(Debug, Clone, Default)]
pub(super) struct BalancerMinute {
    pub elb_502: u64,
    pub elb_503: u64,
    pub elb_504: u64,
    pub fixed: u64,
}

/// A service's minute, percent.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceMinute {
    pub cpu: Gauge,
    pub memory: Gauge,
    /// What Container Insights counts: CPU units and megabytes, each task once.
    pub cpu_units: Gauge,
    pub megabytes: Gauge,
}

impl ServiceMinute {
    /// What a task uses at this moment, percent of what it reserves; `whole`: its CPU units and megabytes, where that is
    /// written down too.
    pub fn uses(&mut self, cpu: f64, memory: f64, whole: Option<(f64, f64)>) {
        self.cpu.add(cpu);
        self.memory.add(memory);
        if let Some((units, megabytes)) = whole {
            self.cpu_units.add(units * cpu / 100.0);
            self.megabytes.add(megabytes * memory / 100.0);
        }
    }
}

/// A minute of a revision's own.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnMinute {
    pub requests: u64,
    pub errors: u64,
    pub latency: Sketch,
}

/// Consecutive minutes.
#[derive(Debug)]
pub(super) struct Series<T> {
    first: i64,
    minutes: VecDeque<T>,
}

impl<T: Default> Series<T> {
    pub fn new(first: i64) -> Self {
        Self { first, minutes: VecDeque::new() }
    }

    pub fn get(&self, minute: i64) -> Option<&T> {
        self.minutes.get(usize::try_from(minute - self.first).ok()?)
    }

    /// The record of a minute, made if need be; never of one that lies before the first.
    pub fn at(&mut self, minute: i64) -> Option<&mut T> {
        let at = usize::try_from(minute - self.first).ok()?;
        while self.minutes.len() <= at {
            self.minutes.push_back(T::default());
        }
        while self.minutes.len() > KEPT {
            self.minutes.pop_front();
            self.first += 1;
        }
        self.minutes.back_mut()
    }
}

/// Everything that is recorded; indexed like the balancer's groups and the world's services.
#[derive(Debug)]
pub(super) struct Metrics {
    pub groups: Vec<Series<GroupMinute>>,
    pub balancer: Series<BalancerMinute>,
    pub services: Vec<Series<ServiceMinute>>,
    /// What the revisions behind each target group count themselves.
    pub own: Own,
}

/// Records of revisions, each behind each of its target groups.
#[derive(Debug)]
pub(super) struct Own {
    first: i64,
    of: HashMap<(GroupId, DefId), Series<OwnMinute>>,
}

impl Own {
    /// The record of a minute, made if need be.
    pub fn at(&mut self, group: GroupId, def: DefId, minute: i64) -> Option<&mut OwnMinute> {
        self.of.entry((group, def)).or_insert_with(|| Series::new(self.first)).at(minute)
    }

    /// What a revision counted behind a target group.
    pub fn get(&self, group: GroupId, def: DefId, minute: i64) -> Option<&OwnMinute> {
        self.of.get(&(group, def))?.get(minute)
    }
}

impl Metrics {
    pub fn new(groups: usize, services: usize, first: i64) -> Self {
        Self {
            groups: (0..groups).map(|_| Series::new(first)).collect(),
            balancer: Series::new(first),
            services: (0..services).map(|_| Series::new(first)).collect(),
            own: Own { first, of: HashMap::new() },
        }
    }
}

/// How much of a minute CloudWatch shows now: `None` before it is published, less than 1 while it is still
/// incomplete, 1 once it is settled, which is at most two minutes after the minute's end.
pub(super) fn published(minute: i64, salt: u64, now: Ms) -> Option<f64> {
    let mixed = (minute as u64 ^ salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let first = (minute + 1) * MINUTE + MINUTE + (mixed % 30) as Ms * SECOND;
    match now - first {
        ..0 => None,
        age if age < 30 * SECOND => Some(0.35 + (mixed % 40) as f64 / 100.0),
        _ => Some(1.0),
    }
}
