//! Intents: what an operator wants to do with a release.

use serde::{Deserialize, Serialize};

use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::release::share::Percent;

/// A key or a subcommand as a goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "intent")]
pub enum Intent {
    /// One step up the ladder, or to the share that is named.
    Step {
        /// `None`: the next rung.
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
        /// For a native service: with pauses added for this release, so that a person decides each step.
        pauses: bool,
    },
    /// Make the canary's revision the stable one; of a native service, put back what was changed for a release only.
    Finish,
    /// Roll back to the version that worked.
    Rollback {
        /// `None`: the previous good revision.
        to: Option<TaskDefinitionArn>,
        /// For a native service that has finished: set its strategy aside, so that it is not replayed.
        at_once: bool,
    },
    /// Register a copy of a revision that was deregistered, so that it can be deployed.
    Register {
        /// The deregistered revision.
        copy_of: TaskDefinitionArn,
    },
}

impl Intent {
    /// Whether it rolls back: such an intent is never delayed and never gated.
    pub fn is_rollback(&self) -> bool {
        matches!(self, Self::Rollback { .. })
    }

    /// The verb, as the command line has it.
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
