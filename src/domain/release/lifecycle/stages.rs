//! The position of each stage and each share, and the next action.

use jiff::{SignedDuration, Timestamp};

use super::{Ends, Next, NextAction, Precondition, STAGES, StageMark, StagePosition, Step, Tenths, waits};
use crate::domain::ecs::deployment::{Configuration, PAUSE, Strategy};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::lifecycle_stage::LifecycleStage::{
    BakeTime, CleanUp, PreProductionTrafficShift, ProductionTrafficShift, ReconcileService, ScaleUp,
};
use crate::domain::release::ladder::Ladder;
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Release};

/// The inputs of a timeline.
pub(super) struct Line<'a> {
    pub(super) release: &'a Release,
    pub(super) configuration: &'a Configuration,
    pub(super) requested: Percent,
    pub(super) now: Timestamp,
}

impl Line<'_> {
    fn waits_at(&self, stage: &LifecycleStage) -> bool {
        self.configuration.hooks.iter().any(|hook| waits(hook) && hook.stages.contains(stage))
    }

    pub(super) fn stops(&self, stage: Option<&LifecycleStage>, pending: bool, back: bool) -> Vec<StageMark> {
        let mut names = STAGES.to_vec();
        let mut here = stage.and_then(|stage| names.iter().position(|name| name == stage));
        if let (None, Some(stage)) = (here, stage)
            && let Some(at) = place(stage)
        {
            names.insert(at, stage.clone());
            here = Some(at);
        }
        let production = names.iter().position(|name| *name == ProductionTrafficShift).unwrap_or(names.len());
        let at = |index: usize| match (here, back) {
            (Some(here), _) if here == index => StagePosition::Here,
            (_, true) => StagePosition::Unknown,
            (Some(here), _) if index < here => StagePosition::Behind,
            (Some(_), _) => StagePosition::Ahead,
            (None, _) if pending => StagePosition::Ahead,
            // Users are on the new revision: the stages before the shift are over.
            (None, _) if index < production && !self.requested.is_zero() => StagePosition::Behind,
            (None, _) => StagePosition::Unknown,
        };
        let stop = |(index, name): (usize, &LifecycleStage)| StageMark {
            name: name.clone(),
            at: at(index),
            waits: self.waits_at(name),
        };
        names.iter().enumerate().map(stop).collect()
    }

    fn ours(&self) -> bool {
        self.release.method == Method::NativeWeighted
    }

    /// The new revision's share: the configured share if this console writes the rule, otherwise the share that ECS
    /// requested.
    fn share(&self) -> Percent {
        let written = self.release.share.configured.filter(|_| self.ours());
        written.unwrap_or(self.requested)
    }

    pub(super) fn steps(&self, back: bool) -> Vec<Step> {
        let own = Ladder::of(&self.configuration.strategy);
        let ladder = if self.ours() { &self.release.ladder } else { &own };
        let share = self.share().value();
        let step = |step: &Percent| Step {
            share: *step,
            at: match step.value() - share {
                _ if back => StagePosition::Unknown,
                off if off.abs() < 0.05 => StagePosition::Here,
                off if off < 0.0 => StagePosition::Behind,
                _ => StagePosition::Ahead,
            },
            bake: match self.ours() {
                true => SignedDuration::ZERO,
                false if step.is_full() => self.configuration.bake(),
                false => step_bake(&self.configuration.strategy),
            },
        };
        ladder.steps().iter().map(step).collect()
    }

    /// The next share of the ladder.
    fn further(&self) -> Option<Tenths> {
        let own = Ladder::of(&self.configuration.strategy);
        let ladder = if self.ours() { &self.release.ladder } else { &own };
        ladder.next_after(self.share()).map(Tenths::of)
    }

    pub(super) fn next(&self, stage: Option<&LifecycleStage>, pending: bool) -> Next {
        let paused = !self.release.pauses.is_empty();
        let mut waits = Vec::new();
        if paused {
            if self.ours() {
                return Next { what: NextAction::WritesWeight(self.further()), waits: vec![Precondition::Answer] };
            }
            waits.push(Precondition::Answer);
        }
        let hooks = self.release.deployment.iter().flat_map(|deployment| &deployment.hooks);
        let running = hooks.filter(|hook| hook.kind != PAUSE && hook.status == "IN_PROGRESS").count();
        if running > 0 {
            waits.push(Precondition::Hooks(running));
        }
        let Some(ahead) = first_ahead(stage, pending) else { return Next { what: NextAction::Unknown, waits } };
        let what = self.ends_of(stage, &mut waits).unwrap_or_else(|| self.comes(ahead, &mut waits));
        Next { what, waits }
    }

    /// The action at the end of a stage, if the stage alone determines it. Adds the preconditions that ECS waits for
    /// until then.
    fn ends_of(&self, stage: Option<&LifecycleStage>, waits: &mut Vec<Precondition>) -> Option<NextAction> {
        match stage {
            Some(ScaleUp) => {
                let side = self.release.newest();
                waits.push(Precondition::Healthy(side.healthy, side.desired));
                None
            }
            // After each step but the last come its bake and, once more, the stage before the shift.
            Some(ProductionTrafficShift) if !self.requested.is_full() => {
                let bake = step_bake(&self.configuration.strategy);
                if !self.requested.is_zero() && !bake.is_zero() {
                    waits.push(Precondition::Bake(bake, self.step_ends(bake)));
                }
                if self.waits_at(&PreProductionTrafficShift) && !self.requested.is_zero() {
                    return Some(NextAction::WaitForYou(PreProductionTrafficShift));
                }
                Some(self.further().map_or(NextAction::Unknown, NextAction::Shift))
            }
            Some(BakeTime) => {
                let bake = self.configuration.bake();
                waits.push(Precondition::Bake(bake, self.last_ends(bake)));
                Some(NextAction::RemoveOld)
            }
            Some(CleanUp) => Some(NextAction::End),
            _ => None,
        }
    }

    /// The first action in the stages from `ahead` on.
    fn comes(&self, ahead: usize, waits: &mut Vec<Precondition>) -> NextAction {
        for stage in STAGES.iter().skip(ahead) {
            return match stage {
                stage if self.waits_at(stage) => NextAction::WaitForYou(stage.clone()),
                ScaleUp => NextAction::StartTasks(self.release.newest().desired.max(self.release.stable.desired)),
                ProductionTrafficShift => self.further().map_or(NextAction::Unknown, NextAction::Shift),
                BakeTime if !self.configuration.bake().is_zero() => {
                    waits.push(Precondition::Bake(self.configuration.bake(), None));
                    NextAction::RemoveOld
                }
                CleanUp => NextAction::RemoveOld,
                _ => continue,
            };
        }
        NextAction::End
    }

    /// The end of a step's bake, which starts with the change of weights.
    fn step_ends(&self, bake: SignedDuration) -> Option<Ends> {
        let since = self.release.bake.filter(|_| self.followed())?;
        let at = since.since.checked_add(bake).ok()?;
        let ends = if since.seen { Ends::About(at) } else { Ends::NotAfter(at) };
        (at > self.now).then_some(ends)
    }

    /// The end of the last bake, which begins some time after the last shift.
    fn last_ends(&self, bake: SignedDuration) -> Option<Ends> {
        let since = self.release.bake.filter(|timer| timer.seen && self.followed())?;
        let at = since.since.checked_add(bake).ok()?;
        (at > self.now).then_some(Ends::NotBefore(at))
    }

    /// Returns true if the rule has the share that ECS requested.
    fn followed(&self) -> bool {
        self.release.share.configured.is_some_and(|share| (share.value() - self.requested.value()).abs() < 0.1)
    }
}

/// The position of an unknown stage, from the known stage that its name says it precedes or follows.
fn place(stage: &LifecycleStage) -> Option<usize> {
    let of = |name: &str| STAGES.iter().position(|known| known.as_str() == name);
    let word = stage.as_str();
    match (stage, word.strip_prefix("PRE_"), word.strip_prefix("POST_")) {
        (ReconcileService, ..) => Some(0),
        (_, Some(before), _) => of(before),
        (_, _, Some(after)) => of(after).map(|at| at + 1),
        _ => None,
    }
}

/// The index of the first stage that has not begun.
fn first_ahead(stage: Option<&LifecycleStage>, pending: bool) -> Option<usize> {
    match stage {
        None => pending.then_some(0),
        Some(ReconcileService) => Some(0),
        Some(stage) => match STAGES.iter().position(|known| known == stage) {
            Some(at) => Some(at + 1),
            None => place(stage),
        },
    }
}

fn step_bake(strategy: &Strategy) -> SignedDuration {
    match strategy {
        Strategy::Canary { bake_minutes, .. } | Strategy::Linear { bake_minutes, .. } => {
            SignedDuration::from_mins((*bake_minutes).max(0).into())
        }
        _ => SignedDuration::ZERO,
    }
}
