//! Release logic, and nothing else: no I/O, no clock, no SDK. Time comes in as an argument.

pub mod ailment;
pub mod alarm;
pub mod automatic;
pub mod definition;
pub mod deployment;
pub mod failure;
pub mod fault;
pub mod hints;
pub mod ladder;
pub mod logs;
pub mod meter;
pub mod metrics;
pub mod names;
pub mod noticed;
pub mod pair;
pub mod plan;
pub mod preflight;
pub mod previous;
pub mod release;
pub mod route;
pub mod service;
pub mod settings;
pub mod share;
pub mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod timeline;
pub mod track;
pub mod verdict;
