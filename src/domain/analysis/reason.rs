//! The reasons of a verdict: a sentence for people, a stable code for programs.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize, Serializer};

/// A reason of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of reason. Documents show the code beside the sentence.
    pub code: ReasonCode,
    /// One sentence without a full stop, with its numbers.
    pub text: String,
}

/// The kinds of reasons. A code keeps its meaning; new ones may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// An alarm is in ALARM.
    AlarmInAlarm,
    /// An alarm has too little data.
    AlarmInsufficientData,
    /// An alarm is in a state that this version does not know, or could not be read.
    AlarmUnknown,
    /// The alarms are OK.
    AlarmsOk,
    /// Fewer minutes have settled than the bake has.
    BakeNotSettled,
    /// The new revision's tasks crash.
    CrashLoop,
    /// Errors are above the warning threshold.
    ErrorsAboveWarning,
    /// Errors may be above stable's by more than the allowance.
    ErrorsNotRuledOut,
    /// Errors are over the threshold, not by chance.
    ErrorsOverThreshold,
    /// Errors are over the threshold, which could be chance.
    ErrorsMaybeOverThreshold,
    /// Errors could not be read.
    ErrorsUnread,
    /// Errors are not above stable's by more than the allowance.
    ErrorsWithinAllowance,
    /// Errors are above stable's, not by chance.
    ErrorsWorse,
    /// The revision failed before, and nothing refuted that since.
    FailedBefore,
    /// Latency is above the warning threshold.
    LatencyAboveWarning,
    /// Latency is over the ceiling, which could be chance.
    LatencyMaybeOverCeiling,
    /// Latency is above stable's by more than the ratio, which could be chance.
    LatencyMaybeWorse,
    /// Latency is not counted.
    LatencyNotCounted,
    /// Latency above stable's by more than the ratio cannot be ruled out.
    LatencyNotRuledOut,
    /// Latency is over the ceiling, not by chance.
    LatencyOverCeiling,
    /// Latency is not above stable's by more than the ratio.
    LatencyWithinRatio,
    /// Latency is above stable's by more than the ratio, not by chance.
    LatencyWorse,
    /// There are no settled data.
    NoData,
    /// No minute has enough requests on both sides to compare latency.
    NoLatencySample,
    /// No task runs.
    NoTask,
    /// Stable has no traffic to compare with.
    NoTrafficOnStable,
    /// Numbers could not be read, or are too old.
    NumbersUnread,
    /// The release was rolled back.
    RolledBack,
    /// More requests or more time are needed.
    SampleTooSmall,
    /// There are enough requests.
    SampleSufficient,
    /// The time since when the share stands is not known.
    ShareSinceUnknown,
    /// The share is not known.
    ShareUnknown,
    /// Stable's own errors got worse.
    StableErrorsWorse,
    /// Stable's own latency got worse.
    StableLatencyWorse,
    /// Something else keeps the service from being steady.
    Unsteady,
    /// The revision has no traffic.
    Untried,
}

impl ReasonCode {
    /// A reason of this kind.
    pub fn because(self, text: impl Into<String>) -> Reason {
        Reason { code: self, text: text.into() }
    }
}

impl Reason {
    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// Documents have the sentences in one list, and the codes in another.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
impl<T: AsRef<str>> PartialEq<T> for Reason {
    fn eq(&self, other: &T) -> bool {
        self.text == other.as_ref()
    }
}
