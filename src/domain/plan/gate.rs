//! What speaks against going on. A gate never forbids: it says what is not known to be well, and has it said yes to.

use serde::Serialize;

use super::Intent;
use crate::domain::release::Release;
use crate::domain::verdict::Outcome;

/// A forward act whose verdict is no PASS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// [`Outcome::NotYet`] or [`Outcome::Fail`].
    pub outcome: Outcome,
    /// The verdict's reasons, the weightiest first.
    pub reasons: Vec<String>,
}

/// The gate of an intent: of one that gives users to a canary which has some already. The first share has nothing to be
/// judged by, and the way back is never gated.
pub(super) fn gate(release: &Release, intent: &Intent) -> Option<Gate> {
    let has = release.share.configured.filter(|share| !share.is_zero())?;
    release.canary.as_ref()?;
    let forward = match intent {
        Intent::Step { .. } => true,
        Intent::Weight { to } => to.value() > has.value(),
        // Of a service that ECS shifts it only puts a configuration back.
        Intent::Finish => !release.method.shifted_by_ecs(),
        Intent::Start { .. } | Intent::Rollback { .. } | Intent::Register { .. } => false,
    };
    let outcome = release.verdict.outcome;
    (forward && outcome != Outcome::Pass).then(|| Gate { outcome, reasons: release.verdict.reasons.clone() })
}

/// What a PASS is worth warning of all the same.
pub(super) fn remarks(release: &Release) -> Vec<String> {
    let passed = release.verdict.outcome == Outcome::Pass;
    release.verdict.reasons.iter().filter(|_| passed).map(|reason| format!("verdict PASS: {reason}")).collect()
}
