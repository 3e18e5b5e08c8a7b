//! The planner: turns an intent into ordered calls, or into a refusal. Pure and total.

mod call;
mod daemon;
mod expect;
mod gate;
mod goal;
mod in_flight;
pub mod intent;
mod native;
mod native_weighted;
mod price;
mod redeploy;
mod refusal;
mod rule_repair;
mod steps;
mod weighted;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ecs::names::{Location, ServiceKey, TaskDefinitionArn};
use super::release::share::Percent;
use super::release::{Method, Release, Side};
use super::rollback::target;
use super::settings::Settings;

pub use self::call::{Call, HookAction, Receipt, Reread, Seen};
pub use self::expect::{Expect, Met};
pub use self::gate::Gate;
pub use self::in_flight::after_calls;
pub use self::intent::Intent;
pub use self::price::Price;
pub use self::refusal::{Refusal, Remedy, Warning};

/// An ordered list of steps, and what they are for. The dialog shows it, `--dry-run` prints it, the audit
/// records it, the executor runs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The release's name.
    pub release: String,
    /// The account and region that every ARN in it must belong to.
    pub place: Location,
    /// The intent that it fulfils.
    pub intent: Intent,
    /// One line: `checkout 1% → 10% of traffic to :42`.
    pub title: String,
    /// In order; each begins when the one before has been read back.
    pub steps: Vec<Step>,
    /// Shown before the operator confirms.
    pub warnings: Vec<Warning>,
    /// The verdict's objections, unless it is PASS.
    pub gate: Option<Gate>,
    /// The canary's share after the last step, where the plan moves traffic.
    pub share: Option<Percent>,
    /// The revision that the release is about, the newest side's: a rollback takes users away from it.
    #[serde(default)]
    pub revision: Option<TaskDefinitionArn>,
    /// The revisions that ran before, by service. The audit keeps them as rollback targets.
    pub before: Vec<Before>,
}

/// The revision of a service when a plan was made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Which service.
    pub service: ServiceKey,
    /// The revision of its primary rollout.
    pub task_definition: TaskDefinitionArn,
    /// Whether it ran alone and complete: then it is known to work.
    pub settled: bool,
}

impl Plan {
    /// The revision that a rollback ends on: the one it deploys or waits for, what ECS is told to go back to, else
    /// the stable one. `None`: only ECS knows.
    pub fn ends_on<'a>(&'a self, release: &'a Release) -> Option<&'a TaskDefinitionArn> {
        let waited_for = self.steps.iter().flat_map(|step| &step.after).find_map(|expect| match expect {
            Expect::Primary { task_definition, .. } | Expect::Settled { task_definition, .. } => Some(task_definition),
            _ => None,
        });
        let left_to_ecs =
            self.calls().any(|call| matches!(call, Call::StopDeployment { .. } | Call::AnswerPause { .. }));
        match waited_for {
            Some(waited_for) => Some(waited_for),
            None if left_to_ecs && release.method.shifted_by_ecs() && release.canary.is_some() => {
                Some(&release.stable.task_definition)
            }
            None if left_to_ecs => target::best(&release.previous).map(|good| &good.task_definition),
            None => Some(&release.stable.task_definition),
        }
    }

    /// Whether there is nothing to do: the goal of the intent is reached.
    pub fn is_reached(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether AWS continues after the last step has been read back: a deployment or a rollback has started.
    pub fn only_begins(&self) -> bool {
        let last = self.steps.last().into_iter().flat_map(|step| &step.after);
        last.into_iter().any(|expect| matches!(expect, Expect::Deployed { .. } | Expect::GoingBack { .. }))
    }

    /// Its writes, in order.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().filter_map(|step| step.call.as_ref())
    }
}

/// One step: wait for what must hold, send at most one call, wait until it is read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// One line.
    pub title: String,
    /// Preconditions of the call; waited for, up to `patience`.
    pub before: Vec<Expect>,
    /// The write; `None` where the step only waits.
    pub call: Option<Call>,
    /// Postconditions, read back within `patience`.
    pub after: Vec<Expect>,
    /// How long `after` must go on holding, seconds on AWS's clock.
    #[serde(with = "seconds")]
    pub hold: SignedDuration,
    /// Whether the plan continues when this step fails, because later steps matter more. The failure is reported.
    pub optional: bool,
    /// How long either wait may take.
    #[serde(with = "seconds")]
    pub patience: SignedDuration,
}

/// Durations as whole seconds.
mod seconds {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(duration.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
        i64::deserialize(deserializer).map(SignedDuration::from_secs)
    }
}

/// The context of a plan, beside the release.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The account and region on the operator's screen.
    pub place: &'a Location,
    /// The settings.
    pub settings: &'a Settings,
    /// On the console's clock.
    pub now: Timestamp,
}

impl Context<'_> {
    #[expect(clippy::too_many_arguments, reason = "the members of a plan, in their order")]
    fn plan(
        &self,
        release: &Release,
        intent: Intent,
        steps: Vec<Step>,
        share: Option<Percent>,
        warnings: Vec<Warning>,
        what: String,
    ) -> Plan {
        // Both sides of a native release are one service: what it goes for is the newer.
        let both = release.sides();
        let before = both
            .filter(|side| side.service != release.newest().service || std::ptr::eq(*side, release.newest()))
            .map(|side| Before {
                service: side.service.clone(),
                task_definition: side.task_definition.clone(),
                settled: side.settled,
            })
            .collect();
        // What sends nothing and waits for nothing has nothing to be warned of.
        let gate = gate::gate(release, &intent).filter(|_| !steps.is_empty());
        let revision = Some(release.newest().task_definition.clone());
        let title = format!("{} {what}", release.name);
        let (release, place) = (release.name.clone(), self.place.clone());
        Plan { release, place, intent, title, steps, warnings, gate, share, revision, before }
    }
}

/// Alternative intents with the same goal, the given one first.
pub fn ways(release: &Release, intent: &Intent) -> Vec<Intent> {
    let mut ways = vec![intent.clone()];
    let finished = release.method.shifted_by_ecs() && !native::under_way(release) && native::sets_strategy(release);
    match intent {
        Intent::Start { task_definition, pauses: false } if finished => {
            ways.push(Intent::Start { task_definition: task_definition.clone(), pauses: true });
        }
        Intent::Rollback { to, at_once: false }
            if finished || release.method == Method::Weighted && weighted::has_two_ways(release, to.as_ref()) =>
        {
            ways.push(Intent::Rollback { to: to.clone(), at_once: true });
        }
        _ => {}
    }
    ways
}

/// Plans an intent, or refuses it. Total: every release and every intent has an answer.
pub fn plan(release: &Release, intent: &Intent, context: &Context<'_>) -> Result<Plan, Refusal> {
    let settings = context.settings;
    if settings.read_only {
        return Err(Refusal::new("This console is read-only.", Remedy::LiftReadOnly));
    }
    if let Some(why) = &release.watch_only {
        return Err(Refusal::new(why.clone(), Remedy::WatchOnly));
    }
    // A canary that is being deleted may still have users: they are brought back.
    let to_weighted_stable = release.method == Method::Weighted && intent.is_rollback();
    for side in release.sides() {
        if !side.active && !to_weighted_stable {
            return Err(Refusal::new(format!("{} is being deleted.", side.service), Remedy::NothingPossible));
        }
    }
    if let Intent::Rollback { to, .. } = intent
        && let Some(answer) = goal::rollback(release, to.as_ref(), intent, context)
    {
        return answer;
    }
    let plan = match goal::repair(release, intent) {
        Some(repair) => rule_repair::plan(release, repair, intent, context),
        None => by_method(release, intent, context),
    }?;
    let plan = warned(release, daemon::without_counts(release, plan));
    for call in plan.calls() {
        call.belongs_to(context.place)
            .map_err(|odd| Refusal::new(format!("Nothing was sent: {odd}."), Remedy::CheckTarget))?;
    }
    Ok(plan)
}

fn by_method(release: &Release, intent: &Intent, context: &Context<'_>) -> Result<Plan, Refusal> {
    match (release.method, intent) {
        (Method::Weighted, Intent::Step { to }) => weighted::step(release, *to, context),
        (Method::Weighted, Intent::Weight { to }) => weighted::weight(release, *to, context),
        (Method::Weighted, Intent::Start { task_definition, .. }) => weighted::start(release, task_definition, context),
        (Method::Weighted, Intent::Finish) => weighted::finish(release, context),
        (Method::Weighted, Intent::Rollback { to, at_once }) => {
            weighted::rollback(release, to.as_ref(), *at_once, context)
        }
        (Method::NativeWeighted, Intent::Step { to }) => native_weighted::step(release, *to, context),
        (Method::NativeWeighted, Intent::Weight { to }) => native_weighted::weight(release, *to, context),
        // Whether ECS pauses a rolling deployment is not certain; where it does, the pause is answered like any.
        (Method::Rolling, Intent::Step { to: None }) if !release.pauses.is_empty() => native::step(release, context),
        (Method::Rolling, Intent::Rollback { to: None, .. }) if !release.pauses.is_empty() => {
            native::rollback(release, None, false, context)
        }
        (Method::Native, Intent::Step { to: None }) => native::step(release, context),
        (Method::Native | Method::NativeWeighted, Intent::Start { task_definition, pauses }) => {
            native::start(release, task_definition, *pauses, context)
        }
        (Method::Native | Method::NativeWeighted, Intent::Rollback { to, at_once }) => {
            native::rollback(release, to.as_ref(), *at_once, context)
        }
        (Method::Native | Method::NativeWeighted, Intent::Finish) => native::finish(release, context),
        (Method::Native, Intent::Step { .. } | Intent::Weight { .. }) => Err(Refusal::new(
            format!("{} shifts its traffic by its own strategy, {}.", release.name, release.configuration.strategy),
            Remedy::AnswerPauses,
        )),
        (_, Intent::Register { copy_of }) => redeploy::register(release, copy_of, context),
        (_, Intent::Start { task_definition, .. }) => redeploy::start(release, task_definition, context),
        (_, Intent::Rollback { to, .. }) => redeploy::rollback(release, to.as_ref(), context),
        (method, Intent::Step { .. } | Intent::Weight { .. } | Intent::Finish) => Err(Refusal::new(
            format!("{} is a {method} service: it has no weights to write.", release.name),
            Remedy::NeedsPair,
        )),
    }
}

/// What is said of any plan: its service may be half of a pair, and the target of a rollback, which is never gated, may
/// have failed or been rolled back itself.
fn warned(release: &Release, mut plan: Plan) -> Plan {
    let deferring = release.services().filter(|side| side.defers_cleanup);
    let later: Vec<_> = deferring.filter_map(|side| removed_later(side, &plan)).collect();
    plan.warnings.extend(later);
    if release.rules_unread && !plan.is_reached() {
        let name = &release.stable.service.service;
        let unread = format!("the load balancers' rules were not read: {name} may be half of a pair");
        plan.warnings.insert(0, unread.into());
    }
    if let Intent::Rollback { to: Some(to), .. } = &plan.intent
        && let Some(bad) = release.known_against(to)
    {
        plan.warnings.insert(0, format!("{}: {bad}", to.tag()).into());
    }
    plan
}

/// That a plan replaces tasks of a service for which ECS removes replaced tasks later.
fn removed_later(side: &Side, plan: &Plan) -> Option<Warning> {
    let replaced = |call: &Call| match call {
        Call::UpdateService { service, task_definition: Some(to), .. } => {
            *service == side.service && *to != side.task_definition
        }
        _ => false,
    };
    let (name, old) = (&side.service.service, side.task_definition.tag());
    let what = format!("ECS removes replaced tasks of {name} later (deferred cleanup): {old} may serve for up to 14 d");
    plan.calls().any(replaced).then(|| what.into())
}

#[cfg(test)]
mod native_safety_tests;
#[cfg(test)]
mod repeat_tests;
#[cfg(test)]
mod safety_tests;
#[cfg(test)]
mod topology_tests;
