//! Waiting, as something that is handed in: so that a test can let an hour pass at once.

use std::time::Duration;

use async_trait::async_trait;

/// A clock to wait by, in the operator's time.
#[async_trait]
pub trait Pause: Send + Sync {
    /// Time since some fixed moment. It never goes back.
    fn now(&self) -> Duration;

    /// Returns when `span` has passed.
    async fn pause(&self, span: Duration);
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy)]
pub struct RealTime(tokio::time::Instant);

impl Default for RealTime {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[async_trait]
impl Pause for RealTime {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn pause(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}
