//! Differences between two task definitions, by meaning: containers, variables and ports by their names.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Definition;
use super::flatten::{Item, items};

pub use super::flatten::Section;
use crate::domain::ecs::deployment::ServiceRevision;

/// The kind of difference between two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Only the newer side has the item.
    Added,
    /// Only the older side has the item.
    Removed,
    /// Both sides have the item, with different values.
    Changed,
    /// Both sides have the item, with the same value.
    Same,
}

/// One item of either side or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The section.
    pub section: Section,
    /// The path within the section, in AWS's spelling; list members by their key. Unique in its section.
    pub path: Vec<String>,
    /// The familiar name: `image tag`, `environment LOG_LEVEL`.
    pub name: String,
    /// The kind of difference.
    pub kind: Kind,
    /// The older side's value as a line, with `(hidden)` for redacted parts; `None`: no value.
    pub from: Option<String>,
    /// The newer side's value.
    pub to: Option<String>,
    /// True if a part of either value is redacted.
    pub hidden: bool,
}

impl Change {
    /// Returns true if the sides differ.
    pub fn differs(&self) -> bool {
        self.kind != Kind::Same
    }

    /// The values as a line: `1.8.2 → 1.9.0`, or the value of the only side. For changed values that look alike because
    /// they are redacted, only the change is reported.
    pub fn values(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if self.differs() && from == to && self.hidden => {
                "changed, values hidden".to_owned()
            }
            (Some(from), Some(to)) if self.differs() => {
                let said = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() };
                format!("{} → {}", said(from), said(to))
            }
            (_, Some(one)) | (Some(one), None) => one.clone(),
            (None, None) => String::new(),
        }
    }
}

/// All items of two task definitions, container by container in the newer one's order, then the task. Unchanged items
/// are included. Members that AWS adds to a revision (number, registrar, time) are excluded.
pub fn diff(from: &Definition, to: &Definition) -> Vec<Change> {
    compared(items(&from.json), items(&to.json))
}

/// The same for settings outside the task definition, with the digests of the pulled images: an image's tag may point
/// to another image today. A side without data from AWS yields no changes.
pub fn surroundings(from: &ServiceRevision, to: &ServiceRevision) -> Vec<Change> {
    let mut changes = if from.surroundings.is_empty() || to.surroundings.is_empty() {
        Vec::new()
    } else {
        compared(around(from), around(to))
    };
    let pulled = |revision: &ServiceRevision| {
        let images = revision.images.iter();
        let images = images.filter_map(|image| Some((image.container.clone(), image.digest.clone()?)));
        images.collect::<BTreeMap<_, _>>()
    };
    let (from, to) = (pulled(from), pulled(to));
    // A digest is known only once a task has pulled the image, so a digest on one side only is not a difference.
    for (container, digest) in &to {
        if let Some(before) = from.get(container) {
            changes.push(Change {
                section: Section::Container(container.clone()),
                path: vec!["imageDigest".to_owned()],
                name: "image pulled".to_owned(),
                kind: if before == digest { Kind::Same } else { Kind::Changed },
                from: Some(before.clone()),
                to: Some(digest.clone()),
                hidden: false,
            });
        }
    }
    changes
}

fn around(revision: &ServiceRevision) -> Vec<Item> {
    let lines = revision.surroundings.iter();
    let item = |(name, line): (&String, &String)| Item {
        section: Section::Service,
        path: vec![name.clone()],
        value: line.clone().into(),
    };
    lines.map(item).collect()
}

/// The older and the newer side's item at one path.
type Pair = (Option<Item>, Option<Item>);

fn compared(from: Vec<Item>, to: Vec<Item>) -> Vec<Change> {
    let mut places: BTreeMap<(Section, Vec<String>), Pair> = BTreeMap::new();
    let mut sections: Vec<Section> = Vec::new();
    let of_to = to.iter().filter(|item| item.section != Section::Task);
    let of_from = from.iter().filter(|item| item.section != Section::Task);
    let mut seen = BTreeSet::new();
    sections.extend(of_to.chain(of_from).map(|item| item.section.clone()).filter(|it| seen.insert(it.clone())));
    sections.push(Section::Task);
    for item in from {
        let place = (item.section.clone(), item.path.clone());
        places.entry(place).or_default().0 = Some(item);
    }
    for item in to {
        let place = (item.section.clone(), item.path.clone());
        places.entry(place).or_default().1 = Some(item);
    }
    let mut changes: Vec<(usize, usize, Change)> = places
        .into_values()
        .filter_map(|(from, to)| {
            let one = to.as_ref().or(from.as_ref())?;
            let section = sections.iter().position(|section| *section == one.section).unwrap_or(sections.len());
            let rank = one.rank();
            Some((section, rank, change(from, to)?))
        })
        .collect();
    // The sort is stable: within a rank, changes keep the order of their paths.
    changes.sort_by_key(|(section, rank, _)| (*section, *rank));
    changes.into_iter().map(|(.., change)| change).collect()
}

fn change(from: Option<Item>, to: Option<Item>) -> Option<Change> {
    let kind = match (&from, &to) {
        (Some(from), Some(to)) if from.value == to.value => Kind::Same,
        (Some(_), Some(_)) => Kind::Changed,
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
    };
    let hidden = [&from, &to].into_iter().flatten().any(Item::hidden);
    let (before, after) = (from.as_ref().map(Item::line), to.as_ref().map(Item::line));
    let one = to.or(from)?;
    Some(Change { name: one.name(), section: one.section, path: one.path, kind, from: before, to: after, hidden })
}

#[cfg(test)]
mod tests;
