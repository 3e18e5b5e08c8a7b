//! Detection of error lines: by the level if there is one, otherwise by the wording.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// A level in the form of JSON members and logfmt keys, anywhere in the line: for a line that begins with something
/// else, or was cut in the middle.
const NAMED: &str = r#"(?i)(?:"(?:level|severity|lvl|levelname|log\.level|severity_?text)"\s*:\s*"?|(?:^|[\s\[,])(?:level|severity|lvl|log_?level)=["']?)(\w+)"#;

/// A level as loggers for people write it, in capitals.
const WRITTEN: &str = r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|PANIC|SEVERE)\b";

/// Wording that only errors have: an exception, a stack trace's first line, a level in lower case in the place of a
/// level (first, after the time, or in brackets), and glog's letter for a level.
const SAID: &str = r#"(?x)
    \b[\w.$]*Exception\b | \bTraceback\ \(most | \bpanicked\ at\b
    | ^(?:Uncaught\ )?[\w.$]*Error(?:\ \[\w+\])?:\s
    | ^[EF]\d{4}\ \d\d:\d\d
    | ^(?i:[\d:.,/+TZ\[\]\ -]*(?:error|fatal|critical|panic|severe):)
    | (?i:\[\s*(?:error|fatal|critical|panic|severe|crit|alert|emerg)\s*\])"#;

/// The further lines of a stack trace: its first line has already reported the error.
const TRACE: &str =
    r#"^(?:\s+(?:at|File|from|\d+:|\^|~|\.\.\.)(?:\s|$|")|\s*Caused by:|\s*\.\.\. \d+ (?:more|common))"#;

/// Colours, which loggers put around a level.
const COLOUR: &str = "\u{1b}\\[[0-9;]*m";

// All patterns compile, see the test `every_pattern_compiles`.
static PATTERNS: LazyLock<Option<[Regex; 5]>> = LazyLock::new(|| {
    let [named, written, said, trace, colour] = [NAMED, WRITTEN, SAID, TRACE, COLOUR].map(Regex::new);
    Some([named.ok()?, written.ok()?, said.ok()?, trace.ok()?, colour.ok()?])
});

/// The members in which common loggers put the level of a JSON line.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Structured {
    level: Value,
    severity: Value,
    lvl: Value,
    levelname: Value,
    #[serde(rename = "log.level")]
    log_level: Value,
    /// OpenTelemetry.
    #[serde(alias = "severity_text", rename = "severityText")]
    severity_text: Value,
    /// The Elastic Common Schema, nested.
    log: Value,
}

impl Structured {
    fn error(&self) -> Option<bool> {
        let log = self.log.get("level").unwrap_or(&Value::Null);
        let levels =
            [&self.level, &self.severity, &self.lvl, &self.levelname, &self.log_level, &self.severity_text, log];
        levels.into_iter().find_map(|level| match level {
            Value::String(level) => named(level),
            // In syslog 0 to 3 are errors and worse; on scales whose finest level is 10, 50 and 60 are.
            Value::Number(level) => level.as_f64().map(|level| !(4.0..50.0).contains(&level)),
            _ => None,
        })
    }
}

/// Returns true if a level of this name is an error level; `None`: the name is not a known level.
fn named(level: &str) -> Option<bool> {
    match level.to_ascii_lowercase().as_str() {
        "error" | "err" | "eror" | "fatal" | "critical" | "crit" | "panic" | "dpanic" | "severe" | "alert"
        | "emerg" | "emergency" => Some(true),
        "trace" | "trce" | "debug" | "dbug" | "fine" | "finer" | "finest" | "config" | "verbose" | "info"
        | "information" | "informational" | "notice" | "warn" | "warning" | "log" | "default" => Some(false),
        _ => None,
    }
}

/// Returns true if a line reports an error. A level decides, regardless of the rest of the line. The further lines of a
/// stack trace are not errors of their own. A trace that is logged and then printed again when thrown counts as two
/// lines.
pub fn is_error(text: &str) -> bool {
    if text.trim_start().starts_with('{')
        && let Ok(line) = serde_json::from_str::<Structured>(text)
        && let Some(error) = line.error()
    {
        return error;
    }
    let Some([name, written, said, trace, colour]) = PATTERNS.as_ref() else { return false };
    let plain = if text.contains('\u{1b}') { colour.replace_all(text, "") } else { Cow::Borrowed(text) };
    let text = plain.as_ref();
    let level = name.captures(text).and_then(|found| named(found.get(1)?.as_str()));
    if let Some(error) = level {
        return error;
    }
    if trace.is_match(text) {
        return false;
    }
    match written.find(text).and_then(|found| named(found.as_str())) {
        Some(error) => error,
        None => said.is_match(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(PATTERNS.is_some());
    }

    #[test]
    fn a_level_decides_whatever_else_a_line_says() {
        for (line, error) in [
            (r#"{"level":"error","msg":"no such order"}"#, true),
            (r#"{"time":"x","severity":"CRITICAL","message":"disk"}"#, true),
            (r#"{"lvl":"eror","msg":"x"}"#, true),
            (r#"{"level":50,"msg":"pino"}"#, true),
            (r#"{"level":30,"msg":"ERROR in the text"}"#, false),
            (r#"{"level":3,"short_message":"GELF"}"#, true),
            (r#"{"level":6,"short_message":"GELF"}"#, false),
            (r#"{"log":{"level":"error"},"message":"ECS"}"#, true),
            (r#"{"log.level":"INFO","message":"ERROR Exception Traceback"}"#, false),
            (r#"{"severityText":"ERROR","body":"otel"}"#, true),
            (r#"{"level":"info","severity":"error","msg":"the first that is known"}"#, false),
            (r#"{"level":"info","msg":"ERROR: java.lang.Exception"}"#, false),
            (r#"{"level":"audit","msg":"ERROR of a level nobody knows"}"#, true),
            (r#"{"level":"info","msg":"say \"level\":\"error\""}"#, false),
            (r#"{"level":"error","msg":"cut in the mid"#, true),
            (r#"{"level":"info","msg":"ERROR cut in the mid"#, false),
            (r#"2026-11-21T16:00:00Z app {"level":"info","msg":"ERROR"}"#, false),
            (r#"{"msg":"no level","error":null}"#, false),
            ("ts=2026-11-21T16:00:00Z level=error msg=boom", true),
            ("level=info msg=\"ERROR of the past\" err=nil", false),
            ("time=\"x\" severity=\"fatal\" msg=x", true),
            ("msg=\"retry\" lvl=warn Exception", false),
        ] {
            assert_eq!(is_error(line), error, "{line}");
        }
    }

    #[test]
    fn without_a_level_words_decide() {
        for (line, error) in [
            ("2026-11-21 16:00:00,123 ERROR [main] c.e.Orders - no such order", true),
            ("ERROR:root:boom", true),
            ("FATAL: password authentication failed", true),
            ("Nov 21, 2026 4:00:00 PM com.example.Orders place\nSEVERE: no such order", true),
            ("Exception in thread \"main\" java.lang.IllegalStateException: x", true),
            ("java.lang.NullPointerException", true),
            ("Traceback (most recent call last):", true),
            ("thread 'main' panicked at src/main.rs:2:5:", true),
            ("panic: runtime error: index out of range [3] with length 3", true),
            ("TypeError: Cannot read properties of undefined (reading 'id')", true),
            ("Error [ERR_HTTP_HEADERS_SENT]: Cannot set headers", true),
            ("2026/11/21 16:00:00 [error] 7#7: *1 connect() failed (111: Connection refused)", true),
            ("E1121 16:00:00.123456       1 reflector.go:138] Failed to watch", true),
            ("error: no such order", true),
            ("2026-11-21T16:00:00Z error: no such order", true),
            ("2026-11-21 16:00:00 INFO retrying after ERROR", false),
            ("WARN slow query, no Exception", false),
            ("GET /errors 200", false),
            ("GET /?q=ERROR_RATE 200", false),
            ("0 errors, 0 Exceptions", false),
            ("terror and errorless", false),
            ("order 42 placed", false),
            ("", false),
        ] {
            assert_eq!(is_error(line), error, "{line}");
        }
    }

    #[test]
    fn the_rest_of_a_stack_trace_is_not_counted_again() {
        for line in [
            "\tat com.example.ErrorException.place(Orders.java:42)",
            "    at Object.<anonymous> (/app/Error: x.js:1:1)",
            "Caused by: java.io.IOException: ERROR broken pipe",
            "\t... 12 more",
            "  File \"/app/Exception.py\", line 3, in ERROR",
            "   3: app::ERROR::place",
        ] {
            assert!(!is_error(line), "{line}");
        }
    }

    #[test]
    fn whatever_a_container_writes_is_read() {
        for line in ["{", "{\"level\":", "\0\u{1b}[31mERROR\u{1b}[0m", "level=", "\u{202e}"] {
            is_error(line);
        }
        assert!(is_error("\u{1b}[31mERROR\u{1b}[0m in colour"));
    }
}
