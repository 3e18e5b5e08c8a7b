//! What is asked before something is done.

pub mod palette;
pub(crate) mod view;

use std::collections::BTreeSet;

use jiff::Timestamp;
use tui_input::Input;

use self::palette::Palette;
use super::keymap::{BINDINGS, Key};
use super::links::CopyMenu;
use super::state::observed::Observed;
use crate::domain::confirm;
use crate::domain::confirm::Confirmation;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::{Intent, Plan, Refusal};
use crate::domain::release::Release;
use crate::domain::settings::Settings;

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
    /// Shall the console step by itself?
    AutoPromotion {
        /// For which release.
        release: String,
        /// What says yes.
        consent: Consent,
        /// When it was first drawn.
        drawn: Option<Timestamp>,
    },
    /// There is no plan: why.
    Refused {
        /// What was asked for.
        title: String,
        /// Why not.
        refusal: Refusal,
        /// The release and the intent: when there is a plan, this is no longer true.
        of: Option<(String, Intent)>,
    },
    /// A question under which was typed, and which is no longer asked. What is still being typed would else be taken for
    /// keys, and an `R` among them would act: only `esc` and `enter` are heard.
    Closed {
        /// Why it is not.
        why: String,
    },
    /// Where to, or what: services, views and acts by a few letters.
    Palette(Palette),
    /// What to paste elsewhere: a shell in a task, AWS's console.
    CopyMenu(CopyMenu),
    /// The keys.
    Help {
        /// How many of them are above the first one that is shown, where not all fit.
        top: usize,
    },
}

/// A plan before it is carried out.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The plan, call by call.
    pub plan: Plan,
    /// What says yes.
    pub consent: Consent,
    /// The ways to fulfil the same wish that have a plan; the one that is shown is among them.
    pub ways: Vec<Intent>,
    /// When it, or the way that it shows, was first drawn: only then may anything say yes.
    pub drawn: Option<Timestamp>,
}

/// What says yes to a plan.
#[derive(Debug, Clone)]
pub enum Consent {
    /// `y`.
    Yes,
    /// The release's name, typed; then `enter`.
    Name(Input),
    /// The name was typed, but the plan is gated: why all the same, typed; then `enter`.
    Reason {
        /// The name, for the way back to it.
        name: Input,
        /// Why.
        why: Input,
    },
}

impl Consent {
    /// The question for what has to be confirmed; `None` where nothing is asked. A reason is asked for after the name.
    pub(crate) fn of(confirmation: Confirmation) -> Option<Self> {
        match confirmation {
            Confirmation::None => None,
            Confirmation::Yes => Some(Self::Yes),
            Confirmation::Name | Confirmation::Reason | Confirmation::NameAndReason => {
                Some(Self::Name(Input::default()))
            }
        }
    }

    /// The line of text that is being typed.
    pub fn input(&mut self) -> Option<&mut Input> {
        match self {
            Self::Name(input) | Self::Reason { why: input, .. } => Some(input),
            Self::Yes => None,
        }
    }

    /// Whether letters are typed into it.
    pub fn accepts_text(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Reason { .. })
    }

    /// Whether what was typed is the name that was asked for.
    pub fn names(&self, release: &str) -> bool {
        match self {
            Self::Name(input) | Self::Reason { name: input, .. } => input.value().trim() == release,
            Self::Yes => true,
        }
    }
}

impl Dialog {
    /// The time when a question was first drawn; `None` where nothing is asked that a key could say yes to.
    fn drawn(&mut self) -> Option<&mut Option<Timestamp>> {
        match self {
            Self::Confirm(confirm) => Some(&mut confirm.drawn),
            Self::AutoPromotion { drawn, .. } => Some(drawn),
            _ => None,
        }
    }

    /// Whether it is a question that was not drawn yet.
    pub fn awaits_drawing(&mut self) -> bool {
        self.drawn().is_some_and(|drawn| drawn.is_none())
    }

    /// Takes note that it is on the screen.
    pub(crate) fn was_drawn(&mut self, at: Timestamp) {
        if let Some(drawn) = self.drawn() {
            drawn.get_or_insert(at);
        }
    }

    /// The line of text that is being typed in it.
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

/// The help on the smallest screen that is laid out has room for so many keys.
const HELP_ROWS: usize = 16;

/// Of which so many are passed by a page key.
const HELP_PAGE: usize = 14;

/// What is on top of the help after a key: the last of the keys stay on the screen.
pub(super) fn scroll(top: usize, key: Key) -> usize {
    let last = BINDINGS.len().saturating_sub(HELP_ROWS);
    match key {
        Key::Up | Key::Char('k') => top.saturating_sub(1),
        Key::Down | Key::Char('j') => (top + 1).min(last),
        Key::PageUp => top.saturating_sub(HELP_PAGE),
        Key::PageDown | Key::Char(' ') => (top + HELP_PAGE).min(last),
        Key::Home => 0,
        Key::End | Key::Char('G') => last,
        _ => top,
    }
}

impl Confirm {
    /// The next way to fulfil the same wish; `None` where there is but one.
    pub fn next_way(&self) -> Option<&Intent> {
        let at = self.ways.iter().position(|way| *way == self.plan.intent)?;
        self.ways.iter().cycle().nth(at + 1).filter(|next| **next != self.plan.intent)
    }

    /// Whether another revision can be chosen to go back to: while nothing is under way it is a deployment like any.
    /// Where a copy of the last that worked is all that can be offered, it may have been registered before.
    pub fn can_choose(&self, observed: &Observed) -> bool {
        (self.plan.intent.is_rollback() || matches!(self.plan.intent, Intent::Register { .. }))
            && observed
                .release(&self.plan.release)
                .is_some_and(|release| release.canary.is_none() && !release.in_flight())
    }

    /// Whether what was typed is the name that was asked for.
    pub fn name_matches(&self) -> bool {
        self.consent.names(&self.plan.release)
    }

    /// What was typed as the reason, where there is something to be read in it.
    pub fn reason(&self) -> Option<String> {
        let Consent::Reason { why, .. } = &self.consent else { return None };
        confirm::reason(why.value()).map(str::to_owned)
    }

    /// Whether a reason is still to be asked for once the name is typed.
    pub(crate) fn wants_reason(&self, settings: &Settings) -> bool {
        matches!(self.consent, Consent::Name(_)) && self.needs_reason(settings)
    }

    /// Whether the plan, as it stands now, goes on against its gate only for a reason.
    pub(crate) fn needs_reason(&self, settings: &Settings) -> bool {
        confirm::forward(settings, self.plan.gate.as_ref()).needs_reason()
    }
}

/// A family's active revisions to choose among.
#[derive(Debug, Clone)]
pub struct Revisions {
    /// For which release.
    pub release: String,
    /// Whose revisions.
    pub family: String,
    /// Which is marked, counted from the newest; `None`: none was chosen yet.
    pub selected: Option<usize>,
    /// What the choice is for.
    pub purpose: Purpose,
}

impl Revisions {
    /// The line that is marked: the chosen one, else the first that does not run and is not known to be bad.
    pub fn marked(&self, choices: &[Choice]) -> usize {
        let sound = |choice: &Choice| !choice.current && choice.known_bad.is_none() && !choice.rolled_back_from;
        let first = || choices.iter().position(sound).unwrap_or(0);
        self.selected.unwrap_or_else(first).min(choices.len().saturating_sub(1))
    }

    /// The lines of a choice among revisions, newest first.
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
            // What is known to have worked comes first; what cannot be deployed is not offered.
            Purpose::Rollback => {
                let good = release.previous.iter().filter(|good| good.active != Some(false));
                let mut seen = BTreeSet::from([&release.stable.task_definition]);
                let all = good.map(|good| &good.task_definition).chain(active);
                all.filter(|arn| seen.insert(*arn)).map(line).collect()
            }
        }
    }
}

/// What a revision is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be released.
    Start,
    /// To go back to.
    Rollback,
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
    /// Known to have run, and to have been rolled back.
    pub rolled_back_from: bool,
    /// That it failed or was rolled back lately, in words.
    pub known_bad: Option<String>,
}
