//! Lifecycle hooks of a deployment configuration.

use serde_json::{Value, json};

use crate::sim::scenario::PauseHook;

/// A lifecycle hook of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HookConfig {
    /// `PAUSE` or `AWS_LAMBDA`.
    pub(crate) kind: String,
    /// A Lambda function's ARN.
    pub(crate) target: Option<String>,
    pub(crate) stages: Vec<String>,
    pub(crate) timeout_minutes: u32,
    /// The action after the timeout: `ROLLBACK` or `CONTINUE`.
    pub(crate) action: String,
    /// The hook as the client wrote it; shown unchanged.
    pub(super) written: Value,
}

/// The stages at which a hook may run.
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
/// The stages at which a PAUSE hook may run.
const PAUSE_STAGES: [&str; 6] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

impl HookConfig {
    pub(super) fn from_scenario(pause: &PauseHook) -> Self {
        Self {
            kind: "PAUSE".into(),
            target: None,
            stages: pause.stages.clone(),
            timeout_minutes: pause.timeout_minutes,
            action: pause.action.clone(),
            written: json!({"targetType": "PAUSE", "lifecycleStages": pause.stages, "timeoutConfiguration": {
                "timeoutInMinutes": pause.timeout_minutes, "action": pause.action,
            }}),
        }
    }

    /// Reads a hook of an UpdateService. The error is the message of an InvalidParameterException.
    pub(super) fn parse(from: &Value) -> Result<Self, String> {
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
            hook.check_pause()?;
        }
        Ok(hook)
    }

    fn check_pause(&self) -> Result<(), String> {
        if let Some(stage) = self.stages.iter().find(|s| !PAUSE_STAGES.contains(&s.as_str())) {
            return Err(format!("A PAUSE lifecycle hook cannot be used at the {stage} lifecycle stage."));
        }
        if self.action != "ROLLBACK" && self.action != "CONTINUE" {
            return Err(format!("{} is not a valid timeout action.", self.action));
        }
        if !(1..=20_160).contains(&self.timeout_minutes) {
            return Err("timeoutInMinutes must be between 1 and 20160.".into());
        }
        Ok(())
    }
}
