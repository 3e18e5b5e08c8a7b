//! A world that runs on a clock: an AWS account with its services, load balancer, traffic and metrics.
//!
//! Pure: time comes in through [`World::advance`], randomness out of a seed, and an API call is a function
//! from JSON to JSON. The same seed and the same calls at the same instants give the same world.

mod alarms;
mod api;
mod balancer;
mod build;
mod catalog;
mod clock;
mod config;
mod definition;
mod deploy;
mod history;
mod ids;
mod logs;
mod metrics;
mod native;
mod registered;
mod registry;
mod rolling;
mod scheduler;
mod series;
mod served;
mod service;
mod settings;
mod sketch;
mod stages;
mod target;
mod task;
mod timeline;
mod traffic;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::sim::api::{Answer, Call};
use crate::sim::fuzz_text;
use crate::sim::scenario::{CustomMetrics, Scenario};
use alarms::{Alarm, AlarmState, Composite};
use balancer::Balancer;
use catalog::Catalog;
use clock::{HOUR, MINUTE, Ms, SECOND, minute_of};
use ids::{Ids, Place};
use metrics::Metrics;
use scheduler::Ctx;
use service::Service;
use timeline::Timeline;
use traffic::Traffic;

/// Minutes of metrics before the start.
const HISTORY: i64 = 180;

/// A simulated AWS account.
#[derive(Debug)]
pub struct World {
    now: Timestamp,
    /// The last whole second that was simulated.
    tick: Ms,
    started: Ms,
    ids: Ids,
    clusters: Vec<String>,
    catalog: Catalog,
    balancer: Balancer,
    services: Vec<Service>,
    metrics: Metrics,
    custom: Vec<CustomMetrics>,
    container_insights: bool,
    alarms: Vec<Alarm>,
    composites: Vec<Composite>,
    timeline: Timeline,
    traffic: Traffic,
    hostile: bool,
}

impl World {
    /// The scenario's world as it is at `start`: with three hours of metrics, with what its past deployments
    /// left behind, and with the events of its warm-up already played.
    pub fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let started = start.as_millisecond().div_euclid(SECOND) * SECOND;
        let begin = started - scenario.warmup.ms.max(0) / SECOND * SECOND;
        let place = Place { account: scenario.account.clone(), region: scenario.region.clone() };
        let mut ids = Ids::new(place.clone(), seed);
        let catalog = Catalog::new(scenario, started, &mut ids);
        let balancer = Balancer::new(scenario, &place, &mut ids);
        let services = build::services(scenario, &catalog, &balancer, started, begin, &mut ids);
        let first = minute_of(started - HISTORY * MINUTE);
        let metrics = Metrics::new(balancer.groups.len(), services.len(), first);
        let mut world = Self {
            now: start,
            tick: begin,
            started,
            ids,
            clusters: scenario.clusters.clone(),
            catalog,
            balancer,
            services,
            metrics,
            custom: scenario.custom.clone(),
            container_insights: scenario.container_insights,
            alarms: Vec::new(),
            composites: Vec::new(),
            timeline: Timeline::new(&scenario.event, started),
            traffic: Traffic::new(ChaCha8Rng::seed_from_u64(seed ^ 0x7469_6465), begin),
            hostile: scenario.hostile,
        };
        world.alarms = scenario.alarm.iter().map(|(name, alarm)| world.make_alarm(name, alarm)).collect();
        world.composites =
            scenario.composite_alarm.iter().map(|(name, alarm)| world.make_composite(name, alarm)).collect();
        world.write_history(first);
        world.advance(start);
        world
    }

    /// Runs the clock forward, second by second. Going backward does nothing.
    pub fn advance(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
        while self.tick + SECOND <= self.now.as_millisecond() {
            self.tick += SECOND;
            self.step();
        }
    }

    /// The world's time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Answers one API call at the world's now. In any other region than the scenario's the account is empty.
    pub fn call(&mut self, call: &Call) -> Answer {
        if call.region == self.ids.place.region {
            let mut answer = api::answer(self, call);
            // Definitions are what was registered, word for word: those of the scenario are hostile by themselves.
            if self.hostile && !call.operation.ends_with("TaskDefinition") {
                match &mut answer {
                    Ok(answer) => fuzz_text::for_each(answer, &mut fuzz_text::make_hostile),
                    Err(error) => fuzz_text::make_hostile(&mut error.message),
                }
            }
            return answer;
        }
        let place = Place { account: self.ids.place.account.clone(), region: call.region.clone() };
        api::answer(&mut Self::empty(&place, self.now), call)
    }

    /// Somebody else edits the weights of a rule: its name in the scenario, then target group names with their
    /// weights. False when there is no such rule or target group.
    pub fn edit_rule_weights(&mut self, rule: &str, weights: &[(&str, u32)]) -> bool {
        let Some(rule) = self.balancer.rule_named(rule) else {
            return false;
        };
        let known: Vec<_> =
            weights.iter().filter_map(|(name, weight)| Some((self.balancer.group_named(name)?, *weight))).collect();
        self.balancer.set_weights(rule, &known);
        known.len() == weights.len()
    }

    fn empty(place: &Place, now: Timestamp) -> Self {
        let scenario = Scenario::empty(place.account.clone(), place.region.clone());
        Self::new(&scenario, 0, now)
    }

    /// One second.
    fn step(&mut self) {
        self.play_timeline();
        let now = self.tick;
        let in_alarm = self.alarms_on();
        let mut ctx =
            Ctx { now, ids: &mut self.ids, catalog: &self.catalog, balancer: &mut self.balancer, alarms: &in_alarm };
        for service in &mut self.services {
            scheduler::step(service, &mut ctx);
        }
        self.traffic.step(now, &self.services, &mut self.balancer, &self.catalog, &mut self.metrics);
        if now % (10 * SECOND) == 0 {
            self.evaluate_alarms();
        }
        if now % HOUR == 0 {
            self.traffic.served.forget(now);
        }
    }

    fn alarms_on(&self) -> Vec<String> {
        let metric = self.alarms.iter().map(|a| (&a.name, a.state));
        let all = metric.chain(self.composites.iter().map(|a| (&a.name, a.state)));
        all.filter(|(_, state)| *state == AlarmState::Alarm).map(|(name, _)| name.clone()).collect()
    }
}
