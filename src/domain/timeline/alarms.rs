//! Alarms: the start of each alarm's present state, and the observed changes.

use std::collections::BTreeSet;

use super::{Entry, Kind};
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::observe::snapshot::Snapshot;

/// The events of these alarms.
pub(super) fn entries(snapshot: &Snapshot, names: &BTreeSet<String>) -> Vec<Entry> {
    names.iter().flat_map(|name| of(snapshot, name)).collect()
}

fn of(snapshot: &Snapshot, name: &str) -> Vec<Entry> {
    let changes = snapshot.alarm_changes.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut entries: Vec<_> = changes
        .iter()
        .map(|change| {
            entry(change.at, &change.after, format!("{} → {}", word(&change.before), word(&change.after.state)))
        })
        .collect();
    // Without an observed change, CloudWatch still reports the start of the state.
    let now = snapshot.alarms.get(name).and_then(|reading| reading.get());
    let told = |alarm: &Alarm| changes.iter().any(|change| change.after.since == alarm.since);
    if let Some((alarm, since)) = now.filter(|alarm| !told(alarm)).and_then(|alarm| Some((alarm, alarm.since?))) {
        entries.push(entry(since, alarm, word(&alarm.state).to_owned()));
    }
    entries
}

fn entry(seen: jiff::Timestamp, alarm: &Alarm, what: String) -> Entry {
    let at = alarm.since.unwrap_or(seen);
    let reason = alarm.reason.as_deref().filter(|reason| !reason.is_empty());
    let text = reason.map_or(what.clone(), |reason| format!("{what}: {reason}"));
    let id = format!("{} {at}", alarm.name);
    let entry = Entry::new(at, Kind::Alarm, id, &*alarm.name, text).wrong(alarm.state == AlarmState::Alarm);
    Entry { seen: alarm.since.is_none(), ..entry }
}

fn word(state: &AlarmState) -> &str {
    match state {
        AlarmState::Ok => "OK",
        AlarmState::Alarm => "in ALARM",
        AlarmState::InsufficientData => "INSUFFICIENT_DATA",
        AlarmState::Other(other) => other,
    }
}
