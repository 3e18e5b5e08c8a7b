//! What this console did and does.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::activity::Acts;
use super::auto_promotion::{AutoPromotion, Countdown, Off};
use crate::console::message::{Effect, Now, Order};
use crate::domain::analysis::VerdictStatus;
use crate::domain::operation::{Operation, OperationId, OperationOutcome, Progress};
use crate::domain::plan::{Intent, Plan};
use crate::domain::release::{LocalState, Release};

/// Operations and automatic promotion, by release.
#[derive(Debug, Clone)]
pub struct Operations {
    /// What this console does and asked for.
    pub local: BTreeMap<String, LocalState>,
    /// The last operation, in flight or over.
    pub latest: BTreeMap<String, Operation>,
    /// Every act, remembered beyond its operation.
    pub acts: Acts,
    /// Automatic promotion, where it is on.
    pub automatic: BTreeMap<String, AutoPromotion>,
    /// Why automatic promotion was last switched off, unless an operator did it with its key.
    pub switched_off: BTreeMap<String, Off>,
    /// The next operation's number.
    pub next_id: OperationId,
}

impl Operations {
    /// Of a console that begins now.
    pub fn new(now: Timestamp) -> Self {
        Self {
            local: BTreeMap::new(),
            latest: BTreeMap::new(),
            acts: Acts::new(now),
            automatic: BTreeMap::new(),
            switched_off: BTreeMap::new(),
            next_id: OperationId(1),
        }
    }

    /// The operation in flight for a release.
    pub fn in_flight(&self, release: &str) -> Option<&Operation> {
        self.latest.get(release).filter(|operation| operation.in_flight())
    }

    /// The countdown that ends first, and its release.
    pub fn countdown(&self, now: &Now) -> Option<(&str, &Countdown)> {
        let all = self.automatic.iter().filter_map(|(name, this)| Some((name.as_str(), this.countdown.as_ref()?)));
        all.min_by_key(|(_, countdown)| countdown.left(now))
    }

    /// Starts a plan. An operation that was in flight for the release is superseded: only a rollback gets here then.
    pub(crate) fn start(&mut self, plan: Plan, order: Order, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(operation) = self.latest.get(&plan.release).filter(|operation| operation.in_flight()) {
            effects.push(Effect::Cancel(operation.id));
            let superseded = Progress::Ended(OperationOutcome::Superseded);
            self.acts.report(operation.id, &operation.plan, now, &superseded);
        }
        let id = self.next_id;
        self.next_id = OperationId(id.0 + 1);
        if !order.automatic {
            // The operator has the lever again, and has seen why.
            self.switched_off.remove(&plan.release);
        }
        let local = self.local.entry(plan.release.clone()).or_default();
        local.doing = Some(plan.intent.clone());
        if matches!(plan.intent, Intent::Start { .. }) {
            // What was written for an earlier release says nothing of this one.
            (local.requested, local.since) = (None, None);
        }
        self.acts.order(id, &plan, &order, now);
        self.latest.insert(plan.release.clone(), Operation::new(id, plan.clone(), now));
        effects.push(Effect::Execute { operation: id, plan: Box::new(plan), order });
        effects
    }

    /// Remembers which canaries failed: a FAIL stays until it is refuted, also across a step.
    pub(crate) fn note_verdicts(&mut self, releases: &[Release], at: Timestamp) {
        for release in releases.iter().filter(|release| release.is_shared()) {
            let Some(canary) = &release.canary else { continue };
            // Of a release that nothing is known of, only a FAIL is remembered.
            if release.verdict.outcome == VerdictStatus::Fail || self.local.contains_key(&release.name) {
                let local = self.local.entry(release.name.clone()).or_default();
                local.note_verdict(&canary.task_definition, &release.verdict, at);
            }
        }
    }

    /// Forgets what belongs to another account.
    pub(crate) fn clear(&mut self, now: Timestamp) {
        self.local.clear();
        self.acts.clear(now);
        self.automatic.clear();
        self.switched_off.clear();
    }
}
