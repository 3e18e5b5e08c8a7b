//! rpc-v2-cbor: the JSON form in CBOR, with times as tag 1 and doubles never as integers.

use ciborium::Value as Cbor;
use hyper::body::Bytes;
use serde_json::{Map, Number, Value};

use super::shapes::Api;
use crate::sim::api::ApiError;

/// The tag of an epoch time (RFC 8949, 3.4.2).
const EPOCH: u64 = 1;

/// Decodes a request's input. An empty body is an empty object.
pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let value: Cbor = ciborium::from_reader(body).map_err(|error| error.to_string())?;
    match to_json(value)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err("the body is not a CBOR map".to_owned()),
    }
}

fn to_json(value: Cbor) -> Result<Value, String> {
    Ok(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Text(text) => Value::String(text),
        Cbor::Integer(number) => {
            let number = i64::try_from(number).map_err(|_| "an integer beyond 64 bits".to_owned())?;
            Value::Number(number.into())
        }
        Cbor::Float(number) => {
            Value::Number(Number::from_f64(number).ok_or_else(|| "a number that is not finite".to_owned())?)
        }
        Cbor::Tag(EPOCH, seconds) => to_json(*seconds)?,
        Cbor::Array(items) => Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Cbor::Map(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, value)| match key {
                    Cbor::Text(key) => Ok((key, to_json(value)?)),
                    _ => Err("a map's key that is not text".to_owned()),
                })
                .collect::<Result<_, _>>()?,
        ),
        _ => return Err("a CBOR type that no member has".to_owned()),
    })
}

/// Encodes an answer's body.
pub(super) fn encode(api: &Api, output: &Value) -> Bytes {
    write(&from_json(api, "", output))
}

/// Encodes an error's body.
pub(super) fn encode_error(error: &ApiError) -> Bytes {
    let text = |text: &str| Cbor::Text(text.to_owned());
    write(&Cbor::Map(vec![(text("__type"), text(&error.code)), (text("message"), text(&error.message))]))
}

fn write(value: &Cbor) -> Bytes {
    let mut body = Vec::new();
    // Writing to memory cannot fail. If it did, the client would reject the empty body.
    if ciborium::into_writer(value, &mut body).is_err() {
        body.clear();
    }
    Bytes::from(body)
}

/// `member` is the name of the value, or of the list that contains it.
fn from_json(api: &Api, member: &str, value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Number(number) if api.is_time(member) => Cbor::Tag(EPOCH, Box::new(double(number))),
        Value::Number(number) if api.is_double(member) => double(number),
        Value::Number(number) => number.as_i64().map_or_else(|| double(number), |whole| Cbor::Integer(whole.into())),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| from_json(api, member, item)).collect()),
        Value::Object(members) => Cbor::Map(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (Cbor::Text(name.clone()), from_json(api, name, value)))
                .collect(),
        ),
    }
}

fn double(number: &Number) -> Cbor {
    number.as_f64().map_or(Cbor::Null, Cbor::Float)
}
