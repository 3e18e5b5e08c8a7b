//! Parts of an answer, told a few times a second however fast they come.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::budget::Budget;
use crate::cloud::Parts;
use crate::domain::ecs::service::Service;
use crate::domain::observe::snapshot::Answer;

/// Time between two parts. The first one is told at once.
const APART: Duration = Duration::from_millis(250);

/// Services that are told as parts.
pub(super) struct Told<'a> {
    tell: Parts<'a>,
    budget: &'a Budget,
    /// The time of the last part, and what has come since.
    waiting: Mutex<(Option<Duration>, Vec<Service>)>,
}

impl<'a> Told<'a> {
    /// Tells by the clock of the budget.
    pub(super) fn new(tell: Parts<'a>, budget: &'a Budget) -> Self {
        Self { tell, budget, waiting: Mutex::default() }
    }

    /// Adds services, and tells them together with those that wait if it is time. The last ones are in the answer.
    pub(super) fn add(&self, services: &[Service]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, list) = &mut *waiting;
        list.extend_from_slice(services);
        let now = self.budget.elapsed();
        if told.is_some_and(|told| now.saturating_sub(told) < APART) || list.is_empty() {
            return;
        }
        *told = Some(now);
        let part = std::mem::take(list);
        drop(waiting);
        (self.tell)(Answer::SomeServices(part));
    }
}
