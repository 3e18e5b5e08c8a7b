//! What the audit remembers of one account and region.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ecs::names::ServiceKey;
use super::ecs::route::RouteId;
use super::observe::snapshot::{ObservedHealthy, Snapshot};
use super::release::LocalState;
use super::release::share::Percent;
use super::rollback::known_bad::KnownBad;
use super::timeline::Act;

/// Orders from this machine and the revisions that it saw running, as far back as the audit was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The canary's share that was last written and read back, by release.
    pub requested: BTreeMap<String, Percent>,
    /// When that share was read back, by release.
    pub since: BTreeMap<String, Timestamp>,
    /// When the newest rollback ended as it should, by release.
    #[serde(default)]
    pub rolled_back: BTreeMap<String, Timestamp>,
    /// Revisions that failed or were rolled back, by release, oldest first.
    #[serde(default)]
    pub known_bad: BTreeMap<String, Vec<KnownBad>>,
    /// Rules whose stickiness was switched off and not on again, with the duration that each had, by release.
    #[serde(default)]
    pub stickiness: BTreeMap<String, Vec<(RouteId, u32)>>,
    /// Revisions that ran complete and healthy when something was ordered, by service; newest first.
    #[serde(with = "pairs")]
    pub healthy: BTreeMap<ServiceKey, Vec<ObservedHealthy>>,
    /// Acts, by release, in the order in which they were ordered; the newest of them only.
    pub acts: BTreeMap<String, Vec<Act>>,
    /// The time of the oldest line that was read: every later act is among [`acts`](Self::acts).
    pub complete_since: Option<Timestamp>,
}

impl History {
    /// The state that each release had from this machine's last act on it.
    pub fn local_states(&self) -> BTreeMap<String, LocalState> {
        let state = |name: &String| LocalState {
            requested: self.requested.get(name).copied(),
            since: self.since.get(name).copied(),
            rolled_back: self.rolled_back.get(name).copied(),
            known_bad: self.known_bad.get(name).cloned().unwrap_or_default(),
            stickiness: self.stickiness.get(name).cloned().unwrap_or_default(),
            ..LocalState::default()
        };
        let names = self.requested.keys().chain(self.rolled_back.keys()).chain(self.known_bad.keys());
        let names: BTreeSet<_> = names.chain(self.stickiness.keys()).collect();
        names.into_iter().map(|name| (name.clone(), state(name))).collect()
    }

    /// Adds the healthy revisions to a snapshot, for services whose deployments ECS does not list.
    pub fn add_to(&self, snapshot: &mut Snapshot) {
        for (service, observed) in &self.healthy {
            observed.iter().for_each(|observed| snapshot.remember(service, observed.clone()));
        }
    }
}

/// Maps as lists of pairs: a key of JSON's own maps is a text.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}
