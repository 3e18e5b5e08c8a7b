//! The embedded AWS's front door: a loopback HTTP server that speaks AWS's wire protocols as the SDKs send them.
//!
//! A request is told apart (`request`), decoded into a [`Call`], answered by the [`Backend`] at the clock's now,
//! and encoded in the protocol that it came in. ECS and CloudWatch Logs are awsJson1_1, ELBv2 and STS are awsQuery,
//! CloudWatch is rpc-v2-cbor from the newer SDKs, awsJson1_0 from boto3 and awsQuery from older clients.
//! The codecs know no operation: what a member's name does not say by itself stands in `shapes`.

mod cbor;
mod clock;
mod faults;
mod json;
mod log;
mod query;
mod reply;
mod request;
mod server;
mod shapes;
mod xml;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::api::{Answer, Call};
use super::world::World;

pub use self::clock::SimClock;
pub use self::faults::{Fault, FaultRule, Faults};
pub use self::log::{CallLog, CallRecord};
pub use self::server::Server;

/// What answers the calls: the world, or a fake of it.
pub trait Backend: Send {
    /// Runs the clock forward to `to`; never backward.
    fn advance(&mut self, to: Timestamp);
    /// Answers one call at the present time.
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

/// A backend that somebody else has a hand in too: a test, a scenario's other operator.
impl<B: Backend> Backend for Arc<Mutex<B>> {
    fn advance(&mut self, to: Timestamp) {
        self.lock().unwrap_or_else(PoisonError::into_inner).advance(to);
    }

    fn call(&mut self, call: &Call) -> Answer {
        self.lock().unwrap_or_else(PoisonError::into_inner).call(call)
    }
}
