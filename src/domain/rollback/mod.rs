//! Rollback: which revision to go back to, which never again, and whether the way is open before anybody needs it.

pub mod goal;
pub mod known_bad;
pub mod readiness;
pub mod target;
