//! What a revision says in its logs, as its scenario has it.

use crate::sim::scenario::{LogFormat, Traits};

/// The level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// One thing that a revision says.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    pub level: Level,
    pub text: String,
    /// The lines after the first, such as those of a stack trace.
    pub rest: Vec<String>,
    /// Written without any logger.
    pub raw: bool,
}

/// How a revision writes its logs, and what it has to say in them.
#[derive(Debug, Clone, Default)]
pub(in crate::sim::world) struct Voice {
    pub(super) format: LogFormat,
    /// Lines a second besides those about requests.
    pub(super) per_second: Option<f64>,
    pub(super) start: Vec<Saying>,
    pub(super) crash: Vec<Saying>,
    pub(super) errors: Vec<Saying>,
}

impl Voice {
    /// A revision's own words, otherwise its family's, otherwise what any service says.
    pub fn new(own: &Traits, family: &Traits) -> Self {
        let words = |own: &Option<Vec<String>>, family: &Option<Vec<String>>, level, default: &[&str]| {
            let given = own.as_ref().or(family.as_ref()).map(|all| all.iter().map(String::as_str).collect());
            let words: Vec<&str> = given.unwrap_or_else(|| default.to_vec());
            words.into_iter().map(|text| Saying::parse(text, level)).collect()
        };
        Self {
            format: own.log_format.or(family.log_format).unwrap_or_default(),
            per_second: own.log_lines_per_second.or(family.log_lines_per_second),
            start: words(
                &own.log_start,
                &family.log_start,
                Level::Info,
                &["starting version {version}", "connected to the database", "listening on 0.0.0.0:8080"],
            ),
            crash: words(&own.log_crash, &family.log_crash, Level::Error, &[]),
            errors: words(
                &own.log_errors,
                &family.log_errors,
                Level::Error,
                &["upstream answered 502", "deadline exceeded after 3000 ms", "connection reset by peer"],
            ),
        }
    }
}

impl Saying {
    fn parse(text: &str, level: Level) -> Self {
        let (raw, text) = text.strip_prefix('|').map_or((false, text), |text| (true, text));
        let mut lines = text.lines().map(str::to_owned);
        let first = lines.next().unwrap_or_default();
        let given = first.split_once(' ').and_then(|(word, rest)| Some((word.parse().ok()?, rest.to_owned())));
        let (level, text) = given.filter(|_| !raw).unwrap_or((level, first));
        Self { level, text, rest: lines.collect(), raw }
    }

    /// How many events CloudWatch gets of it: the driver makes one of each line; a logger that writes JSON puts a
    /// whole stack trace into one.
    pub fn events(&self, format: LogFormat) -> usize {
        if format == LogFormat::Json && !self.raw { 1 } else { 1 + self.rest.len() }
    }
}
