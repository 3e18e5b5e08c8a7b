//! The time limit of an acting command (`--timeout`): past it nothing more is read, waited for or sent.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::cli::exit::{Exit, Failure};
use crate::cli::format::span;
use crate::clock::Clock;

/// The word for it in documents.
pub(super) const TIME_LIMIT: &str = "time_limit";

/// A time limit that runs from the beginning of the command.
pub(super) struct TimeLimit {
    limit: Option<SignedDuration>,
    overdue: CancellationToken,
    /// Ends the timer with the command.
    _timer: DropGuard,
}

impl TimeLimit {
    /// Starts the time, on AWS's clock; `None`: there is no limit.
    pub(super) fn start(limit: Option<SignedDuration>, clock: &Arc<dyn Clock>) -> Self {
        let (overdue, ended) = (CancellationToken::new(), CancellationToken::new());
        if let Some(limit) = limit {
            let (overdue, ended, clock) = (overdue.clone(), ended.clone(), Arc::clone(clock));
            tokio::spawn(async move {
                tokio::select! {
                    () = clock.sleep(clock.operator_time(limit)) => overdue.cancel(),
                    () = ended.cancelled() => {}
                }
            });
        }
        Self { limit, overdue, _timer: ended.drop_guard() }
    }

    /// The token that is cancelled when the time is over.
    pub(super) fn token(&self) -> CancellationToken {
        self.overdue.clone()
    }

    /// That the time is over, in words.
    pub(super) fn over(&self) -> Option<String> {
        let limit = self.limit.filter(|_| self.overdue.is_cancelled())?;
        Some(format!("not done after {} (--timeout)", span(limit)))
    }

    /// The result of reads before the first write.
    pub(super) async fn of_reads<T>(&self, reads: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.overdue.cancelled() => Err(Failure::new(
                Exit::Unknown,
                format!("{}: nothing was sent.", self.over().unwrap_or_default()),
                "AWS did not answer in time. The command can be repeated.",
            )
            .coded(TIME_LIMIT)),
            read = reads => Ok(read),
        }
    }
}
