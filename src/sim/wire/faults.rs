//! Fault injection: hanging and delayed calls, errors, lost answers, closed connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::quotas;
use crate::sim::api::{ApiError, Call, Service};
use crate::sim::fault::{Fault, FaultRule};

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
            Self::ServerError => {
                let code = if json { "ServerException" } else { "InternalFailure" };
                let message = "An internal error occurred".to_owned();
                Some(ApiError { status: 500, code: code.to_owned(), message })
            }
            Self::Hang
            | Self::Garbage
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

/// The rules in force. Clones share them, so that a test can change them while the server runs.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Mutex<Vec<FaultRule>>,
    /// Decides which calls of a fraction fail. Seeded, so that the same calls in the same order fail alike.
    chance: Mutex<StdRng>,
    /// Counts the calls of [`Faults::clear`]. Hanging calls wait for it to change.
    clearings: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Inner {
            rules: Mutex::default(),
            chance: Mutex::new(StdRng::seed_from_u64(0)),
            clearings: watch::Sender::new(0),
        }))
    }
}

impl Faults {
    /// Begins the chance of fractions anew.
    pub fn seed(&self, seed: u64) {
        *self.0.chance.lock().unwrap_or_else(PoisonError::into_inner) = StdRng::seed_from_u64(seed);
    }

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

    /// The fault that applies to a call that arrives now, so long after the start, and a handle on the next clearing.
    /// Counts the call.
    pub(super) fn take(&self, service: Service, operation: &str, elapsed: Duration) -> Option<(Fault, Clearing)> {
        let mut rules = self.rules();
        let mut chance = self.0.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let mut falls = |rule: &FaultRule| rule.fraction.is_none_or(|fraction| chance.random_bool(fraction));
        let rule = rules.iter_mut().find(|rule| rule.matches(service, operation, elapsed) && falls(rule))?;
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
