//! The diff screen: what changed between two task definitions.

pub mod state;
pub(crate) mod view;
