//! The fleet's list: the marked release, the search, the order.

use crate::console::state::list::Find;
use crate::domain::release::Release;

/// The fleet's own state.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// The marked release, by name.
    pub selected: Option<String>,
    /// Whether the operator has moved the mark; until then it is on the most urgent line.
    pub moved: bool,
    /// What is searched for.
    pub find: Find,
    /// In which order its lines are.
    pub order: FleetOrder,
    /// Whether that is turned round.
    pub reversed: bool,
}

/// The orders of the fleet's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum FleetOrder {
    /// What needs somebody first.
    #[default]
    Urgency,
    /// By name.
    Name,
    /// By method, then by name.
    Method,
}

/// The text of a release that a search on the fleet looks at.
pub fn searched(release: &Release) -> String {
    format!("{} {} {} {}", release.name, release.method, release.phase, release.newest().task_definition)
}

impl Fleet {
    /// The releases as they are listed: filtered, in the chosen order.
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
        // A release that was marked by hand stays marked while it is hidden: a key never falls to the line below.
        if let Some(moved) = releases.iter().find(|release| self.moved && marked(release)) {
            return Some(moved);
        }
        let lines = self.lines(releases);
        lines.iter().find(|release| marked(release)).or(lines.first()).copied()
    }

    /// Whether the most urgent release is the first line.
    pub fn urgent_first(&self) -> bool {
        self.order == FleetOrder::Urgency && !self.reversed
    }
}
