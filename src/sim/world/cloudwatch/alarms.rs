//! CloudWatch alarms, evaluated on published minutes.

use super::metric_query::{Metric, MetricView, Statistic};
use crate::sim::scenario::{self, Scenario};
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::{DAY, Ms, minute_of};

/// StateValue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AlarmState {
    Ok,
    Alarm,
}

/// The members that every alarm has.
#[derive(Debug)]
pub(crate) struct AlarmStatus {
    pub(crate) name: String,
    pub(crate) state: AlarmState,
    pub(crate) reason: String,
    /// Time of the last state change.
    pub(crate) updated: Ms,
    /// Time of the last configuration change.
    pub(crate) configured: Ms,
}

/// A metric alarm.
#[derive(Debug)]
pub(crate) struct MetricAlarm {
    pub(crate) status: AlarmStatus,
    pub(crate) namespace: &'static str,
    pub(crate) metric_name: String,
    pub(crate) dimensions: Vec<(&'static str, String)>,
    metric: Option<Metric>,
    pub(crate) statistic_name: String,
    pub(crate) statistic: Option<Statistic>,
    /// The alarm is in ALARM while the metric exceeds this.
    pub(crate) threshold: f64,
    /// Consecutive minutes that must exceed the threshold.
    pub(crate) minutes: u32,
    stuck: bool,
}

/// A composite alarm: in ALARM while any of its metric alarms is.
#[derive(Debug)]
pub(crate) struct CompositeAlarm {
    pub(crate) status: AlarmStatus,
    children: Vec<String>,
}

/// The alarms of the account.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    pub(crate) metric: Vec<MetricAlarm>,
    pub(crate) composite: Vec<CompositeAlarm>,
}

impl Alarms {
    /// `started` is the scenario's start; the view's time is the beginning of the warm-up.
    pub(crate) fn new(scenario: &Scenario, view: &MetricView<'_>, started: Ms, arns: &Arns) -> Self {
        let metric = scenario.alarm.iter().map(|(name, from)| MetricAlarm::new(name, from, view, started));
        let mut alarms = Self { metric: metric.collect(), composite: Vec::new() };
        let composite = |(name, from): (&String, &scenario::CompositeAlarm)| CompositeAlarm {
            status: AlarmStatus {
                name: name.clone(),
                state: AlarmState::Ok,
                reason: String::new(),
                updated: view.now,
                configured: view.now - 40 * DAY,
            },
            children: from.any.clone(),
        };
        alarms.composite = scenario.composite_alarm.iter().map(composite).collect();
        alarms.update_composites(arns);
        alarms
    }

    /// The names of the alarms in ALARM.
    pub(crate) fn in_alarm(&self) -> Vec<String> {
        let metric = self.metric.iter().map(|a| &a.status);
        let all = metric.chain(self.composite.iter().map(|a| &a.status));
        all.filter(|status| status.state == AlarmState::Alarm).map(|status| status.name.clone()).collect()
    }

    /// Evaluates every alarm on the newest complete minutes.
    pub(crate) fn evaluate(&mut self, view: &MetricView<'_>, arns: &Arns) {
        for alarm in self.metric.iter_mut().filter(|a| !a.stuck) {
            alarm.evaluate(view);
        }
        self.update_composites(arns);
    }

    fn update_composites(&mut self, arns: &Arns) {
        for composite in &mut self.composite {
            composite.update(&self.metric, arns);
        }
    }
}

impl MetricAlarm {
    fn new(name: &str, from: &scenario::Alarm, view: &MetricView<'_>, started: Ms) -> Self {
        let (namespace, dimensions) = dimensions(from, view);
        let pairs: Vec<(&str, &str)> = dimensions.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let minutes = from.minutes.max(1);
        let reason = if from.stuck {
            let value = (from.threshold * 1.25).to_string();
            crossed(&vec![value; minutes as usize], minutes, "were greater than", from.threshold)
        } else {
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].".into()
        };
        Self {
            status: AlarmStatus {
                name: name.into(),
                state: if from.stuck { AlarmState::Alarm } else { AlarmState::Ok },
                reason,
                updated: started - from.stuck_for.ms,
                configured: view.now - 40 * DAY,
            },
            namespace,
            metric_name: from.metric.clone(),
            metric: view.find(namespace, &from.metric, &pairs),
            dimensions,
            statistic_name: from.statistic.clone(),
            statistic: Statistic::parse(&from.statistic),
            threshold: from.threshold,
            minutes,
            stuck: from.stuck,
        }
    }

    fn evaluate(&mut self, view: &MetricView<'_>) {
        let (Some(metric), Some(statistic)) = (&self.metric, self.statistic) else {
            return;
        };
        // The current minute and the one before are not published, and the one before those may be incomplete.
        let last = minute_of(view.now) - 2;
        let minutes = (last - i64::from(self.minutes) + 1)..=last;
        let values: Vec<Option<f64>> = minutes.map(|m| view.value(metric, statistic, m, 1)).collect();
        // TreatMissingData is notBreaching.
        let breaching = values.iter().all(|v| v.is_some_and(|v| v > self.threshold));
        let state = if breaching { AlarmState::Alarm } else { AlarmState::Ok };
        if state != self.status.state {
            let verb = if breaching { "were greater than" } else { "were not greater than" };
            let shown: Vec<_> = values.iter().flatten().map(f64::to_string).collect();
            self.status.reason = crossed(&shown, self.minutes, verb, self.threshold);
            (self.status.state, self.status.updated) = (state, view.now);
        }
    }
}

/// The namespace and the dimensions of a scenario's alarm.
fn dimensions(from: &scenario::Alarm, view: &MetricView<'_>) -> (&'static str, Vec<(&'static str, String)>) {
    let balancer = view.load_balancer;
    let group = from.target_group.as_ref().and_then(|g| balancer.groups.named(g)).and_then(|g| balancer.group(g));
    if let Some(group) = group {
        let suffix = group.arn.rsplit_once(':').map_or("", |(_, rest)| rest);
        let load_balancer = format!("app/{}/{}", balancer.name, balancer.id);
        return ("AWS/ApplicationELB", vec![("TargetGroup", suffix.to_owned()), ("LoadBalancer", load_balancer)]);
    }
    let service = from.service.clone().unwrap_or_default();
    let cluster = view.services.iter().find(|s| s.name == service).map(|s| s.cluster.clone()).unwrap_or_default();
    ("AWS/ECS", vec![("ClusterName", cluster), ("ServiceName", service)])
}

/// StateReason of a metric alarm.
fn crossed(values: &[String], minutes: u32, verb: &str, threshold: f64) -> String {
    let shown = values.join(", ");
    format!("Threshold Crossed: {minutes} datapoints [{shown}] {verb} the threshold ({threshold:.1}).")
}

impl CompositeAlarm {
    /// AlarmRule.
    pub(crate) fn rule(&self) -> String {
        let terms: Vec<_> = self.children.iter().map(|name| format!("ALARM(\"{name}\")")).collect();
        terms.join(" OR ")
    }

    /// Follows the children. The state changes at the time at which the child that causes it changed.
    fn update(&mut self, alarms: &[MetricAlarm], arns: &Arns) {
        let children = || alarms.iter().map(|a| &a.status).filter(|a| self.children.contains(&a.name));
        let on = children().filter(|a| a.state == AlarmState::Alarm).min_by_key(|a| a.updated);
        let state = if on.is_some() { AlarmState::Alarm } else { AlarmState::Ok };
        let Some(cause) = on.or_else(|| children().max_by_key(|a| a.updated)) else {
            return;
        };
        if state != self.status.state || self.status.reason.is_empty() {
            let verb = state.as_ref();
            self.status.reason = format!("{} transitioned to {verb}: {}", arns.alarm(&cause.name), cause.reason);
            (self.status.updated, self.status.state) = (cause.updated, state);
        }
    }
}
