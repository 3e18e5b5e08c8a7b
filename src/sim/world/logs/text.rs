//! What the lines say.

use std::fmt::{self, Write};

use jiff::Timestamp;

use super::stream::{Kind, Line, Stream, fraction};
use super::voice::{Level, Saying};
use crate::sim::scenario::LogFormat;
use crate::sim::world::clock::{Ms, SECOND};
use crate::sim::world::ids::mix;

/// Asked of a service, with how often.
const METHODS: [&str; 4] = ["GET", "GET", "GET", "POST"];
const PLACES: [&str; 5] = ["items", "orders", "sessions", "prices", "quotes"];
/// What services say when nobody asks them anything.
const CHATTER: [&str; 6] = [
    "connection pool: 7 of 20 in use",
    "cache refreshed in 12 ms",
    "heartbeat",
    "config is up to date",
    "queue is empty",
    "gc: 3 ms, 212 MiB in use",
];

/// Puts lines into words.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The second that is being written, and how it is spelled.
    second: i64,
    spelled: String,
}

impl Writer {
    /// A line's text.
    pub fn write(&mut self, stream: &Stream<'_>, line: &Line) -> String {
        let mut out = String::with_capacity(240);
        // Writing into a String has no way to fail.
        let _ = self.put(&mut out, stream, line);
        out
    }

    fn put(&mut self, out: &mut String, stream: &Stream<'_>, line: &Line) -> fmt::Result {
        let voice = &stream.def.voice;
        let hash = line.hash;
        let pick = |words: &'static [&'static str]| words.get(hash as usize % words.len().max(1)).copied();
        match line.kind {
            Kind::Start { saying, percent } => match voice.start.get(saying) {
                Some(saying) => {
                    let tag = stream.image().rsplit_once(':').map_or("", |(_, tag)| tag);
                    let text = saying.text.replace("{percent}", &percent.to_string()).replace("{version}", tag);
                    self.say(out, stream, line, &Saying { text, ..saying.clone() }, 0)
                }
                None => Ok(()),
            },
            Kind::Crash { saying, line: nth } => match voice.crash.get(saying) {
                Some(saying) => self.say(out, stream, line, saying, nth),
                None => Ok(()),
            },
            Kind::Told => self.plain(out, stream, line, Level::Info, "SIGTERM received, finishing what is under way"),
            Kind::Unwell => match error(stream, hash) {
                Some(saying) => self.say(out, stream, line, saying, 0),
                None => self.plain(out, stream, line, Level::Error, "health check failed"),
            },
            Kind::Chatter => self.plain(out, stream, line, Level::Info, pick(&CHATTER).unwrap_or_default()),
            Kind::Request { failed } => self.request(out, stream, line, failed),
        }
    }

    fn plain(&mut self, out: &mut String, stream: &Stream<'_>, line: &Line, level: Level, text: &str) -> fmt::Result {
        let saying = Saying { level, text: text.to_owned(), rest: Vec::new(), raw: false };
        self.say(out, stream, line, &saying, 0)
    }

    /// A saying, or one line of it.
    fn say(&mut self, out: &mut String, stream: &Stream<'_>, line: &Line, saying: &Saying, nth: usize) -> fmt::Result {
        if let Some(rest) = nth.checked_sub(1) {
            return out.write_str(saying.rest.get(rest).map_or("", String::as_str));
        }
        if saying.raw {
            return out.write_str(&saying.text);
        }
        self.head(out, stream, line.at, saying.level, &saying.text)?;
        match stream.def.voice.format {
            LogFormat::Plain => Ok(()),
            LogFormat::Json => {
                if !saying.rest.is_empty() {
                    write!(out, ",\"stack\":{}", quoted(&saying.rest.join("\n")))?;
                }
                out.write_char('}')
            }
        }
    }

    /// Time, level and text, as every line of a logger begins.
    fn head(&mut self, out: &mut String, stream: &Stream<'_>, at: Ms, level: Level, text: &str) -> fmt::Result {
        let second = at.div_euclid(SECOND);
        if second != self.second || self.spelled.is_empty() {
            let stamp = Timestamp::from_second(second).unwrap_or_default();
            (self.second, self.spelled) = (second, stamp.strftime("%Y-%m-%dT%H:%M:%S").to_string());
        }
        let (time, millis, level) = (&self.spelled, at.rem_euclid(SECOND), level.as_ref());
        match stream.def.voice.format {
            LogFormat::Plain => write!(out, "{time}.{millis:03}Z {level:<5} {text}"),
            LogFormat::Json => {
                let (level, name) = (level.to_ascii_lowercase(), stream.container());
                let text = quoted(text);
                write!(
                    out,
                    "{{\"time\":\"{time}.{millis:03}Z\",\"level\":\"{level}\",\"service\":\"{name}\",\"message\":{text}"
                )
            }
        }
    }

    fn request(&mut self, out: &mut String, stream: &Stream<'_>, line: &Line, failed: bool) -> fmt::Result {
        let behaviour = &stream.def.behaviour;
        let more = mix(line.hash);
        let word = |words: &[&'static str], salt: u32| {
            words.get((more >> salt) as usize % words.len().max(1)).copied().unwrap_or_default()
        };
        let (method, place) = (word(&METHODS, 3), word(&PLACES, 9));
        let refused = fraction(more.rotate_left(23)) < behaviour.client_error;
        let status = match (failed, refused) {
            (true, _) => [500, 502, 503].get(more as usize % 3).copied().unwrap_or(500),
            (false, true) => [400, 404, 409].get(more as usize % 3).copied().unwrap_or(404),
            (false, false) if method == "POST" => 201,
            (false, false) => 200,
        };
        // Four uniform numbers make something near enough to a bell.
        let bell = (0..4).map(|n| fraction(mix(more ^ n))).sum::<f64>() * 1.732 - 3.464;
        let millis = (behaviour.log_latency + behaviour.log_spread * bell).exp() * 1000.0;
        let (family, id, trace) = (&stream.def.family, more & 0xff_ffff, line.hash);
        let said = if failed { error(stream, more) } else { None };
        let level = if failed { Level::Error } else { Level::Info };
        self.head(out, stream, line.at, level, "request")?;
        match stream.def.voice.format {
            LogFormat::Plain => {
                write!(
                    out,
                    " method={method} path=/{family}/{place}/{id:06x} status={status} duration_ms={millis:.0} trace_id={trace:016x}"
                )?;
                said.map_or(Ok(()), |said| write!(out, " error={}", quoted(&said.text)))
            }
            LogFormat::Json => {
                write!(
                    out,
                    ",\"method\":\"{method}\",\"path\":\"/{family}/{place}/{id:06x}\",\"status\":{status},\"duration_ms\":{millis:.0},\"trace_id\":\"{trace:016x}\""
                )?;
                if let Some(said) = said {
                    write!(out, ",\"error\":{}", quoted(&said.text))?;
                }
                out.write_char('}')
            }
        }
    }
}

/// What an error line of this stream says.
fn error<'a>(stream: &'a Stream<'_>, hash: u64) -> Option<&'a Saying> {
    let errors = &stream.def.voice.errors;
    errors.get((hash >> 7) as usize % errors.len().max(1))
}

/// As JSON has it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
