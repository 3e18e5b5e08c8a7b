//! The users' view of traffic: the true results of requests, independent of the metrics and their delay.

/// The results of the requests to a target group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All requests.
    pub requests: u64,
    /// Failed requests: 5xx responses of tasks, and requests without a response.
    pub errors: u64,
    /// Requests while the group had no healthy task.
    pub unserved: u64,
}

impl Tally {
    pub(super) fn add(&mut self, requests: u64, errors: u64) {
        self.requests += requests;
        self.errors += errors;
    }

    /// Adds requests without a healthy task. Any that reach an unhealthy task also count as failed.
    pub(super) fn add_unserved(&mut self, requests: u64) {
        self.add(requests, requests);
        self.unserved += requests;
    }
}
