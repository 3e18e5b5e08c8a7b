//! One second of requests: split by the rules' weights, answered by the tasks behind, or by nobody.

use std::collections::HashMap;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, Poisson, StandardNormal};

use super::balancer::{Balancer, GroupId};
use super::catalog::{Behaviour, Catalog, DefId};
use super::clock::{MINUTE, Ms, SECOND, minute_of};
use super::metrics::Metrics;
use super::served::Served;
use super::service::Service;
use super::task::{Health, State};

/// Latencies that are drawn for a group in a second; each stands for its share of the requests.
const SAMPLES: u64 = 8;
/// The load from which on tasks slow down.
const COMFORTABLE: f64 = 0.75;

/// The random source, and how badly each degrading revision is off by now.
#[derive(Debug)]
pub(super) struct Traffic {
    pub rng: ChaCha8Rng,
    pub served: Served,
    heat: HashMap<(GroupId, DefId), f64>,
}

/// Who is registered with a target group.
#[derive(Debug, Default, Clone)]
pub(super) struct Behind {
    pub healthy: Vec<(DefId, u32)>,
    pub unhealthy: Vec<(DefId, u32)>,
    /// Requests a second, and the largest share (0–1) of a rule that brings them.
    pub demand: f64,
    pub share: f64,
}

impl Behind {
    pub fn count(tasks: &[(DefId, u32)]) -> u32 {
        tasks.iter().map(|(_, n)| n).sum()
    }
}

/// The daily wave and the slow wobble of demand, around 1.
pub(super) fn wave(now: Ms) -> f64 {
    let minutes = now as f64 / 60_000.0;
    1.0 + 0.10 * (minutes / 1440.0 * std::f64::consts::TAU).sin()
        + 0.04 * (minutes / 17.0).sin()
        + 0.02 * (minutes / 3.1).sin()
}

/// Load above which latency grows, as a factor on it.
fn slowdown(load: f64) -> f64 {
    if load <= COMFORTABLE {
        1.0
    } else if load <= 1.0 {
        1.0 + 1.5 * ((load - COMFORTABLE) / (1.0 - COMFORTABLE)).powi(2)
    } else {
        (2.5 + 10.0 * (load - 1.0)).min(20.0)
    }
}

pub(super) fn poisson(rng: &mut impl Rng, mean: f64) -> u64 {
    Poisson::new(mean).map_or(0, |d| d.sample(rng) as u64)
}

fn binomial(rng: &mut impl Rng, n: u64, p: f64) -> u64 {
    if n == 0 || p <= 0.0 {
        return 0;
    }
    // For rare events among few requests one draw nearly always decides.
    if n as f64 * p < 0.05 {
        return u64::from(rng.random::<f64>() < n as f64 * p);
    }
    Binomial::new(n, p.min(1.0)).map_or(0, |d| d.sample(rng))
}

impl Traffic {
    pub fn new(rng: ChaCha8Rng, begin: Ms) -> Self {
        Self { rng, served: Served::new(begin), heat: HashMap::new() }
    }

    /// One second.
    pub fn step(
        &mut self,
        now: Ms,
        services: &[Service],
        balancer: &mut Balancer,
        catalog: &Catalog,
        metrics: &mut Metrics,
    ) {
        let mut behind = registered(services, balancer.groups.len());
        self.route(now, balancer, &mut behind, metrics);
        for (group, behind) in balancer.group_ids().zip(&behind) {
            self.answer(group, behind, now, catalog, metrics);
        }
        if (now / SECOND) % 5 == 0 {
            self.use_resources(now, services, catalog, &behind, metrics);
        }
    }

    /// Rules split their requests among their target groups.
    fn route(&mut self, now: Ms, balancer: &mut Balancer, behind: &mut [Behind], metrics: &mut Metrics) {
        let factor = wave(now);
        for rule in &mut balancer.rules {
            rule.lapse_cookies();
            if rule.rps <= 0.0 {
                continue;
            }
            let demand = rule.rps * factor;
            let mut routed = false;
            for (group, share) in rule.shares() {
                routed = true;
                if let Some(behind) = behind.get_mut(group.index()) {
                    behind.demand += demand * share;
                    behind.share = behind.share.max(share);
                }
            }
            if !routed && let Some(record) = metrics.balancer.at(minute_of(now)) {
                let n = poisson(&mut self.rng, demand);
                // A rule that does not forward answers by itself; one that forwards at no weight at all cannot.
                *(if rule.split.is_empty() { &mut record.fixed } else { &mut record.elb_503 }) += n;
            }
        }
    }

    /// The tasks behind a target group answer.
    fn answer(&mut self, group: GroupId, behind: &Behind, now: Ms, catalog: &Catalog, metrics: &mut Metrics) {
        let minute = minute_of(now);
        let (Some(record), Some(elb)) =
            (metrics.groups.get_mut(group.index()).and_then(|s| s.at(minute)), metrics.balancer.at(minute))
        else {
            return;
        };
        let (healthy, unhealthy) = (Behind::count(&behind.healthy), Behind::count(&behind.unhealthy));
        record.healthy.add(f64::from(healthy));
        record.unhealthy.add(f64::from(unhealthy));
        if behind.demand <= 0.0 {
            return;
        }
        if healthy == 0 {
            let n = poisson(&mut self.rng, behind.demand);
            if unhealthy == 0 {
                elb.elb_503 += n;
                return;
            }
            // Nobody is healthy: the load balancer tries them all, and most do not even take the connection.
            let refused = binomial(&mut self.rng, n, 0.7);
            record.requests += n;
            record.failed_open += n;
            record.connection_errors += refused;
            elb.elb_502 += refused;
            record.code_5xx += n - refused;
            return;
        }
        let capacity: f64 =
            behind.healthy.iter().map(|(def, n)| f64::from(*n) * catalog.get(*def).behaviour.capacity).sum();
        let load = behind.demand / capacity;
        for (def, tasks) in &behind.healthy {
            let part = f64::from(*tasks) / f64::from(healthy);
            let behaviour = catalog.get(*def).behaviour;
            let heat = self.heat(group, *def, &behaviour, behind.share * part);
            let n = poisson(&mut self.rng, behind.demand * part);
            let answers = Answers::new(&behaviour, load, behind.share * part, heat);
            let timed_out = binomial(&mut self.rng, n, answers.time_out);
            let failed = binomial(&mut self.rng, n - timed_out, answers.error);
            let refused = binomial(&mut self.rng, n - timed_out - failed, behaviour.client_error);
            record.requests += n;
            record.code_5xx += failed;
            record.code_4xx += refused;
            record.code_2xx += n - timed_out - failed - refused;
            elb.elb_504 += timed_out;
            self.served.write(group, *def, now, (n, failed), *tasks);
            let mut own = metrics.own.at(group, *def, minute);
            if let Some(own) = &mut own {
                own.requests += n;
                own.errors += failed;
            }
            let samples = n.min(SAMPLES);
            for _ in 0..samples {
                let z: f64 = StandardNormal.sample(&mut self.rng);
                let (log, weight) = (answers.log_latency + behaviour.log_spread * z, n as f64 / samples as f64);
                record.latency.add_ln(log, weight);
                if let Some(own) = &mut own {
                    own.latency.add_ln(log, weight);
                }
            }
        }
    }

    /// How far a degrading revision has got, 0–1, at this share (0–1) of its rule's requests.
    fn heat(&mut self, group: GroupId, def: DefId, behaviour: &Behaviour, share: f64) -> f64 {
        let Some(degrade) = behaviour.degrade else {
            return 0.0;
        };
        let heat = self.heat.entry((group, def)).or_default();
        // Half a percent of slack: 10 of 100 is 10 %, whatever the rounding.
        let target = if share * 100.0 + 0.5 >= degrade.from_percent { 1.0 } else { 0.0 };
        *heat += (target - *heat) / degrade.ramp_seconds.max(1.0);
        *heat
    }

    fn use_resources(
        &mut self,
        now: Ms,
        services: &[Service],
        catalog: &Catalog,
        behind: &[Behind],
        metrics: &mut Metrics,
    ) {
        for (service, series) in services.iter().zip(&mut metrics.services) {
            let Some(record) = series.at(minute_of(now)) else {
                continue;
            };
            for task in service.tasks.iter().filter(|t| t.state == State::Running && t.live()) {
                let here = task.target.as_ref().and_then(|t| behind.get(t.group.index()));
                let capacity = catalog.get(task.def).behaviour.capacity;
                let load = here.map_or(0.25, |b| b.demand / f64::from(Behind::count(&b.healthy).max(1)) / capacity);
                let noise: f64 = StandardNormal.sample(&mut self.rng);
                // Container Insights looks once a minute.
                let whole = (now % MINUTE == 30 * SECOND).then(|| catalog.get(task.def).size());
                let (cpu, memory) = used(load, noise);
                record.uses(cpu, memory, whole);
            }
        }
    }
}

/// CPU and memory that a task uses at this load, percent of what it reserves.
pub(super) fn used(load: f64, noise: f64) -> (f64, f64) {
    let cpu = (6.0 + 72.0 * load.min(1.25) + 2.5 * noise).clamp(0.5, 100.0);
    (cpu, (38.0 + 9.0 * load.min(2.0) + 0.6 * noise).clamp(5.0, 99.0))
}

/// The chances of a request.
pub(super) struct Answers {
    pub error: f64,
    pub time_out: f64,
    pub log_latency: f64,
}

impl Answers {
    /// `load`: demand over capacity; `share`: of the rule's requests, 0–1; `heat`: see [`Traffic::heat`].
    pub fn new(behaviour: &Behaviour, load: f64, share: f64, heat: f64) -> Self {
        let (mut error, mut log_latency) = (behaviour.error, behaviour.log_latency);
        if let Some(degrade) = behaviour.degrade.filter(|_| heat > 0.001) {
            error += degrade.error_percent / 100.0 * (0.5 + 0.5 * share.sqrt()) * heat;
            log_latency += ((degrade.latency_ms / 1000.0).ln() - log_latency) * heat;
        }
        let shed = if load > 1.0 { 1.0 - 1.0 / load } else { 0.0 };
        Self {
            error: 1.0 - (1.0 - error.min(1.0)) * (1.0 - shed / 2.0),
            time_out: shed / 2.0,
            log_latency: log_latency + slowdown(load).ln(),
        }
    }
}

/// Who is behind each target group.
pub(super) fn registered(services: &[Service], groups: usize) -> Vec<Behind> {
    let mut behind = vec![Behind::default(); groups];
    for task in services.iter().flat_map(|s| &s.tasks) {
        let Some(target) = &task.target else { continue };
        let Some(behind) = behind.get_mut(target.group.index()) else {
            continue;
        };
        let list = match target.health {
            Health::Healthy => &mut behind.healthy,
            Health::Initial | Health::Unhealthy => &mut behind.unhealthy,
            Health::Draining => continue,
        };
        match list.iter_mut().find(|(def, _)| *def == task.def) {
            Some((_, n)) => *n += 1,
            None => list.push((task.def, 1)),
        }
    }
    behind
}
