//! The fleet screen: every release of the environment, a line each.

pub mod state;
pub(crate) mod view;
