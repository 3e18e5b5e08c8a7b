//! ECS: services with their tasks, revisions and deployments, and the scheduler that drives them.
//!
//! The files import one another in one direction: `task` and the configuration types come first, then
//! `service_deployment` and `service`, then `placement` and `deploy`, then the strategies `rolling` and `native`, and
//! `scheduler` last.

pub(crate) mod context;
pub(crate) mod deploy;
pub(crate) mod deployment_config;
pub(crate) mod instance;
pub(crate) mod lifecycle;
mod lifecycle_hook;
pub(crate) mod native;
pub(crate) mod placement;
pub(crate) mod revision_settings;
mod rolling;
pub(crate) mod scheduler;
pub(crate) mod service;
pub(crate) mod service_deployment;
pub(crate) mod steady_state;
pub(crate) mod target;
pub(crate) mod task;
mod task_plan;
