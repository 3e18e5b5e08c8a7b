//! The tasks screen: a release's tasks by revision, and why some stopped.

pub(crate) mod details;
pub mod state;
pub(crate) mod view;
