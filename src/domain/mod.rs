//! Release logic, and nothing else: no I/O, no clock, no SDK. Time comes in as an argument.

pub mod analysis;
pub mod assess;
pub mod auto_promotion;
pub mod clock_rate;
pub mod confirm;
pub mod ecs;
pub mod fault;
pub mod format;
pub mod health;
pub mod history;
pub mod logs;
pub mod metrics;
pub mod observe;
pub mod operation;
pub mod plan;
pub mod release;
pub mod rollback;
pub mod settings;
pub(crate) mod shared;
pub mod text;
pub mod timeline;
pub mod wording;
