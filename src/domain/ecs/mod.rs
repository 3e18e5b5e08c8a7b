//! Resources of ECS and the load balancers: services, deployments, task definitions, rules, target groups, alarms.

pub mod alarm;
pub mod auto_scaling;
pub mod deployment;
pub mod lifecycle_stage;
pub mod names;
pub mod route;
pub mod service;
pub mod task_definition;
