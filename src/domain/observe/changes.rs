//! Changes between two answers. AWS keeps no times of these changes, so the times are those of a console's reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{Hook, PAUSE};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::route::Forward;

/// The beginning of an observed state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The time.
    pub at: Timestamp,
    /// True if the change itself was observed; otherwise the state is at least as old as `at`.
    pub seen: bool,
}

/// An observed change of a route's weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightChange {
    /// Time of the first observation.
    pub at: Timestamp,
    /// The weights before.
    pub before: Vec<Forward>,
    /// The weights after.
    pub forwards: Vec<Forward>,
}

/// An observed change of a deployment's `lifecycleStage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageChange {
    /// Time of the first observation.
    pub at: Timestamp,
    /// The stage before.
    pub before: Option<LifecycleStage>,
    /// The stage after.
    pub after: Option<LifecycleStage>,
}

/// An observed change of a pause (`lifecycleHookDetails[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookChange {
    /// Time of the first observation.
    pub at: Timestamp,
    /// `hookId`.
    pub hook: String,
    /// `expiresAt`, as last reported.
    pub until: Option<Timestamp>,
    /// `status` before; `None`: the pause did not exist.
    pub before: Option<String>,
    /// `status` after; `None`: the pause no longer exists.
    pub after: Option<String>,
}

/// An observed change of an alarm's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// Time of the first observation.
    pub at: Timestamp,
    /// The state before.
    pub before: AlarmState,
    /// The alarm after the change.
    pub after: Alarm,
}

/// Number of changes kept for each resource.
const KEPT: usize = 32;

/// Adds a change; the oldest changes are dropped.
pub(super) fn note<T>(changes: &mut Vec<T>, change: T) {
    changes.push(change);
    let too_many = changes.len().saturating_sub(KEPT);
    changes.drain(..too_many);
}

/// The pauses whose status changed between two readings of a deployment.
pub(super) fn hook_changes(at: Timestamp, before: &[Hook], now: &[Hook]) -> Vec<HookChange> {
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
