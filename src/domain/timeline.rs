//! The events of a release from every source, in order of time, with their origin.
//!
//! AWS keeps its own times of events, deployments, tasks and alarms. It keeps no times of changes to weights, to a
//! deployment's stages and to its pauses: those are known only as far as a console observed them, and the entry is
//! marked.

mod act;
mod alarms;
mod deployments;
mod service;
mod tasks;
#[cfg(test)]
mod tests;
mod traffic;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::ecs::names::Arn;
use super::observe::snapshot::Snapshot;
use super::release::Release;

pub use self::act::{Act, AffectedResource, By, Touch};

/// Maximum number of entries; the newest are kept.
pub const KEPT: usize = 500;

/// Similar events that follow within this time form one entry.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);

/// The subject of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An operator's act from here, and its result.
    Act,
    /// The weights of a rule.
    Traffic,
    /// A service deployment, its stages and pauses.
    Deployment,
    /// Tasks that failed.
    Tasks,
    /// An alarm's state.
    Alarm,
    /// An event message of ECS about a service.
    Service,
}

/// The origin of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Ordered from this console, or from another console whose audit this one has read.
    Ours,
    /// Caused by someone else: no order from here explains the event.
    Others,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The time; of several events in one entry, the newest.
    pub at: Timestamp,
    /// True if `at` is the time of the observation, which is later than the event; otherwise `at` is AWS's own time, or
    /// this console's time of its own act.
    pub seen: bool,
    /// A stable id.
    pub id: String,
    /// The subject.
    pub kind: Kind,
    /// The origin; `None`: no one in particular, or unknown.
    pub hand: Option<Origin>,
    /// The resource: a service, an alarm, a rule.
    pub about: String,
    /// The event as text.
    pub text: String,
    /// True if the event reports a problem.
    pub wrong: bool,
    /// Number of events in the entry.
    pub count: usize,
    /// The time of the first event in the entry.
    pub first: Timestamp,
}

/// The inputs beside the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct EventText<'a> {
    /// The orders from here for this release.
    pub acts: &'a [Act],
    /// Start of the complete record of orders from here. An earlier event may have any origin.
    pub since: Timestamp,
    /// The alarms that affect the release, by name.
    pub alarms: &'a BTreeSet<String>,
}

impl Entry {
    fn new(
        at: Timestamp,
        kind: Kind,
        id: impl Into<String>,
        about: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            at,
            seen: false,
            id: id.into(),
            kind,
            hand: None,
            about: about.into(),
            text: text.into(),
            wrong: false,
            count: 1,
            first: at,
        }
    }

    fn seen(self) -> Self {
        Self { seen: true, ..self }
    }

    fn by(self, hand: Option<Origin>) -> Self {
        Self { hand, ..self }
    }

    fn wrong(self, wrong: bool) -> Self {
        Self { wrong, ..self }
    }
}

impl Kind {
    /// The subject in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Traffic => "traffic",
            Self::Deployment => "deploy",
            Self::Tasks => "tasks",
            Self::Alarm => "alarm",
            Self::Service => "service",
        }
    }
}

/// The events of a release, newest first, at most [`KEPT`].
pub fn timeline(snapshot: &Snapshot, release: &Release, told: &EventText<'_>) -> Vec<Entry> {
    let services: Vec<_> = release.services().map(|side| &side.service).collect();
    // At equal times an order counts as older than its effects, and the effects as older than its end.
    let mut entries = act::ends(told.acts);
    entries.extend(traffic::entries(snapshot, release, told));
    entries.extend(deployments::entries(snapshot, &services, told));
    entries.extend(tasks::entries(snapshot, &services));
    entries.extend(alarms::entries(snapshot, told.alarms));
    entries.extend(service::entries(snapshot, &services));
    entries.extend(act::orders(told.acts));
    entries.sort_by_key(|entry| Reverse(entry.at));
    entries.truncate(KEPT);
    entries
}

/// The origins of a release's deployments; deployments of unknown origin are left out.
pub fn starters(snapshot: &Snapshot, release: &Release, told: &EventText<'_>) -> BTreeMap<Arn, Origin> {
    let services: Vec<_> = release.services().map(|side| &side.service).collect();
    deployments::whose(snapshot, &services, told)
}
