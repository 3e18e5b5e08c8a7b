//! Parts of an answer, told a few times a second however fast they come.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::cloud::Parts;
use crate::domain::ecs::service::Service;
use crate::domain::observe::snapshot::Answer;

/// Time between two parts. The first one is told at once.
const APART: Duration = Duration::from_millis(250);

/// Services that are told as parts.
pub(super) struct Told<'a> {
    tell: Parts<'a>,
    waiting: Mutex<(Option<Instant>, Vec<Service>)>,
}

impl<'a> Told<'a> {
    pub(super) fn new(tell: Parts<'a>) -> Self {
        Self { tell, waiting: Mutex::default() }
    }

    /// Adds services, and tells them together with those that wait if it is time. The last ones are in the answer.
    pub(super) fn add(&self, services: &[Service]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, list) = &mut *waiting;
        list.extend_from_slice(services);
        let now = Instant::now();
        if told.is_some_and(|told| now.duration_since(told) < APART) || list.is_empty() {
            return;
        }
        *told = Some(now);
        let part = std::mem::take(list);
        drop(waiting);
        (self.tell)(Answer::SomeServices(part));
    }
}
