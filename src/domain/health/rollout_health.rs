//! The health of a rollout: a crash loop or a stall.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::stop_reason::Cause;
use crate::domain::ecs::names::TaskDefinitionArn;

/// Number of failures in a row from which the failures are a crash loop, not bad luck.
pub const LOOP: u32 = 3;

/// The kind of unhealthy rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutHealth {
    /// The tasks keep failing.
    CrashLoop {
        /// The revision.
        revision: TaskDefinitionArn,
        /// Number of failed tasks, at least.
        failed: u32,
        /// The cause, if the stopped tasks were read.
        cause: Option<Cause>,
    },
    /// No progress for longer than the usual total duration of such deployments.
    Stalled {
        /// The revision.
        revision: TaskDefinitionArn,
        /// The last known progress.
        since: Timestamp,
        /// The time without progress at the last read.
        lasted: SignedDuration,
        /// The usual duration of such deployments; `None`: unknown.
        usual: Option<SignedDuration>,
    },
}

impl RolloutHealth {
    /// The unhealthy revision.
    pub fn revision(&self) -> &TaskDefinitionArn {
        match self {
            Self::CrashLoop { revision, .. } | Self::Stalled { revision, .. } => revision,
        }
    }

    /// The name in JSON documents.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CrashLoop { .. } => "crash_loop",
            Self::Stalled { .. } => "stalled",
        }
    }

    /// The name with a short cause: `crash loop: exit 1 ×6`.
    pub fn brief(&self) -> String {
        match self {
            Self::CrashLoop { failed, cause: Some(cause), .. } => format!("crash loop: {} ×{failed}", cause.brief()),
            Self::CrashLoop { failed, cause: None, .. } => format!("crash loop: {failed} tasks failed"),
            Self::Stalled { lasted, .. } => format!("stalled {} min", lasted.as_mins()),
        }
    }

    /// The details, without the name.
    pub fn detail(&self) -> String {
        match self {
            Self::CrashLoop { failed, cause, .. } => {
                format!("{failed} tasks: {}", cause.map_or_else(|| "cause not read yet".to_owned(), Cause::word))
            }
            Self::Stalled { lasted, usual, .. } => {
                let usual = usual.map_or_else(
                    || "how long such deployments take is not known".to_owned(),
                    |usual| format!("such deployments took {} min", minutes(usual)),
                );
                format!("nothing has moved for {} min; {usual}", lasted.as_mins())
            }
        }
    }
}

fn minutes(span: SignedDuration) -> i64 {
    ((span.as_secs() + 30) / 60).max(1)
}

impl fmt::Display for RolloutHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind().replace('_', " ");
        write!(f, "{name}: {} {}", self.revision().tag(), self.detail())
    }
}
