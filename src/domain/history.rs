//! What the audit remembers of one account and region.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ecs::names::ServiceKey;
use super::observe::snapshot::{ObservedHealthy, Snapshot};
use super::release::LocalState;
use super::release::share::Percent;
use super::timeline::Act;

/// Orders from this machine and the revisions that it saw running, as far back as the audit was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The canary's share that was last written and read back, by release.
    pub requested: BTreeMap<String, Percent>,
    /// When that share was read back, by release.
    pub since: BTreeMap<String, Timestamp>,
    /// Revisions that ran complete and healthy when something was ordered, by service; newest first.
    pub healthy: BTreeMap<ServiceKey, Vec<ObservedHealthy>>,
    /// Acts, by release, in the order in which they were ordered; the newest of them only.
    pub acts: BTreeMap<String, Vec<Act>>,
    /// The time of the oldest line that was read: every later act is among [`acts`](Self::acts).
    pub complete_since: Option<Timestamp>,
}

impl History {
    /// The state that each release had from this machine's last act on it.
    pub fn local_states(&self) -> BTreeMap<String, LocalState> {
        let state = |(name, share): (&String, &Percent)| {
            let since = self.since.get(name).copied();
            (name.clone(), LocalState { requested: Some(*share), since, ..LocalState::default() })
        };
        self.requested.iter().map(state).collect()
    }

    /// Adds the healthy revisions to a snapshot, for services whose deployments ECS does not list.
    pub fn add_to(&self, snapshot: &mut Snapshot) {
        for (service, observed) in &self.healthy {
            observed.iter().for_each(|observed| snapshot.remember(service, observed.clone()));
        }
    }
}
