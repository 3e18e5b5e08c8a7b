//! One source's newest answer, its age and its last failure.

use jiff::{SignedDuration, Timestamp};

use crate::domain::fault::Fault;

/// The newest answer of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<T> {
    /// The answer, with the time of its query. `None`: no answer yet.
    pub value: Option<(Timestamp, T)>,
    /// The failure, if the newest attempt failed.
    pub fault: Option<(Timestamp, Fault)>,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self { value: None, fault: None }
    }
}

impl<T> Reading<T> {
    /// A reading that has just been received.
    pub fn fresh(at: Timestamp, value: T) -> Self {
        Self { value: Some((at, value)), fault: None }
    }

    /// The value, whatever its age.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().map(|(_, value)| value)
    }

    /// Time of the query.
    pub fn at(&self) -> Option<Timestamp> {
        self.value.as_ref().map(|(at, _)| *at)
    }

    /// The age of the value.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.at().map(|at| now.duration_since(at).max(SignedDuration::ZERO))
    }

    /// The failure of the newest attempt, if no answer followed.
    pub fn failing(&self) -> Option<&Fault> {
        self.fault.as_ref().map(|(_, fault)| fault)
    }

    pub(super) fn put(&mut self, at: Timestamp, value: T) {
        // Answers may arrive out of order: an older answer never replaces a newer one.
        if self.at().is_none_or(|had| had <= at) {
            *self = Self::fresh(at, value);
        }
    }

    pub(super) fn fail(&mut self, at: Timestamp, fault: Fault) {
        if self.at().is_none_or(|had| had <= at) {
            self.fault = Some((at, fault));
        }
    }
}
