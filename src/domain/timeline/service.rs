//! Event messages of ECS about the services, with repeats folded.

use std::collections::BTreeMap;

use super::{Entry, Kind, TOGETHER};
use crate::domain::ecs::names::ServiceKey;
use crate::domain::ecs::service::ServiceEvent;
use crate::domain::observe::snapshot::Snapshot;

/// The part of a message that is read; messages of AWS are shorter.
const LONGEST: usize = 4_096;

/// Words in ECS messages that report a problem.
const WRONG: [&str; 7] = ["unable", "failed", "unhealthy", "error", "rolling back", "rolled back", "not stabilize"];

/// Event messages of ECS. Messages that differ only in their tasks and follow one another closely form one entry.
pub(super) fn entries(snapshot: &Snapshot, services: &[&ServiceKey]) -> Vec<Entry> {
    let services = services.iter().filter_map(|key| snapshot.service(key));
    services.flat_map(|service| of(&service.key, &service.events)).collect()
}

fn of(service: &ServiceKey, events: &[ServiceEvent]) -> Vec<Entry> {
    let mut alike: BTreeMap<String, Vec<(&ServiceEvent, String)>> = BTreeMap::new();
    for event in events {
        let message = without_name(&event.message);
        alike.entry(shape(&message)).or_default().push((event, message));
    }
    let mut entries = Vec::new();
    for mut events in alike.into_values() {
        // AWS repeats an event in every answer, and sometimes twice in one.
        events.sort_by(|(one, _), (other, _)| (one.at, &one.id).cmp(&(other.at, &other.id)));
        events.dedup_by(|(one, _), (other, _)| one.id == other.id);
        for together in events.chunk_by(|(before, _), (after, _)| after.at.duration_since(before.at) <= TOGETHER) {
            let (Some((first, _)), Some((newest, message))) = (together.first(), together.last()) else { continue };
            let wrong = WRONG.iter().any(|word| message.contains(word));
            let entry = Entry::new(newest.at, Kind::Service, &*first.id, &*service.service, &**message).wrong(wrong);
            entries.push(Entry { count: together.len(), first: first.at, ..entry });
        }
    }
    entries
}

/// The message without its prefix `(service NAME)`; the entry names the service.
fn without_name(message: &str) -> String {
    let message: String = message.chars().take(LONGEST).collect();
    match message.strip_prefix("(service ").and_then(|rest| rest.split_once(") ")) {
        Some((_, rest)) => rest.to_owned(),
        None => message,
    }
}

/// The common form of messages that differ only in their numbers and in the tasks and targets that they name.
fn shape(message: &str) -> String {
    let word = |word: &str| {
        let letters = || word.chars().filter(|c| c.is_alphanumeric());
        // Ids are hexadecimal, addresses are numbers; a word of letters only is neither.
        let named = letters().any(|c| c.is_ascii_digit()) && letters().all(|c| c.is_ascii_hexdigit());
        if named { "#".to_owned() } else { word.to_owned() }
    };
    message.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}
