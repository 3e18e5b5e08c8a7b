//! The lifecycle of a native deployment: its stages, traffic steps and hooks.

use serde_json::{Value, json};

use super::deployment_config::DeploymentConfig;
use super::lifecycle_hook::HookConfig;
use crate::sim::scenario::Strategy;
use crate::sim::world::clock::{MINUTE, Ms, SECOND, epoch};
use crate::sim::world::ids::Ids;

/// lifecycleStage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Stage {
    ReconcileService,
    PreScaleUp,
    ScaleUp,
    PostScaleUp,
    TestTrafficShift,
    PostTestTrafficShift,
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    BakeTime,
    CleanUp,
}

/// lifecycleHookDetails[].status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
enum HookStatus {
    AwaitingAction,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

/// An execution of a hook.
#[derive(Debug, Clone)]
struct Hook {
    id: String,
    config: HookConfig,
    status: HookStatus,
    begun: Ms,
    expires: Ms,
}

/// The lifecycle state of a native deployment.
#[derive(Debug, Clone)]
pub(crate) struct Lifecycle {
    pub(crate) stage: Stage,
    /// Start of the stage.
    pub(crate) entered: Ms,
    /// True if the stage belongs to a rollback. False in the stage in which the rollback begins.
    pub(crate) rolling_back: bool,
    /// The share of production traffic that ECS requests for the target revision.
    pub(crate) percent: f64,
    /// The share of test traffic that ECS requests for the target revision; `None` without a test rule.
    pub(crate) test_percent: Option<f64>,
    /// The shares of the traffic shifts to come.
    pub(crate) steps: Vec<f64>,
    hooks: Vec<Hook>,
}

/// Duration of a Lambda hook.
const LAMBDA_DURATION: Ms = 4 * SECOND;

/// The action of a ContinueServiceDeployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookAction {
    Continue,
    Rollback,
}

impl Lifecycle {
    /// The lifecycle of a deployment that ended with this share of the traffic.
    pub(crate) fn ended(percent: f64, has_test_rule: bool) -> Self {
        Self {
            stage: Stage::CleanUp,
            entered: 0,
            rolling_back: false,
            percent,
            test_percent: has_test_rule.then_some(percent),
            steps: Vec::new(),
            hooks: Vec::new(),
        }
    }

    /// The lifecycle of a deployment that begins with `stage`.
    pub(crate) fn begin(config: &DeploymentConfig, stage: Stage, has_test_rule: bool, now: Ms, ids: &mut Ids) -> Self {
        let mut lifecycle = Self {
            stage,
            entered: now,
            rolling_back: false,
            percent: 0.0,
            test_percent: has_test_rule.then_some(0.0),
            steps: Self::steps(config),
            hooks: Vec::new(),
        };
        lifecycle.enter(stage, config, now, ids);
        lifecycle
    }

    fn steps(config: &DeploymentConfig) -> Vec<f64> {
        let step = config.step_percent.clamp(0.1, 100.0);
        let mut steps = match config.strategy {
            Strategy::Canary => vec![step],
            Strategy::Linear => (1..).map(|n| f64::from(n) * step).take_while(|p| *p < 99.95).collect(),
            Strategy::BlueGreen | Strategy::Rolling => Vec::new(),
        };
        steps.retain(|p| *p < 99.95);
        steps.push(100.0);
        steps
    }

    /// Enters a stage and starts its hooks.
    pub(crate) fn enter(&mut self, stage: Stage, config: &DeploymentConfig, now: Ms, ids: &mut Ids) {
        (self.stage, self.entered) = (stage, now);
        let here = config.hooks.iter().filter(|h| h.stages.iter().any(|s| s == stage.as_ref()));
        let begin = |config: &HookConfig| {
            let pause = config.kind == "PAUSE";
            Hook {
                id: format!("ecs-{}-{}", if pause { "pause" } else { "lambda" }, ids.alnum(43)),
                status: if pause { HookStatus::AwaitingAction } else { HookStatus::InProgress },
                begun: now,
                expires: now + Ms::from(config.timeout_minutes) * MINUTE,
                config: config.clone(),
            }
        };
        self.hooks = here.map(begin).collect();
    }

    /// Returns true if only the clean-up is left: all traffic has shifted and can no longer be rolled back.
    pub(crate) fn is_shifted(&self) -> bool {
        self.stage == Stage::CleanUp && self.percent >= 100.0
    }

    /// Completes a hook with an operator's action. Returns false if no such hook awaits an action.
    pub(crate) fn answer(&mut self, hook: &str, action: HookAction) -> bool {
        let waiting = |h: &&mut Hook| h.id == hook && h.status == HookStatus::AwaitingAction;
        let Some(hook) = self.hooks.iter_mut().find(waiting) else {
            return false;
        };
        hook.status = if action == HookAction::Continue { HookStatus::Succeeded } else { HookStatus::Failed };
        true
    }

    /// Drops all hooks; a later action for one of them fails.
    pub(crate) fn drop_hooks(&mut self) {
        self.hooks.clear();
    }

    /// The ids of the hooks that await an action.
    pub(crate) fn awaiting_action(&self) -> impl Iterator<Item = &str> {
        self.hooks.iter().filter(|h| h.status == HookStatus::AwaitingAction).map(|h| h.id.as_str())
    }

    /// Lets hooks finish and time out. Returns true if all are done, and the reason for a rollback if there is one.
    pub(crate) fn run_hooks(&mut self, now: Ms) -> (bool, Option<String>) {
        for hook in &mut self.hooks {
            if hook.status == HookStatus::InProgress && now >= hook.begun + LAMBDA_DURATION {
                hook.status = HookStatus::Succeeded;
            }
            if hook.status == HookStatus::AwaitingAction && now >= hook.expires {
                hook.status = HookStatus::TimedOut;
            }
        }
        let timed_out = |h: &&Hook| h.status == HookStatus::TimedOut && h.config.action != "CONTINUE";
        let stage = self.stage.as_ref();
        let reason = self.hooks.iter().find(timed_out).map(|_| {
            format!("Service deployment rolled back because the PAUSE lifecycle hook at the {stage} lifecycle stage timed out.")
        });
        let done = !self.hooks.iter().any(|h| matches!(h.status, HookStatus::AwaitingAction | HookStatus::InProgress));
        (done, reason)
    }

    /// Adds requestedProductionTrafficWeight and requestedTestTrafficWeight to the revisions of a deployment.
    pub(crate) fn add_weights(&self, target: &mut Value, sources: &mut [Value]) {
        let add = |summary: &mut Value, percent: f64, test: f64| {
            if let Some(map) = summary.as_object_mut() {
                map.insert("requestedTestTrafficWeight".into(), json!(test));
                map.insert("requestedProductionTrafficWeight".into(), json!(percent));
            }
        };
        add(target, self.percent, self.test_percent.unwrap_or(0.0));
        for (at, source) in sources.iter_mut().enumerate() {
            let rest = |percent: f64| if at == 0 { 100.0 - percent } else { 0.0 };
            add(source, rest(self.percent), self.test_percent.map_or(0.0, rest));
        }
    }

    /// Adds lifecycleStage and lifecycleHookDetails.
    pub(crate) fn add_to(&self, out: &mut Value) {
        let Some(map) = out.as_object_mut() else {
            return;
        };
        map.insert("lifecycleStage".into(), json!(self.stage.as_ref()));
        if self.hooks.is_empty() {
            return;
        }
        let show = |hook: &Hook| {
            let mut out = json!({
                "hookId": hook.id,
                "targetType": hook.config.kind,
                "status": hook.status.as_ref(),
                "expiresAt": epoch(hook.expires),
                "timeoutAction": hook.config.action,
            });
            if let (Some(target), Some(map)) = (&hook.config.target, out.as_object_mut()) {
                map.insert("targetArn".into(), json!(target));
            }
            out
        };
        map.insert("lifecycleHookDetails".into(), self.hooks.iter().map(show).collect());
    }
}
