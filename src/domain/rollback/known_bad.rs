//! Revisions that failed or were rolled back. They are marked wherever they can be chosen, and gated like FAIL.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::TaskDefinitionArn;

/// Retention of known bad revisions.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A known bad revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBad {
    /// The full ARN.
    pub task_definition: TaskDefinitionArn,
    /// The reason.
    pub reason: BadReason,
    /// Time of the rollback or the FAIL.
    pub at: Timestamp,
}

/// The reason why a revision is known to be bad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why", content = "details")]
pub enum BadReason {
    /// ECS rolled the deployment back, for this reason.
    RolledBackByEcs(Option<String>),
    /// An operator rolled the revision back.
    RolledBack,
    /// The verdict was FAIL, for these reasons.
    Failed(Vec<String>),
}

impl fmt::Display for KnownBad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.strftime("%Y-%m-%d %H:%MZ");
        match &self.reason {
            BadReason::RolledBackByEcs(None) => write!(f, "ECS rolled it back on {at}"),
            BadReason::RolledBackByEcs(Some(why)) => write!(f, "ECS rolled it back on {at}: {why}"),
            BadReason::RolledBack => write!(f, "it was rolled back on {at}"),
            BadReason::Failed(reasons) => match reasons.first() {
                None => write!(f, "FAIL on {at}"),
                Some(first) => write!(f, "FAIL on {at}: {first}"),
            },
        }
    }
}

/// The entry for a revision.
pub fn find<'a>(known: &'a [KnownBad], task_definition: &TaskDefinitionArn) -> Option<&'a KnownBad> {
    known.iter().find(|bad| bad.task_definition == *task_definition)
}

/// The known bad revisions of ECS's history and of this machine, newest first, without duplicates. A later successful
/// deployment clears its revision.
pub fn known_bad(history: &[&ServiceDeployment], ours: &[KnownBad], now: Timestamp) -> Vec<KnownBad> {
    let worked_since = |bad: &KnownBad| {
        history.iter().any(|deployment| {
            deployment.status == DeploymentStatus::Successful
                && deployment.task_definition() == Some(&bad.task_definition)
                && deployment.created_at.is_some_and(|began| began > bad.at)
        })
    };
    let by_ecs = history.iter().filter_map(|deployment| rolled_back(deployment));
    let mut all: Vec<KnownBad> = by_ecs.chain(ours.iter().cloned()).collect();
    all.retain(|bad| now.duration_since(bad.at) <= REMEMBERED && bad.at <= now && !worked_since(bad));
    all.sort_by_key(|bad| std::cmp::Reverse(bad.at));
    let mut found: Vec<KnownBad> = Vec::new();
    for bad in all {
        if find(&found, &bad.task_definition).is_none() {
            found.push(bad);
        }
    }
    found
}

/// The entry for a deployment that ECS rolled back or tried to roll back.
fn rolled_back(deployment: &ServiceDeployment) -> Option<KnownBad> {
    let back = deployment.status.rolling_back()
        || matches!(deployment.status, DeploymentStatus::RollbackSuccessful | DeploymentStatus::RollbackFailed);
    let task_definition = deployment.task_definition().filter(|_| back)?.clone();
    let at = deployment.finished_at.or(deployment.rollback.as_ref().and_then(|it| it.started_at));
    let reason = deployment.rollback.as_ref().and_then(|it| it.reason.clone()).or(deployment.reason.clone());
    Some(KnownBad { task_definition, reason: BadReason::RolledBackByEcs(reason), at: at.or(deployment.created_at)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::worlds::{now, td};

    fn ago(hours: i64) -> Timestamp {
        now() - SignedDuration::from_hours(hours)
    }

    #[test]
    fn what_was_rolled_back_is_remembered_until_it_works_or_days_have_passed() {
        let bad =
            |revision, hours| KnownBad { task_definition: td(revision), reason: BadReason::RolledBack, at: ago(hours) };
        let tags = |history: &[&ServiceDeployment], ours: &[KnownBad]| {
            known_bad(history, ours, now()).iter().map(|bad| bad.task_definition.tag()).collect::<Vec<_>>()
        };
        assert_eq!(tags(&[], &[bad(41, 400), bad(42, 2), bad(43, 1), bad(42, 5)]), [":43", ":42"]);
        // An entry from the future, by this machine's clock, is ignored.
        assert!(tags(&[], &[bad(42, -3)]).is_empty());
        let arn =
            crate::domain::ecs::names::Arn::new("arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/shop/1");
        let mut worked = ServiceDeployment::new(arn.clone(), DeploymentStatus::Successful);
        worked.created_at = Some(ago(1));
        let revision = crate::domain::ecs::deployment::ServiceRevision::bare(arn, td(42));
        worked.target = Some(std::sync::Arc::new(revision));
        assert!(tags(&[&worked], &[bad(42, 2)]).is_empty());
        assert_eq!(tags(&[&worked], &[bad(42, 0)]), [":42"]);
        let mut back = ServiceDeployment { status: DeploymentStatus::RollbackSuccessful, ..worked };
        back.finished_at = Some(ago(3));
        assert_eq!(tags(&[&back], &[]), [":42"]);
    }
}
