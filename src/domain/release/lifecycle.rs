//! The stages of a native deployment: the present one, and the action that ECS takes next by itself.

pub(crate) mod stages;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};

use self::stages::Line;
use super::Release;
use super::share::Percent;
use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, HookConfiguration, PAUSE};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::lifecycle_stage::LifecycleStage::{
    BakeTime, CleanUp, PostProductionTrafficShift, PostScaleUp, PostTestTrafficShift, PreProductionTrafficShift,
    PreScaleUp, ProductionTrafficShift, ScaleUp, TestTrafficShift,
};
use crate::domain::ecs::names::TaskDefinitionArn;

/// The stages that every deployment passes, in order.
const STAGES: [LifecycleStage; 10] = [
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
];

/// Threshold of [`Deadline::near`]: the last five minutes of a pause …
const NEAR: SignedDuration = SignedDuration::from_mins(5);
/// … or the last tenth of the timeout, where that is known.
const NEAR_PART: i32 = 10;

/// The position of a native deployment under way.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTimeline {
    /// The stages in order. During a rollback the order means nothing: all but the present stage are `Unknown`.
    pub stops: Vec<StageMark>,
    /// The present stage. A stage that tidegate does not know is not among `stops`.
    pub stage: Option<LifecycleStage>,
    /// The new revision's shares, rising to 100 %.
    pub steps: Vec<Step>,
    /// The next action, and its preconditions.
    pub next: Next,
    /// The rollback under way, with its reason.
    pub back: Option<Back>,
    /// The timeout of the pause at which the deployment waits.
    pub deadline: Option<Deadline>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageMark {
    /// The stage.
    pub name: LifecycleStage,
    /// The stage's position relative to the deployment.
    pub at: StagePosition,
    /// True if the strategy has a pause at this stage.
    pub waits: bool,
}

/// The position of a stage or a share relative to the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StagePosition {
    /// Passed.
    Behind,
    /// The present one.
    Here,
    /// To come.
    Ahead,
    /// Not known.
    Unknown,
}

/// A share of the strategy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The new revision's share.
    pub share: Percent,
    /// The share's position relative to the deployment.
    pub at: StagePosition,
    /// Bake time after this share; zero where this console writes the weights.
    pub bake: SignedDuration,
}

/// The next action.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// The action.
    pub what: NextAction,
    /// The preconditions, in order; empty: the action follows as soon as the stage is passed.
    pub waits: Vec<Precondition>,
}

/// An action that a deployment takes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextAction {
    /// ECS starts this many tasks of the new revision.
    StartTasks(u32),
    /// ECS gives the new revision this share, in tenths of a percent.
    Shift(Tenths),
    /// This console writes this share to the rule next; `None`: the new revision has all traffic.
    WritesWeight(Option<Tenths>),
    /// ECS waits for an operator at a pause at this stage.
    WaitForYou(LifecycleStage),
    /// ECS removes the old tasks.
    RemoveOld,
    /// The deployment ends.
    End,
    /// ECS gives the old revision all of the traffic, and removes the new tasks.
    GoBack,
    /// Not known.
    Unknown,
}

/// A share in tenths of a percent: exact, so that facts can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenths(u16);

impl Tenths {
    fn of(share: Percent) -> Self {
        // Within 0–1000: a share is within 0–100.
        Self((share.value() * 10.0).round() as u16)
    }

    /// The share in percent.
    pub fn percent(self) -> Percent {
        Percent::new(f64::from(self.0) / 10.0).unwrap_or(Percent::FULL)
    }
}

/// A precondition of the next action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// An operator answers the pause.
    Answer,
    /// Number of hooks, other than pauses, that must end.
    Hooks(usize),
    /// Healthy new tasks, of the desired number; `None`: not known.
    Healthy(Option<u32>, u32),
    /// A bake time passes.
    Bake(SignedDuration, Option<Ends>),
}

/// The end of a bake, as far as it is visible from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The start of the bake was observed.
    About(Timestamp),
    /// The bake started after the observed change.
    NotBefore(Timestamp),
    /// The bake started before the observed change.
    NotAfter(Timestamp),
}

/// A rollback under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The revision that the rollback restores, where ECS reports it.
    pub to: Option<TaskDefinitionArn>,
    /// ECS's reason.
    pub reason: Option<String>,
    /// The start of the rollback.
    pub since: Option<Timestamp>,
}

/// The timeout of a pause, and its timeout action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// `expiresAt`.
    pub until: Option<Timestamp>,
    /// Time left until then; zero once it has passed.
    pub left: Option<SignedDuration>,
    /// The timeout action.
    pub then: Then,
    /// True if the timeout is so near that an operator must act now.
    pub near: bool,
    /// Number of other pauses that wait at the same stage.
    pub others: usize,
}

/// The timeout action of a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// ROLLBACK.
    GoesBack,
    /// CONTINUE: the release continues automatically.
    GoesOn,
    /// Any other value from AWS; `None`: AWS reports no value.
    Other(Option<String>),
}

/// The pause that times out first, if the release waits at a pause.
pub fn deadline(release: &Release, now: Timestamp) -> Option<Deadline> {
    let pause = release.pauses.first()?;
    let left = pause.until.map(|until| until.duration_since(now).max(SignedDuration::ZERO));
    let known = release.deployment.iter().flat_map(|deployment| pauses_at(&deployment.configuration, &release.stage));
    let timeout =
        known.filter_map(|hook| hook.timeout_minutes).max().map(|minutes| SignedDuration::from_mins(minutes.into()));
    let near = timeout.map_or(NEAR, |timeout| NEAR.max(timeout / NEAR_PART));
    Some(Deadline {
        until: pause.until,
        left,
        then: match pause.then.as_deref() {
            Some("ROLLBACK") => Then::GoesBack,
            Some("CONTINUE") => Then::GoesOn,
            other => Then::Other(other.map(str::to_owned)),
        },
        near: left.is_some_and(|left| left <= near),
        others: release.pauses.len() - 1,
    })
}

fn pauses_at<'a>(
    configuration: &'a Configuration,
    stage: &'a Option<LifecycleStage>,
) -> impl Iterator<Item = &'a HookConfiguration> {
    configuration
        .hooks
        .iter()
        .filter(|hook| waits(hook) && stage.as_ref().is_some_and(|stage| hook.stages.contains(stage)))
}

/// Returns true if a hook is a pause. AWS may leave out the kind; only a Lambda function has a target.
fn waits(hook: &HookConfiguration) -> bool {
    hook.kind.as_deref().map_or(hook.target.is_none(), |kind| kind == PAUSE)
}

/// The position of the native deployment under way; `None`: no native deployment is under way.
pub fn track(release: &Release, now: Timestamp) -> Option<StageTimeline> {
    let deployment = release.under_way().filter(|_| release.method.shifted_by_ecs())?;
    let configuration = &deployment.configuration;
    if !configuration.strategy.shifts_traffic() {
        return None;
    }
    let stage = deployment.stage.clone();
    let back = deployment.status.rolling_back().then(|| Back {
        to: deployment.rolled_back_to().cloned(),
        reason: deployment.rollback.as_ref().and_then(|rollback| rollback.reason.clone()).or(deployment.reason.clone()),
        since: deployment.rollback.as_ref().and_then(|rollback| rollback.started_at),
    });
    let requested = deployment.requested.unwrap_or(Percent::ZERO);
    let pending = deployment.status == DeploymentStatus::Pending;
    let line = Line { release, configuration, requested, now };
    Some(StageTimeline {
        stops: line.stops(stage.as_ref(), pending, back.is_some()),
        steps: line.steps(back.is_some()),
        next: match &back {
            Some(_) => Next { what: NextAction::GoBack, waits: Vec::new() },
            None => line.next(stage.as_ref(), pending),
        },
        stage,
        back,
        deadline: deadline(release, now),
    })
}
