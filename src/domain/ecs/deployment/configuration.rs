//! `deploymentConfiguration`: how a service's deployments go.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::ecs::lifecycle_stage::LifecycleStage;

/// How ECS replaces tasks (`deploymentConfiguration.strategy`; absent means rolling).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Strategy {
    /// Tasks are replaced in place.
    Rolling,
    /// A second set, then all traffic at once.
    BlueGreen,
    /// `canaryPercent`, a bake of so many minutes, then the rest.
    Canary {
        /// Percent, 0.1–100.
        percent: f64,
        /// Minutes.
        bake_minutes: i32,
    },
    /// Equal steps of `stepPercent`, each with a bake of so many minutes.
    Linear {
        /// Percent, 3–100.
        percent: f64,
        /// Minutes.
        bake_minutes: i32,
    },
    /// A value that this version does not know.
    Other {
        /// As AWS spells it.
        name: String,
    },
}

impl Strategy {
    /// Whether ECS shifts traffic between two target groups by it.
    pub fn shifts_traffic(&self) -> bool {
        *self != Self::Rolling
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rolling => f.write_str("ROLLING"),
            Self::BlueGreen => f.write_str("BLUE_GREEN"),
            Self::Canary { percent, .. } => write!(f, "CANARY {percent}%"),
            Self::Linear { percent, .. } => write!(f, "LINEAR {percent}%"),
            Self::Other { name } => f.write_str(name),
        }
    }
}

/// `deploymentConfiguration`: a service's own, or what a deployment of it was started with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// `strategy`, with the numbers of `canaryConfiguration` or `linearConfiguration`.
    pub strategy: Strategy,
    /// `bakeTimeInMinutes`: how long the old tasks are kept once the new ones have all of the traffic.
    pub bake_minutes: Option<i32>,
    /// `lifecycleHooks[]`.
    pub hooks: Vec<HookConfiguration>,
    /// `alarms`.
    pub alarms: Option<AlarmConfiguration>,
    /// `deploymentCircuitBreaker`; only rolling deployments have one.
    pub breaker: Option<BreakerConfiguration>,
    /// `maximumPercent`.
    pub maximum_percent: Option<i32>,
    /// `minimumHealthyPercent`.
    pub minimum_healthy_percent: Option<i32>,
    /// `earlySuccessCriteria`; only rolling deployments go by them.
    #[serde(default)]
    pub early_success: Option<EarlySuccess>,
}

/// `earlySuccessCriteria` of a configuration: when a rolling deployment ends SUCCESSFUL before it is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlySuccess {
    /// `enable`.
    pub enable: bool,
    /// `healthyPercent`: the share of the desired tasks that must be healthy.
    pub healthy_percent: Option<i32>,
    /// `sourceServiceRevisionCleanup`: BLOCKING or DEFERRED.
    pub cleanup: Option<String>,
}

/// One of `lifecycleHooks[]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HookConfiguration {
    /// `targetType`: PAUSE, AWS_LAMBDA. Absent where an answer leaves it out.
    pub kind: Option<String>,
    /// `hookTargetArn`.
    pub target: Option<String>,
    /// `roleArn`.
    pub role: Option<String>,
    /// `lifecycleStages[]`.
    pub stages: Vec<LifecycleStage>,
    /// `hookDetails`, a document.
    pub details: Option<serde_json::Value>,
    /// `timeoutConfiguration.timeoutInMinutes`.
    pub timeout_minutes: Option<i32>,
    /// `timeoutConfiguration.action`: ROLLBACK or CONTINUE.
    pub timeout_action: Option<String>,
}

impl HookConfiguration {
    /// Whether it waits for a person.
    pub fn is_pause(&self) -> bool {
        self.kind.as_deref() == Some(PAUSE)
    }

    /// The pause that is added to a strategy for one release: it waits for a person, and goes back if nobody comes.
    pub fn added_pause(stage: LifecycleStage) -> Self {
        Self {
            kind: Some(PAUSE.to_owned()),
            target: None,
            role: None,
            stages: vec![stage],
            details: None,
            timeout_minutes: Some(ADDED_PAUSE_MINUTES),
            timeout_action: Some("ROLLBACK".to_owned()),
        }
    }

    /// Whether it is one of those.
    pub fn is_added_pause(&self) -> bool {
        self.stages.first().is_some_and(|stage| *self == Self::added_pause(stage.clone()))
    }

    /// Whether both can be the same hook. AWS has been seen to leave out all but the stages.
    fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        let stages = |hook: &Self| hook.stages.iter().cloned().collect::<BTreeSet<_>>();
        stages(self) == stages(other)
            && agree(&self.kind, &other.kind)
            && agree(&self.target, &other.target)
            && agree(&self.timeout_minutes, &other.timeout_minutes)
            && agree(&self.timeout_action, &other.timeout_action)
    }

    /// Whether enough of it was read to write it back as it was.
    pub fn is_whole(&self) -> bool {
        !self.stages.is_empty() && (self.is_pause() && self.timeout_minutes.is_some() || self.target.is_some())
    }
}

/// `alarms` of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmConfiguration {
    /// `alarmNames[]`.
    pub names: Vec<String>,
    /// `enable`.
    pub enable: bool,
    /// `rollback`: whether an alarm takes the deployment back.
    pub rollback: bool,
}

/// `deploymentCircuitBreaker` of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerConfiguration {
    /// `enable`.
    pub enable: bool,
    /// `rollback`.
    pub rollback: bool,
    /// `resetOnHealthyTask`.
    pub reset_on_healthy: Option<bool>,
    /// `thresholdConfiguration`: type (COUNT, BOUNDED_PERCENT, UNBOUNDED_PERCENT) and value.
    pub threshold: Option<(String, i32)>,
}

impl Configuration {
    /// What ECS goes by where nothing is said.
    pub fn rolling() -> Self {
        Self {
            strategy: Strategy::Rolling,
            bake_minutes: None,
            hooks: Vec::new(),
            alarms: None,
            breaker: None,
            maximum_percent: None,
            minimum_healthy_percent: None,
            early_success: None,
        }
    }

    /// Returns true if ECS removes the replaced tasks after a deployment has ended SUCCESSFUL, not before.
    pub fn defers_cleanup(&self) -> bool {
        let deferred = |early: &EarlySuccess| early.enable && early.cleanup.as_deref() == Some("DEFERRED");
        !self.strategy.shifts_traffic() && self.early_success.as_ref().is_some_and(deferred)
    }

    /// Whether a deployment by it goes the same way: strategy, bakes and hooks. What watches over it may differ.
    pub fn same_strategy(&self, other: &Self) -> bool {
        (&self.strategy, self.bake(), self.hooks.len()) == (&other.strategy, other.bake(), other.hooks.len())
            && alike(&self.hooks, &other.hooks)
    }

    /// Whether it moves everybody at once, without a bake and without asking anybody.
    pub fn is_at_once(&self) -> bool {
        self.strategy == Strategy::BlueGreen && self.bake_minutes.unwrap_or(0) == 0 && self.hooks.is_empty()
    }

    /// The same, but moving everybody at once: what going back fast takes.
    pub fn at_once(&self) -> Self {
        Self { strategy: Strategy::BlueGreen, bake_minutes: Some(0), hooks: Vec::new(), ..self.clone() }
    }

    /// `bakeTimeInMinutes` as a span.
    pub fn bake(&self) -> SignedDuration {
        SignedDuration::from_mins(self.bake_minutes.unwrap_or(0).max(0).into())
    }

    /// In a line, the same everywhere: `CANARY 10%, bake 5 min, old tasks kept 10 min, 1 pause`.
    pub fn describe(&self) -> String {
        let mut parts = vec![self.strategy.to_string()];
        if let Strategy::Canary { bake_minutes, .. } | Strategy::Linear { bake_minutes, .. } = self.strategy {
            parts.push(format!("bake {bake_minutes} min"));
        }
        if self.strategy.shifts_traffic() {
            parts.extend(self.bake_minutes.map(|minutes| format!("old tasks kept {minutes} min")));
            let pauses = self.pauses().count();
            let others = self.hooks.len() - pauses;
            let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            parts.extend((pauses > 0).then(|| many(pauses, "pause")));
            parts.extend((others > 0).then(|| many(others, "other hook")));
            parts.extend(self.hooks.is_empty().then(|| "no hooks".to_owned()));
        } else if self.defers_cleanup() {
            parts.push("old tasks removed later".to_owned());
        }
        parts.join(", ")
    }

    /// The hooks that wait for a person.
    pub fn pauses(&self) -> impl Iterator<Item = &HookConfiguration> {
        self.hooks.iter().filter(|hook| hook.is_pause())
    }
}

/// Whether each hook of the one has its own in the other, in whatever order AWS gives them.
fn alike(ones: &[HookConfiguration], others: &[HookConfiguration]) -> bool {
    let mut left: Vec<_> = others.iter().collect();
    ones.iter().all(|one| match left.iter().position(|other| one.may_be(other)) {
        Some(at) => {
            left.swap_remove(at);
            true
        }
        None => false,
    })
}

/// How long an added pause waits at most, minutes: AWS's own default.
const ADDED_PAUSE_MINUTES: i32 = 1440;

/// `targetType` of a hook that waits for a person.
pub const PAUSE: &str = "PAUSE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_of_which_only_the_stages_are_shown_may_be_the_one_that_was_written() {
        let stages = |stage: &str| HookConfiguration {
            kind: None,
            target: None,
            role: None,
            stages: vec![stage.into()],
            details: None,
            timeout_minutes: None,
            timeout_action: None,
        };
        let written = HookConfiguration {
            kind: Some(PAUSE.to_owned()),
            timeout_minutes: Some(60),
            timeout_action: Some("ROLLBACK".to_owned()),
            ..stages("PRE_SCALE_UP")
        };
        let by = |hook: &HookConfiguration| Configuration {
            strategy: Strategy::BlueGreen,
            hooks: vec![hook.clone()],
            ..Configuration::rolling()
        };
        for (shown, same) in [
            (written.clone(), true),
            (stages("PRE_SCALE_UP"), true),
            (stages("POST_SCALE_UP"), false),
            (HookConfiguration { timeout_minutes: Some(30), ..written.clone() }, false),
            (HookConfiguration { kind: Some("AWS_LAMBDA".to_owned()), ..written.clone() }, false),
        ] {
            assert_eq!(by(&shown).same_strategy(&by(&written)), same, "{shown:?}");
        }
        assert!(!Configuration::rolling().same_strategy(&by(&written)));
    }
}
