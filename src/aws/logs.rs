//! CloudWatch Logs: pages of a log.

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::logs::{LogPage, LogQuery};

use super::Aws;

impl Aws {
    /// One page of lines.
    pub(super) async fn log(&self, page: &LogQuery) -> Result<LogPage, Fault> {
        Err(Fault::new(FaultKind::Garbled, "FilterLogEvents", page.source.group.as_str(), "not built yet"))
    }
}
