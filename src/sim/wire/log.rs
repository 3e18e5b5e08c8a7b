//! What came in over the wire and how it was answered, for tests and for the curious.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use crate::sim::api::Service;

/// One request.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// Counts the requests from 1, in the order of their arrival.
    pub sequence: u64,
    /// When its head had arrived, on this machine's clock.
    pub arrived: Instant,
    /// When it arrived in the world's time.
    pub at: Timestamp,
    /// The service it was sent to.
    pub service: Service,
    /// `DescribeServices`.
    pub operation: String,
    /// Its decoded input; null if it could not be decoded.
    pub input: Value,
    /// The region it was signed for; empty if it was not signed.
    pub region: String,
    /// The access key id that signed it; empty if it was not signed.
    pub access_key: String,
    /// The answer's `x-amzn-requestid`.
    pub request_id: String,
    /// The answer's HTTP status; none while there is no answer.
    pub status: Option<u16>,
    /// The error code of the answer, if it was an error.
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
    /// How many requests are kept.
    pub const CAPACITY: usize = 100_000;

    /// All records, oldest first.
    pub fn records(&self) -> Vec<CallRecord> {
        self.lock().iter().cloned().collect()
    }

    /// The records after the one with this sequence number, oldest first; 0 for all.
    pub fn since(&self, sequence: u64) -> Vec<CallRecord> {
        self.select(|record| record.sequence > sequence)
    }

    /// The records that a test asks for, oldest first.
    pub fn select(&self, mut wanted: impl FnMut(&CallRecord) -> bool) -> Vec<CallRecord> {
        self.lock().iter().filter(|record| wanted(record)).cloned().collect()
    }

    /// The sequence number of the newest record; 0 before the first.
    pub fn last_sequence(&self) -> u64 {
        self.lock().back().map_or(0, |record| record.sequence)
    }

    /// Waits for a record like this, past or to come, and returns the first. Waits for ever: callers set a timeout.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&CallRecord) -> bool) -> CallRecord {
        let mut version = self.0.version.subscribe();
        loop {
            version.mark_unchanged();
            let found = self.lock().iter().find(|record| wanted(record)).cloned();
            if let Some(record) = found {
                return record;
            }
            // The sender lives as long as `self`.
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

    pub(super) fn answered(&self, sequence: u64, status: u16, error: Option<String>) {
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
