//! Changes between two answers, detected as the newer answer comes in.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{ObservedHealthy, Since, Snapshot};
use crate::domain::ecs::alarm::Alarm;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::Route;
use crate::domain::ecs::service::Service;
use crate::domain::observe::changes::{AlarmChange, StageChange, WeightChange, hook_changes, note};

impl Snapshot {
    /// Compares deployments that were just read with the previous reading.
    pub(super) fn notice_deployments(&mut self, at: Timestamp, service: &ServiceKey, now: &[ServiceDeployment]) {
        let Some((had_at, had)) = self.deployments.get(service).and_then(|reading| reading.value.as_ref()) else {
            return;
        };
        if *had_at > at {
            return;
        }
        for deployment in now {
            let known = had.iter().find(|known| known.arn == deployment.arn);
            let before = known.and_then(|known| known.stage.clone());
            if before != deployment.stage {
                let after = deployment.stage.clone();
                note(self.stage_changes.entry(deployment.arn.clone()).or_default(), StageChange { at, before, after });
            }
            let before = known.map(|known| known.hooks.as_slice()).unwrap_or_default();
            let changes = hook_changes(at, before, &deployment.hooks);
            if !changes.is_empty() {
                let noted = self.hook_changes.entry(deployment.arn.clone()).or_default();
                changes.into_iter().for_each(|change| note(noted, change));
            }
        }
        // Changes of deployments that AWS no longer lists are dropped.
        let gone: BTreeSet<&Arn> = had.iter().map(|known| &known.arn).collect();
        let kept: BTreeSet<&Arn> = now.iter().map(|deployment| &deployment.arn).collect();
        let gone: BTreeSet<Arn> = gone.difference(&kept).map(|arn| (*arn).clone()).collect();
        self.stage_changes.retain(|arn, _| !gone.contains(arn));
        self.hook_changes.retain(|arn, _| !gone.contains(arn));
    }

    /// Compares an alarm that was just read with the previous reading.
    pub(super) fn notice_alarm(&mut self, at: Timestamp, alarm: &Alarm) {
        let Some((had_at, had)) = self.alarms.get(&alarm.name).and_then(|reading| reading.value.as_ref()) else {
            return;
        };
        if *had_at <= at && had.state != alarm.state {
            let change = AlarmChange { at, before: had.state.clone(), after: alarm.clone() };
            note(self.alarm_changes.entry(alarm.name.clone()).or_default(), change);
        }
    }

    /// Records the start of a route's weights.
    pub(super) fn notice_weights(&mut self, at: Timestamp, route: &Route) {
        let before = self.routes.get().and_then(|routes| routes.get(&route.id));
        match before {
            Some(before) if before.forwards == route.forwards => {}
            Some(before) => {
                let before = before.forwards.clone();
                self.weights_since.insert(route.id.clone(), Since { at, seen: true });
                let changes = self.weight_changes.entry(route.id.clone()).or_default();
                note(changes, WeightChange { at, before, forwards: route.forwards.clone() });
            }
            None => {
                self.weights_since.entry(route.id.clone()).or_insert(Since { at, seen: false });
            }
        }
    }

    /// Records a revision that runs complete and healthy.
    pub(super) fn witness(&mut self, at: Timestamp, service: &Service) {
        if service.desired > 0 && service.settled_on(&service.task_definition) {
            self.remember(&service.key, ObservedHealthy { task_definition: service.task_definition.clone(), at });
        }
    }
}
