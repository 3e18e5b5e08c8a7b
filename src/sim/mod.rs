//! The embedded AWS: a world that runs on a clock, behind a loopback server that speaks AWS's wire protocols.
//!
//! `world` is pure: time is an argument, randomness is seeded, and an API call is a function from JSON to JSON
//! with the member names of AWS's own models. `wire` turns HTTP requests into such calls and back.

pub mod api;
mod free_text;
pub mod scenario;
pub mod wire;
pub mod world;
