//! The fleet screen: every release of the environment, a line each.

pub(crate) mod row;
pub mod state;
pub(crate) mod view;
