//! Rollback: which revision to go back to, and whether the way there is open before anybody needs it.

pub mod readiness;
pub mod target;
