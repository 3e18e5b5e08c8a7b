//! What is wrong or odd about a release, as facts: each has a severity, a stable word for documents and a message.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::share::Percent;
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::wording::{Act, Wording};

/// How much a condition matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Users suffer, or the release does not work.
    Critical,
}

/// Why a rollout fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureReason {
    /// ECS gave up on it, with this reason.
    Failed(String),
    /// So many of its tasks in a row failed to start.
    TasksFailing(u32),
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::TasksFailing(failed) => write!(f, "{failed} tasks in a row failed to start"),
        }
    }
}

impl Serialize for FailureReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is wrong or odd about a release.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The rollout of one of its services fails.
    RolloutFailure(FailureReason),
    /// Both weights of the rule are 0.
    NobodyServed,
    /// The rules of a pair disagree.
    UnevenWeights,
    /// The weights are no longer those that this console wrote last.
    WeightsChangedElsewhere {
        /// The canary's share that was written.
        written: Percent,
    },
    /// The rule keeps clients on their side.
    Sticky {
        /// For how long.
        seconds: u32,
    },
    /// Which service of a pair is stable is not certain.
    RolesUncertain {
        /// Why, and how to say it.
        why: String,
    },
    /// A rule divides the service's traffic, and does not make it half of a pair.
    NotAPair {
        /// Which rule, and why.
        why: String,
    },
    /// Custom metrics do not distinguish the revisions.
    SharedMetrics {
        /// Which metrics.
        metrics: Vec<String>,
        /// The tags of both revisions.
        revisions: [String; 2],
    },
    /// ECS waits for an answer.
    Paused {
        /// Where.
        stage: LifecycleStage,
        /// How many pauses wait there.
        pauses: usize,
        /// Whether the console writes weights before the pause is answered.
        writes_weights: bool,
    },
    /// ECS is rolling the deployment back.
    RollingBack {
        /// ECS's reason.
        reason: String,
    },
    /// The service's configuration was changed for one release and has not been put back.
    ConfigurationOverridden {
        /// Whether its strategy was set aside; else pauses were added.
        at_once: bool,
        /// What a finish puts back, in words.
        restores: String,
    },
    /// The newest deployment was rolled back a short while ago.
    RolledBack {
        /// The tag of the revision that did not last.
        revision: Option<String>,
        /// Whether the rollback itself worked.
        complete: bool,
        /// When it ended.
        at: Timestamp,
        /// ECS's reason.
        reason: Option<String>,
    },
}

impl Condition {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::RolloutFailure(_) | Self::NobodyServed | Self::RolledBack { complete: false, .. } => {
                Severity::Critical
            }
            Self::Sticky { .. } | Self::NotAPair { .. } => Severity::Info,
            Self::UnevenWeights
            | Self::WeightsChangedElsewhere { .. }
            | Self::RolesUncertain { .. }
            | Self::SharedMetrics { .. }
            | Self::Paused { .. }
            | Self::RollingBack { .. }
            | Self::ConfigurationOverridden { .. }
            | Self::RolledBack { complete: true, .. } => Severity::Warning,
        }
    }

    /// A stable word for documents.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::RolloutFailure(FailureReason::Failed(_)) => "rollout_failed",
            Self::RolloutFailure(FailureReason::TasksFailing(_)) => "tasks_failing",
            Self::NobodyServed => "nobody_served",
            Self::UnevenWeights => "uneven_weights",
            Self::WeightsChangedElsewhere { .. } => "weights_changed_elsewhere",
            Self::Sticky { .. } => "sticky",
            Self::RolesUncertain { .. } => "roles_uncertain",
            Self::NotAPair { .. } => "not_a_pair",
            Self::SharedMetrics { .. } => "shared_metrics",
            Self::Paused { .. } => "paused",
            Self::RollingBack { .. } => "rolling_back",
            Self::ConfigurationOverridden { .. } => "configuration_overridden",
            Self::RolledBack { complete: true, .. } => "rolled_back",
            Self::RolledBack { complete: false, .. } => "rollback_failed",
        }
    }

    /// One sentence.
    pub fn message(&self, wording: Wording) -> String {
        match self {
            Self::RolloutFailure(reason) => reason.to_string(),
            Self::NobodyServed => "both weights are 0: nobody is served".to_owned(),
            Self::UnevenWeights => {
                "the rules of this pair have different weights ([services.NAME] rules says which are production's)"
                    .to_owned()
            }
            Self::WeightsChangedElsewhere { written } => {
                format!("somebody else changed the weights since {written} was written from here")
            }
            Self::Sticky { seconds } => {
                format!("sticky for {seconds} s: clients with the cookie keep their side whatever the weights")
            }
            Self::RolesUncertain { why } | Self::NotAPair { why } => why.clone(),
            Self::SharedMetrics { metrics, revisions: [stable, canary] } => format!(
                "its own {} ({}) would be the same for {stable} and {canary}: with {{revision}} in them they are not",
                if metrics.len() == 1 { "metric" } else { "metrics" },
                metrics.join(", ")
            ),
            Self::Paused { stage, pauses, writes_weights } => {
                let many = if *pauses > 1 { format!(", {pauses} pauses") } else { String::new() };
                let does = if *writes_weights { "goes up the ladder" } else { "answers and goes on" };
                let (step, back) = (wording.name(Act::Step), wording.name(Act::Rollback));
                format!("paused at {stage}{many}: {step} {does}, {back} takes it back")
            }
            Self::RollingBack { reason } => reason.clone(),
            Self::ConfigurationOverridden { at_once, restores } => {
                let what = if *at_once { "its strategy is set aside" } else { "it has pauses added" };
                format!("{what}: {} puts back {restores}", wording.name(Act::Finish))
            }
            Self::RolledBack { revision, complete, at, reason } => {
                let of = revision.as_deref().unwrap_or("its deployment");
                let what = if *complete { "was rolled back" } else { "could not be rolled back" };
                let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("{of} {what} at {}{why}", at.strftime("%H:%MZ"))
            }
        }
    }
}
