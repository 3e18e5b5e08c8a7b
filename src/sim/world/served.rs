//! How many requests each revision served in each second of the last day, and how many of them failed: what its
//! tasks write lines about.

use std::collections::{HashMap, VecDeque};

use super::balancer::GroupId;
use super::catalog::DefId;
use super::clock::{Ms, SECOND};
use super::traffic::wave;

/// Seconds that are kept: a day, which is how long the log groups keep their lines, and some.
const KEPT: usize = 25 * 3600;

/// A second of a revision behind a target group.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    requests: u32,
    errors: u32,
    tasks: u16,
}

/// What one task of a revision gets in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Load {
    /// Requests.
    pub requests: f64,
    /// The fraction of them that fails.
    pub errors: f64,
}

/// Seconds by target group and revision. The seconds before the first are not written down: they were as usual.
#[derive(Debug)]
pub(super) struct Served {
    first: i64,
    seconds: HashMap<(GroupId, DefId), VecDeque<Second>>,
    usual: HashMap<(GroupId, DefId), Load>,
}

impl Served {
    /// From `begin` on.
    pub fn new(begin: Ms) -> Self {
        Self { first: begin.div_euclid(SECOND), seconds: HashMap::new(), usual: HashMap::new() }
    }

    /// What a task got before the first second, at the daily wave's middle.
    pub fn was(&mut self, group: GroupId, def: DefId, load: Load) {
        self.usual.insert((group, def), load);
    }

    /// The second that ends at `now` was like this.
    pub fn write(&mut self, group: GroupId, def: DefId, now: Ms, (requests, errors): (u64, u64), tasks: u32) {
        let Ok(at) = usize::try_from(now.div_euclid(SECOND) - 1 - self.first) else {
            return;
        };
        let seconds = self.seconds.entry((group, def)).or_default();
        seconds.resize(at, Second::default());
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let tasks = u16::try_from(tasks).unwrap_or(u16::MAX);
        seconds.push_back(Second { requests: small(requests), errors: small(errors), tasks });
    }

    /// Lets go of what is older than a day.
    pub fn forget(&mut self, now: Ms) {
        let oldest = now.div_euclid(SECOND) - KEPT as i64;
        let Ok(old) = usize::try_from(oldest - self.first) else {
            return;
        };
        for seconds in self.seconds.values_mut() {
            seconds.drain(..old.min(seconds.len()));
        }
        self.first = oldest;
    }

    /// What a task of this revision got in a second, counted from the epoch.
    pub fn load(&self, group: GroupId, def: DefId, second: i64) -> Load {
        let Ok(at) = usize::try_from(second - self.first) else {
            let usual = self.usual.get(&(group, def)).copied().unwrap_or_default();
            return Load { requests: usual.requests * wave(second * SECOND), ..usual };
        };
        let found = self.seconds.get(&(group, def)).and_then(|s| s.get(at)).filter(|s| s.tasks > 0);
        let Some(Second { requests, errors, tasks }) = found.copied() else {
            return Load::default();
        };
        Load {
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

    /// A target group and a revision of the shop's world.
    fn somebody() -> (GroupId, DefId) {
        let world = World::new(&Scenario::named("shop").unwrap(), 7, jiff::Timestamp::UNIX_EPOCH);
        (world.balancer.group_named("search").unwrap(), world.catalog.find("search:88").unwrap())
    }

    #[test]
    fn each_second_is_what_was_written_of_it_and_the_time_before_is_as_usual() {
        let (group, def) = somebody();
        let mut served = Served::new(100_000);
        served.was(group, def, Load { requests: 10.0, errors: 0.5 });
        served.write(group, def, 101_000, (8, 2), 4);
        served.write(group, def, 104_000, (6, 0), 3);
        let load = |at| served.load(group, def, at);
        assert_eq!(load(100), Load { requests: 2.0, errors: 0.25 });
        assert_eq!([load(101), load(102), load(104)], [Load::default(); 3]);
        assert_eq!(load(103), Load { requests: 2.0, errors: 0.0 });
        assert!((load(99).requests - 10.0).abs() < 2.0 && load(99).errors > 0.4);
    }

    #[test]
    fn a_day_is_kept_and_no_more() {
        let (group, def) = somebody();
        let mut served = Served::new(0);
        let day = KEPT as i64 * SECOND;
        for second in 1..=10 {
            served.write(group, def, second * SECOND, (second as u64, 0), 1);
        }
        served.forget(day);
        assert_eq!(served.load(group, def, 4).requests, 5.0);
        served.forget(day + 5 * SECOND);
        assert_eq!(served.load(group, def, 5).requests, 6.0);
        assert_eq!(served.load(group, def, 4), Load::default());
    }
}
