//! Formats the text of log lines.

use std::fmt::{self, Write};

use jiff::Timestamp;

use super::stream::{Line, LineKind, Stream};
use crate::sim::scenario::LogFormat;
use crate::sim::world::clock::SECOND;
use crate::sim::world::hash::{fraction, mix};
use crate::sim::world::task_definitions::log_templates::{Level, LogTemplate};

/// HTTP methods. A repeated one is more likely.
const METHODS: [&str; 4] = ["GET", "GET", "GET", "POST"];
const RESOURCES: [&str; 5] = ["items", "orders", "sessions", "prices", "quotes"];
/// Texts of lines that have no cause.
const CHATTER: [&str; 6] = [
    "connection pool: 7 of 20 in use",
    "cache refreshed in 12 ms",
    "heartbeat",
    "config is up to date",
    "queue is empty",
    "gc: 3 ms, 212 MiB in use",
];

/// Formats lines. Keeps the formatted time of the last second because most lines share it with the previous one.
#[derive(Debug, Default)]
pub(super) struct LogWriter {
    second: i64,
    /// Date and time of `second`; empty before the first line.
    time: String,
}

impl LogWriter {
    /// The text of a line.
    pub(super) fn write(&mut self, stream: &Stream<'_>, line: &Line) -> String {
        let second = line.at.div_euclid(SECOND);
        if second != self.second || self.time.is_empty() {
            let timestamp = Timestamp::from_second(second).unwrap_or_default();
            (self.second, self.time) = (second, timestamp.strftime("%Y-%m-%dT%H:%M:%S").to_string());
        }
        let mut message = Message { out: String::with_capacity(240), stream, line, time: &self.time };
        // Writing to a String cannot fail.
        let _ = message.write();
        message.out
    }
}

/// The text of a line that is being written.
struct Message<'a> {
    out: String,
    stream: &'a Stream<'a>,
    line: &'a Line,
    /// Date and time of the line's second.
    time: &'a str,
}

impl<'a> Message<'a> {
    fn write(&mut self) -> fmt::Result {
        let stream: &'a Stream<'a> = self.stream;
        let templates = &stream.definition.log_templates;
        let hash = self.line.hash;
        match self.line.kind {
            LineKind::Start { template, percent } => match templates.start.get(template) {
                Some(template) => {
                    let tag = stream.image().rsplit_once(':').map_or("", |(_, tag)| tag);
                    let text = template.text.replace("{percent}", &percent.to_string()).replace("{version}", tag);
                    self.template(&LogTemplate { text, ..template.clone() }, 0)
                }
                None => Ok(()),
            },
            LineKind::Crash { template, line } => match templates.crash.get(template) {
                Some(template) => self.template(template, line),
                None => Ok(()),
            },
            LineKind::Sigterm => self.text(Level::Info, "SIGTERM received, finishing what is under way"),
            LineKind::HealthCheckFailed => match error_template(stream, hash) {
                Some(template) => self.template(template, 0),
                None => self.text(Level::Error, "health check failed"),
            },
            LineKind::Chatter => {
                let text = CHATTER.get(hash as usize % CHATTER.len()).copied();
                self.text(Level::Info, text.unwrap_or_default())
            }
            LineKind::Request { failed } => self.request(failed),
        }
    }

    fn text(&mut self, level: Level, text: &str) -> fmt::Result {
        self.template(&LogTemplate { level, text: text.to_owned(), rest: Vec::new(), raw: false }, 0)
    }

    /// Writes a template's first line, or one of its other lines.
    fn template(&mut self, template: &LogTemplate, line: usize) -> fmt::Result {
        if let Some(rest) = line.checked_sub(1) {
            return self.out.write_str(template.rest.get(rest).map_or("", String::as_str));
        }
        if template.raw {
            return self.out.write_str(&template.text);
        }
        self.head(template.level, &template.text)?;
        if self.format() == LogFormat::Json {
            if !template.rest.is_empty() {
                write!(self.out, ",\"stack\":{}", quoted(&template.rest.join("\n")))?;
            }
            self.out.write_char('}')?;
        }
        Ok(())
    }

    /// Writes time, level and text. A JSON object stays open.
    fn head(&mut self, level: Level, text: &str) -> fmt::Result {
        let (time, millis, level) = (self.time, self.line.at.rem_euclid(SECOND), level.as_ref());
        match self.format() {
            LogFormat::Plain => write!(self.out, "{time}.{millis:03}Z {level:<5} {text}"),
            LogFormat::Json => {
                let (level, name) = (level.to_ascii_lowercase(), self.stream.container());
                let text = quoted(text);
                write!(
                    self.out,
                    "{{\"time\":\"{time}.{millis:03}Z\",\"level\":\"{level}\",\"service\":\"{name}\",\"message\":{text}"
                )
            }
        }
    }

    fn request(&mut self, failed: bool) -> fmt::Result {
        let stream: &'a Stream<'a> = self.stream;
        let (behaviour, trace) = (&stream.definition.behaviour, self.line.hash);
        let more = mix(trace);
        let word = |words: &[&'static str], shift: u32| {
            words.get((more >> shift) as usize % words.len().max(1)).copied().unwrap_or_default()
        };
        let (method, resource) = (word(&METHODS, 3), word(&RESOURCES, 9));
        let client_error = fraction(more.rotate_left(23)) < behaviour.client_error;
        let status = match (failed, client_error) {
            (true, _) => [500, 502, 503].get(more as usize % 3).copied().unwrap_or(500),
            (false, true) => [400, 404, 409].get(more as usize % 3).copied().unwrap_or(404),
            (false, false) if method == "POST" => 201,
            (false, false) => 200,
        };
        // The sum of four uniform numbers approximates a normal distribution.
        let normal = (0..4).map(|n| fraction(mix(more ^ n))).sum::<f64>() * 1.732 - 3.464;
        let millis = (behaviour.log_latency + behaviour.log_spread * normal).exp() * 1000.0;
        let path = format!("/{}/{resource}/{:06x}", stream.definition.family, more & 0xff_ffff);
        let error = if failed { error_template(stream, more) } else { None };
        self.head(if failed { Level::Error } else { Level::Info }, "request")?;
        match self.format() {
            LogFormat::Plain => {
                write!(
                    self.out,
                    " method={method} path={path} status={status} duration_ms={millis:.0} trace_id={trace:016x}"
                )?;
                error.map_or(Ok(()), |error| write!(self.out, " error={}", quoted(&error.text)))
            }
            LogFormat::Json => {
                write!(
                    self.out,
                    ",\"method\":\"{method}\",\"path\":\"{path}\",\"status\":{status},\"duration_ms\":{millis:.0},\"trace_id\":\"{trace:016x}\""
                )?;
                if let Some(error) = error {
                    write!(self.out, ",\"error\":{}", quoted(&error.text))?;
                }
                self.out.write_char('}')
            }
        }
    }

    fn format(&self) -> LogFormat {
        self.stream.definition.log_templates.format
    }
}

/// One of the stream's error templates.
fn error_template<'a>(stream: &'a Stream<'_>, hash: u64) -> Option<&'a LogTemplate> {
    let errors = &stream.definition.log_templates.errors;
    errors.get((hash >> 7) as usize % errors.len().max(1))
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
