//! The texts that a revision's containers log.

use crate::sim::scenario::{LogFormat, Traits};

/// The level of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A text that a container logs, such as an error with its stack trace.
#[derive(Debug, Clone)]
pub(crate) struct LogTemplate {
    pub(crate) level: Level,
    /// The first line.
    pub(crate) text: String,
    /// The other lines, such as those of a stack trace.
    pub(crate) rest: Vec<String>,
    /// The text is written as it is, without time and level.
    pub(crate) raw: bool,
}

/// The format of a revision's log lines, and its texts by occasion.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogTemplates {
    pub(crate) format: LogFormat,
    /// Lines per second besides those of requests.
    pub(crate) per_second: Option<f64>,
    pub(crate) start: Vec<LogTemplate>,
    pub(crate) crash: Vec<LogTemplate>,
    pub(crate) errors: Vec<LogTemplate>,
}

impl LogTemplates {
    /// Takes the revision's own texts, otherwise the family's, otherwise defaults.
    pub(crate) fn new(own: &Traits, family: &Traits) -> Self {
        let templates = |own: &Option<Vec<String>>, family: &Option<Vec<String>>, level, default: &[&str]| {
            let given = own.as_ref().or(family.as_ref()).map(|all| all.iter().map(String::as_str).collect());
            let texts: Vec<&str> = given.unwrap_or_else(|| default.to_vec());
            texts.into_iter().map(|text| LogTemplate::parse(text, level)).collect()
        };
        Self {
            format: own.log_format.or(family.log_format).unwrap_or_default(),
            per_second: own.log_lines_per_second.or(family.log_lines_per_second),
            start: templates(
                &own.log_start,
                &family.log_start,
                Level::Info,
                &["starting version {version}", "connected to the database", "listening on 0.0.0.0:8080"],
            ),
            crash: templates(&own.log_crash, &family.log_crash, Level::Error, &[]),
            errors: templates(
                &own.log_errors,
                &family.log_errors,
                Level::Error,
                &["upstream answered 502", "deadline exceeded after 3000 ms", "connection reset by peer"],
            ),
        }
    }
}

impl LogTemplate {
    fn parse(text: &str, level: Level) -> Self {
        let (raw, text) = text.strip_prefix('|').map_or((false, text), |text| (true, text));
        let mut lines = text.lines().map(str::to_owned);
        let first = lines.next().unwrap_or_default();
        let given = first.split_once(' ').and_then(|(word, rest)| Some((word.parse().ok()?, rest.to_owned())));
        let (level, text) = given.filter(|_| !raw).unwrap_or((level, first));
        Self { level, text, rest: lines.collect(), raw }
    }

    /// The number of CloudWatch events that the text becomes. The log driver makes an event of each line, but a JSON
    /// logger puts a whole stack trace into one line.
    pub(crate) fn events(&self, format: LogFormat) -> usize {
        if format == LogFormat::Json && !self.raw { 1 } else { 1 + self.rest.len() }
    }
}
