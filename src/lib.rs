//! tidegate: a terminal console for releases on Amazon ECS.

pub mod app;
pub mod cli;
pub mod cloud;
pub mod domain;
pub mod sim;
