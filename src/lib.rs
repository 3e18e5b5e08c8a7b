//! tidegate: a terminal console for releases on Amazon ECS.

pub mod app;
pub mod cloud;
pub mod domain;
pub mod sim;
pub mod ui;
