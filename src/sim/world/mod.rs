//! The simulated world: an AWS account with its services, load balancer, traffic, metrics and logs.
//!
//! The world does no I/O. Time comes in through [`World::advance`], randomness from a seed, and an API call is a
//! function from JSON to JSON. The same seed and the same calls at the same times give the same world.
//!
//! Modules import one another in one direction, from top to bottom:
//!
//! ```text
//!   clock, hash, ids, arns
//!   task_definitions, elb
//!   ecs                       services, tasks, deployments, the scheduler
//!   cloudwatch                metrics and alarms
//!   traffic                   requests and their metrics
//!   logs                      lines about tasks and requests
//!   account                   the state of all of these
//!   api                       the API operations
//!   timeline                  a scenario's events, played as API calls
//!   World
//! ```

mod account;
mod api;
mod arns;
mod clock;
mod cloudwatch;
mod ecs;
mod elb;
mod hash;
mod ids;
mod logs;
mod task_definitions;
mod timeline;
mod traffic;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::sim::api::{Answer, Call};
use crate::sim::fuzz_text;
use crate::sim::scenario::Scenario;
use account::Account;
use clock::SECOND;
use timeline::Timeline;
pub use traffic::tally::Tally;

/// A simulated AWS account with the events of its scenario.
#[derive(Debug)]
pub struct World {
    account: Account,
    timeline: Timeline,
    /// True if the free text of responses contains hostile sequences.
    hostile: bool,
}

impl World {
    /// The world of a scenario at `start`: with three hours of metrics, its past deployments, and the events of the
    /// warm-up already played.
    pub fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let account = Account::new(scenario, seed, start);
        let timeline = Timeline::new(&scenario.event, account.started);
        let mut world = Self { account, timeline, hostile: scenario.hostile };
        world.advance(start);
        world
    }

    /// Simulates second by second until `to`. A time in the past changes nothing.
    pub fn advance(&mut self, to: Timestamp) {
        let account = &mut self.account;
        account.now = account.now.max(to);
        while account.tick + SECOND <= account.now.as_millisecond() {
            account.tick += SECOND;
            self.timeline.play_due(account);
            account.step();
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.account.now
    }

    /// Responds to an API call at the current time. Every region but the scenario's is empty.
    pub fn call(&mut self, call: &Call) -> Answer {
        let arns = &self.account.arns;
        if call.region != arns.region {
            let empty = Scenario::empty(arns.account.clone(), call.region.clone());
            return api::answer(&mut Account::new(&empty, 0, self.now()), call);
        }
        let mut answer = api::answer(&mut self.account, call);
        // Task definitions are returned as registered. Those of a hostile scenario are hostile already.
        if self.hostile && !call.operation.ends_with("TaskDefinition") {
            match &mut answer {
                Ok(answer) => fuzz_text::for_each(answer, &mut fuzz_text::make_hostile),
                Err(error) => fuzz_text::make_hostile(&mut error.message),
            }
        }
        answer
    }

    /// The results of a target group's requests since the warm-up began.
    pub fn tally(&self, target_group: &str) -> Tally {
        let group = self.account.load_balancer.groups.named(target_group);
        group.and_then(|group| self.account.traffic.tallies.get(&group)).copied().unwrap_or_default()
    }

    /// Changes the weights of a rule, as another operator would. Takes the scenario's names of the rule and the target
    /// groups. Returns false if one of them does not exist.
    pub fn edit_rule_weights(&mut self, rule: &str, weights: &[(&str, u32)]) -> bool {
        self.account.set_rule_weights(rule, weights)
    }
}
