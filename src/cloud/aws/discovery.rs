//! The known way from target groups to load balancers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::ecs::names::Arn;
use aws_sdk_elasticloadbalancingv2::types::TargetGroup;

/// More target groups than this are looked up by listing the account's, 400 a call instead of 20.
pub(super) const MANY_GROUPS: usize = 160;

/// The load balancers before target groups.
#[derive(Debug, Default)]
pub(super) struct Balancers {
    by_group: HashMap<Arn, BTreeSet<String>>,
    /// The whole account was listed.
    pub(super) whole: bool,
}

impl Balancers {
    pub(super) fn know(&self, group: &Arn) -> bool {
        self.by_group.contains_key(group)
    }

    pub(super) fn learn(&mut self, described: impl IntoIterator<Item = TargetGroup>) {
        for group in described {
            if let Some(arn) = group.target_group_arn() {
                self.by_group.entry(Arn::new(arn)).or_default().extend(group.load_balancer_arns().iter().cloned());
            }
        }
    }

    /// Adds a load balancer to a group that is known.
    pub(super) fn add(&mut self, group: &Arn, balancer: &str) {
        if let Some(balancers) = self.by_group.get_mut(group)
            && !balancer.is_empty()
        {
            balancers.insert(balancer.to_owned());
        }
    }

    /// The load balancers before some groups, each once.
    pub(super) fn before(&self, groups: &[Arn]) -> BTreeSet<String> {
        groups.iter().filter_map(|group| self.by_group.get(group)).flatten().cloned().collect()
    }
}

/// The last time that all rules before the services' target groups were looked for.
#[derive(Debug, Default)]
pub(super) struct Discovery(Mutex<Option<(Duration, BTreeSet<Arn>)>>);

impl Discovery {
    /// Notes a look at an operator's time since a fixed moment.
    pub(super) fn covered(&self, groups: BTreeSet<Arn>, at: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, groups));
    }

    /// True if the last look was for all of these groups, and not before `since`.
    pub(super) fn covers(&self, groups: &BTreeSet<Arn>, since: Duration) -> bool {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().is_some_and(|(at, covered)| *at >= since && groups.is_subset(covered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_covers_its_groups_for_a_while() {
        let (discovery, at) = (Discovery::default(), Duration::from_secs(60));
        let (before, later) = (at, at + Duration::from_millis(1));
        let groups = |names: &[&str]| names.iter().map(|name| Arn::new(*name)).collect::<BTreeSet<_>>();
        assert!(!discovery.covers(&groups(&[]), before));
        discovery.covered(groups(&["a", "b"]), at);
        assert!(discovery.covers(&groups(&["a"]), before));
        assert!(!discovery.covers(&groups(&["a", "c"]), before), "a group that is new");
        assert!(!discovery.covers(&groups(&["a"]), later));
    }

    #[test]
    fn a_group_whose_description_leaves_its_load_balancer_out_keeps_the_known_one() {
        let described = |arn: &str, balancers: &[&str]| {
            let balancers = balancers.iter().map(|it| (*it).to_owned()).collect();
            TargetGroup::builder().target_group_arn(arn).set_load_balancer_arns(Some(balancers)).build()
        };
        let mut balancers = Balancers::default();
        balancers.learn([described("a", &[]), described("b", &["one", "two"])]);
        let before =
            |balancers: &Balancers| balancers.before(&["a", "b"].map(Arn::new)).into_iter().collect::<Vec<_>>();
        assert_eq!(before(&balancers), ["one", "two"]);
        balancers.add(&Arn::new("a"), "three");
        balancers.add(&Arn::new("never described"), "four");
        assert_eq!(before(&balancers), ["one", "three", "two"]);
    }
}
