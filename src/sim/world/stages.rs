//! The lifecycle stages of a deployment that ECS shifts the traffic of, and the hooks that stand at them.

use serde_json::{Value, json};

use super::clock::{MINUTE, Ms, SECOND, epoch};
use super::config::{Config, HookConfig};
use super::ids::Ids;
use crate::sim::scenario::Strategy;

/// lifecycleStage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Stage {
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

/// One execution of a hook.
#[derive(Debug, Clone)]
struct Hook {
    id: String,
    config: HookConfig,
    status: HookStatus,
    begun: Ms,
    expires: Ms,
}

/// Where such a deployment is.
#[derive(Debug, Clone)]
pub(super) struct Native {
    pub stage: Stage,
    pub entered: Ms,
    /// This stage is one of the way back; the one in which a deployment is turned around is not.
    pub returning: bool,
    /// The target's share that ECS asks for, percent.
    pub percent: f64,
    /// The target's share of the test traffic that ECS asks for, percent; none without a test rule.
    pub test_percent: Option<f64>,
    /// The shares still to come, percent.
    pub steps: Vec<f64>,
    hooks: Vec<Hook>,
}

/// What a Lambda hook takes.
const LAMBDA: Ms = 4 * SECOND;

/// What ContinueServiceDeployment does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HookAction {
    Continue,
    Rollback,
}

impl Native {
    /// One that is long over, with this share (percent) for the target; of the test traffic too, if there is any.
    pub fn over(percent: f64, tested: bool) -> Self {
        let test_percent = tested.then_some(percent);
        Self {
            stage: Stage::CleanUp,
            entered: 0,
            returning: false,
            percent,
            test_percent,
            steps: Vec::new(),
            hooks: Vec::new(),
        }
    }

    /// One that begins with this stage; `tested`: there is a test rule.
    pub fn begin(config: &Config, stage: Stage, tested: bool, now: Ms, ids: &mut Ids) -> Self {
        let step = config.step_percent.clamp(0.1, 100.0);
        let mut steps = match config.strategy {
            Strategy::Canary => vec![step],
            Strategy::Linear => (1..).map(|n| f64::from(n) * step).take_while(|p| *p < 99.95).collect(),
            Strategy::BlueGreen | Strategy::Rolling => Vec::new(),
        };
        steps.retain(|p| *p < 99.95);
        steps.push(100.0);
        let test_percent = tested.then_some(0.0);
        let mut native =
            Self { stage, entered: now, returning: false, percent: 0.0, test_percent, steps, hooks: Vec::new() };
        native.enter(stage, config, now, ids);
        native
    }

    /// Enters a stage: its hooks begin, those of the last one are gone.
    pub fn enter(&mut self, stage: Stage, config: &Config, now: Ms, ids: &mut Ids) {
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

    /// Everything is with the target for good.
    pub fn shifted(&self) -> bool {
        self.stage == Stage::CleanUp && self.percent >= 100.0
    }

    /// Answers a paused hook. False when there is no such hook waiting.
    pub fn answer(&mut self, hook: &str, action: HookAction) -> bool {
        let waiting = |h: &&mut Hook| h.id == hook && h.status == HookStatus::AwaitingAction;
        let Some(hook) = self.hooks.iter_mut().find(waiting) else {
            return false;
        };
        hook.status = if action == HookAction::Continue { HookStatus::Succeeded } else { HookStatus::Failed };
        true
    }

    /// What waits can no longer be answered.
    pub fn forget_hooks(&mut self) {
        self.hooks.clear();
    }

    /// The ids of the hooks that wait for somebody.
    pub fn waiting(&self) -> impl Iterator<Item = &str> {
        self.hooks.iter().filter(|h| h.status == HookStatus::AwaitingAction).map(|h| h.id.as_str())
    }

    /// Lets hooks finish and time out: whether all are done, and why to roll back.
    pub fn run_hooks(&mut self, now: Ms) -> (bool, Option<String>) {
        for hook in &mut self.hooks {
            if hook.status == HookStatus::InProgress && now >= hook.begun + LAMBDA {
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

    /// Adds requestedProductionTrafficWeight and requestedTestTrafficWeight, percent.
    pub fn show_weights(&self, target: &mut Value, sources: &mut [Value]) {
        let show = |summary: &mut Value, percent: f64, test: f64| {
            if let Some(map) = summary.as_object_mut() {
                map.insert("requestedTestTrafficWeight".into(), json!(test));
                map.insert("requestedProductionTrafficWeight".into(), json!(percent));
            }
        };
        show(target, self.percent, self.test_percent.unwrap_or(0.0));
        for (at, source) in sources.iter_mut().enumerate() {
            let left = |percent: f64| if at == 0 { 100.0 - percent } else { 0.0 };
            show(source, left(self.percent), self.test_percent.map_or(0.0, left));
        }
    }

    /// Adds lifecycleStage and lifecycleHookDetails.
    pub fn show(&self, out: &mut Value) {
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
