//! The state of the simulated account.

use jiff::Timestamp;

use super::arns::Arns;
use super::clock::{HOUR, MINUTE, Ms, SECOND, minute_of};
use super::cloudwatch::alarms::Alarms;
use super::cloudwatch::metric_query::MetricView;
use super::cloudwatch::metric_store::MetricStore;
use super::ecs::context::Context;
use super::ecs::scheduler;
use super::ecs::service::Service;
use super::ecs::steady_state::Builder;
use super::elb::load_balancer::LoadBalancer;
use super::ids::Ids;
use super::logs::source::LogSource;
use super::task_definitions::catalog::Catalog;
use super::traffic::simulation::Traffic;
use super::traffic::site::Site;
use crate::sim::scenario::{CustomMetrics, Scenario};

/// Minutes of metrics before the start.
const BACKFILL: i64 = 180;
/// Interval of the alarms' evaluation.
const ALARM_INTERVAL: Ms = 10 * SECOND;

/// A simulated AWS account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) now: Timestamp,
    /// The last simulated second.
    pub(crate) tick: Ms,
    /// The scenario's start.
    pub(crate) started: Ms,
    pub(crate) arns: Arns,
    pub(crate) ids: Ids,
    pub(crate) clusters: Vec<String>,
    pub(crate) catalog: Catalog,
    pub(crate) load_balancer: LoadBalancer,
    pub(crate) services: Vec<Service>,
    pub(crate) metrics: MetricStore,
    pub(crate) custom: Vec<CustomMetrics>,
    pub(crate) container_insights: bool,
    pub(crate) alarms: Alarms,
    pub(crate) traffic: Traffic,
}

impl Account {
    /// The account of a scenario at the beginning of its warm-up, with metrics and past deployments from before.
    pub(crate) fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let started = start.as_millisecond().div_euclid(SECOND) * SECOND;
        let begin = started - scenario.warmup.ms.max(0) / SECOND * SECOND;
        let arns = Arns { account: scenario.account.clone(), region: scenario.region.clone() };
        let mut ids = Ids::new(seed);
        let catalog = Catalog::new(scenario, &arns, started, &mut ids);
        let load_balancer = LoadBalancer::new(scenario, &arns, &mut ids);
        let builder = Builder { catalog: &catalog, load_balancer: &load_balancer, start: started, begin };
        let services = builder.services(scenario, &mut ids);
        let first = minute_of(started - BACKFILL * MINUTE);
        let metrics = MetricStore::new(load_balancer.groups.len(), services.len(), first);
        let mut account = Self {
            now: start,
            tick: begin,
            started,
            arns,
            ids,
            clusters: scenario.clusters.clone(),
            catalog,
            load_balancer,
            services,
            metrics,
            custom: scenario.custom.clone(),
            container_insights: scenario.container_insights,
            alarms: Alarms::default(),
            traffic: Traffic::new(seed ^ 0x7469_6465, begin),
        };
        account.alarms = Alarms::new(scenario, &account.metric_view(), started, &account.arns);
        let (traffic, mut site) = account.traffic_and_site();
        traffic.backfill(&mut site, first..minute_of(begin));
        account
    }

    /// Simulates the current second.
    pub(crate) fn step(&mut self) {
        let now = self.tick;
        let in_alarm = self.alarms.in_alarm();
        let (services, mut ctx) = self.services_and_context(&in_alarm);
        for service in services {
            scheduler::step(service, &mut ctx);
        }
        let (traffic, mut site) = self.traffic_and_site();
        traffic.step(now, &mut site);
        if now % ALARM_INTERVAL == 0 {
            let mut alarms = std::mem::take(&mut self.alarms);
            alarms.evaluate(&self.metric_view(), &self.arns);
            self.alarms = alarms;
        }
        if now % HOUR == 0 {
            self.traffic.requests.prune(now);
        }
    }

    /// The services, and the rest of the account that the scheduler needs to work on one of them.
    pub(crate) fn services_and_context<'a>(&'a mut self, in_alarm: &'a [String]) -> (&'a mut [Service], Context<'a>) {
        let ctx = Context {
            now: self.tick,
            ids: &mut self.ids,
            catalog: &self.catalog,
            load_balancer: &mut self.load_balancer,
            in_alarm,
        };
        (&mut self.services, ctx)
    }

    fn traffic_and_site(&mut self) -> (&mut Traffic, Site<'_>) {
        let site = Site {
            services: &self.services,
            catalog: &self.catalog,
            load_balancer: &mut self.load_balancer,
            metrics: &mut self.metrics,
        };
        (&mut self.traffic, site)
    }

    /// The parts of the account that metric queries read.
    pub(crate) fn metric_view(&self) -> MetricView<'_> {
        MetricView {
            load_balancer: &self.load_balancer,
            services: &self.services,
            catalog: &self.catalog,
            custom: &self.custom,
            container_insights: self.container_insights,
            metrics: &self.metrics,
            now: self.tick,
        }
    }

    /// The parts of the account that log lines are computed from.
    pub(crate) fn log_source(&self) -> LogSource<'_> {
        LogSource {
            services: &self.services,
            catalog: &self.catalog,
            load_balancer: &self.load_balancer,
            requests: &self.traffic.requests,
            now: self.now.as_millisecond(),
            tick: self.tick,
        }
    }

    pub(crate) fn service_named(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|s| s.name == name)
    }

    /// Changes the weights of a rule, by the scenario's names. Returns false if the rule or a target group does not
    /// exist.
    pub(crate) fn set_rule_weights(&mut self, rule: &str, weights: &[(&str, u32)]) -> bool {
        let Some(rule) = self.load_balancer.rule_named(rule) else {
            return false;
        };
        let named = |(name, weight): &(&str, u32)| Some((self.load_balancer.groups.named(name)?, *weight));
        let known: Vec<_> = weights.iter().filter_map(named).collect();
        self.load_balancer.set_weights(rule, &known);
        known.len() == weights.len()
    }
}
