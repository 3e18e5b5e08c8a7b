//! A log of the requests that the server received and of its answers, for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use crate::sim::api::Service;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// 1-based number of the request, in order of arrival.
    pub sequence: u64,
    /// Arrival of the request's head, on this machine's clock.
    pub arrived: Instant,
    /// Arrival of the request in simulated time.
    pub at: Timestamp,
    /// The service that received the request.
    pub service: Service,
    /// The operation as AWS spells it, such as `DescribeServices`.
    pub operation: String,
    /// The decoded input; null if the request could not be decoded.
    pub input: Value,
    /// The region that the request was signed for; empty if it was not signed.
    pub region: String,
    /// The access key id that signed the request; empty if it was not signed.
    pub access_key: String,
    /// The answer's `x-amzn-requestid`.
    pub request_id: String,
    /// The answer's HTTP status; `None` while there is no answer.
    pub status: Option<u16>,
    /// The answer's error code; `None` if the call succeeded.
    pub error: Option<String>,
}

/// The newest requests, at most [`CallLog::CAPACITY`]. Clones share one log.
#[derive(Debug, Clone)]
pub struct CallLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: Mutex<VecDeque<CallRecord>>,
    /// Changes with every record and every answer.
    version: watch::Sender<u64>,
}

impl Default for CallLog {
    fn default() -> Self {
        Self(Arc::new(Inner { records: Mutex::default(), version: watch::Sender::new(0) }))
    }
}

impl CallLog {
    /// The number of requests that the log keeps.
    pub const CAPACITY: usize = 100_000;

    /// All records, oldest first.
    pub fn records(&self) -> Vec<CallRecord> {
        self.lock().iter().cloned().collect()
    }

    /// The records after this sequence number, oldest first; all for 0.
    pub fn since(&self, sequence: u64) -> Vec<CallRecord> {
        self.select(|record| record.sequence > sequence)
    }

    /// The records that match, oldest first.
    pub fn select(&self, mut matches: impl FnMut(&CallRecord) -> bool) -> Vec<CallRecord> {
        self.lock().iter().filter(|record| matches(record)).cloned().collect()
    }

    /// The sequence number of the newest record; 0 before the first.
    pub fn last_sequence(&self) -> u64 {
        self.lock().back().map_or(0, |record| record.sequence)
    }

    /// Returns the first record that matches, and waits for one if there is none. Has no timeout: callers set one.
    pub async fn wait_for(&self, mut matches: impl FnMut(&CallRecord) -> bool) -> CallRecord {
        let mut version = self.0.version.subscribe();
        loop {
            version.mark_unchanged();
            let found = self.lock().iter().find(|record| matches(record)).cloned();
            if let Some(record) = found {
                return record;
            }
            // The sender lives as long as `self`, so this cannot fail.
            let _ = version.changed().await;
        }
    }

    pub(super) fn push(&self, record: CallRecord) {
        let mut records = self.lock();
        if records.len() >= Self::CAPACITY {
            records.pop_front();
        }
        records.push_back(record);
        drop(records);
        self.0.version.send_modify(|version| *version += 1);
    }

    pub(super) fn record_answer(&self, sequence: u64, status: u16, error: Option<String>) {
        let mut records = self.lock();
        if let Ok(index) = records.binary_search_by_key(&sequence, |record| record.sequence)
            && let Some(record) = records.get_mut(index)
        {
            record.status = Some(status);
            record.error = error;
        }
        drop(records);
        self.0.version.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<CallRecord>> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
