//! What is asked before something is done.

use jiff::Timestamp;
use tui_input::Input;

use crate::domain::names::TaskDefinitionArn;
use crate::domain::plan::{Plan, Refusal};

/// The question on top of the screen.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// Shall this plan be carried out?
    Confirm(Box<Confirm>),
    /// Which share?
    Weight {
        /// For which release.
        release: String,
        /// What was typed, in percent.
        input: Input,
        /// Why that is not a share.
        error: Option<String>,
    },
    /// Which revision?
    Revisions(Revisions),
    /// There is no plan: why.
    Refused {
        /// What was asked for.
        title: String,
        /// Why not.
        refusal: Refusal,
    },
    /// The keys.
    Help,
}

/// A plan before it is carried out.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The plan, call by call.
    pub plan: Plan,
    /// What says yes.
    pub consent: Consent,
    /// When it was opened.
    pub opened: Timestamp,
    /// When the key that opened it was last heard: one that is held down does not say yes.
    pub heard: Timestamp,
}

/// What says yes to a plan.
#[derive(Debug, Clone)]
pub enum Consent {
    /// `y`.
    Yes,
    /// `R` once more.
    SecondR,
    /// The release's name, typed; then `enter`.
    Name(Input),
}

impl Dialog {
    /// The line of text that is being typed in it.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Weight { input, .. } => Some(input),
            Self::Confirm(confirm) => match &mut confirm.consent {
                Consent::Name(input) => Some(input),
                Consent::Yes | Consent::SecondR => None,
            },
            _ => None,
        }
    }
}

impl Confirm {
    /// Whether what was typed is the name that was asked for.
    pub fn name_matches(&self) -> bool {
        match &self.consent {
            Consent::Name(input) => input.value().trim() == self.plan.release,
            Consent::Yes | Consent::SecondR => true,
        }
    }
}

/// A family's active revisions to choose among.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// For which release.
    pub release: String,
    /// Whose revisions.
    pub family: String,
    /// Which is marked, counted from the newest.
    pub selected: usize,
}

/// One line of the choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The revision.
    pub task_definition: TaskDefinitionArn,
    /// Its image's tag, where it was read.
    pub version: Option<String>,
    /// Runs now.
    pub current: bool,
    /// Known to have worked before.
    pub previous: bool,
}
