//! User traffic: the demand, the tasks' responses, and their records in metrics and logs.

mod backfill;
mod demand;
mod distributions;
pub(crate) mod request_log;
mod response_model;
pub(crate) mod simulation;
pub(crate) mod site;
pub(crate) mod tally;
