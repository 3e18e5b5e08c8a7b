//! Health of a release: whether it is steady, crash loops, stalls, why tasks stopped, and where to look next.

pub mod hints;
pub mod revision_tasks;
pub mod rollout;
pub mod rollout_health;
pub mod rule_repair;
pub(crate) mod steadiness;
pub mod stop_reason;
