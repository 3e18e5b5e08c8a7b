//! The revision that a start or a rollback names.

use std::time::Duration;

use crate::cli::exit::{Exit, Failure};
use crate::cli::lookup;
use crate::cloud::Cloud;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::fault::FaultKind;
use crate::domain::observe::query::{Answer, Query};

/// Longest time that a rollback waits for the look-up of its target.
pub(super) const LOOKED_UP_WITHIN: Duration = Duration::from_secs(4);

/// The same for a rollback, which goes on without the look-up: whether the revision can be deployed, AWS will say.
pub(super) async fn revision_within(
    limit: Duration,
    cloud: &dyn Cloud,
    text: &str,
    like: &TaskDefinitionArn,
) -> Result<TaskDefinitionArn, Failure> {
    let unread = match tokio::time::timeout(limit, revision(cloud, text, like)).await {
        Ok(Err(failure)) if failure.fault.as_ref().is_some_and(|fault| is_unread(fault.kind)) => failure,
        Ok(answer) => return answer,
        Err(_) => Failure::new(Exit::Unknown, format!("{text} could not be looked up in time."), "Name its full ARN."),
    };
    let asked = lookup::revision(text, like.family())?;
    match asked.revision() {
        _ if asked.arn().account().is_some() => Ok(asked),
        Some(number) if asked.family() == like.family() => Ok(like.sibling(number)),
        _ => Err(unread),
    }
}

/// Returns true if AWS did not say whether there is such a revision.
fn is_unread(kind: FaultKind) -> bool {
    !matches!(kind, FaultKind::NotFound | FaultKind::Refused)
}

/// `:42`, `42`, `checkout:42` or an ARN as the full ARN of a revision that can be deployed; `like` is one of the release.
pub(super) async fn revision(
    cloud: &dyn Cloud,
    text: &str,
    like: &TaskDefinitionArn,
) -> Result<TaskDefinitionArn, Failure> {
    let asked = lookup::revision(text, like.family())?;
    let facts = match cloud.read(&Query::TaskDefinitions(vec![asked.clone()])).await {
        // A full ARN needs no looking up: whether it can be deployed, AWS will say.
        Err(fault) if asked.arn().account().is_some() && fault.kind != FaultKind::NotFound => return Ok(asked),
        answer => answer?,
    };
    let found = match facts {
        Answer::TaskDefinitions(definitions) => definitions.into_iter().next(),
        _ => None,
    };
    match found {
        Some(definition) if definition.active => Ok(definition.arn),
        Some(definition) => Err(Failure::new(
            Exit::Refused,
            format!("{} was deregistered and cannot be deployed.", definition.arn),
            "Register it again, or name another revision.",
        )),
        None => Err(Failure::new(
            Exit::Aws,
            format!("there is no task definition {asked} here"),
            "Check the family, the region and the account.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::cli::tests::revision as of_checkout;
    use crate::domain::fault::Fault;
    use crate::domain::plan::{Call, Receipt};

    /// A cloud that refuses every read for this reason; `None`: it never answers.
    struct Silent(Option<FaultKind>);

    #[async_trait]
    impl Cloud for Silent {
        async fn read(&self, query: &Query) -> Result<Answer, Fault> {
            match self.0 {
                Some(kind) => Err(Fault::new(kind, query.operation(), query.subject(), "no")),
                None => std::future::pending().await,
            }
        }

        async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
            Err(Fault::new(FaultKind::Refused, call.operation(), call.subject(), "no"))
        }
    }

    #[tokio::test]
    async fn a_rollback_names_its_target_without_the_look_up() {
        let like = of_checkout(42);
        let limit = Duration::from_millis(1);
        for silent in [None, Some(FaultKind::Throttled), Some(FaultKind::Denied)] {
            for text in [":41", "41", "checkout:41", of_checkout(41).arn().as_str()] {
                let found = revision_within(limit, &Silent(silent), text, &like).await;
                assert!(found.is_ok_and(|found| found == of_checkout(41)), "{text}: {silent:?}");
            }
            assert!(revision_within(limit, &Silent(silent), "search:41", &like).await.is_err(), "of another family");
        }
        // AWS has no such revision.
        assert!(revision_within(limit, &Silent(Some(FaultKind::Refused)), ":41", &like).await.is_err());
        assert!(revision(&Silent(Some(FaultKind::Throttled)), ":43", &like).await.is_err(), "a start needs it");
    }
}
