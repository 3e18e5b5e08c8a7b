//! Changes between two answers. AWS keeps no times of them, so they are known only as far as a console looked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{Hook, PAUSE};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::route::Forward;

/// The beginning of a state that was watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// When.
    pub at: Timestamp,
    /// Whether the change itself was seen; else it has been so at least since then.
    pub seen: bool,
}

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
