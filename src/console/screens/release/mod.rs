//! The parts of a release's screen, a file each.

pub mod auto_promotion;
pub mod deployment;
pub mod events;
pub mod head;
pub mod infrastructure;
pub mod ladder;
pub mod metrics;
pub mod operation;
mod ratio;
pub mod readiness;
pub mod sources;
pub mod stages;
pub mod state;
pub mod tasks;
pub mod verdict;
pub(crate) mod view;
pub(crate) mod zoom;
