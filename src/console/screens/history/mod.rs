//! The history screen: a release's deployments, newest first.

pub mod state;
pub(crate) mod view;
