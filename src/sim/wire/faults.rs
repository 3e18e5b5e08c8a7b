//! What can go wrong between a client and AWS, on demand: silence, delay, errors, lost answers, closed connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::sim::api::{ApiError, Call, Service};

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing is done and nothing is answered, until the faults are cleared; then the connection closes.
    Hang,
    /// The call is done and answered, but later; clearing the faults ends the wait.
    Delay {
        /// How much later, in ms.
        millis: u64,
    },
    /// Nothing is done; this error is the answer.
    Error {
        /// The HTTP status.
        status: u16,
        /// The code as the service spells it.
        code: String,
        /// The text for people.
        message: String,
    },
    /// Nothing is done; "Rate exceeded" in the service's own spelling.
    Throttle,
    /// Nothing is done; access denied in the service's own spelling.
    Deny,
    /// Nothing is done; an expired session token in the service's own spelling.
    Expire,
    /// Nothing is done; a 500 with a page of HTML, as from a proxy.
    Html500,
    /// The call is done, its answer never comes: the outcome is unknown to the client.
    ApplyThenHang,
    /// Nothing is done; the connection is closed without an answer.
    Drop,
    /// The call is done and answered; but the free texts of the answer are no UTF-8.
    InvalidUtf8,
    /// GetMetricData is answered, HTTP 200 and all; but the results of one metric have this status.
    MetricStatus {
        /// The metric's name.
        metric: String,
        /// `InternalError` and `Forbidden` come without a value, `PartialData` with the first half of them.
        status: String,
    },
}

impl Fault {
    /// The error that this fault answers `call` with, if it is one.
    pub(super) fn error(&self, call: &Call) -> Option<ApiError> {
        // The codes of JSON services have a suffix that the others' lack, and they answer 400 where those answer 403.
        let json = matches!(call.service, Service::Ecs | Service::Logs);
        let spelled = |status: u16, code: &str, message: String| {
            let (status, suffix) = if json { (400, "Exception") } else { (status, "") };
            Some(ApiError { status, code: format!("{code}{suffix}"), message })
        };
        match self {
            Self::Error { status, code, message } => {
                Some(ApiError { status: *status, code: code.clone(), message: message.clone() })
            }
            Self::Throttle => spelled(400, "Throttling", "Rate exceeded".to_owned()),
            Self::Expire => {
                spelled(403, "ExpiredToken", "The security token included in the request is expired".to_owned())
            }
            Self::Deny => {
                let action = format!("{}:{}", iam_prefix(call.service), call.operation);
                spelled(
                    403,
                    "AccessDenied",
                    format!(
                        "User: arn:aws:iam::123456789012:user/oncall is not authorized to perform: {action} \
                         because no identity-based policy allows the {action} action"
                    ),
                )
            }
            Self::Hang
            | Self::Delay { .. }
            | Self::Html500
            | Self::ApplyThenHang
            | Self::Drop
            | Self::InvalidUtf8
            | Self::MetricStatus { .. } => None,
        }
    }
}

/// Gives the results of `metric` another status, and takes away what such a result has not.
pub(super) fn mark(input: &Value, answer: &mut Value, metric: &str, status: &str) {
    let queries = input.get("MetricDataQueries").and_then(Value::as_array).into_iter().flatten();
    let name = |query: &&Value| query.pointer("/MetricStat/Metric/MetricName").and_then(Value::as_str) == Some(metric);
    let ids: Vec<_> = queries.filter(name).filter_map(|query| query.get("Id")).collect();
    let results = answer.get_mut("MetricDataResults").and_then(Value::as_array_mut).into_iter().flatten();
    for result in results.filter(|result| result.get("Id").is_some_and(|id| ids.contains(&id))) {
        for list in ["Timestamps", "Values"] {
            if let Some(list) = result.get_mut(list).and_then(Value::as_array_mut) {
                list.truncate(if status == "PartialData" { list.len() / 2 } else { 0 });
            }
        }
        if let Some(result) = result.as_object_mut() {
            result.insert("StatusCode".to_owned(), status.into());
            result.insert("Messages".to_owned(), json!([{"Code": status, "Value": "made to fail"}]));
        }
    }
}

fn iam_prefix(service: Service) -> &'static str {
    match service {
        Service::Ecs => "ecs",
        Service::Elbv2 => "elasticloadbalancing",
        Service::CloudWatch => "cloudwatch",
        Service::Logs => "logs",
        Service::Sts => "sts",
    }
}

/// A fault and the calls it happens to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// Only to this service; to all without.
    #[serde(default)]
    pub service: Option<Service>,
    /// Only to operations that fit one of these names, where one `*` stands for any text; to all if empty.
    #[serde(default)]
    pub operations: Vec<String>,
    /// Only so often; until cleared without.
    #[serde(default)]
    pub times: Option<u32>,
}

impl FaultRule {
    /// `fault` for every call, until cleared.
    pub fn new(fault: Fault) -> Self {
        Self { fault, service: None, operations: Vec::new(), times: None }
    }

    /// `fault` for every call that only reads.
    pub fn reads(fault: Fault) -> Self {
        Self::new(fault).operations(&["Describe*", "List*", "Get*"])
    }

    /// Only calls to this service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only operations that fit one of these names: `ModifyRule`, `Describe*`.
    #[must_use]
    pub fn operations(mut self, names: &[&str]) -> Self {
        self.operations = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Only the next `times` calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn fits(&self, service: Service, operation: &str) -> bool {
        self.times != Some(0)
            && self.service.is_none_or(|wanted| wanted == service)
            && (self.operations.is_empty() || self.operations.iter().any(|name| name_fits(name, operation)))
    }
}

fn name_fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
    }
}

/// The faults in force. Clones share them, so that a test can change them while the server runs.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Mutex<Vec<FaultRule>>,
    /// Counts how often the faults were cleared: what hangs waits for it to change.
    clearings: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Inner { rules: Mutex::default(), clearings: watch::Sender::new(0) }))
    }
}

impl Faults {
    /// Adds a rule. Where several fit a call, the one added first happens.
    pub fn add(&self, rule: FaultRule) {
        self.rules().push(rule);
    }

    /// Ends all faults; what hangs is dropped and what waits is answered.
    pub fn clear(&self) {
        let mut rules = self.rules();
        rules.clear();
        self.0.clearings.send_modify(|count| *count += 1);
    }

    /// The fault for a call that arrived now, counting it, and what tells when the faults were cleared after it.
    pub(super) fn take(&self, service: Service, operation: &str) -> Option<(Fault, Clearing)> {
        let mut rules = self.rules();
        let rule = rules.iter_mut().find(|rule| rule.fits(service, operation))?;
        if let Some(times) = &mut rule.times {
            *times = times.saturating_sub(1);
        }
        Some((rule.fault.clone(), Clearing(self.0.clearings.subscribe())))
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<FaultRule>> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clearing of the faults after one of them struck.
#[derive(Debug)]
pub(super) struct Clearing(watch::Receiver<u64>);

impl Clearing {
    /// Waits for it.
    pub(super) async fn wait(mut self) {
        // Faults that are gone altogether are cleared too.
        let _ = self.0.changed().await;
    }

    /// Waits for it, but no longer than that.
    pub(super) async fn wait_up_to(self, millis: u64) {
        let _ = tokio::time::timeout(Duration::from_millis(millis), self.wait()).await;
    }
}
