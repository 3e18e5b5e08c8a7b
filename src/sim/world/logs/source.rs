//! The parts of the account that log lines are computed from.

use crate::sim::world::clock::{DAY, Ms};
use crate::sim::world::ecs::service::Service;
use crate::sim::world::elb::load_balancer::LoadBalancer;
use crate::sim::world::task_definitions::catalog::Catalog;
use crate::sim::world::traffic::request_log::RequestLog;

/// Retention of the log groups.
pub(crate) const RETENTION: Ms = DAY;

/// The tasks that write, and the requests that they write about.
pub(crate) struct LogSource<'a> {
    pub(crate) services: &'a [Service],
    pub(crate) catalog: &'a Catalog,
    pub(crate) load_balancer: &'a LoadBalancer,
    pub(crate) requests: &'a RequestLog,
    /// The current time. Later lines cannot be read.
    pub(crate) now: Ms,
    /// The last simulated second.
    pub(crate) tick: Ms,
}
