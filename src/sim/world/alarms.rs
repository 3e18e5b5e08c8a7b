//! CloudWatch metric alarms, evaluated on published minutes.

use super::World;
use super::clock::{MINUTE, Ms, minute_of};
use super::series::{Source, Stat, value};
use crate::sim::scenario;

/// StateValue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum AlarmState {
    Ok,
    Alarm,
}

/// An alarm above a threshold.
#[derive(Debug)]
pub(super) struct Alarm {
    pub name: String,
    pub namespace: &'static str,
    pub metric: String,
    pub dimensions: Vec<(&'static str, String)>,
    pub source: Option<Source>,
    pub statistic: String,
    pub stat: Option<Stat>,
    pub threshold: f64,
    pub minutes: u32,
    pub stuck: bool,
    pub state: AlarmState,
    pub reason: String,
    pub updated: Ms,
    pub configured: Ms,
}

/// An alarm that is on while any of its metric alarms is.
#[derive(Debug)]
pub(super) struct Composite {
    pub name: String,
    pub children: Vec<String>,
    pub state: AlarmState,
    pub reason: String,
    pub updated: Ms,
    pub configured: Ms,
}

impl Composite {
    /// AlarmRule.
    pub fn rule(&self) -> String {
        let terms: Vec<_> = self.children.iter().map(|name| format!("ALARM(\"{name}\")")).collect();
        terms.join(" OR ")
    }

    /// Follows its children. Its state changed when that of the child did that it follows.
    fn follow(&mut self, alarms: &[Alarm], arn: impl Fn(&str) -> String) {
        let own = || alarms.iter().filter(|a| self.children.contains(&a.name));
        let on = own().filter(|a| a.state == AlarmState::Alarm).min_by_key(|a| a.updated);
        let state = if on.is_some() { AlarmState::Alarm } else { AlarmState::Ok };
        let Some(cause) = on.or_else(|| own().max_by_key(|a| a.updated)) else {
            return;
        };
        if state != self.state || self.reason.is_empty() {
            let verb = state.as_ref();
            self.reason = format!("{} transitioned to {verb}: {}", arn(&cause.name), cause.reason);
            (self.updated, self.state) = (cause.updated, state);
        }
    }
}

impl World {
    pub(super) fn make_composite(&self, name: &str, from: &scenario::CompositeAlarm) -> Composite {
        let mut made = Composite {
            name: name.into(),
            children: from.any.clone(),
            state: AlarmState::Ok,
            reason: String::new(),
            updated: self.tick,
            configured: self.tick - 40 * 24 * 60 * MINUTE,
        };
        made.follow(&self.alarms, |name| self.ids.place.alarm(name));
        made
    }

    pub(super) fn make_alarm(&self, name: &str, from: &scenario::Alarm) -> Alarm {
        let group =
            from.target_group.as_ref().and_then(|g| self.balancer.group_named(g)).and_then(|g| self.balancer.group(g));
        let (namespace, dimensions) = match (group, &from.service) {
            (Some(group), _) => {
                let suffix = group.arn.rsplit_once(':').map_or("", |(_, rest)| rest);
                (
                    "AWS/ApplicationELB",
                    vec![
                        ("TargetGroup", suffix.to_owned()),
                        ("LoadBalancer", format!("app/{}/{}", self.balancer.name, self.balancer.id)),
                    ],
                )
            }
            (None, service) => {
                let service = service.clone().unwrap_or_default();
                let cluster =
                    self.services.iter().find(|s| s.name == service).map(|s| s.cluster.clone()).unwrap_or_default();
                ("AWS/ECS", vec![("ClusterName", cluster), ("ServiceName", service)])
            }
        };
        let pairs: Vec<(&str, &str)> = dimensions.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Alarm {
            name: name.into(),
            namespace,
            metric: from.metric.clone(),
            source: Source::find(self, namespace, &from.metric, &pairs),
            dimensions,
            statistic: from.statistic.clone(),
            stat: Stat::parse(&from.statistic),
            threshold: from.threshold,
            minutes: from.minutes.max(1),
            stuck: from.stuck,
            state: if from.stuck { AlarmState::Alarm } else { AlarmState::Ok },
            reason: if from.stuck {
                let (n, over) = (from.minutes.max(1), from.threshold * 1.25);
                let shown = vec![over.to_string(); n as usize].join(", ");
                format!(
                    "Threshold Crossed: {n} datapoints [{shown}] were greater than the threshold ({:.1}).",
                    from.threshold
                )
            } else {
                "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].".into()
            },
            updated: self.started - from.stuck_for.ms,
            configured: self.tick - 40 * 24 * 60 * MINUTE,
        }
    }

    /// Looks at the newest complete minutes of every alarm.
    pub(super) fn evaluate_alarms(&mut self) {
        let mut alarms = std::mem::take(&mut self.alarms);
        for alarm in alarms.iter_mut().filter(|a| !a.stuck) {
            let (Some(source), Some(stat)) = (&alarm.source, &alarm.stat) else {
                continue;
            };
            // The current minute and the one before are not published; the one before those may be partial.
            let last = minute_of(self.tick) - 2;
            let minutes = (last - i64::from(alarm.minutes) + 1)..=last;
            let values: Vec<Option<f64>> = minutes.map(|m| value(self, source, stat, m, 1)).collect();
            // Missing data is treated as not breaching.
            let breaching = values.iter().all(|v| v.is_some_and(|v| v > alarm.threshold));
            let state = if breaching { AlarmState::Alarm } else { AlarmState::Ok };
            if state != alarm.state {
                let n = alarm.minutes;
                let shown: Vec<_> = values.iter().flatten().map(f64::to_string).collect();
                let verb = if breaching { "were greater than" } else { "were not greater than" };
                alarm.reason = format!(
                    "Threshold Crossed: {n} datapoints [{}] {verb} the threshold ({:.1}).",
                    shown.join(", "),
                    alarm.threshold
                );
                alarm.state = state;
                alarm.updated = self.tick;
            }
        }
        self.alarms = alarms;
        let place = &self.ids.place;
        for composite in &mut self.composites {
            composite.follow(&self.alarms, |name| place.alarm(name));
        }
    }
}
