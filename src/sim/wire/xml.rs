//! awsQuery output: XML with member names as elements, list items as `member` and map entries as `entry`.

use std::io;

use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesText, Event};
use serde_json::Value;

use super::shapes::Api;
use crate::sim::api::ApiError;

type Out = Writer<Vec<u8>>;

/// Encodes an answer's body: `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`.
pub(super) fn encode(api: &Api, operation: &str, output: &Value, request_id: &str) -> Bytes {
    document(&format!("{operation}Response"), api.namespace, |out| {
        member(api, out, &format!("{operation}Result"), output)?;
        out.create_element("ResponseMetadata").write_inner_content(|out| text(out, "RequestId", request_id))?;
        Ok(())
    })
}

/// Encodes an error's body. `namespace` is empty if the service is unknown.
pub(super) fn encode_error(namespace: &str, error: &ApiError, request_id: &str) -> Bytes {
    document("ErrorResponse", namespace, |out| {
        out.create_element("Error").write_inner_content(|out| {
            text(out, "Type", if error.status < 500 { "Sender" } else { "Receiver" })?;
            text(out, "Code", &error.code)?;
            text(out, "Message", &error.message)
        })?;
        text(out, "RequestId", request_id)
    })
}

fn document(root: &str, namespace: &str, content: impl FnOnce(&mut Out) -> io::Result<()>) -> Bytes {
    let mut out = Writer::new(Vec::new());
    let element = out.create_element(root).with_attribute(("xmlns", namespace));
    // Writing to memory cannot fail. If it did, the client would reject the empty body.
    match element.write_inner_content(content) {
        Ok(_) => Bytes::from(out.into_inner()),
        Err(_) => Bytes::new(),
    }
}

fn member(api: &Api, out: &mut Out, name: &str, value: &Value) -> io::Result<()> {
    match value {
        Value::Null => Ok(()),
        Value::Bool(flag) => text(out, name, if *flag { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| api.is_time(name)).and_then(time) {
            Some(time) => text(out, name, &time),
            None => text(out, name, &number.to_string()),
        },
        Value::String(string) => text(out, name, string),
        Value::Array(items) => inside(out, name, |out| {
            items.iter().try_for_each(|item| match item {
                Value::Number(number) if api.is_time(name) => {
                    text(out, "member", &number.as_f64().and_then(time).unwrap_or_default())
                }
                item => member(api, out, "member", item),
            })
        }),
        Value::Object(entries) if api.is_map(name) => inside(out, name, |out| {
            entries.iter().try_for_each(|(key, value)| {
                inside(out, "entry", |out| {
                    text(out, "key", key)?;
                    member(api, out, "value", value)
                })
            })
        }),
        Value::Object(members) => {
            inside(out, name, |out| members.iter().try_for_each(|(name, value)| member(api, out, name, value)))
        }
    }
}

fn inside(out: &mut Out, name: &str, content: impl FnOnce(&mut Out) -> io::Result<()>) -> io::Result<()> {
    out.create_element(name).write_inner_content(content).map(|_| ())
}

/// Writes an element with text. Characters that XML 1.0 does not allow, such as most control characters, become U+FFFD.
/// A carriage return is escaped because parsers would turn it into a line feed.
fn text(out: &mut Out, name: &str, value: &str) -> io::Result<()> {
    let legal: String = value.chars().map(|c| if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
    let escaped = escape(legal.as_str()).replace('\r', "&#13;");
    inside(out, name, |out| out.write_event(Event::Text(BytesText::from_escaped(escaped))))
}

/// The `Char` production of XML 1.0.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Formats epoch seconds as ELBv2 does: `2026-11-21T04:32:00.123Z`.
fn time(seconds: f64) -> Option<String> {
    let since_epoch = SignedDuration::try_from_secs_f64(seconds).ok()?;
    let time = Timestamp::from_duration(since_epoch).ok()?.round(jiff::Unit::Millisecond).ok()?;
    Some(format!("{time:.3}"))
}
