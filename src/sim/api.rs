//! The seam between the wire and the world: an API call as JSON, and its answer as JSON or an error.

use serde::Deserialize;
use serde_json::Value;

/// An AWS service that the embedded AWS answers for.
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
    /// Application Auto Scaling (awsJson1_1).
    Scaling,
}

/// A decoded API call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service that received the call.
    pub service: Service,
    /// The operation's name as AWS spells it, such as `DescribeServices`.
    pub operation: String,
    /// An object with the member names of AWS's model (`cluster`, `RuleArn`…). Timestamps are epoch seconds.
    pub input: Value,
    /// The region of the credential scope that signed the request.
    pub region: String,
}

/// An error as the AWS service returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The code as the service spells it on the wire: `ClusterNotFoundException`, `RuleNotFound`.
    pub code: String,
    /// The message as AWS words it.
    pub message: String,
}

/// The output object of a call with AWS's member names, or an error. Timestamps are epoch seconds.
pub type Answer = Result<Value, ApiError>;
