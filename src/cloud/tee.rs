//! What an operation reads for itself, the screen learns too: it never shows less than what was read back.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Cloud;
use crate::console::message::Msg;
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt};

/// A cloud whose answers are told to the console as well.
pub struct Overheard<Now, Tell> {
    /// Whom to ask.
    pub cloud: Arc<dyn Cloud>,
    /// The time on AWS's clock.
    pub now: Now,
    /// Takes what was heard.
    pub tell: Tell,
}

#[async_trait]
impl<Now, Tell> Cloud for Overheard<Now, Tell>
where
    Now: Fn() -> Timestamp + Send + Sync,
    Tell: Fn(Msg) + Send + Sync,
{
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        let asked = (self.now)();
        let facts = self.cloud.read(query).await?;
        (self.tell)(Msg::Overheard { asked, query: query.clone(), facts: facts.clone() });
        Ok(facts)
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.cloud.act(call).await
    }
}
