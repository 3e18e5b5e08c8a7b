//! The events view: the timeline of a release, filtered by kind.

use std::collections::{BTreeMap, BTreeSet};

use strum::IntoEnumIterator;

use crate::console::state::activity::Acts;
use crate::console::state::list::{List, Listed};
use crate::console::state::observed::Observed;
use crate::console::text_field::next;
use crate::domain::analysis::alarms;
use crate::domain::ecs::names::Arn;
use crate::domain::release::Release;
use crate::domain::timeline;
use crate::domain::timeline::{Entry, EventText, Kind, Origin};

/// An entry of the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Entry);

impl Listed for Row {
    fn id(&self) -> &str {
        &self.0.id
    }

    fn text(&self) -> String {
        let Entry { at, kind, hand, about, text, count, .. } = &self.0;
        let times = if *count > 1 && *kind != Kind::Tasks { format!(" ×{count}") } else { String::new() };
        let whose = if *hand == Some(Origin::Others) { " ▲" } else { "" };
        format!("{}{whose} {} {about}{times} {text}", at.strftime("%Y-%m-%d %H:%M:%SZ"), kind.word())
    }
}

/// The filter of the entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Shown {
    /// All entries.
    #[default]
    All,
    /// Failed tasks.
    Tasks,
    /// Deployments and their traffic shifts.
    Deployment,
    /// Alarms.
    Alarms,
    /// Acts of this console.
    Ours,
    /// Acts of others.
    Others,
    /// Events of the ECS service.
    Service,
}

impl Shown {
    /// Returns true if the filter shows an entry.
    pub fn has(self, entry: &Entry) -> bool {
        match self {
            Self::All => true,
            Self::Tasks => entry.kind == Kind::Tasks,
            Self::Deployment => matches!(entry.kind, Kind::Deployment | Kind::Traffic),
            Self::Alarms => entry.kind == Kind::Alarm,
            Self::Ours => entry.hand == Some(Origin::Ours),
            Self::Others => entry.hand == Some(Origin::Others),
            Self::Service => entry.kind == Kind::Service,
        }
    }
}

/// The state of the view.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// The filter of the entries.
    pub shown: Shown,
}

/// The unfiltered timeline, newest first.
pub fn all(observed: &Observed, acts: &Acts, release: &Release) -> Vec<Entry> {
    let alarms = alarms::names(release, &observed.snapshot, &observed.settings);
    timeline::timeline(&observed.snapshot, release, &told(acts, release, &alarms))
}

/// The origin of each deployment, if known.
pub fn starters(observed: &Observed, acts: &Acts, release: &Release) -> BTreeMap<Arn, Origin> {
    timeline::starters(&observed.snapshot, release, &told(acts, release, &BTreeSet::new()))
}

fn told<'a>(acts: &'a Acts, release: &Release, alarms: &'a BTreeSet<String>) -> EventText<'a> {
    EventText { acts: acts.of(&release.name), since: acts.since, alarms }
}

/// The filtered lines, newest first unless the order is reversed.
pub fn rows(observed: &Observed, acts: &Acts, events: &Events, list: &List, release: &Release) -> Vec<Row> {
    let shown = |entry: &Entry| events.shown.has(entry);
    let mut rows: Vec<_> = all(observed, acts, release).into_iter().filter(shown).map(Row).collect();
    if list.reversed {
        rows.reverse();
    }
    rows
}

impl Events {
    /// Selects the next filter that shows at least one entry.
    pub(crate) fn next_kinds(&mut self, all: &[Entry]) {
        for _ in Shown::iter() {
            self.shown = next(self.shown);
            if all.iter().any(|entry| self.shown.has(entry)) {
                break;
            }
        }
    }
}
