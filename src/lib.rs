//! tidegate: a terminal console for releases on Amazon ECS.

pub mod aws;
pub mod cloud;
pub mod domain;
pub mod sim;
