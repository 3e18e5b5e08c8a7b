//! awsJson1_0 and awsJson1_1: the body is the input or the output as it is.

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use crate::sim::api::ApiError;

/// The input of a request; an empty body is an empty object.
pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("the body is not a JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The body of an answer.
pub(super) fn encode(output: &Value) -> Bytes {
    Bytes::from(output.to_string())
}

/// The body of an error.
pub(super) fn encode_error(error: &ApiError) -> Bytes {
    encode(&json!({ "__type": error.code, "message": error.message }))
}
