//! The findings of the reads of services: the services, and the target groups that lead to their load balancers.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::domain::ecs::names::Arn;

/// Services by cluster and ARN.
pub(super) type Listed = BTreeSet<(String, String)>;

/// The findings so far, for those that wait for them too.
#[derive(Debug)]
pub(super) struct Found(watch::Sender<Findings>);

/// The findings at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    /// The target groups of the services that were read.
    pub(super) groups: BTreeSet<Arn>,
    /// Every service that the last complete sweep listed; `None` before the first one.
    pub(super) listed: Option<Listed>,
    /// Sweeps under way.
    sweeps: usize,
    /// A sweep has ended, complete or not.
    swept: bool,
}

impl Findings {
    /// True while more target groups may come that nobody has seen yet.
    pub(super) fn are_coming(&self) -> bool {
        self.sweeps > 0 && self.listed.is_none()
    }

    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.listed.is_none() && self.sweeps == 0 && !self.swept
    }
}

impl Default for Found {
    fn default() -> Self {
        Self(watch::Sender::new(Findings::default()))
    }
}

impl Found {
    /// The findings now.
    pub(super) fn now(&self) -> Findings {
        self.0.borrow().clone()
    }

    /// Returns once a sweep has begun or ended, or something was found.
    pub(super) async fn anything(&self) {
        // The sender lives as long as this.
        let _ = self.0.subscribe().wait_for(|findings| !findings.is_empty()).await;
    }

    /// Returns once more than `groups` target groups were found, or no more are coming.
    pub(super) async fn more_than(&self, groups: usize) {
        let more = |findings: &Findings| findings.groups.len() > groups || !findings.are_coming();
        let _ = self.0.subscribe().wait_for(more).await;
    }

    pub(super) fn was_swept(&self) -> bool {
        self.0.borrow().swept
    }

    /// Notes the target groups of some services.
    pub(super) fn add<'a>(&self, groups: impl IntoIterator<Item = &'a Arn>) {
        let new: Vec<Arn> =
            groups.into_iter().filter(|group| !self.0.borrow().groups.contains(*group)).cloned().collect();
        if !new.is_empty() {
            self.0.send_modify(|findings| findings.groups.extend(new));
        }
    }

    /// Begins a sweep over all services, which ends when dropped.
    pub(super) fn begin(&self) -> Sweep<'_> {
        self.0.send_modify(|findings| findings.sweeps += 1);
        Sweep(self)
    }
}

/// A sweep over all services.
pub(super) struct Sweep<'a>(&'a Found);

impl Sweep<'_> {
    /// The sweep has read everything: nothing else is there.
    pub(super) fn complete(self, listed: Listed, groups: BTreeSet<Arn>) {
        self.0.0.send_modify(|findings| {
            findings.listed = Some(listed);
            findings.groups = groups;
        });
    }
}

impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|findings| {
            findings.sweeps = findings.sweeps.saturating_sub(1);
            findings.swept = true;
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn those_who_wait_hear_of_groups_as_they_come_and_of_the_end() {
        let (found, group) = (Found::default(), |name: &str| Arn::new(name));
        assert!(found.anything().now_or_never().is_none());
        let sweep = found.begin();
        assert!(found.anything().now_or_never().is_some());
        assert!(found.more_than(0).now_or_never().is_none());
        found.add(&[group("a")]);
        assert!(found.more_than(0).now_or_never().is_some());
        assert!(found.more_than(1).now_or_never().is_none());
        drop(sweep);
        assert!(found.more_than(1).now_or_never().is_some(), "a sweep that failed brings no more");
        assert!(found.now().listed.is_none() && found.was_swept());
        found.begin().complete(Listed::new(), BTreeSet::from([group("b")]));
        assert_eq!(found.now().groups, BTreeSet::from([group("b")]), "what a whole sweep did not find is gone");
        let _again = found.begin();
        assert!(!found.now().are_coming(), "later sweeps keep nobody waiting");
    }
}
