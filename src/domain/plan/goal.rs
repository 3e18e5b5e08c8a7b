//! Goals that are reached: such a goal sends nothing, however often it is ordered.
//!
//! A rollback has a goal, not a motion: users on a revision that is known to be good. If nothing is under way, a
//! rollback leaves only the newest release, and only while that release is recent.

use super::{Context, Intent, Plan, Refusal, Remedy};
use crate::domain::ecs::deployment::DeploymentOutcome;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::release::condition::Condition;
use crate::domain::release::rule_repair::RuleRepair;
use crate::domain::release::{Method, Phase, Release};
use crate::domain::rollback::target::best;
use crate::domain::wording::Wording;

impl Context<'_> {
    /// A plan without steps: the goal of `intent` is reached, for the reason `what`.
    pub(crate) fn reached(&self, release: &Release, intent: Intent, what: String) -> Plan {
        self.plan(release, intent, Vec::new(), None, Vec::new(), what)
    }
}

/// The repair that brings users back to the running revision, if `intent` asks for that.
pub(super) fn repair<'a>(release: &'a Release, intent: &Intent) -> Option<&'a RuleRepair> {
    let Intent::Rollback { to, .. } = intent else { return None };
    let to_what_runs = to.as_ref().is_none_or(|to| *to == release.stable.task_definition);
    release.repair.as_deref().filter(|_| to_what_runs)
}

/// The result of a rollback while nothing is under way and nothing is to be sent; `None`: there is something to do.
pub(super) fn rollback(
    release: &Release,
    to: Option<&TaskDefinitionArn>,
    intent: &Intent,
    context: &Context<'_>,
) -> Option<Result<Plan, Refusal>> {
    if repair(release, intent).is_some() {
        return None;
    }
    let watched = matches!(release.method, Method::CodeDeploy | Method::External);
    let reached = |what: String| Some(Ok(context.reached(release, intent.clone(), what)));
    if let Some(what) = under_way(release).filter(|_| to.is_none()) {
        return reached(what);
    }
    let outcome = release.deployment.as_ref().and_then(|newest| newest.outcome());
    if release.phase != Phase::Steady || watched || outcome == Some(DeploymentOutcome::RollbackFailed) {
        return None;
    }
    let runs = &release.stable.task_definition;
    let unserved = release.conditions.iter().find(|condition| condition.leaves_users_unserved());
    match to {
        Some(to) if to == runs && release.stable.settled && unserved.is_none() => {
            return reached(format!("runs {} already: nothing is sent", runs.tag()));
        }
        Some(_) => return None,
        None => {}
    }
    let further = |before: String, condition: &Condition| {
        let reason = format!("{before}, but its users are not served: {}.", condition.message(Wording::PLAIN));
        Some(Err(Refusal::new(reason, Remedy::NameOlderRevision)))
    };
    if let Some(at) = release.went_back {
        let at = at.strftime("%H:%MZ");
        if let Some(condition) = unserved {
            return further(format!("{} was rolled back at {at}", release.name), condition);
        }
        let runs = runs.tag();
        return reached(format!(
            "was rolled back at {at}, and runs {runs}: nothing is sent; to go further back, name a revision"
        ));
    }
    if release.canary_is_newest() {
        if let Some(condition) = unserved {
            return further(format!("{} has all of its traffic on {}", release.name, runs.tag()), condition);
        }
        return reached(format!("has all of its traffic on {}: nothing is sent", runs.tag()));
    }
    // Without a revision to roll back to, the missing revision is the reason to report.
    best(&release.previous)?;
    let within = context.settings.rollback_within;
    let ended = release.steady_since?;
    if context.now.duration_since(ended) > within {
        return Some(Err(Refusal::new(
            format!(
                "{} was released on {}, more than {} h ago.",
                release.name,
                ended.strftime("%Y-%m-%d"),
                within.as_hours()
            ),
            Remedy::NameOlderRevision,
        )));
    }
    None
}

/// The reason why a rollback that is under way already needs nothing more. Weights that this console wrote may still
/// have to be restored.
fn under_way(release: &Release) -> Option<String> {
    let by_weights = match release.method {
        Method::Weighted => true,
        Method::NativeWeighted => release.may_be_shared(),
        _ => false,
    };
    let newest = release.newest();
    if by_weights || newest.failure_reason.is_some() {
        return None;
    }
    if newest.is_rolling_back {
        return Some("is rolling back already: nothing is sent".to_owned());
    }
    release.is_rollback_deployment.then(|| {
        let to = newest.task_definition.tag();
        format!("is on its way back to {to} already: nothing is sent; to keep what it replaces, name that revision")
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::observe::snapshot::Reading;
    use crate::domain::rollback::target::{Evidence, KnownGood};
    use crate::testkit::consoles::{Pair, now, open, planned, td};

    fn good(family: &str) -> Vec<KnownGood> {
        let task_definition = td(family, 7);
        let (evidence, at) = (Evidence::Deployment, None);
        vec![KnownGood { task_definition, evidence, at, good_for: None, active: None, rolled_back_from: false }]
    }

    const BACK: Intent = Intent::Rollback { to: None, at_once: false };

    #[test]
    fn what_was_rolled_back_is_not_taken_further_back() {
        let mut release = open((120, 40), Pair::at(10, 1_200)).release("checkout").unwrap().clone();
        assert!(!planned(&release, &BACK).unwrap().is_reached());
        release.phase = Phase::Steady;
        release.went_back = Some(now() - SignedDuration::from_mins(2));
        let again = planned(&release, &BACK).unwrap();
        assert!(again.is_reached() && again.title.contains("was rolled back at"), "{}", again.title);
        // A revision that the operator names is handled differently.
        let to = Intent::Rollback { to: Some(release.stable.task_definition.clone()), at_once: false };
        assert!(planned(&release, &to).unwrap().title.contains("runs :41 already"));
    }

    #[test]
    fn an_old_release_is_gone_back_from_only_by_name() {
        let mut release = open((120, 40), Pair::at(10, 1_200)).release("search").unwrap().clone();
        release.previous = good("search");
        release.steady_since = Some(now() - SignedDuration::from_hours(25));
        let refusal = planned(&release, &BACK).unwrap_err();
        assert_eq!(refusal.remedy, Remedy::NameOlderRevision);
        release.steady_since = Some(now() - SignedDuration::from_hours(23));
        assert!(planned(&release, &BACK).is_ok_and(|plan| !plan.is_reached()));
    }

    #[test]
    fn a_service_behind_rules_that_were_not_read_may_be_half_of_a_pair() {
        let mut model = open((120, 40), Pair::at(10, 1_200));
        model.observed.snapshot.routes = Reading::default();
        model.derive();
        let mut release = model.release("checkout-stable").unwrap().clone();
        assert!(release.rules_unread);
        release.previous = good("checkout");
        release.steady_since = Some(now() - SignedDuration::from_hours(1));
        let plan = planned(&release, &BACK).unwrap();
        assert!(format!("{:?}", plan.warnings).contains("may be half of a pair"), "{:?}", plan.warnings);
    }
}
