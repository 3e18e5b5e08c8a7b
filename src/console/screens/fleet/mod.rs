//! The fleet screen: every release of the environment, a line each.

pub(crate) mod view;
