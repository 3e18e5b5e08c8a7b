//! The console's state and how messages change it. Nothing here waits, draws or reads a clock.

pub mod dialog;
pub mod keys;
pub mod model;
pub mod msg;
pub mod operation;
pub mod polls;
