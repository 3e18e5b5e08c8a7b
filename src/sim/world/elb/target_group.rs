//! Target groups.

use crate::sim::scenario::{IpAddressType, TargetType};

/// An index into the load balancer's target groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(usize);

impl GroupId {
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// A target group. Its targets are found through the tasks that register with it.
#[derive(Debug)]
pub(crate) struct TargetGroup {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) health_path: String,
    pub(crate) interval_seconds: u32,
    /// Consecutive passed checks until a target is healthy.
    pub(crate) healthy_after: u32,
    /// Consecutive failed checks until a target is unhealthy.
    pub(crate) unhealthy_after: u32,
    /// The deregistration delay.
    pub(crate) drain_seconds: u32,
    /// stickiness.enabled.
    pub(crate) sticky: bool,
    pub(crate) target_type: TargetType,
    pub(crate) ip_address_type: IpAddressType,
}

/// The target groups of the account. A [`GroupId`] is an index into them.
#[derive(Debug, Default)]
pub(crate) struct TargetGroups(Vec<TargetGroup>);

impl TargetGroups {
    pub(crate) fn new(groups: Vec<TargetGroup>) -> Self {
        Self(groups)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, id: GroupId) -> Option<&TargetGroup> {
        self.0.get(id.0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (GroupId, &TargetGroup)> {
        self.0.iter().enumerate().map(|(at, group)| (GroupId(at), group))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.0.len()).map(GroupId)
    }

    pub(crate) fn named(&self, name: &str) -> Option<GroupId> {
        self.0.iter().position(|g| g.name == name).map(GroupId)
    }

    pub(crate) fn with_arn(&self, arn: &str) -> Option<GroupId> {
        self.0.iter().position(|g| g.arn == arn).map(GroupId)
    }
}
