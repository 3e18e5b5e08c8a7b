//! The moments of a task's life, drawn when the task is created.

use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::ids::Ids;
use crate::sim::world::task_definitions::behaviour::Behaviour;

/// The times of a task's status changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskPlan {
    pub(super) pending: Ms,
    pub(super) pull_start: Ms,
    pub(super) pull_stop: Ms,
    pub(super) start: Ms,
    pub(super) ready: Ms,
    pub(super) crash: Option<Ms>,
    /// The crash is an out-of-memory kill.
    pub(super) out_of_memory: bool,
    /// End of STOPPING; set once the task stops.
    pub(super) stopping_ends: Ms,
    /// End of DEPROVISIONING; set once the task stops.
    pub(super) deprovisioning_ends: Ms,
}

impl TaskPlan {
    pub(super) fn draw(behaviour: &Behaviour, now: Ms, ids: &mut Ids) -> Self {
        let pending = now + ids.jitter(5 * SECOND);
        let pull_start = pending + ids.jitter(3 * SECOND);
        let pull_stop = pull_start + ids.jitter(behaviour.pull);
        let start = pull_stop + ids.jitter(2 * SECOND);
        let ready = start + ids.jitter(behaviour.start);
        let exit = behaviour.crash_after.map(|after| start + ids.jitter(after));
        let kill = behaviour.oom_after.map(|after| start + ids.jitter(after));
        let out_of_memory = kill.is_some_and(|at| exit.is_none_or(|exit| at < exit));
        let crash = if out_of_memory { kill } else { exit };
        let (stopping_ends, deprovisioning_ends) = (0, 0);
        Self { pending, pull_start, pull_stop, start, ready, crash, out_of_memory, stopping_ends, deprovisioning_ends }
    }
}
