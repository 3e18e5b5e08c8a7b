//! `[thresholds]`: the verdict's thresholds, for all services or for one.

use serde::{Deserialize, Serialize};

use super::values::{Positive, Share, Span};
use crate::domain::settings::Thresholds;

/// `[thresholds]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThresholdsTable {
    /// Errors over requests, percent. A canary significantly above this fails critically.
    pub error_percent: Option<Positive>,
    /// Canary's error rate over stable's. A canary worse than stable by this factor fails.
    pub error_ratio: Option<Positive>,
    /// The same ratio; from this value on the failure is critical.
    pub error_ratio_critical: Option<Positive>,
    /// Maximum p95.
    pub p95: Option<Span>,
    /// Canary's p95 over stable's. A canary slower than stable by this factor fails.
    pub p95_ratio: Option<Positive>,
    /// Errors over requests, percent, that cause a warning.
    pub warn_error_percent: Option<Positive>,
    /// The p95 that causes a warning.
    pub warn_p95: Option<Span>,
    /// Maximum excess of the canary's error rate over stable's, in percentage points, with which a canary passes.
    pub allowance: Option<Positive>,
    /// Minimum requests for a verdict.
    pub min_requests: Option<u32>,
    /// Maximum percentage of healthy releases that fail by chance.
    pub false_alarms: Option<Share>,
    /// Maximum percentage of canaries that pass although they are worse by the whole allowance.
    pub false_passes: Option<Share>,
    /// Time range in which a service without a canary is judged.
    pub window: Option<Span>,
}

fn milliseconds(span: Span) -> f64 {
    span.0.as_secs_f64() * 1000.0
}

impl ThresholdsTable {
    /// The thresholds of this table over those of `base`.
    pub(crate) fn over(&self, base: &Thresholds) -> Thresholds {
        Thresholds {
            error_percent: self.error_percent.map_or(base.error_percent, |value| value.0),
            error_ratio: self.error_ratio.map_or(base.error_ratio, |value| value.0),
            error_ratio_critical: self.error_ratio_critical.map_or(base.error_ratio_critical, |value| value.0),
            p95_ms: self.p95.map(milliseconds).or(base.p95_ms),
            p95_ratio: self.p95_ratio.map_or(base.p95_ratio, |value| value.0),
            warn_error_percent: self.warn_error_percent.map_or(base.warn_error_percent, |value| value.0),
            warn_p95_ms: self.warn_p95.map_or(base.warn_p95_ms, milliseconds),
            allowance: self.allowance.map_or(base.allowance, |value| value.0),
            min_requests: self.min_requests.unwrap_or(base.min_requests),
            false_alarms: self.false_alarms.map_or(base.false_alarms, |value| value.0),
            false_passes: self.false_passes.map_or(base.false_passes, |value| value.0),
            window: self.window.map_or(base.window, |value| value.0),
        }
    }

    /// Returns true if the table sets any threshold.
    pub(crate) fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Each key, true if this table sets it, and the value in force.
    pub(crate) fn shown(&self, lines: &Thresholds) -> Vec<(&'static str, bool, String)> {
        vec![
            ("error_percent", self.error_percent.is_some(), lines.error_percent.to_string()),
            ("error_ratio", self.error_ratio.is_some(), lines.error_ratio.to_string()),
            ("error_ratio_critical", self.error_ratio_critical.is_some(), lines.error_ratio_critical.to_string()),
            ("p95", self.p95.is_some(), lines.p95_ms.map_or_else(|| "none".to_owned(), |limit| format!("{limit}ms"))),
            ("p95_ratio", self.p95_ratio.is_some(), lines.p95_ratio.to_string()),
            ("warn_error_percent", self.warn_error_percent.is_some(), lines.warn_error_percent.to_string()),
            ("warn_p95", self.warn_p95.is_some(), format!("{}ms", lines.warn_p95_ms)),
            ("allowance", self.allowance.is_some(), lines.allowance.to_string()),
            ("min_requests", self.min_requests.is_some(), lines.min_requests.to_string()),
            ("false_alarms", self.false_alarms.is_some(), lines.false_alarms.to_string()),
            ("false_passes", self.false_passes.is_some(), lines.false_passes.to_string()),
            ("window", self.window.is_some(), format!("{:#}", lines.window)),
        ]
    }
}
