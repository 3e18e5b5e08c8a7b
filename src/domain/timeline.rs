//! What happened to a release, from every source, in one line of time, and whose doing it was.
//!
//! AWS keeps its own times of events, deployments, tasks and alarms. Of weights, of a deployment's stages and of its pauses
//! it keeps none: those are known only as far as somebody looked, and an entry says so.

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

/// How many entries there are at the most: the newest.
pub const KEPT: usize = 500;

/// What is alike and follows within this time is one entry.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What an operator ordered from here, and what came of it.
    Act,
    /// The weights of a rule.
    Traffic,
    /// A service deployment, its stages and pauses.
    Deployment,
    /// Tasks that failed.
    Tasks,
    /// An alarm's state.
    Alarm,
    /// What ECS says of a service.
    Service,
}

/// Whose doing something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Ordered from this console, or from another whose audit this one has read.
    Ours,
    /// Somebody's, and nothing that was ordered from here explains it.
    Others,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When; of several that are one entry, the newest of them.
    pub at: Timestamp,
    /// Whether that is when it was seen, which is after it happened; else it is AWS's own time, or this console's of its own
    /// acts.
    pub seen: bool,
    /// By which it is known again.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// Whose doing it was; `None`: nobody's in particular, or that is not known.
    pub hand: Option<Origin>,
    /// Who or what it is of: a service, an alarm, a rule.
    pub about: String,
    /// What happened.
    pub text: String,
    /// Whether something is wrong.
    pub wrong: bool,
    /// How many there were.
    pub count: usize,
    /// When the first of them was.
    pub first: Timestamp,
}

/// What is known beside the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct EventText<'a> {
    /// What was ordered from here for this release.
    pub acts: &'a [Act],
    /// Since when all that was ordered from here is among them. What was before that may have been anybody's.
    pub since: Timestamp,
    /// The alarms that bear on the release, by name.
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
    /// In a word.
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

/// What happened to a release, newest first, [`KEPT`] at the most.
pub fn timeline(snapshot: &Snapshot, release: &Release, told: &EventText<'_>) -> Vec<Entry> {
    let services: Vec<_> = release.services().map(|side| &side.service).collect();
    // Of the same instant, an order comes before what it led to, and that before its end.
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

/// Who started the deployments of a release; one that may have been anybody's is not in it.
pub fn starters(snapshot: &Snapshot, release: &Release, told: &EventText<'_>) -> BTreeMap<Arn, Origin> {
    let services: Vec<_> = release.services().map(|side| &side.service).collect();
    deployments::whose(snapshot, &services, told)
}
