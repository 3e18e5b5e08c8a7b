//! The hours before the world began to run: minutes written down statistically.

use rand_distr::{Distribution, StandardNormal};

use super::World;
use super::clock::{MINUTE, minute_of};
use super::metrics::OwnMinute;
use super::served::Load;
use super::traffic::{Answers, Behind, poisson, registered, used, wave};

/// Points that stand for a minute's latencies.
const POINTS: i32 = 41;

/// Standard normal quantiles at `POINTS` equally likely places.
fn quantiles() -> Vec<f64> {
    // Bisection on an approximation of the distribution function; once, for forty points.
    let below = |z: f64| 1.0 / (1.0 + (-1.5976 * z - 0.07056 * z.powi(3)).exp());
    let quantile = |p: f64| {
        let (mut low, mut high) = (-5.0, 5.0);
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            *(if below(middle) < p { &mut low } else { &mut high }) = middle;
        }
        low
    };
    (0..POINTS).map(|i| quantile((f64::from(i) + 0.5) / f64::from(POINTS))).collect()
}

impl World {
    /// Fills the minutes from `from` until now, for the services and weights as they are.
    pub(super) fn write_history(&mut self, from: i64) {
        let quantiles = quantiles();
        let groups = registered(&self.services, self.balancer.groups.len());
        self.write_usual(&groups);
        for minute in from..minute_of(self.tick) {
            let factor = wave(minute * MINUTE);
            let mut behind = groups.clone();
            for rule in &self.balancer.rules {
                for (group, share) in rule.shares() {
                    if let Some(behind) = behind.get_mut(group.index()) {
                        behind.demand += rule.rps * factor * share;
                        behind.share = behind.share.max(share);
                    }
                }
            }
            let mut own = Vec::new();
            let groups = self.balancer.group_ids().zip(&behind).zip(&mut self.metrics.groups);
            for ((group, behind), series) in groups {
                let Some(record) = series.at(minute) else {
                    continue;
                };
                record.healthy.add(f64::from(Behind::count(&behind.healthy)));
                record.unhealthy.add(f64::from(Behind::count(&behind.unhealthy)));
                let Some((def, tasks)) = behind.healthy.first() else {
                    continue;
                };
                let behaviour = self.catalog.get(*def).behaviour;
                let answers = Answers::new(
                    &behaviour,
                    behind.demand / (f64::from(*tasks) * behaviour.capacity),
                    behind.share,
                    0.0,
                );
                let rng = &mut self.traffic.rng;
                let n = poisson(rng, behind.demand * 60.0);
                record.requests = n;
                record.code_5xx = poisson(rng, n as f64 * answers.error).min(n);
                record.code_4xx = poisson(rng, n as f64 * behaviour.client_error).min(n - record.code_5xx);
                record.code_2xx = n - record.code_5xx - record.code_4xx;
                if n == 0 {
                    continue;
                }
                let wobble: f64 = StandardNormal.sample(rng);
                for (at, z) in quantiles.iter().enumerate() {
                    let tail: f64 = if at + 3 >= quantiles.len() { StandardNormal.sample(rng) } else { 0.0 };
                    let log = answers.log_latency + 0.02 * wobble + behaviour.log_spread * (z + 0.12 * tail);
                    record.latency.add_ln(log, n as f64 / quantiles.len() as f64);
                }
                own.push((group, *def, record.requests, record.code_5xx, record.latency.clone()));
            }
            for (group, def, requests, errors, latency) in own {
                if let Some(record) = self.metrics.own.at(group, def, minute) {
                    *record = OwnMinute { requests, errors, latency };
                }
            }
            self.write_resources(minute, &behind);
        }
    }

    /// What each task gets as long as everything is as it is.
    fn write_usual(&mut self, groups: &[Behind]) {
        for rule in &self.balancer.rules {
            for (group, share) in rule.shares() {
                let Some(healthy) = groups.get(group.index()).map(|b| &b.healthy) else {
                    continue;
                };
                let requests = rule.rps * share / f64::from(Behind::count(healthy).max(1));
                for (def, _) in healthy {
                    let errors = self.catalog.get(*def).behaviour.error;
                    self.traffic.served.was(group, *def, Load { requests, errors });
                }
            }
        }
    }

    fn write_resources(&mut self, minute: i64, behind: &[Behind]) {
        for (service, series) in self.services.iter().zip(&mut self.metrics.services) {
            let Some(record) = series.at(minute) else {
                continue;
            };
            let Some(task) = service.tasks.first() else {
                continue;
            };
            let here = task.target.as_ref().and_then(|t| behind.get(t.group.index()));
            let tasks = service.tasks.len().max(1) as f64;
            let load = here.map_or(0.25, |b| b.demand / tasks / self.catalog.get(task.def).behaviour.capacity);
            for at in 0..4 {
                let noise: f64 = StandardNormal.sample(&mut self.traffic.rng);
                let (cpu, memory) = used(load, noise);
                let size = self.catalog.get(task.def).size();
                record.uses(cpu, memory, (at == 0).then_some((size.0 * tasks, size.1 * tasks)));
            }
        }
    }
}
