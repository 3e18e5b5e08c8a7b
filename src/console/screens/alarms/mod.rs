//! The alarms screen: the alarms in scope of a release.

pub mod state;
pub(crate) mod view;
