//! The logs screen: what the containers of a release write, followed.

pub(crate) mod header;
pub(crate) mod json_line;
pub(crate) mod keys;
pub(crate) mod rows;
pub mod sources;
pub mod state;
pub(crate) mod view;
