//! What runs: plans carried out, the audit of them, and the clock that they wait by.

pub mod clock;
pub mod console;
pub mod executor;
pub mod journal;
pub mod later;
pub mod overheard;
pub mod pause;
pub mod perform;
pub mod signals;
pub mod terminal;

#[cfg(test)]
mod executor_tests;
#[cfg(test)]
pub(crate) mod world;
