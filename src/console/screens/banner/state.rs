//! The state of a release for its operator: one word, and how much it matters.

use jiff::SignedDuration;

use crate::console::screens::release::verdict::preliminary;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::operation;
use crate::console::widgets::theme::Role;
use crate::domain::analysis::{Verdict, VerdictStatus};
use crate::domain::health::rollout_health::RolloutHealth;
use crate::domain::plan::Intent;
use crate::domain::release::condition::Severity;
use crate::domain::release::lifecycle;
use crate::domain::release::{Phase, Release};

/// Time for which a release that was rolled back says so.
pub(crate) const TOLD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The state of a release for its operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The verdict is FAIL.
    Fail,
    /// The rollout failed, or ECS could not roll it back.
    Failed,
    /// The tasks of the new revision keep failing.
    CrashLoop,
    /// Something else keeps the release from being steady.
    Unhealthy(Severity),
    /// Nothing moves.
    Stalled,
    /// A rollback is under way.
    RollingBack,
    /// ECS waits at a pause.
    Paused {
        /// True if the timeout is so near that an operator must act now.
        near: bool,
    },
    /// The next move is the operator's, and nothing speaks for going on yet.
    Waiting,
    /// The console steps by itself.
    Automatic,
    /// The bake time runs.
    Watching,
    /// The bake time runs, and numbers that may still change are far beyond the threshold.
    Alarming,
    /// Tasks of the new revision start.
    Starting,
    /// Traffic or tasks are being moved.
    Moving,
    /// The new revision becomes the stable one.
    Finishing,
    /// The verdict is PASS.
    Pass,
    /// The verdict is PASS, with a warning.
    PassWarned,
    /// The newest release was rolled back less than an hour ago.
    RolledBack,
    /// Nothing is under way, and something is odd.
    SteadyNoted,
    /// Nothing is under way.
    Steady,
}

/// The weight of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Users suffer, or will soon.
    Bad,
    /// An operator should look.
    Attention,
    /// Something is under way as it should be.
    Busy,
    /// The release may go on.
    Good,
    /// Nothing is under way.
    Calm,
}

impl State {
    /// The state of a release.
    pub(crate) fn of(scene: &Canvas<'_>, release: &Release) -> Self {
        if let Some(own) = operation::in_flight(scene, release) {
            return match own.plan.intent {
                Intent::Rollback { .. } => Self::RollingBack,
                _ if fails(release) => Self::Fail,
                Intent::Start { .. } => Self::Starting,
                Intent::Finish => Self::Finishing,
                Intent::Step { .. } | Intent::Weight { .. } | Intent::Register { .. } => Self::Moving,
            };
        }
        let looping = matches!(release.ailment, Some(RolloutHealth::CrashLoop { .. }));
        let deadline = || lifecycle::deadline(release, scene.observed.now.at);
        let near = (release.phase == Phase::Waiting).then(deadline).flatten().map(|deadline| deadline.near);
        let unsteady = release.unsteady().map(|condition| condition.severity());
        match release.phase {
            Phase::RollingBack => Self::RollingBack,
            _ if looping => Self::CrashLoop,
            Phase::Failed => Self::Failed,
            _ if fails(release) => Self::Fail,
            _ if release.ailment.is_some() => Self::Stalled,
            _ if near.is_some() => Self::Paused { near: near == Some(true) },
            _ if unsteady.is_some() => Self::Unhealthy(unsteady.unwrap_or(Severity::Warning)),
            Phase::Waiting if scene.operations.automatic.contains_key(&release.name) => Self::Automatic,
            Phase::Waiting => passed(&release.verdict).unwrap_or(Self::Waiting),
            Phase::Baking if preliminary(scene, release).is_some_and(|early| early.alarming) => Self::Alarming,
            Phase::Baking => passed(&release.verdict).unwrap_or(Self::Watching),
            Phase::Starting => Self::Starting,
            Phase::Shifting => Self::Moving,
            Phase::Finishing => Self::Finishing,
            Phase::Steady if rolled_back_for(scene, release).is_some_and(|ago| ago < TOLD_FOR) => Self::RolledBack,
            Phase::Steady if !release.conditions.is_empty() => Self::SteadyNoted,
            Phase::Steady => Self::Steady,
        }
    }

    /// The weight of the state.
    pub(crate) fn level(self) -> Level {
        match self {
            Self::Fail | Self::Failed | Self::CrashLoop | Self::Paused { near: true } => Level::Bad,
            Self::Unhealthy(Severity::Critical) => Level::Bad,
            Self::Unhealthy(_) | Self::Stalled | Self::RollingBack | Self::Paused { .. } | Self::Waiting => {
                Level::Attention
            }
            Self::Alarming | Self::PassWarned | Self::RolledBack => Level::Attention,
            Self::Automatic | Self::Watching | Self::Starting | Self::Moving | Self::Finishing => Level::Busy,
            Self::Pass => Level::Good,
            Self::SteadyNoted | Self::Steady => Level::Calm,
        }
    }

    /// Returns true if going back is what the state asks for: also where users get nothing, and the rule can bring them
    /// back.
    pub(crate) fn asks_for_rollback(self, release: &Release) -> bool {
        let repaired = self == Self::Unhealthy(Severity::Critical) && release.repair.is_some();
        repaired || matches!(self, Self::Fail | Self::Failed | Self::CrashLoop)
    }

    /// The state in a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Failed => "FAILED",
            Self::CrashLoop => "CRASH LOOP",
            Self::Unhealthy(_) => "UNHEALTHY",
            Self::Stalled => "STALLED",
            Self::RollingBack => "ROLLING BACK",
            Self::Paused { .. } => "PAUSED",
            Self::Waiting => "WAITING",
            Self::Automatic => "AUTOMATIC",
            Self::Watching | Self::Alarming => "WATCHING",
            Self::Starting => "STARTING",
            Self::Moving => "MOVING",
            Self::Finishing => "FINISHING",
            Self::Pass | Self::PassWarned => "PASS",
            Self::RolledBack => "ROLLED BACK",
            Self::SteadyNoted | Self::Steady => "STEADY",
        }
    }

    /// The shape before the word: it tells levels apart without a colour.
    pub(crate) fn shape(self) -> &'static str {
        match (self, self.level()) {
            (Self::SteadyNoted, _) | (_, Level::Attention) => "▲",
            (_, Level::Bad) => "✖",
            (_, Level::Busy) => "●",
            (_, Level::Good) => "✓",
            (_, Level::Calm) => " ",
        }
    }

    /// The role of the word without a fill.
    pub(crate) fn role(self) -> Role {
        match (self, self.level()) {
            (Self::SteadyNoted, _) | (_, Level::Attention) => Role::Warn,
            (_, Level::Bad) => Role::Bad,
            (_, Level::Busy) => Role::Accent,
            (_, Level::Good) => Role::Good,
            (_, Level::Calm) => Role::Text,
        }
    }

    /// The role of a filled word; `None`: the state has no fill.
    pub(crate) fn fill(self) -> Option<Role> {
        match self.level() {
            Level::Bad => Some(Role::BadBadge),
            Level::Attention => Some(Role::Badge),
            Level::Busy => Some(Role::BusyBadge),
            Level::Good => Some(Role::ReadyBadge),
            Level::Calm => None,
        }
    }
}

fn fails(release: &Release) -> bool {
    release.verdict.outcome == VerdictStatus::Fail
}

fn passed(verdict: &Verdict) -> Option<State> {
    (verdict.outcome == VerdictStatus::Pass).then_some(match verdict.reasons.is_empty() {
        true => State::Pass,
        false => State::PassWarned,
    })
}

/// The time since a release in this state became steady, where nothing about it is odd.
pub(crate) fn healthy_for(scene: &Canvas<'_>, release: &Release, state: State) -> Option<SignedDuration> {
    let since = release.steady_since.filter(|_| state == State::Steady)?;
    Some(scene.observed.now.at.duration_since(since))
}

/// The time since the newest release was rolled back, in the operator's time.
pub(super) fn rolled_back_for(scene: &Canvas<'_>, release: &Release) -> Option<SignedDuration> {
    release.went_back.map(|at| scene.observed.now.since(at))
}
