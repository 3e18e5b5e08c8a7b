//! The events screen: a release's timeline.

pub mod state;
pub mod view;
