//! A cloud that is still being connected to: the screen is there first, the network comes when it comes.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::{Cloud, Parts};
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt};

/// A connection under way. Whoever asks first waits for it; so does everybody else, and none of them is the screen.
#[derive(Clone)]
pub struct Later(Shared<BoxFuture<'static, Result<Arc<dyn Cloud>, Fault>>>);

impl Later {
    /// A cloud out of the work of connecting to it. If that fails, every question is answered with the failure.
    pub fn new(connect: impl Future<Output = Result<Arc<dyn Cloud>, Fault>> + Send + 'static) -> Self {
        Self(connect.boxed().shared())
    }
}

#[async_trait]
impl Cloud for Later {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        self.0.clone().await?.read(query).await
    }

    async fn read_in_parts(&self, query: &Query, tell: Parts<'_>) -> Result<Answer, Fault> {
        self.0.clone().await?.read_in_parts(query, tell).await
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.0.clone().await?.act(call).await
    }
}
