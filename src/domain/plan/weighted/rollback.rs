//! Rollback of a pair: users first, then capacity.

use super::capacity::{fewer_tasks, kept_tasks};
use super::no_pair;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::route::Stickiness;
use crate::domain::plan::steps::{a_step, alone, capacity, healthy, scale, set_share, update, without_traffic};
use crate::domain::plan::{Call, Context, Expect, Intent, Plan, Refusal, Remedy, Reread, Step, Warning, redeploy};
use crate::domain::release::capacity::needed_for_all;
use crate::domain::release::share::Percent;
use crate::domain::release::{Release, Side};
use crate::domain::rollback::target::best;

/// All traffic to what worked. Where stable still is that, one call does it; where stable was scaled in, its capacity
/// comes first unless `at_once` is said; where stable was taken for the canary's revision, it gets the good one back
/// first, and the canary carries the traffic meanwhile.
pub(in crate::domain::plan) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    at_once: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let canary = release.canary.as_ref().ok_or_else(no_pair)?;
    let stable = &release.stable;
    if !stable.active {
        return Err(Refusal::new(format!("{} is being deleted.", stable.service), Remedy::NothingPossible));
    }
    let has_traffic = release.may_be_shared();
    let wanted = to.is_none_or(|to| *to == stable.task_definition);
    let returning = wanted && returning(stable, canary);
    let (back, title) = if returning {
        // It is on its way already: a second order would only begin again.
        let title = format!("wait until {} is back", stable.task_definition.tag());
        let wait = a_step(title, Vec::new(), None, vec![settled(stable)], context);
        (vec![wait], format!("stable is on its way back to {}", stable.task_definition.tag()))
    } else if serves_what_is_wanted(release, canary, to) {
        (Vec::new(), format!("all traffic back to {}", stable.task_definition.tag()))
    } else {
        let target = to.or_else(|| best(&release.previous).map(|good| &good.task_definition));
        let by = target.map(|to| format!(" by {}", to.tag())).unwrap_or_default();
        (redeploy::back(release, to, context)?, format!("replace stable {}{by}", stable.task_definition.tag()))
    };
    let return_to = Return { release, stable, canary, at_once, first: false, redeployed: !back.is_empty() };
    let (mut steps, title) = match (has_traffic, back.is_empty(), serves_better(release, stable, canary)) {
        (false, ..) => (back, title),
        (true, true, _) => (return_to.steps(context)?, title),
        (true, false, true) => {
            let first = Return { redeployed: false, first: true, ..return_to }.steps(context)?;
            ([first, back].concat(), format!("all traffic to stable first; {title}"))
        }
        (true, false, false) => {
            ([back, return_to.steps(context)?].concat(), format!("{title} first, then takes the traffic"))
        }
    };
    let mut left = without_traffic(release, canary);
    if has_traffic && return_to.is_short() {
        left.extend(capacity(stable, return_to.needed()));
    }
    steps.extend(fewer_tasks(release, canary, 0, left, context));
    let price = return_to.price().filter(|_| has_traffic);
    let warnings = price.into_iter().chain(switched_off(&steps)).chain(kept_tasks(release, canary)).collect();
    let intent = Intent::Rollback { to: to.cloned(), at_once };
    if steps.is_empty() {
        let what = format!("has all of its traffic on {}: nothing is sent", stable.task_definition.tag());
        return Ok(Plan { warnings, ..context.reached(release, intent, what) });
    }
    Ok(context.plan(release, intent, steps, Some(Percent::ZERO), warnings, title))
}

/// That clients with a cookie are taken back too.
fn switched_off(steps: &[Step]) -> Option<Warning> {
    let calls = steps.iter().filter_map(|step| step.call.as_ref());
    let was = |call: &Call| match call {
        Call::SetWeights { stickiness: Some(Stickiness::Off { was }), .. } => Some(*was),
        _ => None,
    };
    calls.filter_map(was).max().map(|seconds| Warning::StickinessSwitchedOff { seconds })
}

/// Whether a rollback has two ways: at once, and as stable's capacity comes.
pub(in crate::domain::plan) fn has_two_ways(release: &Release, to: Option<&TaskDefinitionArn>) -> bool {
    let Some(canary) = release.canary.as_ref().filter(|_| release.may_be_shared()) else { return false };
    let return_to =
        Return { release, stable: &release.stable, canary, at_once: false, first: false, redeployed: false };
    let at_rest = !returning(&release.stable, canary);
    release.stable.active && at_rest && serves_what_is_wanted(release, canary, to) && !return_to.comes_first()
}

fn serves_what_is_wanted(release: &Release, canary: &Side, to: Option<&TaskDefinitionArn>) -> bool {
    let wanted = to.is_none_or(|to| *to == release.stable.task_definition);
    let something_to_undo = release.may_be_shared() || canary.desired > 0;
    wanted && something_to_undo && (to.is_some() || !release.stable_taken())
}

fn settled(side: &Side) -> Expect {
    alone(side, &side.task_definition)
}

/// Whether stable is leaving the canary's revision for another: a finish that is being undone.
fn returning(stable: &Side, canary: &Side) -> bool {
    stable.rolling
        && stable.task_definition != canary.task_definition
        && stable.leaving.contains(&canary.task_definition)
}

/// Whether users are better off with stable as it is than with the canary until stable has been redeployed.
fn serves_better(release: &Release, stable: &Side, canary: &Side) -> bool {
    let stable_serves_already =
        !release.stable_taken() && release.share.configured.is_some_and(|share| !share.is_full());
    canary_serves_nobody(release, stable, canary) || stable_serves_already
}

/// Whether nobody loses anything with the canary.
fn canary_serves_nobody(release: &Release, stable: &Side, canary: &Side) -> bool {
    let canary_is_down = canary.healthy == Some(0) && stable.healthy.is_some_and(|healthy| healthy > 0);
    release.share.configured.is_none() || canary_is_down
}

/// The return of all traffic to stable.
#[derive(Clone, Copy)]
struct Return<'a> {
    release: &'a Release,
    stable: &'a Side,
    canary: &'a Side,
    /// Whether the operator wants the traffic moved before stable can carry it.
    at_once: bool,
    /// Whether users are better off with stable whatever it has.
    first: bool,
    /// Whether stable was redeployed for it.
    redeployed: bool,
}

impl Return<'_> {
    fn needed(&self) -> u32 {
        needed_for_all(self.stable, self.canary, self.release.share.configured)
    }

    /// Whether stable has to get more tasks.
    fn is_short(&self) -> bool {
        self.stable.desired < self.needed()
    }

    fn is_down(&self) -> bool {
        self.stable.healthy.map_or(self.stable.running == 0, |healthy| healthy == 0)
    }

    /// Whether the traffic moves before anything else.
    fn comes_first(&self) -> bool {
        let serves_nobody = canary_serves_nobody(self.release, self.stable, self.canary);
        self.at_once || self.first || serves_nobody || !(self.is_short() || self.is_down())
    }

    /// One call for each rule. Nothing is asked before it, unless stable is known to be down, short of tasks, or was
    /// redeployed for it: sending users to nobody would be an outage of its own.
    fn steps(&self, context: &Context<'_>) -> Result<Vec<Step>, Refusal> {
        let Self { release, stable, .. } = *self;
        let needed = self.needed();
        let to_stable = |before: Vec<Expect>| set_share(release, Percent::ZERO, &before, Reread::Urgent, context);
        let raise = self.is_short().then(|| scale(stable, needed, Vec::new(), context));
        if self.redeployed {
            let more: Vec<_> = raise.into_iter().collect();
            return Ok([more, to_stable(healthy(stable, needed).collect())?].concat());
        }
        if self.comes_first() {
            let wait_for_one = self.is_down() && !self.at_once;
            // Without tasks of its own there is nobody to wait for: they are ordered first.
            let ordered_first = wait_for_one && stable.desired == 0;
            let before = healthy(stable, 1).filter(|_| wait_for_one).collect();
            let more: Vec<_> = raise.into_iter().collect();
            let moved = to_stable(before)?;
            return Ok(if ordered_first { [more, moved].concat() } else { [moved, more].concat() });
        }
        let mut steps = Vec::new();
        if self.is_short() {
            steps.push(self.order_tasks(needed, context));
            steps.extend(self.first_part(needed, context)?);
        }
        steps.extend(to_stable(capacity(stable, if self.is_short() { needed } else { 1 }).collect())?);
        Ok(steps)
    }

    /// More tasks for stable, which nobody waits for yet.
    fn order_tasks(&self, needed: u32, context: &Context<'_>) -> Step {
        let side = self.stable;
        let after = vec![Expect::Desired { service: side.service.clone(), count: needed }];
        let title = format!("{} {} → {needed} tasks", side.service.service, side.desired);
        a_step(title, Vec::new(), Some(update(side, None, Some(needed))), after, context)
    }

    /// The users whom stable can carry with the tasks that it has.
    fn first_part(&self, needed: u32, context: &Context<'_>) -> Result<Vec<Step>, Refusal> {
        let healthy = self.stable.healthy.unwrap_or(0).min(needed);
        let carried = (f64::from(healthy) * 100.0 / f64::from(needed)).floor();
        let canary_keeps = Percent::new(100.0 - carried).unwrap_or(Percent::FULL);
        let less = |share: &Option<Percent>| share.is_some_and(|share| canary_keeps.value() + 1.0 <= share.value());
        if healthy == 0 || canary_keeps.is_zero() || !self.release.shares().iter().all(less) {
            return Ok(Vec::new());
        }
        set_share(self.release, canary_keeps, &[], Reread::Urgent, context).or(Ok(Vec::new()))
    }

    /// What the operator pays for the way that is taken.
    fn price(&self) -> Option<Warning> {
        let (name, needed) = (&self.stable.service.service, self.needed());
        let has = match self.stable.healthy {
            Some(healthy) => format!("{name} has {healthy} healthy tasks, and all traffic needs {needed}"),
            None => format!("{name} wants {} tasks, and all traffic needs {needed}", self.stable.desired),
        };
        if self.redeployed || !(self.is_short() || self.is_down()) {
            return None;
        }
        let price = match (self.at_once, self.comes_first()) {
            (true, _) => "users may get errors until they run",
            (false, true) => "more are ordered",
            (false, false) => "the rest of the users stay on the canary until they run",
        };
        Some(format!("{has}: {price}").into())
    }
}
