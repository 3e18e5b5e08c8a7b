//! Faults of the embedded AWS: what fails, and which calls it applies to.

use std::time::Duration;

use serde::Deserialize;

use super::api::Service;

/// A failure that the server injects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Ignores the call and never answers. When the faults are cleared, the connection closes.
    Hang,
    /// Executes the call after a delay. Clearing the faults ends the delay.
    Delay {
        /// The delay in milliseconds.
        millis: u64,
    },
    /// Answers with an error instead of executing the call.
    Error {
        /// The HTTP status.
        status: u16,
        /// The code as the service spells it.
        code: String,
        /// The error message.
        message: String,
    },
    /// Answers "Rate exceeded" in the service's own spelling instead of executing the call.
    Throttle,
    /// Answers "access denied" in the service's own spelling instead of executing the call.
    Deny,
    /// Answers "expired token" in the service's own spelling instead of executing the call.
    Expire,
    /// Answers 500 with an HTML page, as a proxy would, instead of executing the call.
    Html500,
    /// Executes the call but never answers: the client cannot know the outcome.
    ApplyThenHang,
    /// Closes the connection instead of executing the call.
    Drop,
    /// Answers "internal failure" in the service's own spelling instead of executing the call.
    ServerError,
    /// Executes the call and answers 200 with bytes that are no answer.
    Garbage,
    /// Executes the call and answers with free text that is not valid UTF-8.
    InvalidUtf8,
    /// Answers GetMetricData with HTTP 200, but gives the results of one metric this status.
    MetricStatus {
        /// The metric's name.
        metric: String,
        /// `InternalError` and `Forbidden` remove all values, `PartialData` removes the second half.
        status: String,
    },
}

/// A fault and the calls that it applies to. [`FromStr`](std::str::FromStr) reads one from a text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct FaultRule {
    /// The failure to inject.
    pub(super) fault: Fault,
    /// The service whose calls fail; every service if `None`.
    service: Option<Service>,
    /// The operations that fail; every operation if empty. A name may have one `*` for any text.
    operations: Vec<String>,
    /// The number of calls that fail; until the faults are cleared if `None`.
    pub(super) times: Option<u32>,
    /// The fraction of the calls that fail, 0 to 1; each of them if `None`.
    pub(super) fraction: Option<f64>,
    /// The simulated time since the start in which calls fail, the end exclusive; always if `None`.
    during: Option<(Duration, Duration)>,
}

impl FaultRule {
    /// Applies `fault` to every call until the faults are cleared.
    pub fn new(fault: Fault) -> Self {
        Self { fault, service: None, operations: Vec::new(), times: None, fraction: None, during: None }
    }

    /// Applies `fault` to every read call.
    pub fn reads(fault: Fault) -> Self {
        Self::new(fault).operations(&["Describe*", "List*", "Get*"])
    }

    /// Limits the rule to calls to a service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Limits the rule to operations that match one of these names: `ModifyRule`, `Describe*`.
    #[must_use]
    pub fn operations(mut self, names: &[&str]) -> Self {
        self.operations = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Limits the rule to the next `times` calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Limits the rule to a fraction of the calls, 0 to 1. Chance decides which.
    #[must_use]
    pub fn fraction(mut self, fraction: f64) -> Self {
        self.fraction = Some(fraction.clamp(0.0, 1.0));
        self
    }

    /// Limits the rule to a simulated time since the start, the end exclusive.
    #[must_use]
    pub fn during(mut self, from: Duration, to: Duration) -> Self {
        self.during = Some((from, to));
        self
    }

    pub(super) fn matches(&self, service: Service, operation: &str, elapsed: Duration) -> bool {
        self.times != Some(0)
            && self.during.is_none_or(|(from, to)| (from..to).contains(&elapsed))
            && self.service.is_none_or(|own| own == service)
            && (self.operations.is_empty() || self.operations.iter().any(|name| name_matches(name, operation)))
    }
}

fn name_matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
    }
}
