//! The seam to the provider: questions and writes.

use async_trait::async_trait;

use crate::domain::fault::Fault;
use crate::domain::plan::{Call, Receipt};
use crate::domain::snapshot::{Facts, Query};

/// An account and region that can be asked and written to. Every method returns within a bounded time.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Answers a question with the [`Facts`] of the same name.
    async fn read(&self, query: &Query) -> Result<Facts, Fault>;

    /// Sends one write, once. A fault says whether it may have been applied ([`Fault::applied`]).
    async fn act(&self, call: &Call) -> Result<Receipt, Fault>;
}
