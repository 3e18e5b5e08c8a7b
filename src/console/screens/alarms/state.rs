//! The alarms in scope of a release: those that fail its canary, and those that make ECS roll back.

use crate::console::state::list::{List, Listed};
use crate::console::state::observed::Observed;
use crate::domain::analysis::alarms;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::observe::snapshot::Reading;
use crate::domain::release::Release;
use crate::domain::rollback::readiness;

/// The sort orders.
pub const ORDERS: &[&str] = &["worst first", "by name", "newest change first"];

/// An alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The name of the alarm.
    pub name: String,
    /// The reading of the alarm; `None`: not queried yet.
    pub reading: Option<&'a Reading<Alarm>>,
    /// The reasons why the alarm is in scope.
    pub why: Vec<&'static str>,
}

impl Row<'_> {
    /// The alarm, if it was read.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.reading.and_then(|reading| reading.get())
    }
}

impl Listed for Row<'_> {
    fn id(&self) -> &str {
        &self.name
    }

    fn text(&self) -> String {
        let mut said = vec![format!("alarm {}: {}", self.name, word(self)), self.why.join(", ")];
        if let Some(alarm) = self.alarm() {
            said.extend(alarm.since.map(|since| format!("since {since}")));
            said.extend(alarm.reason.clone());
        }
        said.extend(self.reading.and_then(Reading::failing).map(|fault| fault.headline()));
        said.join("\n")
    }
}

/// The state of the alarm as in CloudWatch's API, or `unknown`.
pub fn word<'a>(row: &'a Row<'_>) -> &'a str {
    match row.alarm().map(|alarm| &alarm.state) {
        Some(AlarmState::Ok) => "OK",
        Some(AlarmState::Alarm) => "ALARM",
        Some(AlarmState::InsufficientData) => "INSUFFICIENT_DATA",
        Some(AlarmState::Other(other)) => other,
        None => "unknown",
    }
}

/// All lines, in the chosen order.
pub fn rows<'a>(observed: &'a Observed, list: &List, release: &'a Release) -> Vec<Row<'a>> {
    let snapshot = &observed.snapshot;
    let configured = observed.settings.alarms_of(&release.name);
    let of_ecs = readiness::alarm_names(release);
    let of_canary = release.canary.as_ref().filter(|canary| canary.service != release.stable.service);
    let of_canary = of_canary.and_then(|canary| snapshot.service(&canary.service)?.configuration.alarms.as_ref());
    let row = |name: String| {
        let mut why = Vec::new();
        if configured.contains(&name) {
            why.push("configured: fails the verdict");
        }
        let watched = of_ecs.contains(&name.as_str())
            || of_canary.is_some_and(|alarms| alarms.enable && alarms.names.contains(&name));
        if watched {
            why.push("deployment alarm: ECS watches it");
        }
        Row { reading: snapshot.alarms.get(&name), why, name }
    };
    let mut rows: Vec<_> = alarms::names(release, snapshot, &observed.settings).into_iter().map(row).collect();
    let since = |row: &Row<'_>| row.alarm().and_then(|alarm| alarm.since);
    match list.order {
        0 => rows.sort_by_key(|row| (rank(row), row.name.clone())),
        1 => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        _ => rows.sort_by_key(|row| std::cmp::Reverse(since(row))),
    }
    if list.reversed {
        rows.reverse();
    }
    rows
}

fn rank(row: &Row<'_>) -> u8 {
    match row.alarm().map(|alarm| &alarm.state) {
        Some(AlarmState::Alarm) => 0,
        // An unknown state may be as bad.
        None => 1,
        Some(AlarmState::Other(_)) => 2,
        Some(AlarmState::InsufficientData) => 3,
        Some(AlarmState::Ok) => 4,
    }
}
