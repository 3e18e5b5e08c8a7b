//! The minutes before the simulation, recorded statistically.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::demand::demand_factor;
use super::distributions::poisson;
use super::request_log::{RequestLog, TaskLoad};
use super::response_model::{ResponseModel, resource_usage};
use super::site::{GroupLoad, Site};
use crate::sim::world::clock::MINUTE;
use crate::sim::world::cloudwatch::metric_store::CustomMinute;
use crate::sim::world::elb::target_group::GroupId;

/// The number of latencies that represent a minute.
const LATENCY_POINTS: i32 = 41;
/// Samples of CPU and memory per minute.
const RESOURCE_SAMPLES: usize = 4;

/// Records the load of each task at average demand, for the time before the request log.
pub(super) fn record_usual_load(site: &Site<'_>, requests: &mut RequestLog) {
    let loads = site.group_loads();
    for rule in &site.load_balancer.rules {
        for (group, share) in rule.shares() {
            let Some(healthy) = loads.get(group.index()).map(|load| &load.healthy) else {
                continue;
            };
            let per_task = rule.rps * share / f64::from(GroupLoad::count(healthy).max(1));
            for (definition, _) in healthy {
                let errors = site.catalog.get(*definition).behaviour.error;
                requests.set_usual(group, *definition, TaskLoad { requests: per_task, errors });
            }
        }
    }
}

/// Records the metrics of these minutes, with the tasks and weights as they are now.
pub(super) fn record_minutes(site: &mut Site<'_>, rng: &mut ChaCha8Rng, minutes: Range<i64>) {
    let quantiles = normal_quantiles();
    let idle = site.group_loads();
    for minute in minutes {
        let factor = demand_factor(minute * MINUTE);
        let mut loads = idle.clone();
        for rule in &site.load_balancer.rules {
            for (group, share) in rule.shares() {
                if let Some(load) = loads.get_mut(group.index()) {
                    load.add_demand(rule.rps * factor, share);
                }
            }
        }
        for (group, load) in site.load_balancer.groups.ids().zip(&loads) {
            record_group(site, rng, (group, load), minute, &quantiles);
        }
        record_resources(site, rng, minute, &loads);
    }
}

fn record_group(
    site: &mut Site<'_>,
    rng: &mut ChaCha8Rng,
    (group, load): (GroupId, &GroupLoad),
    minute: i64,
    quantiles: &[f64],
) {
    let metrics = &mut *site.metrics;
    let Some(record) = metrics.groups.get_mut(group.index()).and_then(|s| s.get_or_add(minute)) else {
        return;
    };
    record.healthy.add(f64::from(GroupLoad::count(&load.healthy)));
    record.unhealthy.add(f64::from(GroupLoad::count(&load.unhealthy)));
    let Some((definition, tasks)) = load.healthy.first() else {
        return;
    };
    let behaviour = site.catalog.get(*definition).behaviour;
    let utilization = load.demand / (f64::from(*tasks) * behaviour.capacity);
    let model = ResponseModel::new(&behaviour, utilization, load.share, 0.0);
    let n = poisson(rng, load.demand * 60.0);
    record.requests = n;
    record.code_5xx = poisson(rng, n as f64 * model.error).min(n);
    record.code_4xx = poisson(rng, n as f64 * behaviour.client_error).min(n - record.code_5xx);
    record.code_2xx = n - record.code_5xx - record.code_4xx;
    if n == 0 {
        return;
    }
    let wobble: f64 = StandardNormal.sample(rng);
    for (at, z) in quantiles.iter().enumerate() {
        let tail: f64 = if at + 3 >= quantiles.len() { StandardNormal.sample(rng) } else { 0.0 };
        let log = model.log_latency + 0.02 * wobble + behaviour.log_spread * (z + 0.12 * tail);
        record.latency.add_ln(log, n as f64 / quantiles.len() as f64);
    }
    let (requests, errors, latency) = (record.requests, record.code_5xx, record.latency.clone());
    if let Some(record) = metrics.custom.get_or_add(group, *definition, minute) {
        *record = CustomMinute { requests, errors, latency };
    }
}

fn record_resources(site: &mut Site<'_>, rng: &mut ChaCha8Rng, minute: i64, loads: &[GroupLoad]) {
    for (service, series) in site.services.iter().zip(&mut site.metrics.services) {
        let Some(record) = series.get_or_add(minute) else {
            continue;
        };
        let Some(task) = service.tasks.first() else {
            continue;
        };
        let definition = site.catalog.get(task.definition);
        let tasks = service.tasks.len().max(1) as f64;
        let demand: f64 = task.targets.iter().filter_map(|t| loads.get(t.group.index())).map(|load| load.demand).sum();
        let utilization = match task.targets.is_empty() {
            true => 0.25,
            false => demand / tasks / definition.behaviour.capacity,
        };
        let (units, megabytes) = definition.size();
        for at in 0..RESOURCE_SAMPLES {
            let noise: f64 = StandardNormal.sample(rng);
            let (cpu, memory) = resource_usage(utilization, noise);
            record.add_usage(cpu, memory, (at == 0).then_some((units * tasks, megabytes * tasks)));
        }
    }
}

/// The quantiles of the standard normal distribution at [`LATENCY_POINTS`] equally likely places, by bisection of an
/// approximate distribution function.
fn normal_quantiles() -> Vec<f64> {
    let below = |z: f64| 1.0 / (1.0 + (-1.5976 * z - 0.07056 * z.powi(3)).exp());
    let quantile = |p: f64| {
        let (mut low, mut high) = (-5.0, 5.0);
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            *(if below(middle) < p { &mut low } else { &mut high }) = middle;
        }
        low
    };
    let points = f64::from(LATENCY_POINTS);
    (0..LATENCY_POINTS).map(|i| quantile((f64::from(i) + 0.5) / points)).collect()
}
