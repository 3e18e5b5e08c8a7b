//! Acts of this console, and the changes in AWS that they explain.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Entry, Kind, Origin};
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId};
use crate::domain::plan::Call;

/// A look that was asked for before a write can be answered after it, and shows what it wrote.
const LOOKED_BEFORE: SignedDuration = SignedDuration::from_secs(10);

/// How long after its operation's end what a call did can show: a write that went unanswered may still take effect.
const SHOWS_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// The origin of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// With a key of a console.
    Key,
    /// By a console itself, which had been told to.
    Automatic,
    /// With a command.
    Command,
}

/// An operation that was ordered from here: with this console, or with another one that wrote the same audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// By which it is known again.
    pub id: String,
    /// When it was ordered.
    pub at: Timestamp,
    /// Its plan's title.
    pub title: String,
    /// How it was ordered.
    pub by: By,
    /// Who ordered it, where that is known.
    pub who: Option<String>,
    /// What the operator typed, or what the console went by.
    pub why: Option<String>,
    /// The calls that were sent and what they change.
    pub touches: Vec<Touch>,
    /// When and how it ended, in words, and whether something is wrong with that.
    pub ended: Option<(Timestamp, String, bool)>,
}

impl Act {
    /// Takes note that AWS refused the call of a step, or that it was not sent after all: it explains no change.
    pub fn withdraw(&mut self, step: usize) {
        self.touches.retain(|touch| touch.step != step || touch.verified.is_some());
    }
}

/// A call that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// When.
    pub at: Timestamp,
    /// When what it was to change was read back.
    pub verified: Option<Timestamp>,
    /// The step of its plan, from 0.
    pub step: usize,
    /// What it changes.
    pub what: AffectedResource,
}

/// What a call changes that somebody else could change as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AffectedResource {
    /// A rule's weights.
    Weights {
        /// Which rule.
        route: RouteId,
        /// The weights that were written; others stayed.
        weights: Vec<Forward>,
    },
    /// A deployment is started.
    Deployment {
        /// Of which service.
        service: ServiceKey,
        /// To which revision.
        task_definition: TaskDefinitionArn,
    },
    /// A deployment is taken back.
    Stop {
        /// `serviceDeploymentArn`.
        deployment: Arn,
    },
    /// A pause is answered.
    Answer {
        /// `serviceDeploymentArn`.
        deployment: Arn,
        /// `hookId`.
        hook: String,
    },
}

impl AffectedResource {
    /// What a call changes; `None`: nothing that is told apart by whose doing it was.
    pub fn of(call: &Call) -> Option<Self> {
        Some(match call {
            Call::SetWeights { route, weights, .. } => Self::Weights { route: route.clone(), weights: weights.clone() },
            Call::UpdateService { service, task_definition: Some(task_definition), .. } => {
                Self::Deployment { service: service.clone(), task_definition: task_definition.clone() }
            }
            Call::StopDeployment { deployment, .. } => Self::Stop { deployment: deployment.clone() },
            Call::AnswerPause { deployment, hook, .. } => {
                Self::Answer { deployment: deployment.clone(), hook: hook.clone() }
            }
            Call::UpdateService { .. } | Call::RegisterCopy { .. } => return None,
        })
    }
}

/// How long a call whose end nobody saw may still show.
const UNENDED: SignedDuration = SignedDuration::from_mins(30);

/// What was sent from here and has not yet explained anything: a call explains one change, not every one like it.
pub(super) struct Unexplained<'a> {
    touches: Vec<(&'a Touch, Option<Timestamp>)>,
}

impl<'a> Unexplained<'a> {
    pub(super) fn new(acts: &'a [Act]) -> Self {
        let until = |act: &Act, touch: &Touch| touch.verified.or(act.ended.as_ref().map(|(at, ..)| *at));
        let of = |act: &'a Act| act.touches.iter().map(move |touch| (touch, until(act, touch)));
        let mut touches: Vec<_> = acts.iter().flat_map(of).collect();
        touches.sort_by_key(|(touch, _)| touch.at);
        Self { touches }
    }

    /// Takes the call that explains a change at that time, where there is one. Changes are asked about oldest first.
    pub(super) fn take(&mut self, at: Timestamp, explains: impl Fn(&AffectedResource) -> bool) -> bool {
        let in_time = |touch: &Touch, until: Option<Timestamp>| {
            let early = touch.at.duration_since(at) > LOOKED_BEFORE;
            // Of what never ended, for want of a console that saw it, little is explained after a while.
            let until = until.unwrap_or(touch.at + UNENDED);
            let late = at.duration_since(until) > SHOWS_AFTER;
            !early && !late
        };
        let found = self.touches.iter().position(|(touch, until)| in_time(touch, *until) && explains(&touch.what));
        found.map(|found| self.touches.remove(found)).is_some()
    }
}

/// That each was ordered.
pub(super) fn orders(acts: &[Act]) -> Vec<Entry> {
    let order = |act: &Act| {
        let by = match act.by {
            By::Key => "with a key",
            By::Automatic => "by AUTOMATIC",
            By::Command => "with a command",
        };
        let why = act.why.as_ref().map(|why| format!(", because: {why}")).unwrap_or_default();
        let text = format!("ordered {by}: {}{why}", act.title);
        entry(act, act.at, "ordered", text)
    };
    acts.iter().map(order).collect()
}

/// How each ended.
pub(super) fn ends(acts: &[Act]) -> Vec<Entry> {
    let end = |act: &Act| {
        let (at, text, wrong) = act.ended.as_ref()?;
        Some(entry(act, *at, "ended", text.clone()).wrong(*wrong))
    };
    acts.iter().filter_map(end).collect()
}

fn entry(act: &Act, at: Timestamp, what: &str, text: String) -> Entry {
    let about = act.who.clone().unwrap_or_else(|| "this console".to_owned());
    Entry::new(at, Kind::Act, format!("{} {what}", act.id), about, text).by(Some(Origin::Ours))
}
