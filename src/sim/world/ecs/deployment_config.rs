//! deploymentConfiguration: changed by UpdateService and shown by the Describe operations.

use serde_json::{Map, Value, json};

use super::lifecycle_hook::HookConfig;
use crate::sim::scenario::{self, Strategy};

/// The deployment configuration of a service.
#[derive(Debug, Clone)]
pub(crate) struct DeploymentConfig {
    pub(crate) strategy: Strategy,
    pub(crate) min_healthy_percent: u32,
    pub(crate) max_percent: u32,
    /// The circuit breaker is enabled.
    pub(crate) breaker: bool,
    pub(crate) breaker_rollback: bool,
    pub(crate) reset_on_healthy: bool,
    /// Type and value of thresholdConfiguration.
    pub(crate) threshold: (String, u32),
    pub(crate) alarms: Vec<String>,
    pub(crate) alarms_enabled: bool,
    pub(crate) alarms_rollback: bool,
    /// The step of CANARY or LINEAR.
    pub(crate) step_percent: f64,
    pub(crate) step_bake_minutes: u32,
    pub(crate) bake_minutes: u32,
    pub(crate) hooks: Vec<HookConfig>,
    /// The members of [`VERBATIM`] as the client wrote them.
    written: Map<String, Value>,
}

/// Members that are shown as the client wrote them.
const VERBATIM: [&str; 2] = ["alarms", "earlySuccessCriteria"];
/// The number of hooks of one kind that a service may have.
const MAX_HOOKS: usize = 10;

impl DeploymentConfig {
    pub(crate) fn new(from: &scenario::Deployment) -> Self {
        let mut written = Map::new();
        if !from.alarms.is_empty() {
            let alarms = json!({"alarmNames": from.alarms, "rollback": true, "enable": true});
            written.insert("alarms".into(), alarms);
        }
        if let Some(early) = &from.early_success {
            let cleanup = &early.cleanup;
            let early = json!({"enable": true, "healthyPercent": early.healthy_percent, "sourceServiceRevisionCleanup": cleanup});
            written.insert("earlySuccessCriteria".into(), early);
        }
        let rolling = from.strategy == Strategy::Rolling;
        Self {
            strategy: from.strategy,
            min_healthy_percent: from.min_healthy_percent,
            max_percent: from.max_percent,
            breaker: from.breaker && rolling,
            breaker_rollback: from.breaker && rolling,
            reset_on_healthy: false,
            threshold: ("BOUNDED_PERCENT".into(), 50),
            alarms: from.alarms.clone(),
            alarms_enabled: !from.alarms.is_empty(),
            alarms_rollback: !from.alarms.is_empty(),
            step_percent: from.step_percent,
            step_bake_minutes: from.step_bake_minutes,
            bake_minutes: if rolling { 0 } else { from.bake_minutes },
            hooks: from.pause.iter().map(HookConfig::from_scenario).collect(),
            written,
        }
    }

    /// earlySuccessCriteria, where they are enabled: how many of `desired` tasks must be healthy, and whether the old tasks
    /// are removed after the end of the deployment.
    pub(crate) fn early_success(&self, desired: usize) -> Option<(usize, bool)> {
        let early = self.written.get("earlySuccessCriteria").filter(|it| it["enable"] == true)?;
        let percent = number(early.get("healthyPercent")).unwrap_or(100) as usize;
        let needed = (desired * percent).div_ceil(100).max(1);
        Some((needed, early["sourceServiceRevisionCleanup"] == "DEFERRED"))
    }

    /// The same configuration without lifecycle hooks, for rollbacks.
    pub(crate) fn without_hooks(&self) -> Self {
        Self { hooks: Vec::new(), ..self.clone() }
    }

    /// The number of failed tasks at which the circuit breaker triggers.
    pub(crate) fn failure_threshold(&self, desired: u32) -> u32 {
        let (kind, value) = &self.threshold;
        let share = (desired * value).div_ceil(100);
        match kind.as_str() {
            "COUNT" => (*value).max(1),
            "UNBOUNDED_PERCENT" => share.max(1),
            _ => share.clamp(3, 200),
        }
    }

    /// The configuration as the Describe operations show it.
    pub(crate) fn json(&self) -> Value {
        let mut out = json!({
            "deploymentCircuitBreaker": {
                "enable": self.breaker,
                "rollback": self.breaker_rollback,
                "resetOnHealthyTask": self.reset_on_healthy,
                "thresholdConfiguration": {"type": self.threshold.0, "value": self.threshold.1},
            },
            "maximumPercent": self.max_percent,
            "minimumHealthyPercent": self.min_healthy_percent,
            "strategy": self.strategy.as_ref(),
            "bakeTimeInMinutes": self.bake_minutes,
        });
        let Some(map) = out.as_object_mut() else {
            return out;
        };
        map.extend(self.written.clone());
        if !self.hooks.is_empty() {
            map.insert("lifecycleHooks".into(), self.hooks.iter().map(|h| h.written.clone()).collect());
        }
        match self.strategy {
            Strategy::Canary => {
                let step =
                    json!({"canaryPercent": self.step_percent, "canaryBakeTimeInMinutes": self.step_bake_minutes});
                map.insert("canaryConfiguration".into(), step);
            }
            Strategy::Linear => {
                let step = json!({"stepPercent": self.step_percent, "stepBakeTimeInMinutes": self.step_bake_minutes});
                map.insert("linearConfiguration".into(), step);
            }
            Strategy::Rolling | Strategy::BlueGreen => {}
        }
        out
    }

    /// Applies the members of an UpdateService; missing members stay as they are. The error is the message of an
    /// InvalidParameterException.
    pub(crate) fn patch(&mut self, from: &Value) -> Result<(), String> {
        self.patch_strategy(from)?;
        if let Some(percent) = number(from.get("maximumPercent")) {
            self.max_percent = percent;
        }
        if let Some(percent) = number(from.get("minimumHealthyPercent")) {
            self.min_healthy_percent = percent;
        }
        if self.max_percent <= self.min_healthy_percent.min(100) {
            return Err("maximumPercent must be greater than minimumHealthyPercent.".into());
        }
        self.patch_steps(from)?;
        self.patch_breaker(from);
        self.patch_alarms(from);
        self.patch_hooks(from)?;
        for name in VERBATIM {
            if let Some(value) = from.get(name).filter(|v| !v.is_null()) {
                self.written.insert(name.into(), value.clone());
            }
        }
        Ok(())
    }

    /// A change of the strategy resets its steps to the defaults of ECS.
    fn patch_strategy(&mut self, from: &Value) -> Result<(), String> {
        let Some(name) = from.get("strategy").and_then(Value::as_str) else {
            return Ok(());
        };
        let strategy = name.parse().map_err(|_| format!("{name} is not a valid deployment strategy."))?;
        if strategy != self.strategy {
            let canary = strategy == Strategy::Canary;
            (self.step_percent, self.step_bake_minutes) = if canary { (5.0, 10) } else { (10.0, 6) };
        }
        self.strategy = strategy;
        Ok(())
    }

    fn patch_steps(&mut self, from: &Value) -> Result<(), String> {
        if let Some(minutes) = number(from.get("bakeTimeInMinutes")) {
            self.bake_minutes = minutes;
        }
        for (member, strategy) in [("canaryConfiguration", Strategy::Canary), ("linearConfiguration", Strategy::Linear)]
        {
            if from.get(member).is_some_and(|v| !v.is_null()) && self.strategy != strategy {
                let name = strategy.as_ref();
                return Err(format!("{member} can only be specified with the {name} deployment strategy."));
            }
        }
        let canary =
            from.get("canaryConfiguration").map(|c| (c.get("canaryPercent"), c.get("canaryBakeTimeInMinutes"), 0.1));
        let linear =
            from.get("linearConfiguration").map(|c| (c.get("stepPercent"), c.get("stepBakeTimeInMinutes"), 3.0));
        for (percent, bake, least) in canary.into_iter().chain(linear) {
            if let Some(percent) = percent.and_then(Value::as_f64) {
                if !(least..=100.0).contains(&percent) {
                    return Err(format!("The step percentage must be between {least:.1} and 100.0."));
                }
                self.step_percent = percent;
            }
            self.step_bake_minutes = number(bake).unwrap_or(self.step_bake_minutes);
        }
        if self.bake_minutes > 1440 || self.step_bake_minutes > 1440 {
            return Err("Bake times must be between 0 and 1440 minutes.".into());
        }
        Ok(())
    }

    fn patch_breaker(&mut self, from: &Value) {
        let Some(breaker) = from.get("deploymentCircuitBreaker") else {
            return;
        };
        let flag = |name: &str| breaker.get(name).and_then(Value::as_bool);
        self.breaker = flag("enable").unwrap_or(self.breaker);
        self.breaker_rollback = flag("rollback").unwrap_or(self.breaker_rollback);
        self.reset_on_healthy = flag("resetOnHealthyTask").unwrap_or(self.reset_on_healthy);
        let threshold = breaker.get("thresholdConfiguration");
        let kind = threshold.and_then(|t| t.get("type")?.as_str());
        if let (Some(kind), Some(value)) = (kind, number(threshold.and_then(|t| t.get("value")))) {
            self.threshold = (kind.into(), value);
        }
    }

    fn patch_alarms(&mut self, from: &Value) {
        let Some(alarms) = from.get("alarms") else {
            return;
        };
        let names = alarms.get("alarmNames").and_then(Value::as_array).into_iter().flatten();
        self.alarms = names.filter_map(Value::as_str).map(str::to_owned).collect();
        self.alarms_enabled = alarms.get("enable").and_then(Value::as_bool).unwrap_or(false);
        self.alarms_rollback = alarms.get("rollback").and_then(Value::as_bool).unwrap_or(false);
    }

    fn patch_hooks(&mut self, from: &Value) -> Result<(), String> {
        let Some(hooks) = from.get("lifecycleHooks").and_then(Value::as_array) else {
            return Ok(());
        };
        self.hooks = hooks.iter().map(HookConfig::parse).collect::<Result<_, _>>()?;
        for kind in ["PAUSE", "AWS_LAMBDA"] {
            if self.hooks.iter().filter(|h| h.kind == kind).count() > MAX_HOOKS {
                return Err(format!("A service can have at most {MAX_HOOKS} {kind} lifecycle hooks."));
            }
        }
        Ok(())
    }
}

fn number(value: Option<&Value>) -> Option<u32> {
    value.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
}
