//! `[thresholds]`: where the verdict draws its lines, for all or for one service.

use serde::{Deserialize, Serialize};

use super::values::{Positive, Share, Span};
use crate::domain::settings::Thresholds;

/// `[thresholds]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThresholdsTable {
    /// Errors over requests, percent: above it, and not by chance, a canary fails critically.
    pub error_percent: Option<Positive>,
    /// Worse than stable and so many times fails.
    pub error_ratio: Option<Positive>,
    /// From where on that is critical.
    pub error_ratio_critical: Option<Positive>,
    /// The slowest p95.
    pub p95: Option<Span>,
    /// Slower than stable and so many times fails.
    pub p95_ratio: Option<Positive>,
    /// Errors over requests, percent, that are worth a warning.
    pub warn_error_percent: Option<Positive>,
    /// The p95 that is worth a warning.
    pub warn_p95: Option<Span>,
    /// How many percentage points more errors than stable may pass.
    pub allowance: Option<Positive>,
    /// Fewer requests say nothing.
    pub min_requests: Option<u32>,
    /// Of a hundred releases without a fault, how many may fail.
    pub false_alarms: Option<Share>,
    /// Of a hundred canaries that are worse by the whole allowance, how many may pass.
    pub false_passes: Option<Share>,
    /// How far back a service without a canary is judged.
    pub window: Option<Span>,
}

fn milliseconds(span: Span) -> f64 {
    span.0.as_secs_f64() * 1000.0
}

impl ThresholdsTable {
    /// The lines of `base`, but for those that are drawn here.
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

    /// Whether anything is said here.
    pub(crate) fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Each key, whether it is said here, and what is in force.
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
