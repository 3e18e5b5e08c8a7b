//! What this machine did to a release and remembers of it.

use jiff::Timestamp;

use super::share::Percent;
use crate::domain::analysis::{Verdict, VerdictStatus};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::route::{RouteId, Stickiness};
use crate::domain::fault::Fault;
use crate::domain::plan::intent::Intent;
use crate::domain::rollback::known_bad::{BadReason, KnownBad};

/// What this console is doing to a release, and the share that it last requested.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalState {
    /// The intent of the operation in flight.
    pub doing: Option<Intent>,
    /// The canary's share that was last written from here.
    pub requested: Option<Percent>,
    /// When that was read back, where it is remembered: a single look could not know.
    pub since: Option<Timestamp>,
    /// When the newest rollback from this machine ended as it should.
    pub rolled_back: Option<Timestamp>,
    /// Revisions that failed or were rolled back, as this machine knows.
    pub known_bad: Vec<KnownBad>,
    /// Rules whose stickiness this machine switched off, with the duration that each had.
    pub stickiness: Vec<(RouteId, u32)>,
    /// Writes that AWS refused in this session for want of a permission, the newest last.
    pub denied: Vec<Fault>,
}

impl LocalState {
    /// Remembers a write of a rule's stickiness that was sent.
    pub fn note_stickiness(&mut self, route: &RouteId, stickiness: Stickiness) {
        self.stickiness.retain(|(noted, _)| noted != route);
        if let Stickiness::Off { was } = stickiness {
            self.stickiness.push((route.clone(), was));
        }
    }

    /// Remembers the end of a rollback that AWS did not refuse, `done` or not.
    pub fn note_rollback(&mut self, left: Option<&TaskDefinitionArn>, done: bool, at: Timestamp) {
        if done {
            self.rolled_back = Some(at);
        }
        let bad =
            |left: &TaskDefinitionArn| KnownBad { task_definition: left.clone(), reason: BadReason::RolledBack, at };
        self.known_bad.extend(left.map(bad));
    }

    /// Remembers a FAIL of a canary, until a PASS refutes it.
    pub fn note_verdict(&mut self, canary: &TaskDefinitionArn, verdict: &Verdict, at: Timestamp) {
        let of_verdict = |bad: &KnownBad| bad.task_definition == *canary && matches!(bad.reason, BadReason::Failed(_));
        match verdict.outcome {
            VerdictStatus::Inconclusive => {}
            VerdictStatus::Pass => self.known_bad.retain(|bad| !of_verdict(bad)),
            VerdictStatus::Fail if self.known_bad.iter().any(of_verdict) => {}
            VerdictStatus::Fail => {
                let reasons = verdict.reasons.iter().map(ToString::to_string).collect();
                let reason = BadReason::Failed(reasons);
                self.known_bad.push(KnownBad { task_definition: canary.clone(), reason, at });
            }
        }
    }
}
