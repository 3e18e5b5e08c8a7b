//! Observation: the queries, the snapshot that their answers make, and what changed between two answers.

pub(crate) mod changes;
pub(crate) mod one_release;
pub mod progress;
pub mod query;
pub mod reading;
pub(crate) mod requirements;
pub mod routes;
pub mod snapshot;
