//! What is found about a rollback before it is needed.

use jiff::SignedDuration;
use serde::Serialize;

/// What is known beforehand of the way back.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Readiness {
    /// What was looked at, the gravest first.
    pub checks: Vec<Check>,
    /// How long it should take, from what such deployments took; `None` without any.
    pub estimate: Option<Estimate>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// How grave it is.
    pub level: Level,
    /// In words, one sentence without a full stop.
    pub what: String,
}

/// How grave a check's finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Not known.
    Unknown,
    /// It can be done; somebody must know this first.
    Warn,
    /// AWS would refuse it.
    Blocks,
}

/// How long something should take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The median of what the past ones took, seconds.
    #[serde(serialize_with = "seconds")]
    pub typical: SignedDuration,
    /// The longest of them, seconds.
    #[serde(serialize_with = "seconds")]
    pub longest: SignedDuration,
    /// How many there are.
    pub of: usize,
    /// What they were.
    pub from: Past,
}

/// What an estimate is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Past {
    /// Rollbacks by ECS, from the request to the end.
    Rollbacks,
    /// Deployments that succeeded with the same strategy.
    Deployments,
}

fn seconds<S: serde::Serializer>(duration: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(duration.as_secs())
}

pub(super) fn check(level: Level, what: impl Into<String>) -> Check {
    Check { level, what: what.into() }
}
