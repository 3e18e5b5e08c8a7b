//! The embedded AWS: a simulated account that runs on a clock, behind a loopback server that speaks AWS's wire
//! protocols.
//!
//! `world` does no I/O: time is an argument, randomness is seeded, and an API call is a function from JSON to JSON with
//! the member names of AWS's own models. `scenario` reads the files that describe an account. `wire` turns HTTP
//! requests into API calls and the answers into HTTP responses.

pub mod api;
pub mod fault;
mod fault_spec;
mod fuzz_text;
pub mod scenario;
pub mod wire;
pub mod world;
