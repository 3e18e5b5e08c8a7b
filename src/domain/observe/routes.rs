//! All rules and default actions that forward to target groups, found by id or by target group.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Route, RouteId};

/// The routes. Thousands of services ask for the routes to their target groups at every look, so these are indexed.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    by_id: BTreeMap<RouteId, Route>,
    by_group: HashMap<Arn, BTreeSet<RouteId>>,
}

impl PartialEq for Routes {
    fn eq(&self, other: &Self) -> bool {
        self.by_id == other.by_id
    }
}

impl Routes {
    /// Adds a route, or replaces it.
    pub fn insert(&mut self, id: RouteId, route: Route) {
        if let Some(before) = self.by_id.remove(&id) {
            for to in before.forwards {
                if let Some(ids) = self.by_group.get_mut(&to.target_group) {
                    ids.remove(&id);
                }
            }
        }
        for to in &route.forwards {
            self.by_group.entry(to.target_group.clone()).or_default().insert(id.clone());
        }
        self.by_id.insert(id, route);
    }

    /// The routes that forward to a target group, whatever the weight, by id.
    pub fn to(&self, group: &Arn) -> impl Iterator<Item = &Route> {
        self.by_group.get(group).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// The routes that forward to one of these target groups, each once, by id.
    pub(crate) fn to_any<'a>(&'a self, groups: impl IntoIterator<Item = &'a Arn>) -> impl Iterator<Item = &'a Route> {
        let ids: BTreeSet<_> = groups.into_iter().filter_map(|group| self.by_group.get(group)).flatten().collect();
        ids.into_iter().filter_map(|id| self.by_id.get(id))
    }
}

impl Deref for Routes {
    type Target = BTreeMap<RouteId, Route>;

    fn deref(&self) -> &Self::Target {
        &self.by_id
    }
}

impl FromIterator<(RouteId, Route)> for Routes {
    fn from_iter<T: IntoIterator<Item = (RouteId, Route)>>(routes: T) -> Self {
        let mut all = Self::default();
        for (id, route) in routes {
            all.insert(id, route);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testkit::worlds::scene;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// The index finds what a look through all routes finds, also after changes.
        #[test]
        fn the_index_finds_what_a_look_through_all_finds(one in scene(), other in scene()) {
            let routes = |snapshot: &crate::domain::observe::snapshot::Snapshot| {
                snapshot.routes.get().map(|routes| routes.values().cloned().collect::<Vec<_>>()).unwrap_or_default()
            };
            let (before, after) = (routes(&one.snapshot()), routes(&other.snapshot()));
            let all: Routes = before.iter().chain(&after).map(|it| (it.id.clone(), it.clone())).collect();
            let groups: BTreeSet<_> = before.iter().chain(&after).flat_map(|it| &it.forwards).map(|to| &to.target_group).collect();
            for group in &groups {
                let found: Vec<_> = all.to(group).map(|it| &it.id).collect();
                let looked: Vec<_> = all.values().filter(|it| it.weight(group).is_some()).map(|it| &it.id).collect();
                prop_assert_eq!(found, looked);
            }
            let forwards = all.values().filter(|it| !it.forwards.is_empty()).count();
            prop_assert_eq!(all.to_any(groups).count(), forwards);
        }
    }
}
