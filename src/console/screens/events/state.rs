//! What happened to a release: the lines, and which kinds of them are shown.

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

/// Which entries are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Shown {
    /// All of them.
    #[default]
    All,
    /// Tasks that failed.
    Tasks,
    /// Deployments and the traffic that they move.
    Deployment,
    /// Alarms.
    Alarms,
    /// What was done from here.
    Ours,
    /// What somebody else did.
    Others,
    /// What ECS says.
    Service,
}

impl Shown {
    /// Whether an entry is among them.
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

/// The view's own state.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// Which entries are shown.
    pub shown: Shown,
}

/// All that happened, whichever kinds are shown; newest first.
pub fn all(observed: &Observed, acts: &Acts, release: &Release) -> Vec<Entry> {
    let alarms = alarms::names(release, &observed.snapshot, &observed.settings);
    timeline::timeline(&observed.snapshot, release, &told(acts, release, &alarms))
}

/// Who started its deployments, as far as that is known.
pub fn starters(observed: &Observed, acts: &Acts, release: &Release) -> BTreeMap<Arn, Origin> {
    timeline::starters(&observed.snapshot, release, &told(acts, release, &BTreeSet::new()))
}

fn told<'a>(acts: &'a Acts, release: &Release, alarms: &'a BTreeSet<String>) -> EventText<'a> {
    EventText { acts: acts.of(&release.name), since: acts.since, alarms }
}

/// Every line of the kinds that are shown, newest first unless the order is reversed.
pub fn rows(observed: &Observed, acts: &Acts, events: &Events, list: &List, release: &Release) -> Vec<Row> {
    let shown = |entry: &Entry| events.shown.has(entry);
    let mut rows: Vec<_> = all(observed, acts, release).into_iter().filter(shown).map(Row).collect();
    if list.reversed {
        rows.reverse();
    }
    rows
}

impl Events {
    /// Shows the next kind of which there are entries.
    pub(crate) fn next_kinds(&mut self, all: &[Entry]) {
        for _ in Shown::iter() {
            self.shown = next(self.shown);
            if all.iter().any(|entry| self.shown.has(entry)) {
                break;
            }
        }
    }
}
