//! The operations of this console, past and present.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::activity::Acts;
use super::auto_promotion::{AutoPromotion, Countdown, Off};
use super::freshness;
use super::observed::Observed;
use super::pending_rollback::{Event, PendingRollback};
use crate::console::message::{Effect, Now, Order};
use crate::domain::analysis::VerdictStatus;
use crate::domain::operation::{Operation, OperationId, OperationOutcome, Progress};
use crate::domain::plan;
use crate::domain::plan::{Intent, Plan, Refusal};
use crate::domain::release::{LocalState, Release};
use crate::domain::rollback::goal::Goal;

/// Operations and automatic promotion, by release.
#[derive(Debug, Clone)]
pub struct Operations {
    /// The intent in flight and the requests of this console, by release.
    pub local: BTreeMap<String, LocalState>,
    /// The last operation, in flight or over.
    pub latest: BTreeMap<String, Operation>,
    /// Every act, remembered beyond its operation.
    pub acts: Acts,
    /// Rollbacks that were ordered here and have not happened yet.
    pub pending: BTreeMap<String, PendingRollback>,
    /// Automatic promotion, if it is on.
    pub automatic: BTreeMap<String, AutoPromotion>,
    /// The reason why automatic promotion was last switched off, unless an operator pressed its key.
    pub switched_off: BTreeMap<String, Off>,
    /// The next operation's number.
    pub next_id: OperationId,
}

impl Operations {
    /// Makes the operations of a console that starts now.
    pub fn new(now: Timestamp) -> Self {
        Self {
            local: BTreeMap::new(),
            latest: BTreeMap::new(),
            acts: Acts::new(now),
            pending: BTreeMap::new(),
            automatic: BTreeMap::new(),
            switched_off: BTreeMap::new(),
            next_id: OperationId(1),
        }
    }

    /// Returns the operation in flight for a release.
    pub fn in_flight(&self, release: &str) -> Option<&Operation> {
        self.latest.get(release).filter(|operation| operation.in_flight())
    }

    /// Returns the pending rollback for the banner: that of the release in focus, else the one that was ordered first.
    pub fn shown_pending(&self, focus: Option<&str>) -> Option<(&str, &PendingRollback)> {
        let all = self.pending.iter().map(|(name, pending)| (name.as_str(), pending));
        all.min_by_key(|(name, pending)| (focus != Some(name), pending.ordered))
    }

    /// Returns the intent of `R` for a release: the pending rollback, else a rollback to the previous good revision.
    pub fn rollback_intent(&self, release: &str) -> Intent {
        let pending = self.pending.get(release).map(|pending| pending.plan.intent.clone());
        pending.unwrap_or(Intent::Rollback { to: None, at_once: false })
    }

    /// Returns the release as a rollback takes it: with every call of our forward operation that may have taken effect
    /// although no read shows it.
    fn assumed<'a>(&self, observed: &Observed, release: &'a Release) -> Cow<'a, Release> {
        let operation = self.latest.get(&release.name).filter(|operation| !operation.plan.intent.is_rollback());
        let read = freshness::essential_read(observed, release);
        let known =
            |operation: &&Operation| matches!((&operation.outcome, read), (Some((at, _)), Some(read)) if read >= *at);
        let calls = operation.filter(|operation| !known(operation)).map(Operation::unproven).unwrap_or_default();
        if calls.is_empty() { Cow::Borrowed(release) } else { Cow::Owned(plan::after_calls(release, calls)) }
    }

    /// Returns the plan for an intent at this moment.
    pub fn plan(&self, observed: &Observed, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        match intent.is_rollback() {
            true => observed.plan(&self.assumed(observed, release), intent),
            false => observed.plan(release, intent),
        }
    }

    /// Returns the countdown that ends first, and its release.
    pub fn countdown(&self, now: &Now) -> Option<(&str, &Countdown)> {
        let all = self.automatic.iter().filter_map(|(name, this)| Some((name.as_str(), this.countdown.as_ref()?)));
        all.min_by_key(|(_, countdown)| countdown.left(now))
    }

    /// Starts a plan. An operation in flight for the release is superseded: by a rollback, or because that operation is
    /// a rollback itself.
    pub(crate) fn start(&mut self, plan: Plan, goal: Option<Goal>, order: Order, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(operation) = self.latest.get(&plan.release).filter(|operation| operation.in_flight()) {
            effects.push(Effect::Cancel(operation.id));
            let superseded = Progress::Ended(OperationOutcome::Superseded);
            self.acts.report(operation.id, &operation.plan, now, &superseded);
        }
        let id = self.next_id;
        self.next_id = OperationId(id.0 + 1);
        if !order.automatic {
            // The operator has control again, and has seen the reason.
            self.switched_off.remove(&plan.release);
        }
        let local = self.local.entry(plan.release.clone()).or_default();
        local.doing = Some(plan.intent.clone());
        if matches!(plan.intent, Intent::Start { .. }) {
            // Requests for an earlier release do not apply to this one.
            (local.requested, local.since) = (None, None);
        }
        self.acts.order(id, &plan, &order, now);
        if let Some((pending, goal)) = self.pending.get_mut(&plan.release).zip(goal.clone()) {
            if !pending.goal.allows(&goal) {
                pending.goal = goal;
            }
            pending.plan = plan.clone();
            pending.advance(Event::Sent(id));
        }
        self.latest.insert(plan.release.clone(), Operation { goal, ..Operation::new(id, plan.clone(), now) });
        effects.push(Effect::Execute { operation: id, plan: Box::new(plan), order });
        effects
    }

    /// Remembers the canaries that failed: a FAIL stays until it is refuted, also across a step.
    pub(crate) fn note_verdicts(&mut self, releases: &[Release], at: Timestamp) {
        for release in releases.iter().filter(|release| release.is_shared()) {
            let Some(canary) = &release.canary else { continue };
            // For a release without local state, only a FAIL is remembered.
            if release.verdict.outcome == VerdictStatus::Fail || self.local.contains_key(&release.name) {
                let local = self.local.entry(release.name.clone()).or_default();
                local.note_verdict(&canary.task_definition, &release.verdict, at);
            }
        }
    }

    /// Forgets everything that belongs to another account.
    pub(crate) fn clear(&mut self, now: Timestamp) {
        self.local.clear();
        self.acts.clear(now);
        self.pending.clear();
        self.automatic.clear();
        self.switched_off.clear();
    }
}
