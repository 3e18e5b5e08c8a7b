//! What runs: plans carried out, the audit of them, and the clock that they wait by.

pub mod audit;
pub mod audited_execution;
pub mod executor;

#[cfg(test)]
mod executor_tests;
