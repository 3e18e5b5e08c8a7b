//! Executes plans and keeps the audit.

pub mod audit;
pub mod audited_execution;
pub mod executor;

#[cfg(test)]
mod executor_tests;
