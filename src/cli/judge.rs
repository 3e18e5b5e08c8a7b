//! `tidegate judge FILE`, `tidegate judge SERVICE --since 2h`: the console's verdict on recorded minutes.

pub(crate) mod recorded;

use std::fmt;
use std::io::Read;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use self::recorded::Served;
use super::args::Judge;
use super::config::Config;
use super::config::thresholds::ThresholdsTable;
use super::config::values::Wait;
use super::exit::{Exit, Failure};
use super::out::Out;
use super::session::Session;
use crate::domain::analysis;
use crate::domain::analysis::{Case, Observed, Reason, Verdict, VerdictStatus};
use crate::domain::settings::Thresholds;
use crate::files;

/// Maximum bytes of recorded minutes; a year of minutes is smaller.
const LARGEST: u64 = 64 << 20;

/// The content of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    #[serde(deserialize_with = "minutes")]
    stable: Vec<Observed>,
    #[serde(deserialize_with = "minutes")]
    canary: Vec<Observed>,
    #[serde(default)]
    gates: Gates,
}

/// The bake and the thresholds, if they differ from the configuration's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gates {
    bake: Option<Wait>,
    #[serde(flatten)]
    thresholds: ThresholdsTable,
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
}

/// Reads a number of 0 or more; `None`: no data.
fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = Option::<f64>::deserialize(from)?;
    match value.filter(|value| *value < 0.0) {
        Some(value) => Err(D::Error::custom(format!("{value}; expected a number of 0 or more, or null for no data"))),
        None => Ok(value),
    }
}

/// Reads the beginning of a minute.
fn minute<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    let whole = |at: &Timestamp| at.as_second().rem_euclid(60) == 0 && at.subsec_nanosecond() == 0;
    text.parse().ok().filter(whole).ok_or_else(|| {
        D::Error::custom(format!("{text:?} is not the beginning of a minute; expected one like 2026-11-20T09:00Z"))
    })
}

/// Reads a side's minutes, sorted by time; a minute that occurs twice is an error.
fn minutes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Observed>, D::Error> {
    struct Side;
    impl<'de> Visitor<'de> for Side {
        type Value = Vec<Observed>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of minutes")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut minutes: Vec<Observed> = Vec::new();
            while let Some(Minute { minute, requests, errors, p50, p95, p99 }) = list.next_element()? {
                let minute = Observed { at: minute, requests, errors, p50, p95, p99 };
                match minutes.binary_search_by_key(&minute.at, |other| other.at) {
                    Ok(_) => return Err(A::Error::custom(format!("{} is here twice; expected it once", minute.at))),
                    Err(place) => minutes.insert(place, minute),
                }
            }
            Ok(minutes)
        }
    }
    from.deserialize_seq(Side)
}

/// A change of the verdict.
struct Change {
    minute: Timestamp,
    verdict: Verdict,
}

/// Judges a file, prints the verdict, and returns the verdict's exit code.
pub(super) fn judge(out: &mut Out, config: &Config, wish: &Judge) -> Result<Exit, Failure> {
    let recorded = read(Path::new(&wish.what))?;
    let settings = &config.settings;
    let name = wish.service.as_deref().unwrap_or_default();
    let thresholds = recorded.gates.thresholds.over(settings.thresholds_of(name));
    let bake = recorded.gates.bake.map_or_else(|| settings.bake_of(name), |bake| bake.0);
    let course = Course::of(&recorded.canary, &recorded.stable, true, bake, &thresholds);
    course.print(out, None)
}

/// Judges the recorded minutes of a service, or prints these minutes, to be kept.
pub(super) async fn past(
    out: &mut Out,
    session: &Session,
    wish: &Judge,
    since: SignedDuration,
) -> Result<Exit, Failure> {
    let served = recorded::served(session, wish, since).await?;
    served.troubles.iter().for_each(|trouble| out.remark(&format!("not read: {trouble}")));
    if wish.minutes {
        out.document(&served.file())?;
        out.remark(&served.headline());
        return Ok(Exit::Done);
    }
    let settings = &session.config.settings;
    let (thresholds, bake) = (settings.thresholds_of(&served.name), settings.bake_of(&served.name));
    Course::of(&served.canary, &served.stable, served.timed, bake, thresholds).print(out, Some(&served))
}

/// The final verdict on a canary, and the changes on the way there.
struct Course {
    verdict: Verdict,
    changes: Vec<Change>,
}

impl Course {
    /// Judges minute by minute, as an operator would have seen the release. Both sides are sorted by time.
    fn of(
        canary: &[Observed],
        stable: &[Observed],
        timed: bool,
        bake: SignedDuration,
        thresholds: &Thresholds,
    ) -> Self {
        let case = |canary| Case { timed, ..Case::recorded(canary, stable, bake, thresholds) };
        let mut changes: Vec<Change> = Vec::new();
        for (index, minute) in canary.iter().enumerate() {
            let Some(seen) = canary.get(..=index).map(case) else { continue };
            let status = analysis::status(&seen);
            if changes.last().is_none_or(|last| last.verdict.outcome != status) {
                changes.push(Change { minute: minute.at, verdict: analysis::judge(&seen) });
            }
        }
        Self { verdict: analysis::judge(&case(canary)), changes }
    }

    fn print(&self, out: &mut Out, served: Option<&Served>) -> Result<Exit, Failure> {
        let Self { verdict, changes } = self;
        if out.json {
            let mut document = document(verdict, changes);
            if let (Some(served), Value::Object(members)) = (served, &mut document) {
                members.insert("name".to_owned(), json!(served.name));
                members.insert("source".to_owned(), json!(served.source));
                members.insert("from".to_owned(), json!(served.from));
                members.insert("to".to_owned(), json!(served.to));
            }
            out.document(&document)?;
        } else {
            out.say(&text(verdict, changes))?;
            if let Some(served) = served {
                out.say(&format!("\n{}", served.headline()))?;
            }
        }
        Ok(match verdict.outcome {
            VerdictStatus::Pass => Exit::Done,
            VerdictStatus::Fail => Exit::Failed,
            VerdictStatus::Inconclusive => Exit::Unknown,
        })
    }
}

fn read(path: &Path) -> Result<Recorded, Failure> {
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
fn parse(text: &str) -> Result<Recorded, String> {
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

/// Returns the reasons: those for a pass come before the warnings.
fn reasons(verdict: &Verdict) -> impl Iterator<Item = &Reason> {
    verdict.grounds.iter().chain(&verdict.reasons)
}

/// Returns the document `tidegate.judgement/1`. Rates and their difference are in percent.
fn document(verdict: &Verdict, changes: &[Change]) -> Value {
    json!({
        "schema": "tidegate.judgement/1",
        "outcome": verdict.outcome,
        "critical": verdict.critical,
        "reasons": reasons(verdict).collect::<Vec<_>>(),
        "reason_codes": reasons(verdict).map(|reason| reason.code).collect::<Vec<_>>(),
        "error_rate": verdict.error_rate,
        "latency": verdict.latency,
        "needs": verdict.needs,
        "changes": changes.iter().map(|change| json!({
            "at": change.minute,
            "outcome": change.verdict.outcome,
            "requests": change.verdict.judged.requests,
            "reason": reasons(&change.verdict).next(),
            "reason_code": reasons(&change.verdict).next().map(|reason| reason.code),
        })).collect::<Vec<_>>(),
    })
}

fn text(verdict: &Verdict, changes: &[Change]) -> String {
    let critical = if verdict.critical { ", critical" } else { "" };
    let mut lines = vec![format!("{}{critical}", verdict.outcome.word())];
    lines.extend(reasons(verdict).map(|reason| format!("  {reason}")));
    if changes.len() > 1 {
        lines.extend([String::new(), "Minute by minute it was".to_owned()]);
        lines.extend(changes.iter().map(|change| {
            let why = reasons(&change.verdict).next().map(|why| format!("  {why}")).unwrap_or_default();
            format!("  {}  {:<7}{why}", change.minute.strftime("%H:%MZ"), change.verdict.outcome.word())
        }));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config;
    use crate::cli::config::Flags;
    use crate::cli::out::tests::Paper;

    /// Renders a file of recorded minutes. `canary`: requests and errors a minute; `p95`: the canary's p95.
    fn file(minutes: u32, canary: (f64, f64), p95: f64, gates: &str) -> String {
        let side = |requests: f64, errors: f64, p95: f64| {
            let minute = |n: u32| {
                let errors = (f64::from(n + 1) * errors).floor() - (f64::from(n) * errors).floor();
                json!({
                    "minute": format!("2026-11-20T09:{n:02}Z"), "requests": requests, "errors": errors, "p50": null,
                    "p95": p95 + f64::from(n * 7 % 11),
                })
            };
            (0..minutes).map(minute).collect::<Vec<_>>()
        };
        let (stable, canary) = (side(2970.0, 5.94, 200.0), side(canary.0, canary.1, p95));
        format!("{{\"stable\": {}, \"canary\": {}{gates}}}", json!(stable), json!(canary))
    }

    fn judged(file: &str, json: bool) -> (Exit, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("minutes.json");
        std::fs::write(&path, file).unwrap();
        let config = config::demo(&Flags::default()).unwrap();
        let paper = Paper::default();
        let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
        out.json = json;
        let what = path.to_str().unwrap().to_owned();
        let wish = Judge { what, since: None, until: None, minutes: false, service: None };
        let exit = super::judge(&mut out, &config, &wish).unwrap();
        (exit, paper.text())
    }

    #[test]
    fn each_verdict_has_its_exit_code_and_its_document() {
        let table = [
            (file(12, (300.0, 0.6), 200.0, ""), Exit::Done, "pass"),
            (file(9, (300.0, 24.0), 200.0, ""), Exit::Failed, "fail"),
            (file(9, (30.0, 0.0), 200.0, ""), Exit::Unknown, "not_yet"),
            (file(9, (300.0, 0.0), 330.0, ""), Exit::Failed, "fail"),
            // The same minutes, by other gates.
            (file(9, (300.0, 0.0), 330.0, ", \"gates\": {\"p95_ratio\": 2, \"bake\": \"5m\"}"), Exit::Done, "pass"),
        ];
        for (file, exit, word) in table {
            let (ended, text) = judged(&file, true);
            let document: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((ended, &document["outcome"]), (exit, &json!(word)), "{text}");
            assert_eq!(document["schema"], "tidegate.judgement/1");
            let reasons = document["reasons"].as_array().unwrap();
            assert!(!reasons.is_empty());
            assert_eq!(document["reason_codes"].as_array().unwrap().len(), reasons.len());
            for member in ["stable", "canary", "difference_low", "difference_high", "p_value"] {
                assert!(document["error_rate"][member].is_number(), "{member}: {text}");
            }
            for member in ["stable_median_ms", "canary_median_ms", "p_value", "effect"] {
                assert!(document["latency"][member].is_number(), "{member}: {text}");
            }
            assert_eq!(document["latency"]["percentile"], "p95");
            assert_eq!(document["needs"].is_null(), word != "not_yet", "{text}");
            assert_eq!(
                judged(&file, false).1.lines().next().unwrap().to_lowercase().replace(' ', "_").split(',').next(),
                Some(word)
            );
        }
    }

    #[test]
    fn it_says_when_it_would_have_failed() {
        let mut file: Value = serde_json::from_str(&file(20, (300.0, 0.6), 200.0, "")).unwrap();
        for minute in 5..20 {
            file["canary"][minute]["errors"] = json!(9);
        }
        let (_, text) = judged(&file.to_string(), true);
        let document: Value = serde_json::from_str(&text).unwrap();
        let words: Vec<_> = document["changes"].as_array().unwrap().iter().map(|change| &change["outcome"]).collect();
        assert_eq!(words, ["not_yet", "fail"], "{text}");
        assert_eq!(document["changes"][1]["at"], "2026-11-20T09:06:00Z");
    }

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
        ];
        for (file, parts) in table {
            let wrong = parse(&file).unwrap_err();
            assert!(parts.iter().all(|part| wrong.contains(part)), "{file}: {wrong}");
        }
        let nowhere = read(Path::new("no/such/file.json")).unwrap_err();
        assert_eq!((nowhere.exit, nowhere.message.contains("no/such/file.json")), (Exit::Usage, true));
    }

    #[test]
    fn nothing_recorded_is_not_yet() {
        let (exit, text) = judged("{\"stable\": [], \"canary\": []}", true);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((exit, &document["error_rate"], &document["latency"]), (Exit::Unknown, &Value::Null, &Value::Null));
        assert_eq!(document["needs"], json!({"requests": 100, "minutes": null}));
        // Null means no data, as does a missing member.
        let null = "{\"stable\": [], \"canary\": [{\"minute\": \"2026-11-20T09:00Z\", \"requests\": null}]}";
        assert_eq!(judged(null, true).0, Exit::Unknown);
    }
}
