//! Whose credentials these are.

use crate::domain::ecs::names::Identity;
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::operation::Operation;

impl Aws {
    pub(super) async fn identity(&self) -> Result<Identity, Fault> {
        let operation = Operation::GetCallerIdentity;
        let subject = "these credentials";
        let answer = self.ask(operation, subject, self.clients.sts.get_caller_identity().send()).await?;
        match (answer.account, answer.arn) {
            (Some(account), Some(arn)) => {
                // The first answer stays: an environment does not change its account under way.
                let _ = self.memory.account.set(account.clone());
                Ok(Identity { account, arn })
            }
            _ => Err(Fault::new(FaultKind::Garbled, operation.name(), subject, "the answer names no account")),
        }
    }
}
