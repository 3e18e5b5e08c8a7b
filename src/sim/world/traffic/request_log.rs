//! The requests of each revision in each second of the last day. Log lines about requests are written from it.

use std::collections::{HashMap, VecDeque};

use super::demand::demand_factor;
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::elb::target_group::GroupId;
use crate::sim::world::task_definitions::catalog::DefinitionId;

/// Seconds that the log keeps. Log groups keep their lines for a day.
const RETENTION: usize = 25 * 3600;

/// A second of a revision behind a target group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Second {
    requests: u32,
    errors: u32,
    tasks: u16,
}

impl Second {
    pub(super) fn new(requests: u64, errors: u64, tasks: u32) -> Self {
        let saturate = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let tasks = u16::try_from(tasks).unwrap_or(u16::MAX);
        Self { requests: saturate(requests), errors: saturate(errors), tasks }
    }
}

/// The load of one task in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TaskLoad {
    pub(crate) requests: f64,
    /// The fraction of the requests that fails.
    pub(crate) errors: f64,
}

/// Seconds by target group and revision. Before the first second, each revision had its usual load.
#[derive(Debug)]
pub(crate) struct RequestLog {
    first: i64,
    seconds: HashMap<(GroupId, DefinitionId), VecDeque<Second>>,
    usual: HashMap<(GroupId, DefinitionId), TaskLoad>,
}

impl RequestLog {
    /// An empty log whose first second begins at `begin`.
    pub(super) fn new(begin: Ms) -> Self {
        Self { first: begin.div_euclid(SECOND), seconds: HashMap::new(), usual: HashMap::new() }
    }

    /// Sets the load at average demand, for the time before the first second.
    pub(super) fn set_usual(&mut self, group: GroupId, definition: DefinitionId, load: TaskLoad) {
        self.usual.insert((group, definition), load);
    }

    /// Records the second that ends at `now`.
    pub(super) fn record(&mut self, group: GroupId, definition: DefinitionId, now: Ms, second: Second) {
        let Ok(at) = usize::try_from(now.div_euclid(SECOND) - 1 - self.first) else {
            return;
        };
        let seconds = self.seconds.entry((group, definition)).or_default();
        seconds.resize(at, Second::default());
        seconds.push_back(second);
    }

    /// Removes seconds that are older than the retention.
    pub(crate) fn prune(&mut self, now: Ms) {
        let oldest = now.div_euclid(SECOND) - RETENTION as i64;
        let Ok(old) = usize::try_from(oldest - self.first) else {
            return;
        };
        for seconds in self.seconds.values_mut() {
            seconds.drain(..old.min(seconds.len()));
        }
        self.first = oldest;
    }

    /// The load of a revision's task in a second, counted from the epoch.
    pub(crate) fn load(&self, group: GroupId, definition: DefinitionId, second: i64) -> TaskLoad {
        let Ok(at) = usize::try_from(second - self.first) else {
            let usual = self.usual.get(&(group, definition)).copied().unwrap_or_default();
            return TaskLoad { requests: usual.requests * demand_factor(second * SECOND), ..usual };
        };
        let recorded = self.seconds.get(&(group, definition)).and_then(|s| s.get(at)).filter(|s| s.tasks > 0);
        let Some(Second { requests, errors, tasks }) = recorded.copied() else {
            return TaskLoad::default();
        };
        TaskLoad {
            requests: f64::from(requests) / f64::from(tasks),
            errors: f64::from(errors) / f64::from(requests.max(1)),
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::scenario::Scenario;
    use crate::sim::world::World;

    /// A target group and a revision of the shop scenario.
    fn search() -> (GroupId, DefinitionId) {
        let world = World::new(&Scenario::named("shop").unwrap(), 7, jiff::Timestamp::UNIX_EPOCH);
        let account = &world.account;
        (account.load_balancer.groups.named("search").unwrap(), account.catalog.find("search:88").unwrap())
    }

    #[test]
    fn seconds_have_their_recorded_load_and_earlier_ones_the_usual_load() {
        let (group, definition) = search();
        let mut log = RequestLog::new(100_000);
        log.set_usual(group, definition, TaskLoad { requests: 10.0, errors: 0.5 });
        log.record(group, definition, 101_000, Second::new(8, 2, 4));
        log.record(group, definition, 104_000, Second::new(6, 0, 3));
        let load = |at| log.load(group, definition, at);
        assert_eq!(load(100), TaskLoad { requests: 2.0, errors: 0.25 });
        assert_eq!([load(101), load(102), load(104)], [TaskLoad::default(); 3]);
        assert_eq!(load(103), TaskLoad { requests: 2.0, errors: 0.0 });
        assert!((load(99).requests - 10.0).abs() < 2.0 && load(99).errors > 0.4);
    }

    #[test]
    fn seconds_are_pruned_after_the_retention() {
        let (group, definition) = search();
        let mut log = RequestLog::new(0);
        let retention = RETENTION as i64 * SECOND;
        for second in 1..=10 {
            log.record(group, definition, second * SECOND, Second::new(second as u64, 0, 1));
        }
        log.prune(retention);
        assert_eq!(log.load(group, definition, 4).requests, 5.0);
        log.prune(retention + 5 * SECOND);
        assert_eq!(log.load(group, definition, 5).requests, 6.0);
        assert_eq!(log.load(group, definition, 4), TaskLoad::default());
    }
}
