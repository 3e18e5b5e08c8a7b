//! The part of the account that the scheduler uses while it works on a service.

use crate::sim::world::clock::Ms;
use crate::sim::world::elb::load_balancer::LoadBalancer;
use crate::sim::world::ids::Ids;
use crate::sim::world::task_definitions::catalog::Catalog;

/// The rest of the account while the scheduler works on a service.
pub(crate) struct Context<'a> {
    pub(crate) now: Ms,
    pub(crate) ids: &'a mut Ids,
    pub(crate) catalog: &'a Catalog,
    pub(crate) load_balancer: &'a mut LoadBalancer,
    /// The names of the alarms in ALARM.
    pub(crate) in_alarm: &'a [String],
}
