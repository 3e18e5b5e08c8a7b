//! The targets of a release's target groups.

use std::cmp::Reverse;

use jiff::SignedDuration;

use crate::console::state::list::{List, Listed};
use crate::console::state::observed::Observed;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::{Health, Target, TargetGroup, TargetState, target_group_name};
use crate::domain::ecs::service::Task;
use crate::domain::format::minutes;
use crate::domain::observe::snapshot::{Query, Reading, Since};
use crate::domain::release::{Release, Side};

/// The sort orders.
pub const ORDERS: &[&str] = &["worst first", "by zone", "by address"];

/// A target group with its targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Section<'a> {
    /// The ARN of the target group.
    pub group: &'a Arn,
    /// The side whose tasks register in the group, with true for the canary; `None`: no side uses the group at present.
    pub side: Option<(&'a Side, bool)>,
    /// The group's settings, if they were read.
    pub settings: Option<&'a TargetGroup>,
    /// The health of the group's targets.
    pub reading: Option<&'a Reading<Health>>,
    /// The lines of the section.
    pub rows: Vec<Row<'a>>,
}

/// A target.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    id: String,
    /// The target group.
    pub group: &'a Arn,
    /// The target.
    pub target: &'a Target,
    /// The task with the target's address, if one was read.
    pub task: Option<&'a Task>,
    /// The start of draining, while the target drains.
    pub draining: Option<Since>,
}

/// The remaining time of a draining target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The start of draining was observed.
    About(SignedDuration),
    /// Draining began before the first observation.
    AtMost(SignedDuration),
    /// The deregistration delay is not known; the target has been draining for at least this time.
    Unknown(SignedDuration),
}

impl Left {
    /// The remaining time of a target that drains since `since`, with a deregistration delay in seconds.
    pub fn of(since: Since, delay: Option<u32>, now: jiff::Timestamp) -> Self {
        let for_now = now.duration_since(since.at).max(SignedDuration::ZERO);
        let Some(delay) = delay.map(|delay| SignedDuration::from_secs(delay.into())) else {
            return Self::Unknown(for_now);
        };
        let left = delay.saturating_sub(for_now).max(SignedDuration::ZERO);
        if since.seen { Self::About(left) } else { Self::AtMost(left) }
    }

    /// The remaining time in words: `about 4 min 10 s left`.
    pub fn words(self) -> String {
        match self {
            Self::About(left) | Self::AtMost(left) if left.is_zero() => "its delay is over".to_owned(),
            Self::About(left) => format!("about {} left", minutes(left)),
            Self::AtMost(left) => format!("at most {} left", minutes(left)),
            Self::Unknown(since) => format!("for {}; its delay is not known", minutes(since)),
        }
    }
}

impl Listed for Row<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn text(&self) -> String {
        let (address, group) = (self.target.address(), target_group_name(self.group));
        let mut said = vec![format!("{address} in {group}: {}", word(&self.target.state)), self.group.to_string()];
        said.extend(self.target.zone.clone());
        said.extend(self.target.reason.clone());
        said.extend(self.target.description.clone());
        said.extend(self.task.map(|task| format!("task {} of {}", task.id(), task.task_definition)));
        said.join("\n")
    }
}

/// The state of a target, as in the load balancer's API.
pub fn word(state: &TargetState) -> &str {
    match state {
        TargetState::Healthy => "healthy",
        TargetState::Unhealthy => "unhealthy",
        TargetState::Initial => "initial",
        TargetState::Draining => "draining",
        TargetState::Unused => "unused",
        TargetState::Other(other) => other,
    }
}

/// All lines, in the chosen order.
pub fn rows<'a>(observed: &'a Observed, list: &List, release: &'a Release) -> Vec<Row<'a>> {
    sections(observed, list, release).into_iter().flat_map(|section| section.rows).collect()
}

/// The target groups of a release: the canary's, stable's, then other groups of its services, such as the one of the
/// next deployment.
fn groups<'a>(observed: &'a Observed, release: &'a Release) -> Vec<(&'a Arn, Option<(&'a Side, bool)>)> {
    let sides = release.canary.iter().map(|side| (side, true)).chain([(&release.stable, false)]);
    let mut groups: Vec<(&Arn, _)> = Vec::new();
    let of_sides = sides.clone().filter_map(|side| Some((side.0.target_group.as_ref()?, Some(side))));
    let services = sides.filter_map(|(side, _)| observed.snapshot.service(&side.service));
    let others = services.flat_map(|service| &service.target_groups).map(|group| (group, None));
    for (group, side) in of_sides.chain(others) {
        if !groups.iter().any(|(had, _)| *had == group) {
            groups.push((group, side));
        }
    }
    groups
}

/// Queries while the view is open: the settings of all groups, and the health of groups without a side, which nothing
/// else queries.
pub(crate) fn wanted(observed: &Observed, release: &Release) -> Vec<Query> {
    let groups = groups(observed, release);
    let idle: Vec<_> = groups.iter().filter(|(_, side)| side.is_none()).map(|(group, _)| (*group).clone()).collect();
    let all: Vec<_> = groups.into_iter().map(|(group, _)| group.clone()).collect();
    let mut wanted = Vec::new();
    if !all.is_empty() {
        wanted.push(Query::TargetGroups(all));
    }
    if !idle.is_empty() {
        wanted.push(Query::Health(idle));
    }
    wanted
}

/// The target groups with their targets.
pub fn sections<'a>(observed: &'a Observed, list: &List, release: &'a Release) -> Vec<Section<'a>> {
    let snapshot = &observed.snapshot;
    let services = release.sides().map(|side| &side.service);
    let tasks: Vec<_> = services.filter_map(|service| Some((service, snapshot.tasks.get(service)?.get()?))).collect();
    // An address may have belonged to another task before, even of another service: its present task is meant.
    let behind = |target: &Target, side: Option<(&Side, bool)>| {
        let own = |service: &ServiceKey| side.is_none_or(|(side, _)| side.service == *service);
        let of_group = tasks.iter().filter(|(service, _)| own(service)).flat_map(|(_, tasks)| tasks.iter());
        let with = of_group.filter(|task| task.is_behind(target));
        with.min_by_key(|task| (task.stopped(), Reverse(task.created_at)))
    };
    let section = |(group, side)| {
        let reading = snapshot.health.get(group);
        let targets = reading.and_then(|reading| reading.get()).map(|health| health.targets.as_slice());
        let row = |target: &'a Target| Row {
            id: format!("{group} {} {:?}", target.id, target.port),
            group,
            target,
            task: behind(target, side),
            draining: snapshot.noticed.draining(group, target),
        };
        let mut rows: Vec<_> = targets.unwrap_or_default().iter().map(row).collect();
        let place = |row: &Row<'_>| (row.target.id.clone(), row.target.port);
        match list.order {
            0 => rows.sort_by_key(|row| (rank(&row.target.state), place(row))),
            1 => rows.sort_by_key(|row| (row.target.zone.clone(), rank(&row.target.state), place(row))),
            _ => rows.sort_by_key(place),
        }
        if list.reversed {
            rows.reverse();
        }
        let settings = snapshot.target_groups.get(group).and_then(|reading| reading.get());
        Section { group, side, settings, reading, rows }
    };
    groups(observed, release).into_iter().map(section).collect()
}

fn rank(state: &TargetState) -> u8 {
    match state {
        TargetState::Unhealthy => 0,
        TargetState::Other(_) => 1,
        TargetState::Initial => 2,
        TargetState::Unused => 3,
        TargetState::Draining => 4,
        TargetState::Healthy => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{ago, now};

    #[test]
    fn what_is_left_of_draining_is_only_about_as_long_as_its_beginning_was_seen() {
        let left = |seconds, seen, delay| Left::of(Since { at: ago(seconds), seen }, delay, now()).words();
        assert_eq!(left(50, true, Some(300)), "about 4 min 10 s left");
        assert_eq!(left(0, false, Some(300)), "at most 5 min left");
        assert_eq!(left(310, true, Some(300)), "its delay is over");
        assert_eq!(left(50, true, None), "for 50 s; its delay is not known");
    }
}
