//! Findings about a rollback before it is needed.

use jiff::SignedDuration;
use serde::Serialize;

/// How ready a rollback is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Readiness {
    /// The checks, the most severe first.
    pub checks: Vec<Check>,
    /// The expected duration, from past deployments; `None` without any.
    pub estimate: Option<Estimate>,
}

impl Readiness {
    /// The known reasons for which AWS would refuse the rollback, or the rollback would wait.
    pub fn obstacles(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.level.is_obstacle())
    }
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its severity.
    pub level: Level,
    /// In words, one sentence without a full stop.
    pub what: String,
}

/// The severity of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Not known.
    Unknown,
    /// It is possible; the operator must know this first.
    Warn,
    /// The rollback would wait for something that none of its calls brings about.
    Waits,
    /// AWS would refuse it.
    Blocks,
}

impl Level {
    /// Returns true if the rollback is not ready.
    pub fn is_obstacle(self) -> bool {
        self >= Self::Waits
    }
}

impl Check {
    /// The finding with its consequence for the rollback, which the words of a finding do not always name.
    pub fn said(&self) -> String {
        match self.level {
            Level::Blocks => format!("AWS would refuse it: {}", self.what),
            Level::Waits => format!("it would wait: {}", self.what),
            Level::Good | Level::Unknown | Level::Warn => self.what.clone(),
        }
    }
}

/// An expected duration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The median of past durations, seconds.
    #[serde(serialize_with = "seconds")]
    pub typical: SignedDuration,
    /// The longest of them, seconds.
    #[serde(serialize_with = "seconds")]
    pub longest: SignedDuration,
    /// The number of past durations.
    pub of: usize,
    /// Their kind.
    pub from: Past,
}

/// The source of an estimate.
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
