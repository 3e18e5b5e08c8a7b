//! The parts of a release's screen, a file each.

pub mod ailment;
pub mod around;
pub mod deployment;
pub mod events;
pub mod head;
pub mod ladder;
pub mod metrics;
pub mod operation;
pub mod preflight;
pub mod sources;
pub mod strips;
pub mod tasks;
pub mod track;
pub mod verdict;
