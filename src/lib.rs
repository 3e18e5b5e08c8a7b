//! tidegate: a terminal console for releases on Amazon ECS.

pub mod cloud;
pub mod domain;
pub mod sim;
