//! Changes between two answers. AWS keeps no times of them, so they are known only as far as a console looked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::snapshot::Snapshot;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{Hook, PAUSE, ServiceDeployment};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::Forward;

/// A change of a route's weights that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightChange {
    /// When it was first seen.
    pub at: Timestamp,
    /// The weights until then.
    pub before: Vec<Forward>,
    /// The weights since then.
    pub forwards: Vec<Forward>,
}

/// A change of a deployment's `lifecycleStage` that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageChange {
    /// When it was first seen.
    pub at: Timestamp,
    /// The stage until then.
    pub before: Option<LifecycleStage>,
    /// The stage since then.
    pub after: Option<LifecycleStage>,
}

/// A change of a pause that was seen (`lifecycleHookDetails[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookChange {
    /// When it was first seen.
    pub at: Timestamp,
    /// `hookId`.
    pub hook: String,
    /// `expiresAt`, as it was last said.
    pub until: Option<Timestamp>,
    /// `status` until then; `None`: it was not there.
    pub before: Option<String>,
    /// `status` since then; `None`: it is not there any more.
    pub after: Option<String>,
}

/// A change of an alarm's state that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// When it was first seen.
    pub at: Timestamp,
    /// The state until then.
    pub before: AlarmState,
    /// The alarm since then.
    pub after: Alarm,
}

/// Changes remembered for each resource.
const KEPT: usize = 32;

/// Adds a change; the oldest make room.
pub(crate) fn note<T>(changes: &mut Vec<T>, change: T) {
    changes.push(change);
    let too_many = changes.len().saturating_sub(KEPT);
    changes.drain(..too_many);
}

impl Snapshot {
    /// Compares deployments that have just been read with what was known of them.
    pub(crate) fn notice_deployments(&mut self, at: Timestamp, service: &ServiceKey, now: &[ServiceDeployment]) {
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
        // What AWS has forgotten of is nobody's business any more.
        let gone: BTreeSet<&Arn> = had.iter().map(|known| &known.arn).collect();
        let kept: BTreeSet<&Arn> = now.iter().map(|deployment| &deployment.arn).collect();
        let gone: BTreeSet<Arn> = gone.difference(&kept).map(|arn| (*arn).clone()).collect();
        self.stage_changes.retain(|arn, _| !gone.contains(arn));
        self.hook_changes.retain(|arn, _| !gone.contains(arn));
    }

    /// Compares an alarm that has just been read with what was known of it.
    pub(crate) fn notice_alarm(&mut self, at: Timestamp, alarm: &Alarm) {
        let Some((had_at, had)) = self.alarms.get(&alarm.name).and_then(|reading| reading.value.as_ref()) else {
            return;
        };
        if *had_at <= at && had.state != alarm.state {
            let change = AlarmChange { at, before: had.state.clone(), after: alarm.clone() };
            note(self.alarm_changes.entry(alarm.name.clone()).or_default(), change);
        }
    }
}

fn hook_changes(at: Timestamp, before: &[Hook], now: &[Hook]) -> Vec<HookChange> {
    let pauses = |hooks: &'_ [Hook]| -> BTreeMap<String, Hook> {
        let pauses = hooks.iter().filter(|hook| hook.kind == PAUSE);
        pauses.map(|hook| (hook.id.clone(), hook.clone())).collect()
    };
    let (before, now) = (pauses(before), pauses(now));
    let all: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let change = |id: &String| {
        let (before, now) = (before.get(id), now.get(id));
        let status = |hook: Option<&Hook>| hook.map(|hook| hook.status.clone());
        let until = now.and_then(|hook| hook.until).or(before.and_then(|hook| hook.until));
        let change = HookChange { at, hook: id.clone(), until, before: status(before), after: status(now) };
        (change.before != change.after).then_some(change)
    };
    all.into_iter().filter_map(change).collect()
}
