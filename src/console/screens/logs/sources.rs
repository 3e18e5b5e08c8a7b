//! The log sources of a release's containers, the side of each task, and the logs that cannot be read here.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::ecs::names::{ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::LogDriver;
use crate::domain::logs::LogSource;
use crate::domain::logs::buffer::LogSide;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::Release;

/// A task whose log alone is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfTask {
    /// The id of the task.
    pub id: String,
    /// The revision of the task.
    pub task_definition: TaskDefinitionArn,
    /// The time at which the log begins in the view.
    pub from: Timestamp,
    /// True if the log begins with the task's creation.
    pub whole: bool,
}

/// The log sources of a release or a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The sources to read. Both sides of a release often write to the same source.
    pub read: Vec<LogSource>,
    /// The sides with at least one source to read.
    pub sides: BTreeSet<LogSide>,
    /// The reasons why other logs are not read, a sentence each.
    pub unread: Vec<String>,
}

impl Sources {
    /// The sources of a release, or of one task.
    pub(crate) fn of(snapshot: &Snapshot, release: &Release, region: &str, task: Option<&OfTask>) -> Self {
        let mut sources = Self::default();
        let all = revisions(release);
        let revisions: Vec<_> = match task {
            Some(task) => {
                let of = all.iter().find(|(_, arn)| **arn == task.task_definition);
                vec![(of.map_or(LogSide::Stable, |(whose, _)| *whose), &task.task_definition)]
            }
            None => all,
        };
        let several = revisions.len() > 1;
        for (whose, arn) in revisions {
            let reading = snapshot.task_definitions.get(arn);
            let Some(definition) = reading.and_then(|reading| reading.get()) else {
                sources.unread.push(match reading.and_then(|reading| reading.failing()) {
                    Some(fault) => format!("where {arn} logs is not known: {}. {}", fault.headline(), fault.advice),
                    None => format!("where {arn} logs is not read yet"),
                });
                continue;
            };
            if definition.logs.is_empty() {
                sources.unread.push(format!("{arn}: no container's log configuration is known"));
            }
            for (container, driver) in &definition.logs {
                match source(container, driver, region, task) {
                    Ok(source) => {
                        sources.sides.insert(whose);
                        if !sources.read.contains(&source) {
                            sources.read.push(source);
                        }
                    }
                    Err(why) => {
                        let of = if several { format!("{container} of {}", arn.tag()) } else { container.clone() };
                        sources.unread.push(format!("{of}: {why}"));
                    }
                }
            }
        }
        sources
    }
}

/// The log source of a container, or the reason why its log cannot be read.
fn source(container: &str, driver: &LogDriver, region: &str, task: Option<&OfTask>) -> Result<LogSource, String> {
    match driver {
        LogDriver::Awslogs { group, region: its, prefix: Some(prefix) } => Ok(LogSource {
            group: group.clone(),
            region: its.clone().filter(|its| its != region),
            prefix: format!("{prefix}/{container}/{}", task.map_or("", |task| &task.id)),
        }),
        LogDriver::Awslogs { group, prefix: None, .. } => Err(format!(
            "its log is in {group}, without awslogs-stream-prefix: which task wrote a line cannot be told there"
        )),
        LogDriver::Other(driver) if driver == "awsfirelens" => {
            Err("log router (awsfirelens): its log is not in CloudWatch, or where the router says".to_owned())
        }
        LogDriver::Other(driver) => Err(format!("log driver {driver}: its log is not in CloudWatch")),
        LogDriver::None => Err("no logConfiguration: its log is not in CloudWatch".to_owned()),
    }
}

/// The revisions of a release's tasks, each with its side.
pub(crate) fn revisions(release: &Release) -> Vec<(LogSide, &TaskDefinitionArn)> {
    let mut revisions: Vec<(LogSide, &TaskDefinitionArn)> = Vec::new();
    for side in release.sides() {
        for arn in std::iter::once(&side.task_definition).chain(&side.leaving) {
            let of = whose(release, &side.service, arn).unwrap_or(LogSide::Unknown);
            if !revisions.contains(&(of, arn)) {
                revisions.push((of, arn));
            }
        }
    }
    revisions
}

/// The side of a task with this service and revision; `None`: neither side.
pub fn whose(release: &Release, service: &ServiceKey, revision: &TaskDefinitionArn) -> Option<LogSide> {
    let stable = &release.stable;
    match &release.canary {
        Some(canary) if canary.service != stable.service => {
            let sides = [(&stable.service, LogSide::Stable), (&canary.service, LogSide::Canary)];
            sides.into_iter().find(|(of, _)| *of == service).map(|(_, whose)| whose)
        }
        _ if *service != stable.service => None,
        Some(canary) => {
            let sides = [(&canary.task_definition, LogSide::Canary), (&stable.task_definition, LogSide::Stable)];
            sides.into_iter().find(|(of, _)| *of == revision).map(|(_, whose)| whose)
        }
        None if !stable.leaving.is_empty() && *revision == stable.task_definition => Some(LogSide::Canary),
        None => Some(LogSide::Stable),
    }
}

/// Returns true if the lines of two sides can be told apart.
pub fn two_sides(release: &Release) -> bool {
    release.canary.is_some() || !release.stable.leaving.is_empty()
}

/// The display name of a side.
pub fn name(release: &Release, whose: LogSide) -> &'static str {
    match whose {
        LogSide::Unknown => "unknown",
        LogSide::Stable if release.canary.is_some() => "stable",
        LogSide::Canary if release.canary.is_some() => "canary",
        LogSide::Stable if two_sides(release) => "before",
        LogSide::Stable => "service",
        LogSide::Canary => "new",
    }
}

/// The main revision of a side; `None`: the side has no revision.
pub fn revision(release: &Release, whose: LogSide) -> Option<&TaskDefinitionArn> {
    let mut of = revisions(release).into_iter().filter(|(of, _)| *of == whose).map(|(_, arn)| arn);
    of.next()
}
