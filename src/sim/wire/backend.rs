//! The trait of backends that answer API calls.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::sim::api::{Answer, Call};
use crate::sim::world::World;

/// Answers API calls: the simulated world, or a test's fake.
pub trait Backend: Send {
    /// Runs the clock forward to `to`. A time in the past changes nothing.
    fn advance(&mut self, to: Timestamp);
    /// Answers a call at the backend's current time.
    fn call(&mut self, call: &Call) -> Answer;
}

impl Backend for World {
    fn advance(&mut self, to: Timestamp) {
        Self::advance(self, to);
    }

    fn call(&mut self, call: &Call) -> Answer {
        Self::call(self, call)
    }
}

/// A backend that a test changes while the server runs.
impl<B: Backend> Backend for Arc<Mutex<B>> {
    fn advance(&mut self, to: Timestamp) {
        self.lock().unwrap_or_else(PoisonError::into_inner).advance(to);
    }

    fn call(&mut self, call: &Call) -> Answer {
        self.lock().unwrap_or_else(PoisonError::into_inner).call(call)
    }
}
