//! User traffic: how many requests arrive, which tasks answer them, and what the metrics and logs record of them.

mod backfill;
mod demand;
mod distributions;
pub(crate) mod request_log;
mod response_model;
pub(crate) mod simulation;
pub(crate) mod site;
