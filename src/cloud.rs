//! The seams to what is not ours: the provider's questions and writes, and whoever counts requests.

pub mod aws;
pub mod lazy;
pub mod prometheus;
pub mod tee;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::fault::Fault;
use crate::domain::metrics::source::MetricSource;
use crate::domain::metrics::{MetricsQuery, Series};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt};

/// Takes the parts of an answer while the rest is still being read.
pub type Parts<'a> = &'a (dyn Fn(Answer) + Send + Sync);

/// An account and region that can be asked and written to. Every method returns within a bounded time.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Answers a question with the [`Answer`] of the same name.
    async fn read(&self, query: &Query) -> Result<Answer, Fault>;

    /// Answers like [`Self::read`], and tells what is known before the answer is complete. A part may come several
    /// times, and is in the answer too.
    async fn read_in_parts(&self, query: &Query, _tell: Parts<'_>) -> Result<Answer, Fault> {
        self.read(query).await
    }

    /// Sends one write, once. A fault says whether it may have been applied ([`Fault::applied`]).
    async fn act(&self, call: &Call) -> Result<Receipt, Fault>;
}

/// Whoever counts requests: CloudWatch, Prometheus.
#[async_trait]
pub trait MetricProvider: Send + Sync {
    /// The minutes of each meter, in the order asked. What could not be read of one is among its
    /// [`troubles`](Series::troubles); a fault is of the whole question. Returns within a bounded time.
    async fn minutes(&self, query: &MetricsQuery) -> Result<Vec<(MetricSource, Series)>, Fault>;
}

/// A cloud whose questions about what Prometheus counts go to Prometheus.
pub struct WithPrometheus {
    cloud: Arc<dyn Cloud>,
    prometheus: Arc<dyn MetricProvider>,
}

impl WithPrometheus {
    /// `cloud`, with `prometheus` for its meters.
    pub fn new(cloud: Arc<dyn Cloud>, prometheus: Arc<dyn MetricProvider>) -> Self {
        Self { cloud, prometheus }
    }
}

#[async_trait]
impl Cloud for WithPrometheus {
    /// A question about meters of both kinds is put to both, and fails where either does; [`MetricsQuery::by_source`]
    /// makes two of it, each with a fate of its own.
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        let Query::Metrics(metrics) = query else { return self.cloud.read(query).await };
        let mut answers = Vec::new();
        for part in metrics.clone().by_source() {
            if part.of_prometheus() {
                answers.extend(self.prometheus.minutes(&part).await?);
            } else if let Answer::Metrics(answer) = self.cloud.read(&Query::Metrics(part)).await? {
                answers.extend(answer);
            }
        }
        Ok(Answer::Metrics(answers))
    }

    async fn read_in_parts(&self, query: &Query, tell: Parts<'_>) -> Result<Answer, Fault> {
        match query {
            Query::Metrics(_) => self.read(query).await,
            _ => self.cloud.read_in_parts(query, tell).await,
        }
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.cloud.act(call).await
    }
}
