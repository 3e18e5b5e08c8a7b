//! Fault injection: hanging and delayed calls, errors, lost answers, closed connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::quotas;
use crate::sim::api::{ApiError, Call, Service};

/// A failure that the server injects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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

impl Fault {
    /// The error that this fault returns for `call`; `None` for faults that return no API error.
    pub(super) fn error(&self, call: &Call) -> Option<ApiError> {
        // JSON services append a suffix to their codes, and answer 400 where the other services answer 403.
        let json = matches!(call.service, Service::Ecs | Service::Logs);
        let spelled = |status: u16, code: &str, message: String| {
            let (status, suffix) = if json { (400, "Exception") } else { (status, "") };
            Some(ApiError { status, code: format!("{code}{suffix}"), message })
        };
        match self {
            Self::Error { status, code, message } => {
                Some(ApiError { status: *status, code: code.clone(), message: message.clone() })
            }
            Self::Throttle => Some(quotas::throttled(call.service)),
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

/// Gives the results of `metric` another status, and removes the values that a result with this status lacks.
pub(super) fn set_metric_status(input: &Value, answer: &mut Value, metric: &str, status: &str) {
    let queries = input.get("MetricDataQueries").and_then(Value::as_array).into_iter().flatten();
    let matches =
        |query: &&Value| query.pointer("/MetricStat/Metric/MetricName").and_then(Value::as_str) == Some(metric);
    let ids: Vec<_> = queries.filter(matches).filter_map(|query| query.get("Id")).collect();
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
        Service::Scaling => "application-autoscaling",
    }
}

/// A fault and the calls that it applies to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The failure to inject.
    pub fault: Fault,
    /// The service whose calls fail; every service if `None`.
    #[serde(default)]
    pub service: Option<Service>,
    /// The operations that fail; every operation if empty. A name may have one `*` for any text.
    #[serde(default)]
    pub operations: Vec<String>,
    /// The number of calls that fail; until the faults are cleared if `None`.
    #[serde(default)]
    pub times: Option<u32>,
}

impl FaultRule {
    /// Applies `fault` to every call until the faults are cleared.
    pub fn new(fault: Fault) -> Self {
        Self { fault, service: None, operations: Vec::new(), times: None }
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

    fn matches(&self, service: Service, operation: &str) -> bool {
        self.times != Some(0)
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

/// The rules in force. Clones share them, so that a test can change them while the server runs.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Mutex<Vec<FaultRule>>,
    /// Counts the calls of [`Faults::clear`]. Hanging calls wait for it to change.
    clearings: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Inner { rules: Mutex::default(), clearings: watch::Sender::new(0) }))
    }
}

impl Faults {
    /// Adds a rule. If several rules match a call, the one that was added first applies.
    pub fn add(&self, rule: FaultRule) {
        self.rules().push(rule);
    }

    /// Removes all rules. Hanging calls are dropped and delayed calls are answered.
    pub fn clear(&self) {
        let mut rules = self.rules();
        rules.clear();
        self.0.clearings.send_modify(|count| *count += 1);
    }

    /// The fault that applies to a call that arrives now, and a handle on the next clearing. Counts the call.
    pub(super) fn take(&self, service: Service, operation: &str) -> Option<(Fault, Clearing)> {
        let mut rules = self.rules();
        let rule = rules.iter_mut().find(|rule| rule.matches(service, operation))?;
        if let Some(times) = &mut rule.times {
            *times = times.saturating_sub(1);
        }
        Some((rule.fault.clone(), Clearing(self.0.clearings.subscribe())))
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<FaultRule>> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the next call of [`Faults::clear`].
#[derive(Debug)]
pub(super) struct Clearing(watch::Receiver<u64>);

impl Clearing {
    pub(super) async fn wait(mut self) {
        // An error means that the faults were dropped, which clears them too.
        let _ = self.0.changed().await;
    }

    /// Waits at most `millis` milliseconds.
    pub(super) async fn wait_up_to(self, millis: u64) {
        let _ = tokio::time::timeout(Duration::from_millis(millis), self.wait()).await;
    }
}
