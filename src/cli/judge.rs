//! `tidegate judge FILE`, `tidegate judge SERVICE --since 2h`: the console's verdict on recorded minutes.

mod file;
pub(crate) mod recorded;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::file::{Side, read};
use self::recorded::Served;
use super::args::Judge;
use super::config::Config;
use super::exit::{Exit, Failure};
use super::out::Out;
use super::session::Session;
use crate::domain::analysis;
use crate::domain::analysis::{Case, Histograms, Reason, Verdict, VerdictStatus};
use crate::domain::settings::Thresholds;

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
    fn of(canary: &Side, stable: &Side, timed: bool, bake: SignedDuration, thresholds: &Thresholds) -> Self {
        let histograms = Histograms { canary: &canary.histograms, stable: &stable.histograms };
        let (canary, stable) = (canary.minutes.as_slice(), stable.minutes.as_slice());
        let case = |canary| Case { timed, histograms, ..Case::recorded(canary, stable, bake, thresholds) };
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
    use super::file::parse;
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
    fn histograms_in_a_file_are_compared_and_are_kept() {
        let side = |requests: f64, fast: f64| {
            let minute = |n: i64| {
                json!({
                    "minute": format!("2026-11-20T09:{n:02}Z"), "requests": requests, "errors": 0, "p95": 200,
                    "histogram": { "100": requests * fast, "250": requests * (0.9 + fast / 10.0), "+Inf": requests },
                })
            };
            (0..12).map(minute).collect::<Vec<_>>()
        };
        let file = json!({ "stable": side(2_700.0, 0.8), "canary": side(300.0, 0.4) }).to_string();
        let (exit, text) = judged(&file, true);
        let document: Value = serde_json::from_str(&text).unwrap();
        // The minutes' p95 are alike; their requests are not.
        assert_eq!((exit, &document["reason_codes"][0]), (Exit::Failed, &json!("latency_worse")), "{text}");
        assert_eq!(document["latency"]["slow_requests"]["edge_ms"], 100.0);
        let canary = parse(&file).unwrap().canary;
        let served = Served {
            name: "checkout".to_owned(),
            source: "Prometheus",
            from: canary.minutes[0].at,
            to: canary.minutes[11].at,
            canary,
            stable: Side::default(),
            timed: true,
            troubles: Vec::new(),
        };
        let kept = parse(&served.file().to_string()).unwrap().canary;
        assert_eq!((kept.minutes, kept.histograms), (served.canary.minutes, served.canary.histograms));
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
