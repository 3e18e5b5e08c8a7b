//! The file format of recorded minutes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cli::config::thresholds::ThresholdsTable;
use crate::cli::config::values::Wait;
use crate::cli::exit::Failure;
use crate::domain::analysis::Observed;
use crate::domain::metrics::Histogram;
use crate::domain::settings::Thresholds;
use crate::files;

/// Maximum bytes of recorded minutes; a year of minutes is smaller.
const LARGEST: u64 = 64 << 20;

/// The content of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recorded {
    pub stable: Side,
    pub canary: Side,
    #[serde(default)]
    pub gates: Gates,
}

/// The minutes of a side, sorted by time, with the histograms that are known.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub minutes: Vec<Observed>,
    pub histograms: BTreeMap<Timestamp, Histogram>,
}

/// The bake and the thresholds, if they differ from the configuration's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gates {
    pub bake: Option<Wait>,
    #[serde(flatten)]
    pub thresholds: ThresholdsTable,
}

/// One minute; a member that is missing or null means no data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Minute {
    #[serde(deserialize_with = "minute")]
    minute: Timestamp,
    #[serde(default, deserialize_with = "amount")]
    requests: Option<f64>,
    #[serde(default, deserialize_with = "amount")]
    errors: Option<f64>,
    #[serde(default, deserialize_with = "amount")]
    p50: Option<f64>,
    #[serde(default, deserialize_with = "amount")]
    p95: Option<f64>,
    #[serde(default, deserialize_with = "amount")]
    p99: Option<f64>,
    #[serde(default, deserialize_with = "histogram")]
    histogram: Option<Histogram>,
}

/// Reads a number of 0 or more; `None`: no data.
fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = Option::<f64>::deserialize(from)?;
    match value.filter(|value| *value < 0.0) {
        Some(value) => Err(D::Error::custom(format!("{value}; expected a number of 0 or more, or null for no data"))),
        None => Ok(value),
    }
}

/// Reads a histogram: requests that took at most so many milliseconds, by a number of milliseconds or `+Inf`.
fn histogram<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Histogram>, D::Error> {
    let Some(buckets) = Option::<BTreeMap<String, f64>>::deserialize(from)? else { return Ok(None) };
    let edge = |(le, count): (String, f64)| {
        let known = le.parse::<f64>().ok().filter(|edge| !edge.is_nan());
        known.map(|edge| (edge, count)).ok_or_else(|| {
            D::Error::custom(format!("the histogram has {le:?}; expected milliseconds like \"250\", or \"+Inf\""))
        })
    };
    let buckets = buckets.into_iter().map(edge).collect::<Result<_, _>>()?;
    Histogram::cumulative(buckets).map(Some).map_err(|why| D::Error::custom(format!("the histogram {why}")))
}

/// Reads the beginning of a minute.
fn minute<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    let whole = |at: &Timestamp| at.as_second().rem_euclid(60) == 0 && at.subsec_nanosecond() == 0;
    text.parse().ok().filter(whole).ok_or_else(|| {
        D::Error::custom(format!("{text:?} is not the beginning of a minute; expected one like 2026-11-20T09:00Z"))
    })
}

impl<'de> Deserialize<'de> for Side {
    /// Reads a side's minutes, in any order; a minute that occurs twice is an error.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Minutes;
        impl<'de> Visitor<'de> for Minutes {
            type Value = Side;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of minutes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Side, A::Error> {
                let mut side = Side::default();
                while let Some(Minute { minute: at, requests, errors, p50, p95, p99, histogram }) =
                    list.next_element()?
                {
                    match side.minutes.binary_search_by_key(&at, |other| other.at) {
                        Ok(_) => return Err(A::Error::custom(format!("{at} is here twice; expected it once"))),
                        Err(place) => side.minutes.insert(place, Observed { at, requests, errors, p50, p95, p99 }),
                    }
                    side.histograms.extend(histogram.map(|histogram| (at, histogram)));
                }
                Ok(side)
            }
        }
        from.deserialize_seq(Minutes)
    }
}

/// Reads and parses a file, or standard input.
pub(super) fn read(path: &Path) -> Result<Recorded, Failure> {
    let standard = path == Path::new("-");
    let name = if standard { "standard input".to_owned() } else { path.display().to_string() };
    let text = if standard {
        let mut text = String::new();
        std::io::stdin().lock().take(LARGEST).read_to_string(&mut text).map(|_| text)
    } else {
        files::read_text(path, LARGEST)
    };
    let text = text.map_err(|error| {
        Failure::usage(
            format!("cannot read {name}: {error}"),
            "Name a file, or - for standard input; a service is judged with --since 2h.",
        )
    })?;
    parse(&text).map_err(|wrong| {
        let advice = "It takes {\"stable\": [{\"minute\": \"2026-11-20T09:00Z\", \"requests\": 2700, \"errors\": 5, \
                      \"p95\": 210}], \"canary\": […], \"gates\": {\"bake\": \"10m\"}}; `tidegate help verdict` has all of it.";
        Failure::usage(format!("{name}: {wrong}"), advice)
    })
}

/// Parses a file. The error tells what is wrong, and where.
pub(super) fn parse(text: &str) -> Result<Recorded, String> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&what);
        // For an unknown key of the gates, the message of serde lists no expected keys.
        let mut expected = String::new();
        if what.starts_with("unknown field") && !what.contains("expected") {
            let keys = ThresholdsTable::default().shown(&Thresholds::default());
            let keys: Vec<_> = keys.into_iter().map(|(key, ..)| format!(", `{key}`")).collect();
            expected = format!(", expected one of `bake`{}", keys.concat());
        }
        format!("line {line}, column {column}: {what}{expected}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_what_was_expected() {
        let minute = |members: &str| format!("{{\"stable\": [],\n \"canary\": [\n  {{{members}}}\n ]}}");
        let table = [
            (String::new(), &["line 1, column 0", "EOF"][..]),
            ("{\"stable\": []}".to_owned(), &["line 1, column 14", "missing field `canary`"]),
            ("{\"stable\": 3, \"canary\": []}".to_owned(), &["line 1", "expected a list of minutes"]),
            (minute("\"requests\": 3"), &["line 3", "missing field `minute`"]),
            (minute("\"minute\": \"nine\""), &["line 3, column 20", "nine", "expected one like"]),
            (minute("\"minute\": \"2026-11-20T09:00:30Z\""), &["line 3", "beginning of a minute", "2026-11-20T09:00Z"]),
            (minute("\"minute\": \"2026-11-20T09:00Z\", \"requests\": \"3\""), &["line 3", "invalid type", "f64"]),
            (
                minute("\"minute\": \"2026-11-20T09:00Z\", \"errors\": -1"),
                &["line 3, column 47", "-1; expected", "0 or more"],
            ),
            (minute("\"minute\": \"2026-11-20T09:00Z\", \"error\": 1"), &["line 3", "`error`", "expected one of"]),
            (
                minute("\"minute\": \"2026-11-20T09:00Z\"},\n  {\"minute\": \"2026-11-20T09:00Z\""),
                &["2026-11-20T09:00:00Z is here twice"],
            ),
            (
                "{\"stable\": [], \"canary\": [],\n \"gates\": {\"eror_percent\": 3}}".to_owned(),
                &["line 2", "eror_percent", "expected one of `bake`, `error_percent`"],
            ),
            (
                "{\"stable\": [], \"canary\": [],\n \"gates\": {\"allowance\": 0}}".to_owned(),
                &["line 2", "must be above 0"],
            ),
            ("{\"stable\": [], \"canary\": []} x".to_owned(), &["line 1", "trailing characters"]),
            (
                minute("\"minute\": \"2026-11-20T09:00Z\", \"histogram\": {\"50\": 3}"),
                &["line 3", "the histogram has no bucket le=\"+Inf\""],
            ),
            (
                minute("\"minute\": \"2026-11-20T09:00Z\", \"histogram\": {\"fast\": 3, \"+Inf\": 3}"),
                &["line 3", "the histogram has \"fast\"", "milliseconds like \"250\""],
            ),
            (
                minute("\"minute\": \"2026-11-20T09:00Z\", \"histogram\": {\"50\": -3, \"+Inf\": 3}"),
                &["line 3", "a bucket whose count is no count"],
            ),
        ];
        for (file, parts) in table {
            let wrong = parse(&file).unwrap_err();
            assert!(parts.iter().all(|part| wrong.contains(part)), "{file}: {wrong}");
        }
        let nowhere = read(Path::new("no/such/file.json")).unwrap_err();
        assert_eq!((nowhere.exit, nowhere.message.contains("no/such/file.json")), (Exit::Usage, true));
    }
}
