//! The data of one event of a watch.

use super::state::WatchField;
use super::target::Ended;
use crate::domain::ecs::deployment::Pause;
use crate::domain::fault::Fault;

/// The data of an event, beside its text.
#[derive(Default)]
pub(super) struct WatchEvent<'a> {
    pub(super) changes: Vec<WatchField>,
    pub(super) pause: Option<&'a Pause>,
    pub(super) fault: Option<&'a Fault>,
    pub(super) ended: Option<&'a Ended>,
    pub(super) exit: Option<u8>,
}
