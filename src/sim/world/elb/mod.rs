//! The Application Load Balancer: listeners, rules with their weights, target groups.

pub(crate) mod load_balancer;
pub(crate) mod rule;
pub(crate) mod target_group;
