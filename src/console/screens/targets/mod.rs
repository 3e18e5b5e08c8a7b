//! The targets screen: a release's targets by target group.

pub mod state;
pub(crate) mod view;
