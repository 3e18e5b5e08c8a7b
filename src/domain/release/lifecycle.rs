//! The stages of a native deployment: where it is, and what ECS will do next by itself.

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

/// A pause is near its end in its last five minutes …
const NEAR: SignedDuration = SignedDuration::from_mins(5);
/// … or in the last tenth of its time, where that is known.
const NEAR_PART: i32 = 10;

/// Where a native deployment under way is.
#[derive(Debug, Clone, PartialEq)]
pub struct StageTimeline {
    /// The stages in order. During a rollback their order means nothing: all but the present one are `Unknown`.
    pub stops: Vec<StageMark>,
    /// The present stage. It is among the stops unless it is one that nothing is known of.
    pub stage: Option<LifecycleStage>,
    /// The shares that the new revision gets, rising to 100 %.
    pub steps: Vec<Step>,
    /// The next action, and its preconditions.
    pub next: Next,
    /// The rollback under way, and why.
    pub back: Option<Back>,
    /// When the pause that it waits at times out.
    pub deadline: Option<Deadline>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageMark {
    /// Which.
    pub name: LifecycleStage,
    /// Where it is, seen from the deployment.
    pub at: StagePosition,
    /// Whether a pause stands at it.
    pub waits: bool,
}

/// Where a stage or a share is, seen from the deployment.
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
    /// Where it is, seen from the deployment.
    pub at: StagePosition,
    /// How long ECS watches it before it goes on; zero where this console does the stepping.
    pub bake: SignedDuration,
}

/// The next action.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// The action.
    pub what: NextAction,
    /// Its preconditions, in order; empty: it follows as soon as the stage is passed.
    pub waits: Vec<Precondition>,
}

/// An action that a deployment takes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextAction {
    /// ECS starts this many tasks of the new revision.
    StartTasks(u32),
    /// ECS gives the new revision this share, in tenths of a percent.
    Shift(Tenths),
    /// This console writes the rule: this share next; `None` once it has all.
    WritesWeight(Option<Tenths>),
    /// ECS waits for an operator at a pause at this stage.
    WaitForYou(LifecycleStage),
    /// ECS removes the old tasks.
    RemoveOld,
    /// It ends.
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

    /// As a share.
    pub fn percent(self) -> Percent {
        Percent::new(f64::from(self.0) / 10.0).unwrap_or(Percent::FULL)
    }
}

/// A precondition of the next action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Somebody answers the pause.
    Answer,
    /// This many hooks that are not pauses end.
    Hooks(usize),
    /// Healthy new tasks, of the desired number; `None`: not known.
    Healthy(Option<u32>, u32),
    /// A bake time passes.
    Bake(SignedDuration, Option<Ends>),
}

/// When a bake is over, as far as it can be known from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Its start was observed.
    About(Timestamp),
    /// It started after the observed change.
    NotBefore(Timestamp),
    /// It started before the observed change.
    NotAfter(Timestamp),
}

/// A rollback under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// To what, where ECS says so.
    pub to: Option<TaskDefinitionArn>,
    /// ECS's reason.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// When a pause times out, and with which answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// `expiresAt`.
    pub until: Option<Timestamp>,
    /// Time left until then; zero once it has passed.
    pub left: Option<SignedDuration>,
    /// The timeout action.
    pub then: Then,
    /// Whether it is near enough that an operator must act now.
    pub near: bool,
    /// How many other pauses wait at the same stage.
    pub others: usize,
}

/// The timeout action of a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// ROLLBACK.
    GoesBack,
    /// CONTINUE: the release continues automatically.
    GoesOn,
    /// Any other word of AWS; `None`: AWS gives none.
    Other(Option<String>),
}

/// The pause that runs out first, if the release waits at one.
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

/// Whether a hook is a pause. An answer may leave out the kind; a Lambda function has a target all the same.
fn waits(hook: &HookConfiguration) -> bool {
    hook.kind.as_deref().map_or(hook.target.is_none(), |kind| kind == PAUSE)
}

/// Where the native deployment under way is; `None` where there is none.
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
