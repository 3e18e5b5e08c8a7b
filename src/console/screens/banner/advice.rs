//! The keys that matter in a state, each with what it does for users.

use super::state::{Level, State};
use crate::console::screens::rollback_line;
use crate::console::screens::rollback_line::Rollback;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::{format, operation};
use crate::domain::analysis::VerdictStatus;
use crate::domain::plan::{Intent, Plan, Price};
use crate::domain::release::Release;
use crate::domain::release::lifecycle;
use crate::domain::release::lifecycle::NextAction;
use crate::domain::release::share::Percent;

/// A key, and its effect for users.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Advice {
    /// The keys, in order: `R`, or `R y` where the key asks first.
    pub keys: String,
    /// The effect.
    pub effect: Effect,
    /// True if the state asks for this key.
    pub advised: bool,
}

/// The effect of a key for users.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// All users go back to a version.
    Back(String, Price),
    /// Users move from one share to the next.
    Step(Option<Percent>, Option<Percent>),
    /// ECS goes on, to this share where it is known; whether the verdict is there already.
    GoOn(Option<Percent>, bool),
    /// The new version becomes the stable one.
    Finish(String),
    /// The verdict is against it.
    NotAdvised,
    /// A step is possible, and the verdict is not there yet.
    TooEarly(Option<Percent>, Option<Percent>),
    /// A view shows the cause.
    Cause,
}

impl Effect {
    /// The effect in words, at length and in short.
    pub(crate) fn words(&self, arrow: &str) -> [String; 2] {
        let share = |share: Option<Percent>| share.map_or("?".to_owned(), format::spaced);
        let step = |from, to| format!("{} {arrow} {}", share(from), share(to));
        match self {
            Self::Back(version, Price::UsersStay) => [
                format!("users are on {version} already; the canary goes"),
                "the canary goes; no user moves".to_owned(),
            ],
            Self::Back(version, price) => {
                let time = format::back_in(*price);
                [format!("all users back to {version}, {time}"), format!("back to {version}, {time}")]
            }
            Self::Step(from, to) => [format!("{} of users", step(*from, *to)), step(*from, *to)],
            Self::GoOn(to, judged) => {
                let to = to.map(|to| format!(" to {}", share(Some(to)))).unwrap_or_default();
                let early = if *judged { "" } else { ": too early" };
                let short = if *judged { "ECS goes on" } else { "too early" };
                [format!("ECS goes on{to}{early}"), short.to_owned()]
            }
            Self::Finish(version) => [format!("finish: {version} becomes stable"), "finish".to_owned()],
            Self::NotAdvised => ["not advised".to_owned(), "not advised".to_owned()],
            Self::TooEarly(from, to) => [format!("{}: too early", step(*from, *to)), "too early".to_owned()],
            Self::Cause => ["the stopped tasks, and why".to_owned(), "why".to_owned()],
        }
    }
}

/// The keys for a release in a state, the advised one first.
pub(crate) fn advice(scene: &Canvas<'_>, release: &Release, state: State) -> Vec<Advice> {
    // Nothing is offered beside a rollback under way, nor where nothing is.
    if matches!(state, State::RollingBack | State::RolledBack | State::Steady | State::SteadyNoted) {
        return Vec::new();
    }
    let back = match rollback_line::rollback(scene, release) {
        Rollback::Ready { version, price, confirmation, .. } => Some(Advice {
            keys: rollback_line::keys(scene, confirmation).trim_end().to_owned(),
            effect: Effect::Back(version, price),
            advised: state.asks_for_rollback(release),
        }),
        _ => None,
    };
    let busy = operation::in_flight(scene, release).is_some();
    let cause = (state == State::CrashLoop || state == State::Stalled).then(|| Advice {
        keys: "t".to_owned(),
        effect: Effect::Cause,
        advised: false,
    });
    let forward = cause.or_else(|| if busy { None } else { forward(scene, release, state) });
    let mut all: Vec<_> = back.into_iter().chain(forward).collect();
    all.sort_by_key(|advice| !advice.advised);
    all
}

/// The next step, or the end of a release that has all users.
fn forward(scene: &Canvas<'_>, release: &Release, state: State) -> Option<Advice> {
    let plan = |intent| {
        let plan = scene.operations.plan(scene.observed, release, &intent).ok()?;
        (!plan.is_reached()).then_some(plan)
    };
    let full = release.share.configured.is_some_and(Percent::is_full) && !release.method.shifted_by_ecs();
    if full {
        let plan = plan(Intent::Finish)?;
        let finished = Effect::Finish(release.newest().called());
        return Some(judged(&plan, state, "F", (finished, Effect::NotAdvised)));
    }
    let plan = plan(Intent::Step { to: None })?;
    let from = release.share.configured;
    let (step, early) = match plan.share.filter(|to| Some(*to) != from) {
        Some(to) => (Effect::Step(from, Some(to)), Effect::TooEarly(from, Some(to))),
        None => {
            let next = lifecycle::track(release, scene.observed.now.at).map(|track| track.next.what);
            let to = next.and_then(|next| match next {
                NextAction::Shift(to) => Some(to.percent()),
                _ => None,
            });
            (Effect::GoOn(to, true), Effect::GoOn(to, false))
        }
    };
    Some(judged(&plan, state, "P", (step, early)))
}

/// A forward key, as the gate of its plan sees it.
fn judged(plan: &Plan, state: State, key: &str, (free, gated): (Effect, Effect)) -> Advice {
    let effect = match &plan.gate {
        Some(gate) if gate.outcome == VerdictStatus::Fail => Effect::NotAdvised,
        _ if state.level() == Level::Bad && !matches!(state, State::Paused { .. }) => Effect::NotAdvised,
        Some(_) => gated,
        None => free,
    };
    Advice { keys: key.to_owned(), advised: plan.gate.is_none() && state == State::Pass, effect }
}
