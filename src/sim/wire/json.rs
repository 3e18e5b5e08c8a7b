//! awsJson1_0 and awsJson1_1: the body is the JSON of the input or the output.

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use crate::sim::api::ApiError;

/// Decodes a request's input. An empty body is an empty object.
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

/// Encodes an answer's body.
pub(super) fn encode(output: &Value) -> Bytes {
    Bytes::from(output.to_string())
}

/// Encodes an error's body.
pub(super) fn encode_error(error: &ApiError) -> Bytes {
    encode(&json!({ "__type": error.code, "message": error.message }))
}
