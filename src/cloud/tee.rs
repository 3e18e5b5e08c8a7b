//! A cloud that passes a copy of each answer on.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Cloud;
use crate::clock::Clock;
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt};

/// A cloud whose answers are told to somebody else as well.
pub struct Tee<Tell> {
    /// The cloud that answers.
    pub cloud: Arc<dyn Cloud>,
    /// Tells the time of a query.
    pub clock: Arc<dyn Clock>,
    /// Takes each answer, with its query and the time of the query.
    pub tell: Tell,
}

#[async_trait]
impl<Tell> Cloud for Tee<Tell>
where
    Tell: Fn(Timestamp, Query, Answer) + Send + Sync,
{
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        let asked = self.clock.now();
        let answer = self.cloud.read(query).await?;
        (self.tell)(asked, query.clone(), answer.clone());
        Ok(answer)
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.cloud.act(call).await
    }
}
