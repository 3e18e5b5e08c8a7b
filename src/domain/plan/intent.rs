//! Intents: an operator's goal for a release.

use serde::{Deserialize, Serialize};

use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::release::share::Percent;

/// A key or a subcommand as a goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "intent")]
pub enum Intent {
    /// One step up the ladder, or to the named share.
    Step {
        /// The share; `None`: the next step of the ladder.
        to: Option<Percent>,
    },
    /// Any share, up or down.
    Weight {
        /// The canary's share.
        to: Percent,
    },
    /// Release this revision.
    Start {
        /// The full ARN of an active revision.
        task_definition: TaskDefinitionArn,
        /// For a native service: add pauses for this release, so that a person decides each step.
        pauses: bool,
    },
    /// Make the canary's revision the stable one. For a native service: restore the configuration that a release
    /// overrode.
    Finish,
    /// Roll back to the previous good revision.
    Rollback {
        /// The target; `None`: the previous good revision.
        to: Option<TaskDefinitionArn>,
        /// For a native service without a deployment under way: override the strategy, so that ECS does not repeat its
        /// steps.
        at_once: bool,
    },
    /// Register a copy of a revision that was deregistered, so that it can be deployed.
    Register {
        /// The deregistered revision.
        copy_of: TaskDefinitionArn,
    },
}

impl Intent {
    /// Returns true for a rollback: such an intent is never delayed and never gated.
    pub fn is_rollback(&self) -> bool {
        matches!(self, Self::Rollback { .. })
    }

    /// The verb on the command line.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Step { .. } => "step",
            Self::Weight { .. } => "weight",
            Self::Start { .. } => "start",
            Self::Finish => "finish",
            Self::Rollback { .. } => "rollback",
            Self::Register { .. } => "register",
        }
    }
}
