//! CloudWatch's alarms, as far as they bear on deployments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An alarm (CloudWatch `DescribeAlarms`), metric or composite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// `AlarmName`.
    pub name: String,
    /// `StateValue`.
    pub state: AlarmState,
    /// `StateReason`.
    pub reason: Option<String>,
    /// `StateTransitionedTimestamp`, else `StateUpdatedTimestamp`: since when it has been in this state.
    pub since: Option<Timestamp>,
}

/// `StateValue`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    /// OK.
    Ok,
    /// ALARM.
    Alarm,
    /// INSUFFICIENT_DATA.
    InsufficientData,
    /// A value that this version does not know.
    Other(String),
}
