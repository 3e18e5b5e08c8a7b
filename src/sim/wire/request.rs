//! Decodes a request: its service, operation, protocol, input and the region that it is signed for.

use hyper::http::request::Parts;
use serde_json::Value;

use super::shapes::Api;
use super::{cbor, json, query};
use crate::sim::api::{ApiError, Call};

/// The wire protocol of a request and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Json10,
    Json11,
    Query,
    Cbor,
}

/// The service and operation that a request addresses.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) protocol: Protocol,
    /// `None` if the service is unknown: the request is refused.
    pub(super) api: Option<&'static Api>,
    /// The operation's name as sent; not checked here.
    pub(super) operation: String,
}

/// A decoded request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) call: Call,
    /// The access key id that signed the request.
    pub(super) access_key: String,
}

/// Reads a request. The target is known even if the request cannot be decoded.
pub(super) fn read(head: &Parts, body: &[u8]) -> (Target, Result<Request, ApiError>) {
    let mut form = query::Form::new();
    let target = target(head, body, &mut form);
    let request = decode(head, body, &form, &target);
    (target, request)
}

fn target(head: &Parts, body: &[u8], form: &mut query::Form) -> Target {
    if let Some(name) = header(head, "x-amz-target") {
        let (prefix, operation) = name.rsplit_once('.').unwrap_or((name, ""));
        let json_1_0 = header(head, "content-type").is_some_and(|kind| kind.contains("json-1.0"));
        let protocol = if json_1_0 { Protocol::Json10 } else { Protocol::Json11 };
        return Target { protocol, api: Api::by_target(prefix), operation: operation.to_owned() };
    }
    let mut steps = head.uri.path().split('/').skip(1);
    if let (Some("service"), Some(service), Some("operation"), Some(operation)) =
        (steps.next(), steps.next(), steps.next(), steps.next())
    {
        return Target { protocol: Protocol::Cbor, api: Api::by_target(service), operation: operation.to_owned() };
    }
    *form = query::parse(body);
    form.extend(query::parse(head.uri.query().unwrap_or_default().as_bytes()));
    Target {
        protocol: Protocol::Query,
        api: form.get("Version").and_then(|version| Api::by_version(version)),
        operation: form.get("Action").cloned().unwrap_or_default(),
    }
}

fn decode(head: &Parts, body: &[u8], form: &query::Form, target: &Target) -> Result<Request, ApiError> {
    let Some(api) = target.api.filter(|_| !target.operation.is_empty()) else {
        return Err(unknown(target, form));
    };
    let Some((access_key, region)) = credential_scope(head) else {
        return Err(unsigned(target.protocol));
    };
    let input: Value = match target.protocol {
        Protocol::Json10 | Protocol::Json11 => json::decode(body),
        Protocol::Cbor => cbor::decode(body),
        Protocol::Query => query::decode(api, form),
    }
    .map_err(|message| malformed(target.protocol, message))?;
    let operation = target.operation.clone();
    Ok(Request { call: Call { service: api.service, operation, input, region }, access_key })
}

/// The access key id and the region of `Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/ecs/…`.
fn credential_scope(head: &Parts) -> Option<(String, String)> {
    let (_, rest) = header(head, "authorization")?.split_once("Credential=")?;
    let mut scope = rest.split([',', ' ']).next()?.split('/');
    let access_key = scope.next()?;
    let region = scope.nth(1)?;
    Some((access_key.to_owned(), region.to_owned()))
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}

fn unknown(target: &Target, form: &query::Form) -> ApiError {
    let operation = &target.operation;
    match target.protocol {
        Protocol::Query if operation.is_empty() => {
            error(400, "MissingAction", "The request must contain the parameter Action")
        }
        Protocol::Query => {
            let version = form.get("Version").map_or("", String::as_str);
            error(400, "InvalidAction", &format!("Could not find operation {operation} for version {version}"))
        }
        _ => error(400, "UnknownOperationException", ""),
    }
}

fn unsigned(protocol: Protocol) -> ApiError {
    match protocol {
        Protocol::Json10 | Protocol::Json11 => {
            error(400, "MissingAuthenticationTokenException", "Missing Authentication Token")
        }
        _ => error(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
    }
}

fn malformed(protocol: Protocol, message: String) -> ApiError {
    match protocol {
        Protocol::Query => error(400, "MalformedInput", &message),
        _ => error(400, "SerializationException", &message),
    }
}

fn error(status: u16, code: &str, message: &str) -> ApiError {
    ApiError { status, code: code.to_owned(), message: message.to_owned() }
}
