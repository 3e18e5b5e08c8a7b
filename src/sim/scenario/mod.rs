//! Scenario files: the simulated account's resources, the behaviour of each revision, and the timeline of events.
//!
//! A scenario is a TOML file (`assets/scenarios/NAME.toml`). It may extend another one: its entries replace the base's
//! entries of the same name, and its events are added to the base's. Durations are written `90s`, `4m` or `9d 2h`.

mod alarm;
mod check;
mod duration;
mod event;
mod file;
mod load;
mod load_balancer;
mod scale;
mod service;
mod task_definition;

pub(crate) use alarm::{Alarm, CompositeAlarm, CustomMetrics};
pub(crate) use event::{Event, UpdateService};
pub use file::Scenario;
pub use load::ScenarioError;
pub(crate) use load_balancer::{Action, IpAddressType, Rule, TargetType};
pub(crate) use service::{
    Deployment, Managed, Network, PastDeployment, PastOutcome, PauseHook, Scaling, Service, ServiceStatus, Strategy,
    TaskSettings,
};
pub(crate) use task_definition::{
    Container, Degradation, Family, HealthCheckFailure, LogFormat, NetworkMode, NoResponse, Revision, Traits,
};
