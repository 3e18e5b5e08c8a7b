//! Gates: the verdict's objections to a forward act. A gate never forbids; it makes the operator confirm.

use serde::{Deserialize, Serialize};

use super::intent::Intent;
use super::refusal::Warning;
use crate::domain::analysis::{Reason, ReasonCode, Verdict, VerdictStatus};
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Release};

/// The objections to a forward act whose verdict is not PASS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// [`VerdictStatus::Inconclusive`] or [`VerdictStatus::Fail`].
    pub outcome: VerdictStatus,
    /// The verdict's reasons, weightiest first.
    pub reasons: Vec<String>,
    /// The code of each of the reasons, in the same order.
    #[serde(default)]
    pub reason_codes: Vec<ReasonCode>,
}

impl Gate {
    fn new<'a>(outcome: VerdictStatus, reasons: impl IntoIterator<Item = &'a Reason>) -> Self {
        let (reasons, reason_codes) = reasons.into_iter().map(|reason| (reason.text.clone(), reason.code)).unzip();
        Self { outcome, reasons, reason_codes }
    }

    /// The same as a FAIL, with a weightier reason.
    fn failed_because(self, reason: &Reason) -> Self {
        let reasons = std::iter::once(reason.text.clone()).chain(self.reasons).collect();
        let reason_codes = std::iter::once(reason.code).chain(self.reason_codes).collect();
        Self { outcome: VerdictStatus::Fail, reasons, reason_codes }
    }
}

/// The gate of an intent. An intent is gated if it gives more traffic to a canary with traffic, or possibly with
/// traffic. An intent is also gated if it takes a canary without traffic beyond the first step: up to that step there
/// are no metrics to judge. A rollback is never gated.
pub(super) fn gate(release: &Release, intent: &Intent) -> Option<Gate> {
    let verdict = by_verdict(release, intent);
    match &verdict {
        Some(gate) if gate.outcome == VerdictStatus::Fail => verdict,
        _ => known_bad(release, intent, verdict.as_ref()).or(verdict),
    }
}

/// The gate of a revision that failed or was rolled back. A PASS lifts the gate.
fn known_bad(release: &Release, intent: &Intent, verdict: Option<&Gate>) -> Option<Gate> {
    let revision = match intent {
        Intent::Start { task_definition, .. } => task_definition,
        Intent::Step { .. } | Intent::Weight { .. } | Intent::Finish => &release.canary.as_ref()?.task_definition,
        Intent::Rollback { .. } | Intent::Register { .. } => return None,
    };
    if *intent == Intent::Finish && release.method.shifted_by_ecs() {
        return None;
    }
    let refuted = !matches!(intent, Intent::Start { .. }) && release.verdict.outcome == VerdictStatus::Pass;
    let back = matches!(intent, Intent::Weight { to } if !gives_more(release, to.value()));
    let bad = release.known_against(revision).filter(|_| !refuted && !back)?;
    let reason = ReasonCode::FailedBefore.because(format!("{}: {bad}", revision.tag()));
    let verdict = verdict.cloned().unwrap_or_else(|| Gate::new(VerdictStatus::Fail, []));
    Some(verdict.failed_because(&reason))
}

/// Returns true if a share is more than the canary has in any of its rules.
fn gives_more(release: &Release, to: f64) -> bool {
    let shares = release.shares();
    shares.is_empty() || shares.iter().any(|share| to > share.map_or(0.0, Percent::value))
}

fn by_verdict(release: &Release, intent: &Intent) -> Option<Gate> {
    release.canary.as_ref()?;
    // ECS decides the size of its next step.
    let to = match intent {
        Intent::Step { to } => to.map_or(f64::INFINITY, Percent::value),
        Intent::Weight { to } => to.value(),
        // For a native service, `finish` only restores a configuration.
        Intent::Finish if !release.method.shifted_by_ecs() => f64::INFINITY,
        Intent::Finish | Intent::Start { .. } | Intent::Rollback { .. } | Intent::Register { .. } => return None,
    };
    let shares = release.shares();
    let has = |share: &Option<Percent>| share.is_none_or(|share| !share.is_zero());
    let more = |share: &Option<Percent>| to > share.map_or(0.0, Percent::value);
    let judged = shares.is_empty() || shares.iter().any(|share| has(share) && more(share));
    let unjudged =
        !judged && release.method != Method::Native && to > release.ladder.first().value() && shares.iter().any(more);
    let Verdict { outcome, reasons, .. } = &release.verdict;
    let not_yet = |code: ReasonCode, why: &str| Gate::new(VerdictStatus::Inconclusive, [&code.because(why)]);
    if unjudged {
        return Some(not_yet(ReasonCode::Untried, "the canary has had no traffic: nothing is known of it"));
    }
    match outcome {
        _ if !judged => None,
        VerdictStatus::Pass if release.share.configured.is_none() => {
            Some(not_yet(ReasonCode::ShareUnknown, "the canary's share is not known"))
        }
        VerdictStatus::Pass => None,
        outcome => Some(Gate::new(*outcome, reasons)),
    }
}

/// The warnings of a PASS.
pub(super) fn remarks(release: &Release) -> Vec<Warning> {
    let passed = release.verdict.outcome == VerdictStatus::Pass;
    release.verdict.reasons.iter().filter(|_| passed).map(|reason| format!("verdict PASS: {reason}").into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ecs::names::Arn;
    use crate::domain::ecs::route::{Route, RouteId};
    use crate::domain::release::production_rule::ProductionRule;
    use crate::domain::release::share::Weight;
    use crate::testkit::consoles::{Pair, open};

    fn percent(value: f64) -> Percent {
        Percent::new(value).unwrap()
    }

    /// `checkout` at a share in each of its rules; `None`: both weights are 0.
    fn at(shares: &[Option<u64>], outcome: VerdictStatus) -> Release {
        let mut release = open((120, 40), Pair::at(10, 1_200)).release("checkout").unwrap().clone();
        let rule = release.rules.remove(0);
        release.rules = (0..)
            .zip(shares)
            .map(|(index, share)| {
                let id = RouteId::Rule(Arn::new(format!("rule/{index}")));
                let mut route = Route { id, ..rule.route.clone() };
                let weights = share.map_or((0, 0), |share| (100 - share, share));
                route.forwards[0].weight = Weight::new(weights.0).unwrap();
                route.forwards[1].weight = Weight::new(weights.1).unwrap();
                ProductionRule { route, ..rule.clone() }
            })
            .collect();
        release.share.configured = release.shares().first().copied().flatten();
        release.verdict.outcome = outcome;
        release
    }

    #[test]
    fn more_users_for_what_did_not_pass_are_gated_and_less_never() {
        use VerdictStatus::{Fail, Inconclusive, Pass};
        let step = Intent::Step { to: None };
        let weight = |to| Intent::Weight { to: percent(to) };
        let rollback = Intent::Rollback { to: None, at_once: false };
        let table: [(&[Option<u64>], VerdictStatus, Intent, Option<VerdictStatus>); 14] = [
            (&[Some(10)], Pass, step.clone(), None),
            (&[Some(10)], Fail, step.clone(), Some(Fail)),
            (&[Some(10)], Inconclusive, weight(50.0), Some(Inconclusive)),
            (&[Some(10)], Fail, weight(1.0), None),
            (&[Some(10)], Fail, rollback.clone(), None),
            (&[Some(100)], Inconclusive, Intent::Finish, Some(Inconclusive)),
            // The first step has no metrics to judge; a leap beyond the first step was never watched.
            (&[Some(0)], Inconclusive, weight(1.0), None),
            (&[Some(0)], Pass, weight(100.0), Some(Inconclusive)),
            // An increase in one rule is an increase.
            (&[Some(10), Some(1)], Fail, weight(10.0), Some(Fail)),
            (&[Some(10), Some(1)], Fail, weight(1.0), None),
            // An unknown share may be any share.
            (&[None], Pass, weight(50.0), Some(Inconclusive)),
            (&[None], Fail, weight(50.0), Some(Fail)),
            (&[], Fail, step.clone(), Some(Fail)),
            (&[], Pass, step, Some(Inconclusive)),
        ];
        for (shares, outcome, intent, expected) in table {
            let found = gate(&at(shares, outcome), &intent).map(|gate| gate.outcome);
            assert_eq!(found, expected, "{shares:?} {outcome:?} {intent:?}");
        }
        let unknown = gate(&at(&[None], Pass), &weight(50.0)).unwrap();
        assert_eq!((unknown.reason_codes, unknown.reasons.len()), (vec![ReasonCode::ShareUnknown], 1));
        assert_eq!(gate(&at(&[None], Fail), &rollback), None);
    }
}
