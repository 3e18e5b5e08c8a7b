//! The seam between the wire and the world: an API call as JSON, an answer as JSON or an error.

use serde::Deserialize;
use serde_json::Value;

/// The AWS services that the embedded AWS answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Elastic Container Service (awsJson1_1).
    Ecs,
    /// Elastic Load Balancing v2 (awsQuery).
    Elbv2,
    /// CloudWatch (rpc-v2-cbor).
    CloudWatch,
    /// CloudWatch Logs (awsJson1_1).
    Logs,
    /// Security Token Service (awsQuery).
    Sts,
}

/// One API call, decoded: the operation's name and its input with the member names of AWS's model
/// (`cluster`, `RuleArn`…). Timestamps are numbers: seconds since the epoch.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which service it was sent to.
    pub service: Service,
    /// The operation's name as AWS spells it, `DescribeServices`.
    pub operation: String,
    /// Its input; an object.
    pub input: Value,
    /// The region that the request was signed for (`us-east-1`), from the credential scope.
    pub region: String,
}

/// An error as the real service gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status, 400 for most.
    pub status: u16,
    /// The code as this service spells it on the wire: `ClusterNotFoundException`, `RuleNotFound`.
    pub code: String,
    /// The text for people, as AWS words it.
    pub message: String,
}

/// What a call comes back with: the output object with AWS's member names, timestamps as epoch seconds.
pub type Answer = Result<Value, ApiError>;
