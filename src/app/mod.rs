//! The console's state and how messages change it. Nothing here waits, draws or reads a clock.

mod act;
pub mod automatic;
pub mod dialog;
pub mod freshness;
pub mod keys;
pub mod model;
pub mod msg;
pub mod operation;
pub mod polls;
pub mod update;

pub use update::update;
