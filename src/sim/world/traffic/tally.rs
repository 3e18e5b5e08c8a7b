//! The truth about users: what came of their requests, whatever the metrics say of it and when.

/// What came of the requests that a target group got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub requests: u64,
    /// Those that failed: 5xx of tasks, and what no task answered.
    pub errors: u64,
    /// Those that came while the group had no healthy task.
    pub unserved: u64,
}

impl Tally {
    pub(super) fn add(&mut self, requests: u64, errors: u64) {
        self.requests += requests;
        self.errors += errors;
    }

    /// The load balancer sends them to unhealthy tasks, if to any: they count as failed.
    pub(super) fn add_unserved(&mut self, requests: u64) {
        self.add(requests, requests);
        self.unserved += requests;
    }
}
