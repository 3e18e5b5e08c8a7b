//! The console's state and how messages change it. Nothing here waits, draws or reads a clock.

mod act;
pub mod acts;
pub mod automatic;
pub mod dialog;
pub mod freshness;
pub mod keys;
pub mod list;
pub mod model;
pub mod msg;
mod navigate;
pub mod operation;
pub mod outside;
pub mod palette;
pub mod polls;
mod press;
pub mod update;
pub mod views;

pub use update::update;
