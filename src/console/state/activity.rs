//! Acts that this console ordered, remembered beyond the operation that a release shows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::console::message::Order;
use crate::domain::operation::{OperationId, OperationOutcome, Progress};
use crate::domain::plan::Plan;
use crate::domain::timeline::{Act, AffectedResource, By, Touch};

/// Remembered acts of one release: the newest.
const KEPT: usize = 64;

/// The acts of every release.
#[derive(Debug, Clone)]
pub struct Acts {
    /// Acts by release, in the order in which they were ordered.
    of: BTreeMap<String, Vec<Act>>,
    /// Start of the complete record: every act ordered from here since this time is included.
    pub since: Timestamp,
}

impl Acts {
    /// Makes the acts of a console that starts now and has not read the audit yet.
    pub fn new(now: Timestamp) -> Self {
        Self { of: BTreeMap::new(), since: now }
    }

    /// Returns the acts of a release, in the order in which they were ordered.
    pub fn of(&self, release: &str) -> &[Act] {
        self.of.get(release).map(Vec::as_slice).unwrap_or_default()
    }

    /// Records an order.
    pub fn order(&mut self, id: OperationId, plan: &Plan, order: &Order, at: Timestamp) {
        let act = Act {
            id: name(id),
            at,
            title: plan.title.clone(),
            by: if order.automatic { By::Automatic } else { By::Key },
            who: None,
            why: order.why.clone(),
            touches: Vec::new(),
            ended: None,
        };
        let acts = self.of.entry(plan.release.clone()).or_default();
        acts.push(act);
        acts.drain(..acts.len().saturating_sub(KEPT));
    }

    /// Records the progress of an act.
    pub fn report(&mut self, id: OperationId, plan: &Plan, at: Timestamp, progress: &Progress) {
        let acts = self.of.get_mut(&plan.release);
        let Some(act) = acts.and_then(|acts| acts.iter_mut().rfind(|act| act.id == name(id))) else { return };
        match progress {
            Progress::Sent { step } => {
                let call = plan.steps.get(*step).and_then(|step| step.call.as_ref());
                if let Some(what) = call.and_then(AffectedResource::of) {
                    act.touches.push(Touch { at, verified: None, step: *step, what });
                }
            }
            Progress::Verified { step } => {
                if let Some(touch) = act.touches.iter_mut().find(|touch| touch.step == *step) {
                    touch.verified = Some(at);
                }
            }
            Progress::Ended(outcome) => {
                let (text, wrong) = outcome.describe(&plan.title);
                act.ended = Some((at, text, wrong));
                if let OperationOutcome::Refused { step, .. } = outcome {
                    act.withdraw(*step);
                }
            }
            Progress::Waiting { .. } | Progress::Answered { .. } | Progress::Unknown { .. } => {}
        }
    }

    /// Adds the audit's acts from before this console started. `since`: the start of the audit.
    pub fn recall(&mut self, recalled: BTreeMap<String, Vec<Act>>, since: Option<Timestamp>) {
        for (release, mut earlier) in recalled {
            let acts = self.of.entry(release).or_default();
            let known = |act: &Act| acts.iter().any(|had| had.id == act.id);
            // This console's own record of an act is better than the audit's.
            let began = self.since;
            earlier.retain(|act| act.at < began && !known(act));
            acts.splice(0..0, earlier);
            acts.drain(..acts.len().saturating_sub(KEPT));
        }
        self.since = since.map_or(self.since, |since| since.min(self.since));
    }

    /// Forgets all acts: they belong to another account. The record of the present account starts now.
    pub fn clear(&mut self, now: Timestamp) {
        self.of.clear();
        self.since = now;
    }
}

/// Returns an act's name for an operation; the audit never uses this form.
fn name(id: OperationId) -> String {
    format!("operation {}", id.0)
}
