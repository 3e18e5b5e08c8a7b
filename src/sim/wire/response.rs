//! Encodes an answer in the protocol of its request.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::request::{Protocol, Target};
use super::{cbor, json, xml};
use crate::sim::api::{Answer, ApiError};
use crate::sim::fuzz_text;

pub(super) type HttpResponse = Response<Full<Bytes>>;

/// The response to a call.
pub(super) fn answer(target: &Target, answer: &Answer, request_id: &str) -> HttpResponse {
    match answer {
        Err(error) => api_error(target, error, request_id),
        Ok(output) => {
            let body = match (target.protocol, target.api) {
                (Protocol::Json10 | Protocol::Json11, _) | (_, None) => json::encode(output),
                (Protocol::Cbor, Some(api)) => cbor::encode(api, output),
                (Protocol::Query, Some(api)) => xml::encode(api, &target.operation, output, request_id),
            };
            response(200, target.protocol, body, request_id)
        }
    }
}

/// An error response. Each protocol spells the error in the body and in its own headers.
pub(super) fn api_error(target: &Target, error: &ApiError, request_id: &str) -> HttpResponse {
    let namespace = target.api.map_or("", |api| api.namespace);
    let body = match target.protocol {
        Protocol::Json10 | Protocol::Json11 => json::encode_error(error),
        Protocol::Cbor => cbor::encode_error(error),
        Protocol::Query => xml::encode_error(namespace, error, request_id),
    };
    let mut response = response(error.status, target.protocol, body, request_id);
    match target.protocol {
        Protocol::Json11 => set(&mut response, "x-amzn-errortype", &error.code),
        // CloudWatch was an awsQuery service once: clients read the code from this header.
        Protocol::Json10 | Protocol::Cbor => {
            let fault = if error.status < 500 { "Sender" } else { "Receiver" };
            set(&mut response, "x-amzn-query-error", &format!("{};{fault}", error.code));
        }
        Protocol::Query => {}
    }
    response
}

/// The answer to a browser or a health check.
pub(super) fn greeting() -> HttpResponse {
    plain(200, "text/plain", "tidegate's embedded AWS: point AWS_ENDPOINT_URL here.\n")
}

/// A JSON document that is no answer of AWS.
pub(super) fn document(document: &serde_json::Value) -> HttpResponse {
    let mut response = plain(200, "application/json", "");
    *response.body_mut() = Full::new(json::encode(document));
    response
}

/// The answer of a broken proxy in front of AWS.
pub(super) fn html_error() -> HttpResponse {
    plain(
        500,
        "text/html",
        "<html><head><title>500 Internal Server Error</title></head><body><h1>500 Internal Server Error</h1></body></html>\n",
    )
}

/// The answer to a request body that exceeds the limit.
pub(super) fn too_large() -> HttpResponse {
    plain(413, "text/plain", "the request is too large\n")
}

/// Makes the marked free text of a response invalid UTF-8.
pub(super) async fn corrupted(response: HttpResponse) -> HttpResponse {
    let (head, body) = response.into_parts();
    let mut bytes = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    fuzz_text::corrupt_marks(&mut bytes);
    Response::from_parts(head, Full::from(bytes))
}

/// Puts bytes that no protocol of AWS knows in the place of a response's body.
pub(super) fn garbled(response: HttpResponse) -> HttpResponse {
    response.map(|_| Full::from(&b"\x00\xff{]<garbled"[..]))
}

fn plain(status: u16, kind: &'static str, text: &'static str) -> HttpResponse {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn response(status: u16, protocol: Protocol, body: Bytes, request_id: &str) -> HttpResponse {
    let kind = match protocol {
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::Query => "text/xml",
        Protocol::Cbor => "application/cbor",
    };
    let mut response = plain(status, kind, "");
    *response.body_mut() = Full::new(body);
    set(&mut response, "x-amzn-requestid", request_id);
    if protocol == Protocol::Cbor {
        set(&mut response, "smithy-protocol", "rpc-v2-cbor");
    }
    response
}

/// Sets a header unless its value is not a valid header value.
fn set(response: &mut HttpResponse, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
