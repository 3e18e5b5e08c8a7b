//! What is wrong with a rollout, by name: tasks that keep failing, or nothing that moves.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::failure::Cause;
use super::names::TaskDefinitionArn;

/// What a rollout suffers from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Ailment {
    /// Its tasks fail one after the other.
    CrashLoop {
        /// The revision.
        revision: TaskDefinitionArn,
        /// How many have failed, at least.
        failed: u32,
        /// Of what, where its stopped tasks were read.
        #[serde(skip)]
        cause: Option<Cause>,
    },
    /// It has not moved for longer than such deployments took as a whole.
    Stalled {
        /// The revision.
        revision: TaskDefinitionArn,
        /// Since when nothing has moved, as far as is known.
        since: Timestamp,
        /// How long such deployments took, where there were any.
        #[serde(skip)]
        usual: Option<SignedDuration>,
    },
}
