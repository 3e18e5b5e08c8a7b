//! Acts of this console, and the changes in AWS that the acts explain.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Entry, Kind, Origin};
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId};
use crate::domain::plan::Call;

/// Maximum lead of an observed change over its call: a query sent before a write may be answered after the write, and
/// shows its effect.
const LOOKED_BEFORE: SignedDuration = SignedDuration::from_secs(10);

/// Time after the end of an operation in which the effect of its calls can show: a write without a response may still
/// take effect.
const SHOWS_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// The origin of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A key in a console.
    Key,
    /// Automatic promotion in a console.
    Automatic,
    /// A command.
    Command,
}

/// An operation that was ordered with this console, or with another one that wrote the same audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// The operation's id.
    pub id: String,
    /// Time of the order.
    pub at: Timestamp,
    /// Title of the plan.
    pub title: String,
    /// The origin of the order.
    pub by: By,
    /// The operator who ordered it, if known.
    pub who: Option<String>,
    /// The reason that the operator typed, or the grounds on which the console acted.
    pub why: Option<String>,
    /// The calls that were sent, and the resources that each one changes.
    pub touches: Vec<Touch>,
    /// Time and outcome in words, and true if something is wrong with the outcome.
    pub ended: Option<(Timestamp, String, bool)>,
}

impl Act {
    /// Records that AWS refused the call of a step, or that the call was not sent after all: it explains no change.
    pub fn withdraw(&mut self, step: usize) {
        self.touches.retain(|touch| touch.step != step || touch.verified.is_some());
    }
}

/// A call that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// Time of the call.
    pub at: Timestamp,
    /// Time at which the expected change was read back.
    pub verified: Option<Timestamp>,
    /// 0-based index of the step in its plan.
    pub step: usize,
    /// The resource that the call changes.
    pub what: AffectedResource,
}

/// A resource that a call changes, and that somebody else could change as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AffectedResource {
    /// A rule's weights.
    Weights {
        /// The rule.
        route: RouteId,
        /// The weights that were written; other weights stayed.
        weights: Vec<Forward>,
    },
    /// A deployment is started.
    Deployment {
        /// The service.
        service: ServiceKey,
        /// The new revision.
        task_definition: TaskDefinitionArn,
    },
    /// A deployment is rolled back.
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
    /// The resource that a call changes; `None`: the call has no effect whose author matters.
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

/// Time after a call in which its effect can show, if nobody saw the end of its operation.
const UNENDED: SignedDuration = SignedDuration::from_mins(30);

/// The calls that were sent from here and have not explained a change yet: a call explains one change, not every
/// similar one.
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

    /// Removes the call that explains a change at `at`. Returns false if there is none. Changes must be passed oldest
    /// first.
    pub(super) fn take(&mut self, at: Timestamp, explains: impl Fn(&AffectedResource) -> bool) -> bool {
        let in_time = |touch: &Touch, until: Option<Timestamp>| {
            let early = touch.at.duration_since(at) > LOOKED_BEFORE;
            // An operation without a recorded end, because no console saw it, explains changes only for a while.
            let until = until.unwrap_or(touch.at + UNENDED);
            let late = at.duration_since(until) > SHOWS_AFTER;
            !early && !late
        };
        let found = self.touches.iter().position(|(touch, until)| in_time(touch, *until) && explains(&touch.what));
        found.map(|found| self.touches.remove(found)).is_some()
    }
}

/// The entries for the orders.
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

/// The entries for the ends.
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
