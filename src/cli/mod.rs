//! The command line: a file a subcommand, one engine behind all of them.

pub mod args;
pub mod config;
pub mod exit;
pub mod lookup;
pub mod observe;
pub mod out;
pub mod status;
pub mod words;
