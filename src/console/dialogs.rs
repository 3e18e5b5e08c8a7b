//! The dialogs: questions to the operator before an act.

pub mod palette;
pub(crate) mod view;

use std::collections::BTreeSet;

use jiff::Timestamp;
use tui_input::Input;

use self::palette::Palette;
use super::links::CopyMenu;
use super::state::observed::Observed;
use crate::domain::confirm;
use crate::domain::confirm::Confirmation;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::{Intent, Plan, Refusal};
use crate::domain::release::Release;
use crate::domain::settings::Settings;

/// The dialog on top of the screen.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// Confirmation of a plan.
    Confirm(Box<Confirm>),
    /// Input of a share.
    Weight {
        /// The release.
        release: String,
        /// The typed share, in percent.
        input: Input,
        /// The reason why the typed text is not a valid share.
        error: Option<String>,
    },
    /// Choice of a revision.
    Revisions(Revisions),
    /// Confirmation of automatic stepping.
    AutoPromotion {
        /// The release.
        release: String,
        /// The consent to be given.
        consent: Consent,
        /// The time when the dialog was first drawn.
        drawn: Option<Timestamp>,
    },
    /// A refusal: there is no plan.
    Refused {
        /// The intent, in words.
        title: String,
        /// The reason and the remedy.
        refusal: Refusal,
        /// The release and the intent. Once they can be planned, the refusal is outdated.
        of: Option<(String, Intent)>,
    },
    /// A dialog with a text field that has closed by itself. The rest of the operator's typing would otherwise act as
    /// keys, for example an `R`: only `esc` and `enter` are accepted.
    Closed {
        /// The reason why the dialog closed.
        why: String,
    },
    /// The palette: services, views and acts by a few letters.
    Palette(Palette),
    /// Texts to paste elsewhere: a shell command for a task, links to AWS's console.
    CopyMenu(CopyMenu),
    /// The list of keys.
    Help {
        /// The number of keys scrolled off the top, where not all fit.
        top: usize,
    },
}

/// A plan that waits for confirmation.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The plan, call by call.
    pub plan: Plan,
    /// The consent to be given.
    pub consent: Consent,
    /// The alternative intents that have a plan, including the present one.
    pub ways: Vec<Intent>,
    /// The time when the present plan was first drawn: no key confirms before.
    pub drawn: Option<Timestamp>,
    /// True if the dialog shows the calls, step by step.
    pub details: bool,
}

/// The consent that a plan needs.
#[derive(Debug, Clone)]
pub enum Consent {
    /// `y`.
    Yes,
    /// The release's name, typed; then `enter`.
    Name(Input),
    /// A reason, after the name: the plan is gated. Typed; then `enter`.
    Reason {
        /// The typed name, kept for going back to that field.
        name: Input,
        /// The typed reason.
        why: Input,
    },
}

impl Consent {
    /// The consent for a required confirmation; `None` if no confirmation is required. A reason follows the name.
    pub(crate) fn of(confirmation: Confirmation) -> Option<Self> {
        match confirmation {
            Confirmation::None => None,
            Confirmation::Yes => Some(Self::Yes),
            Confirmation::Name | Confirmation::Reason | Confirmation::NameAndReason => {
                Some(Self::Name(Input::default()))
            }
        }
    }

    /// The text field that is being typed into.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Name(input) | Self::Reason { why: input, .. } => Some(input),
            Self::Yes => None,
        }
    }

    /// Returns true if letters are typed into a text field.
    pub fn accepts_text(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Reason { .. })
    }

    /// Returns true if the typed name is the release's.
    pub fn names(&self, release: &str) -> bool {
        match self {
            Self::Name(input) | Self::Reason { name: input, .. } => input.value().trim() == release,
            Self::Yes => true,
        }
    }
}

impl Dialog {
    /// The time when a dialog was first drawn; `None` for a dialog that no key can confirm.
    fn drawn(&mut self) -> Option<&mut Option<Timestamp>> {
        match self {
            Self::Confirm(confirm) => Some(&mut confirm.drawn),
            Self::AutoPromotion { drawn, .. } => Some(drawn),
            _ => None,
        }
    }

    /// Returns true if a dialog can be confirmed and was not drawn yet.
    pub fn awaits_drawing(&mut self) -> bool {
        self.drawn().is_some_and(|drawn| drawn.is_none())
    }

    /// Records that the dialog was drawn.
    pub(crate) fn was_drawn(&mut self, at: Timestamp) {
        if let Some(drawn) = self.drawn() {
            drawn.get_or_insert(at);
        }
    }

    /// The dialog's text field.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Weight { input, .. } => Some(input),
            Self::Confirm(confirm) => confirm.consent.input(),
            Self::AutoPromotion { consent, .. } => consent.input(),
            Self::Palette(palette) => Some(&mut palette.typed),
            _ => None,
        }
    }
}

impl Confirm {
    /// The next alternative intent; `None` if there is only one.
    pub fn next_way(&self) -> Option<&Intent> {
        let at = self.ways.iter().position(|way| *way == self.plan.intent)?;
        self.ways.iter().cycle().nth(at + 1).filter(|next| **next != self.plan.intent)
    }

    /// Returns true if another revision can be chosen for the rollback: with no release in flight, the rollback is an
    /// ordinary deployment. If the plan registers a copy of the last good revision, such a copy may already be
    /// registered.
    pub fn can_choose(&self, observed: &Observed) -> bool {
        (self.plan.intent.is_rollback() || matches!(self.plan.intent, Intent::Register { .. }))
            && observed
                .release(&self.plan.release)
                .is_some_and(|release| release.canary.is_none() && !release.in_flight())
    }

    /// Returns true if the typed name is the release's.
    pub fn name_matches(&self) -> bool {
        self.consent.names(&self.plan.release)
    }

    /// The typed reason, if it is legible.
    pub fn reason(&self) -> Option<String> {
        let Consent::Reason { why, .. } = &self.consent else { return None };
        confirm::reason(why.value()).map(str::to_owned)
    }

    /// Returns true if a reason is asked for once the name is typed.
    pub(crate) fn wants_reason(&self, settings: &Settings) -> bool {
        matches!(self.consent, Consent::Name(_)) && self.needs_reason(settings)
    }

    /// Returns true if the plan's gate, as it is now, requires a reason.
    pub(crate) fn needs_reason(&self, settings: &Settings) -> bool {
        confirm::forward(settings, self.plan.gate.as_ref()).needs_reason()
    }
}

/// A choice among the active revisions of a family.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// The release.
    pub release: String,
    /// The family of the revisions.
    pub family: String,
    /// Index of the marked revision, counted from the newest; `None`: no choice yet.
    pub selected: Option<usize>,
    /// The purpose of the choice.
    pub purpose: Purpose,
}

impl Revisions {
    /// The index of the marked line: the chosen one, else the first revision that is not running and not known to be
    /// bad.
    pub fn marked(&self, choices: &[Choice]) -> usize {
        let sound = |choice: &Choice| !choice.current && choice.known_bad.is_none() && !choice.rolled_back_from;
        let first = || choices.iter().position(sound).unwrap_or(0);
        self.selected.unwrap_or_else(first).min(choices.len().saturating_sub(1))
    }

    /// The revisions to choose from, newest first.
    pub fn choices(&self, observed: &Observed) -> Vec<Choice> {
        let Some(release) = observed.release(&self.release) else { return Vec::new() };
        let family = observed.snapshot.families.get(&self.family).and_then(|reading| reading.get());
        let known = |release: &Release, arn: &TaskDefinitionArn| {
            release.previous.iter().find(|good| good.task_definition == *arn).cloned()
        };
        let line = |arn: &TaskDefinitionArn| Choice {
            task_definition: arn.clone(),
            version: observed
                .snapshot
                .task_definition(arn)
                .and_then(|definition| definition.version())
                .map(str::to_owned),
            current: release.stable.task_definition == *arn,
            previous: known(release, arn).is_some_and(|good| !good.rolled_back_from),
            rolled_back_from: known(release, arn).is_some_and(|good| good.rolled_back_from),
            known_bad: release.known_against(arn).map(ToString::to_string),
        };
        let active = family.into_iter().flatten();
        match self.purpose {
            Purpose::Start => active.map(line).collect(),
            // Revisions that are known to have worked come first; revisions that cannot be deployed are left out.
            Purpose::Rollback => {
                let good = release.previous.iter().filter(|good| good.active != Some(false));
                let mut seen = BTreeSet::from([&release.stable.task_definition]);
                let all = good.map(|good| &good.task_definition).chain(active);
                all.filter(|arn| seen.insert(*arn)).map(line).collect()
            }
        }
    }
}

/// The purpose of choosing a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To release the revision.
    Start,
    /// To roll back to the revision.
    Rollback,
}

/// A revision to choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The revision.
    pub task_definition: TaskDefinitionArn,
    /// The tag of its image, if the task definition was read.
    pub version: Option<String>,
    /// True if stable runs the revision.
    pub current: bool,
    /// True if the revision is known to have worked before.
    pub previous: bool,
    /// True if the revision is known to have run and to have been rolled back.
    pub rolled_back_from: bool,
    /// The recent failure or rollback of the revision, in words.
    pub known_bad: Option<String>,
}
