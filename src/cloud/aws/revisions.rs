//! Service revisions: asked for once, and again while something about them is yet to be known.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;
use futures::stream::{self, TryStreamExt};

use crate::domain::ecs::names::ServiceKey;
use crate::domain::fault::Fault;

use super::Aws;
use super::deployments::{ARNS_A_CALL, status};
use super::ecs::only_missing;
use super::ecs::revision::{revision, takes_traffic};
use super::operation::Operation;

impl Aws {
    /// What a revision says stays as it is, but some of it is said late: digests once the first task has pulled its
    /// image, target groups while it takes traffic. So each is asked for once, and one that is not whole again with
    /// each answer that has a deployment of it, in one call at most. An ended deployment is in such an answer once.
    pub(super) async fn learn_revisions(
        &self,
        key: &ServiceKey,
        deployments: &[sdk::ServiceDeployment],
    ) -> Result<(), Fault> {
        let unknown: BTreeSet<&str> =
            deployments.iter().flat_map(named).filter(|arn| self.memory.revision(arn).is_none()).collect();
        let unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
        let again = self.incomplete(deployments);
        let mut batches: Vec<(Vec<String>, bool)> =
            unknown.chunks(ARNS_A_CALL).map(|batch| (batch.to_vec(), false)).collect();
        if !again.is_empty() {
            batches.push((again, true));
        }
        stream::iter(batches.into_iter().map(Ok))
            .try_for_each_concurrent(self.limits.concurrency, |(batch, again)| async move {
                let answer = self.describe_revisions(&key.to_string(), batch).await;
                // What is known of these is enough to go on with.
                if again { Ok(()) } else { answer }
            })
            .await
    }

    /// Revisions that are known in part: as many as go into one call, those of deployments under way first.
    fn incomplete(&self, deployments: &[sdk::ServiceDeployment]) -> Vec<String> {
        let (ended, under_way): (Vec<_>, Vec<_>) =
            deployments.iter().partition(|deployment| status(deployment.status()).ended());
        let mut arns: Vec<&str> = Vec::new();
        for arn in under_way.into_iter().chain(ended).flat_map(named) {
            if self.memory.is_incomplete(arn) && !arns.contains(&arn) {
                arns.push(arn);
            }
        }
        arns.into_iter().take(ARNS_A_CALL).map(str::to_owned).collect()
    }

    /// Revisions of any services.
    pub(super) async fn describe_unknown(&self, arns: Vec<String>) -> Result<(), Fault> {
        for batch in arns.chunks(ARNS_A_CALL) {
            self.describe_revisions(&format!("{} service revisions", batch.len()), batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn describe_revisions(&self, subject: &str, arns: Vec<String>) -> Result<(), Fault> {
        let operation = Operation::DescribeServiceRevisions;
        let call = self.clients.ecs.describe_service_revisions().set_service_revision_arns(Some(arns));
        let answer = self.ask(operation, subject, call.send()).await?;
        only_missing(operation, subject, answer.failures())?;
        for raw in answer.service_revisions() {
            if let Some(revision) = revision(raw) {
                self.memory.keep_revision(revision, takes_traffic(raw));
            }
        }
        Ok(())
    }
}

/// Every revision that a deployment names.
fn named(deployment: &sdk::ServiceDeployment) -> impl Iterator<Item = &str> {
    let target = deployment.target_service_revision().and_then(|revision| revision.arn());
    let sources = deployment.source_service_revisions().iter().filter_map(|revision| revision.arn());
    let back = deployment.rollback().and_then(|rollback| rollback.service_revision_arn());
    target.into_iter().chain(sources).chain(back)
}
