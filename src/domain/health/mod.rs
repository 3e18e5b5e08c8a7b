//! Health of a rollout: crash loops, stalls, why tasks stopped, and where to look next.

pub mod hints;
pub mod rollout;
pub mod rollout_health;
pub mod stop_reason;
