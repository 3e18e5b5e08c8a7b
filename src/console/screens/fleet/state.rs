//! The fleet's list: the marked release, the search, the sort order.

use crate::console::state::list::Find;
use crate::domain::release::Release;

/// The state of the fleet screen.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// The name of the marked release.
    pub selected: Option<String>,
    /// True once the operator has moved the mark; until then the most urgent release is marked.
    pub moved: bool,
    /// The search.
    pub find: Find,
    /// The sort order.
    pub order: FleetOrder,
    /// True if the sort order is reversed.
    pub reversed: bool,
}

/// The sort orders of the fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum FleetOrder {
    /// By urgency: releases that need an operator first.
    #[default]
    Urgency,
    /// By name.
    Name,
    /// By method, then by name.
    Method,
}

/// The text that a search on the fleet looks at.
pub fn searched(release: &Release) -> String {
    format!("{} {} {} {}", release.name, release.method, release.phase, release.newest().task_definition)
}

impl Fleet {
    /// The listed releases: filtered, in the chosen order.
    pub fn lines<'a>(&self, releases: &'a [Release]) -> Vec<&'a Release> {
        let shown = |release: &&Release| !self.find.only || self.find.matches(&searched(release));
        let mut lines: Vec<_> = releases.iter().filter(shown).collect();
        match self.order {
            FleetOrder::Urgency => lines.sort_by_key(|release| (release.urgency(), release.name.clone())),
            FleetOrder::Name => lines.sort_by_key(|release| release.name.clone()),
            FleetOrder::Method => lines.sort_by_key(|release| (release.method.to_string(), release.name.clone())),
        }
        if self.reversed {
            lines.reverse();
        }
        lines
    }

    /// The marked release.
    pub fn marked<'a>(&self, releases: &'a [Release]) -> Option<&'a Release> {
        let marked = |release: &Release| Some(release.name.as_str()) == self.selected.as_deref();
        // A release that the operator marked stays marked while it is hidden: a key must not act on the next line
        // instead.
        if let Some(moved) = releases.iter().find(|release| self.moved && marked(release)) {
            return Some(moved);
        }
        let lines = self.lines(releases);
        lines.iter().find(|release| marked(release)).or(lines.first()).copied()
    }

    /// Returns true if the most urgent release is the first line.
    pub fn urgent_first(&self) -> bool {
        self.order == FleetOrder::Urgency && !self.reversed
    }
}
