//! deploymentConfiguration: typed, patched by UpdateService, shown as AWS shows it.

use serde_json::{Map, Value, json};

use crate::sim::scenario;
use crate::sim::scenario::Strategy;

/// What a service's deployments are made by.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub strategy: Strategy,
    pub min_healthy: u32,
    pub max_percent: u32,
    pub breaker: bool,
    pub breaker_rollback: bool,
    pub reset_on_healthy: bool,
    /// thresholdConfiguration: type and value.
    pub threshold: (String, u32),
    pub alarms: Vec<String>,
    pub alarms_enabled: bool,
    pub alarms_rollback: bool,
    /// CANARY's or LINEAR's step, percent.
    pub step_percent: f64,
    pub step_bake_minutes: u32,
    pub bake_minutes: u32,
    pub hooks: Vec<HookConfig>,
    /// alarms, earlySuccessCriteria as they were written, to be shown again.
    written: Map<String, Value>,
}

/// A lifecycle hook of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HookConfig {
    /// `PAUSE` or `AWS_LAMBDA`.
    pub kind: String,
    /// A Lambda's ARN.
    pub target: Option<String>,
    pub stages: Vec<String>,
    pub timeout_minutes: u32,
    /// `ROLLBACK` or `CONTINUE`.
    pub action: String,
    /// As it was written, to be shown again.
    written: Value,
}

/// Members that are shown as they were written.
const VERBATIM: [&str; 2] = ["alarms", "earlySuccessCriteria"];
/// Hooks of one kind that a service may have.
const MOST_HOOKS: usize = 10;

impl Config {
    pub fn new(from: &scenario::Deployment) -> Self {
        let hooks = from.pause.iter().map(|pause| HookConfig {
            kind: "PAUSE".into(),
            target: None,
            stages: pause.stages.clone(),
            timeout_minutes: pause.timeout_minutes,
            action: pause.action.clone(),
            written: json!({"targetType": "PAUSE", "lifecycleStages": pause.stages, "timeoutConfiguration": {
                "timeoutInMinutes": pause.timeout_minutes, "action": pause.action,
            }}),
        });
        let mut written = Map::new();
        if !from.alarms.is_empty() {
            let alarms = json!({"alarmNames": from.alarms, "rollback": true, "enable": true});
            written.insert("alarms".into(), alarms);
        }
        Self {
            strategy: from.strategy,
            min_healthy: from.min_healthy_percent,
            max_percent: from.max_percent,
            breaker: from.breaker && from.strategy == Strategy::Rolling,
            breaker_rollback: from.breaker && from.strategy == Strategy::Rolling,
            reset_on_healthy: false,
            threshold: ("BOUNDED_PERCENT".into(), 50),
            alarms: from.alarms.clone(),
            alarms_enabled: !from.alarms.is_empty(),
            alarms_rollback: !from.alarms.is_empty(),
            step_percent: from.step_percent,
            step_bake_minutes: from.step_bake_minutes,
            bake_minutes: if from.strategy == Strategy::Rolling { 0 } else { from.bake_minutes },
            hooks: hooks.collect(),
            written,
        }
    }

    /// The same without lifecycle hooks, which a rollback does not stop at.
    pub fn without_hooks(&self) -> Self {
        Self { hooks: Vec::new(), ..self.clone() }
    }

    /// The failures at which the circuit breaker trips.
    pub fn failure_threshold(&self, desired: u32) -> u32 {
        let (kind, value) = &self.threshold;
        let share = (desired * value).div_ceil(100);
        match kind.as_str() {
            "COUNT" => (*value).max(1),
            "UNBOUNDED_PERCENT" => share.max(1),
            _ => share.clamp(3, 200),
        }
    }

    pub fn json(&self) -> Value {
        let mut out = json!({
            "deploymentCircuitBreaker": {
                "enable": self.breaker,
                "rollback": self.breaker_rollback,
                "resetOnHealthyTask": self.reset_on_healthy,
                "thresholdConfiguration": {"type": self.threshold.0, "value": self.threshold.1},
            },
            "maximumPercent": self.max_percent,
            "minimumHealthyPercent": self.min_healthy,
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

    /// Takes over what an UpdateService says; what it does not mention stays. The error is a message of
    /// an InvalidParameterException.
    pub fn patch(&mut self, from: &Value) -> Result<(), String> {
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        if let Some(name) = from.get("strategy").and_then(Value::as_str) {
            let strategy = name.parse().map_err(|_| format!("{name} is not a valid deployment strategy."))?;
            if strategy != self.strategy {
                self.step_percent = if strategy == Strategy::Canary { 5.0 } else { 10.0 };
                self.step_bake_minutes = if strategy == Strategy::Canary { 10 } else { 6 };
            }
            self.strategy = strategy;
        }
        if let Some(percent) = number(from.get("maximumPercent")) {
            self.max_percent = percent;
        }
        if let Some(percent) = number(from.get("minimumHealthyPercent")) {
            self.min_healthy = percent;
        }
        if self.max_percent <= self.min_healthy.min(100) {
            return Err("maximumPercent must be greater than minimumHealthyPercent.".into());
        }
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
        if let Some(breaker) = from.get("deploymentCircuitBreaker") {
            let flag = |name: &str| breaker.get(name).and_then(Value::as_bool);
            self.breaker = flag("enable").unwrap_or(self.breaker);
            self.breaker_rollback = flag("rollback").unwrap_or(self.breaker_rollback);
            self.reset_on_healthy = flag("resetOnHealthyTask").unwrap_or(self.reset_on_healthy);
            let threshold = breaker.get("thresholdConfiguration");
            if let (Some(kind), Some(value)) =
                (threshold.and_then(|t| t.get("type")?.as_str()), number(threshold.and_then(|t| t.get("value"))))
            {
                self.threshold = (kind.into(), value);
            }
        }
        if let Some(alarms) = from.get("alarms") {
            let names = alarms.get("alarmNames").and_then(Value::as_array).into_iter().flatten();
            self.alarms = names.filter_map(Value::as_str).map(str::to_owned).collect();
            self.alarms_enabled = alarms.get("enable").and_then(Value::as_bool).unwrap_or(false);
            self.alarms_rollback = alarms.get("rollback").and_then(Value::as_bool).unwrap_or(false);
        }
        if let Some(hooks) = from.get("lifecycleHooks").and_then(Value::as_array) {
            self.hooks = hooks.iter().map(HookConfig::parse).collect::<Result<_, _>>()?;
            for kind in ["PAUSE", "AWS_LAMBDA"] {
                if self.hooks.iter().filter(|h| h.kind == kind).count() > MOST_HOOKS {
                    return Err(format!("A service can have at most {MOST_HOOKS} {kind} lifecycle hooks."));
                }
            }
        }
        for name in VERBATIM {
            if let Some(value) = from.get(name).filter(|v| !v.is_null()) {
                self.written.insert(name.into(), value.clone());
            }
        }
        Ok(())
    }
}

/// The stages at which a hook may stand.
const STAGES: [&str; 8] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];
/// The stages at which a PAUSE hook may stand.
const PAUSE_STAGES: [&str; 6] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

impl HookConfig {
    fn parse(from: &Value) -> Result<Self, String> {
        let text = |name: &str| from.get(name).and_then(Value::as_str).map(str::to_owned);
        let stages = from.get("lifecycleStages").and_then(Value::as_array).into_iter().flatten();
        let timeout = from.get("timeoutConfiguration");
        let minutes = timeout.and_then(|t| t.get("timeoutInMinutes")?.as_u64()).unwrap_or(1440);
        let hook = Self {
            kind: text("targetType").unwrap_or_else(|| "AWS_LAMBDA".into()),
            target: text("hookTargetArn"),
            stages: stages.filter_map(Value::as_str).map(str::to_owned).collect(),
            timeout_minutes: u32::try_from(minutes).unwrap_or(u32::MAX),
            action: timeout.and_then(|t| t.get("action")?.as_str()).unwrap_or("ROLLBACK").into(),
            written: from.clone(),
        };
        if hook.stages.is_empty() {
            return Err("A lifecycle hook must have at least one lifecycle stage.".into());
        }
        if hook.kind == "AWS_LAMBDA" && (hook.target.is_none() || text("roleArn").is_none()) {
            return Err("An AWS_LAMBDA lifecycle hook must have a hookTargetArn and a roleArn.".into());
        }
        if let Some(stage) = hook.stages.iter().find(|s| !STAGES.contains(&s.as_str())) {
            return Err(format!("{stage} is not a lifecycle stage."));
        }
        if hook.kind == "PAUSE" {
            if let Some(stage) = hook.stages.iter().find(|s| !PAUSE_STAGES.contains(&s.as_str())) {
                return Err(format!("A PAUSE lifecycle hook cannot be used at the {stage} lifecycle stage."));
            }
            if hook.action != "ROLLBACK" && hook.action != "CONTINUE" {
                return Err(format!("{} is not a valid timeout action.", hook.action));
            }
            if !(1..=20_160).contains(&hook.timeout_minutes) {
                return Err("timeoutInMinutes must be between 1 and 20160.".into());
            }
        }
        Ok(hook)
    }
}
