//! The embedded AWS's front end: a loopback HTTP server that speaks AWS's wire protocols as the SDKs do.
//!
//! `request` finds out the service, operation and protocol of a request and decodes it into a
//! [`Call`](super::api::Call). The [`Backend`] answers the call at the clock's current time, and `response` encodes the
//! answer in the request's protocol. ECS and CloudWatch Logs use awsJson1_1, ELBv2 and STS awsQuery. CloudWatch uses
//! rpc-v2-cbor with the newer SDKs, awsJson1_0 with boto3 and awsQuery with older clients.
//!
//! The codecs know no operations. `shapes` lists the few members whose JSON form does not tell their type.

mod backend;
mod call_counts;
mod call_log;
mod cbor;
mod clock;
mod faults;
mod json;
mod query;
mod quotas;
mod request;
mod response;
mod server;
mod shapes;
mod xml;

#[cfg(test)]
mod tests;

pub use backend::Backend;
pub use call_counts::{CallCount, CallCounts};
pub use call_log::{CallLog, CallRecord};
pub use clock::SimClock;
pub use faults::Faults;

pub use super::fault::{Fault, FaultRule};
pub use server::{Conditions, Server};
