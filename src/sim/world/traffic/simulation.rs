//! Simulation of each second's traffic: rules split requests by weight, and the tasks behind them respond.

use std::collections::HashMap;
use std::ops::Range;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::backfill;
use super::demand::demand_factor;
use super::distributions::{binomial, poisson};
use super::request_log::{RequestLog, Second};
use super::response_model::{ResponseModel, resource_usage};
use super::site::{GroupLoad, Site};
use super::tally::Tally;
use crate::sim::world::clock::{MINUTE, Ms, SECOND, minute_of};
use crate::sim::world::cloudwatch::metric_store::{BalancerMinute, CustomMinute, GroupMinute};
use crate::sim::world::ecs::task::TaskStatus;
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::task_definitions::behaviour::Behaviour;
use crate::sim::world::task_definitions::catalog::DefinitionId;

/// Latencies drawn per second and revision. Each stands for an equal part of the requests.
const LATENCY_SAMPLES: u64 = 8;

/// The state of the traffic simulation.
#[derive(Debug)]
pub(crate) struct Traffic {
    rng: ChaCha8Rng,
    pub(crate) requests: RequestLog,
    /// Results of the requests of each target group.
    pub(crate) tallies: HashMap<GroupId, Tally>,
    /// Degradation (0–1) of each revision behind a target group.
    degraded: HashMap<(GroupId, DefinitionId), f64>,
}

/// The responses of a revision in one second.
struct Responses {
    requests: u64,
    timeouts: u64,
    server_errors: u64,
    client_errors: u64,
    /// Natural logarithms of sampled latencies in seconds. Each stands for `weight` requests.
    latencies: Vec<f64>,
    weight: f64,
}

impl Traffic {
    /// `begin` is the first simulated second.
    pub(crate) fn new(seed: u64, begin: Ms) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rng, requests: RequestLog::new(begin), tallies: HashMap::new(), degraded: HashMap::new() }
    }

    /// Fills the minutes before the simulation with metrics, on the assumption of constant conditions.
    pub(crate) fn backfill(&mut self, site: &mut Site<'_>, minutes: Range<i64>) {
        backfill::record_usual_load(site, &mut self.requests);
        backfill::record_minutes(site, &mut self.rng, minutes);
    }

    /// Simulates one second.
    pub(crate) fn step(&mut self, now: Ms, site: &mut Site<'_>) {
        let mut loads = site.group_loads();
        self.route(now, site, &mut loads);
        site.add_work_elsewhere(&mut loads);
        for (group, load) in site.load_balancer.groups.ids().zip(&loads) {
            self.respond(group, load, now, site);
        }
        if (now / SECOND) % 5 == 0 {
            self.sample_resources(now, site, &loads);
        }
    }

    /// Splits the requests of each rule among its target groups.
    fn route(&mut self, now: Ms, site: &mut Site<'_>, loads: &mut [GroupLoad]) {
        let factor = demand_factor(now);
        for rule in &mut site.load_balancer.rules {
            rule.step();
            if rule.rps <= 0.0 {
                continue;
            }
            let demand = rule.rps * factor;
            let mut routed = false;
            for (group, share) in rule.shares() {
                routed = true;
                if let Some(load) = loads.get_mut(group.index()) {
                    load.add_demand(demand, share);
                }
            }
            if !routed && let Some(record) = site.metrics.balancer.get_or_add(minute_of(now)) {
                let n = poisson(&mut self.rng, demand);
                // A rule without a forward action sends a fixed response. A forward action whose weights are all 0
                // fails.
                *(if !rule.forwards() { &mut record.fixed_responses } else { &mut record.elb_503 }) += n;
            }
        }
    }

    /// Records the responses of a target group's tasks.
    fn respond(&mut self, group: GroupId, load: &GroupLoad, now: Ms, site: &mut Site<'_>) {
        let minute = minute_of(now);
        let metrics = &mut *site.metrics;
        let group_series = metrics.groups.get_mut(group.index());
        let (Some(record), Some(elb)) =
            (group_series.and_then(|s| s.get_or_add(minute)), metrics.balancer.get_or_add(minute))
        else {
            return;
        };
        let healthy = GroupLoad::count(&load.healthy);
        record.healthy.add(f64::from(healthy));
        record.unhealthy.add(f64::from(GroupLoad::count(&load.unhealthy)));
        if load.demand <= 0.0 {
            return;
        }
        if healthy == 0 {
            return self.respond_without_healthy_target(group, load, record, elb);
        }
        let capacity =
            |(definition, n): &(DefinitionId, u32)| f64::from(*n) * site.catalog.get(*definition).behaviour.capacity;
        let utilization = (load.demand + load.elsewhere) / load.healthy.iter().map(capacity).sum::<f64>();
        for (definition, tasks) in &load.healthy {
            let part = f64::from(*tasks) / f64::from(healthy);
            let behaviour = site.catalog.get(*definition).behaviour;
            let share = load.share * part;
            let degraded = self.degrade(group, *definition, &behaviour, share);
            let model = ResponseModel::new(&behaviour, utilization, share, degraded);
            let responses = self.draw(&behaviour, &model, load.demand * part);
            responses.add_to_group(record);
            self.tallies.entry(group).or_default().add(responses.requests, responses.failed());
            elb.elb_504 += responses.timeouts;
            let second = Second::new(responses.requests, responses.server_errors, *tasks);
            self.requests.record(group, *definition, now, second);
            if let Some(custom) = metrics.custom.get_or_add(group, *definition, minute) {
                responses.add_to_custom(custom);
            }
        }
    }

    /// Without a healthy target the load balancer routes to all targets, and most of them refuse the connection.
    fn respond_without_healthy_target(
        &mut self,
        group: GroupId,
        load: &GroupLoad,
        record: &mut GroupMinute,
        elb: &mut BalancerMinute,
    ) {
        let n = poisson(&mut self.rng, load.demand);
        self.tallies.entry(group).or_default().add_unserved(n);
        if load.unhealthy.is_empty() {
            elb.elb_503 += n;
            return;
        }
        let refused = binomial(&mut self.rng, n, 0.7);
        record.requests += n;
        record.failed_open += n;
        record.connection_errors += refused;
        elb.elb_502 += refused;
        record.code_5xx += n - refused;
    }

    /// Draws the responses to a demand in requests per second.
    fn draw(&mut self, behaviour: &Behaviour, model: &ResponseModel, demand: f64) -> Responses {
        let requests = poisson(&mut self.rng, demand);
        let timeouts = binomial(&mut self.rng, requests, model.timeout);
        let server_errors = binomial(&mut self.rng, requests - timeouts, model.error);
        let client_errors = binomial(&mut self.rng, requests - timeouts - server_errors, behaviour.client_error);
        let samples = requests.min(LATENCY_SAMPLES);
        let latency = |_| {
            let z: f64 = StandardNormal.sample(&mut self.rng);
            model.log_latency + behaviour.log_spread * z
        };
        let latencies = (0..samples).map(latency).collect();
        let weight = requests as f64 / samples as f64;
        Responses { requests, timeouts, server_errors, client_errors, latencies, weight }
    }

    /// Moves a degrading revision one second towards its state at this share (0–1) of its rule's requests. Returns the
    /// degradation (0–1).
    fn degrade(&mut self, group: GroupId, definition: DefinitionId, behaviour: &Behaviour, share: f64) -> f64 {
        let Some(degradation) = behaviour.degradation else {
            return 0.0;
        };
        let degraded = self.degraded.entry((group, definition)).or_default();
        // Half a percent of tolerance for rounding: 10 of 100 is 10 %.
        let target = if share * 100.0 + 0.5 >= degradation.from_percent { 1.0 } else { 0.0 };
        *degraded += (target - *degraded) / degradation.ramp_seconds.max(1.0);
        *degraded
    }

    /// Records the CPU and memory of every running task.
    fn sample_resources(&mut self, now: Ms, site: &mut Site<'_>, loads: &[GroupLoad]) {
        for (service, series) in site.services.iter().zip(&mut site.metrics.services) {
            let Some(record) = series.get_or_add(minute_of(now)) else {
                continue;
            };
            for task in service.tasks.iter().filter(|t| t.status == TaskStatus::Running && t.is_live()) {
                let definition = site.catalog.get(task.definition);
                let work = task.targets.iter().filter_map(|t| loads.get(t.group.index())).map(GroupLoad::per_task);
                let utilization = match task.targets.is_empty() {
                    true => 0.25,
                    false => work.sum::<f64>() / definition.behaviour.capacity,
                };
                let noise: f64 = StandardNormal.sample(&mut self.rng);
                // Container Insights samples once a minute.
                let reserved = (now % MINUTE == 30 * SECOND).then(|| definition.size());
                let (cpu, memory) = resource_usage(utilization, noise);
                record.add_usage(cpu, memory, reserved);
            }
        }
    }
}

impl Responses {
    fn failed(&self) -> u64 {
        self.timeouts + self.server_errors
    }

    fn add_to_group(&self, record: &mut GroupMinute) {
        record.requests += self.requests;
        record.code_5xx += self.server_errors;
        record.code_4xx += self.client_errors;
        record.code_2xx += self.requests - self.timeouts - self.server_errors - self.client_errors;
        for latency in &self.latencies {
            record.latency.add_ln(*latency, self.weight);
        }
    }

    fn add_to_custom(&self, record: &mut CustomMinute) {
        record.requests += self.requests;
        record.errors += self.server_errors;
        for latency in &self.latencies {
            record.latency.add_ln(*latency, self.weight);
        }
    }
}
