//! A log line reworded with its message first: in a narrow column, a leading time or the braces of a JSON line would
//! take all the room. The details show the original line.

use serde_json::Value;

/// Members with the message and the level, most likely first.
const MESSAGE: [&str; 4] = ["message", "msg", "event", "log"];
const LEVEL: [&str; 3] = ["level", "severity", "lvl"];
/// Members that repeat the view's own columns.
const TOLD: [&str; 6] = ["time", "timestamp", "ts", "@timestamp", "service", "logger"];

/// A JSON line as `LEVEL message name=value …`; another line without its leading time; any other line unchanged.
pub(crate) fn said(line: &str) -> String {
    match serde_json::from_str(line) {
        Ok(Value::Object(members)) => {
            let first = |names: &[&'static str]| {
                let mut found = names.iter().filter_map(|name| Some((*name, members.get(*name)?.as_str()?)));
                found.next()
            };
            let Some((message_is, message)) = first(&MESSAGE) else { return line.to_owned() };
            let level = first(&LEVEL);
            let mut words: Vec<String> = level.map(|(_, level)| level.to_uppercase()).into_iter().collect();
            words.push(message.to_owned());
            let told = |name: &str| {
                name == message_is || level.is_some_and(|(level_is, _)| level_is == name) || TOLD.contains(&name)
            };
            words.extend(members.iter().filter(|(name, _)| !told(name)).map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            }));
            words.join(" ")
        }
        _ => without_time(line).to_owned(),
    }
}

/// The line without a leading time in the format of RFC 3339.
fn without_time(line: &str) -> &str {
    let Some((first, rest)) = line.split_once(char::is_whitespace) else { return line };
    if first.parse::<jiff::Timestamp>().is_ok() { rest.trim_start() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_comes_first_and_what_the_view_says_is_not_said_twice() {
        let table = [
            (
                r#"{"time":"2026-11-21T09:00:00Z","level":"error","service":"checkout","message":"no stock","order":7,"path":"/x"}"#,
                "ERROR no stock order=7 path=/x",
            ),
            (r#"{"msg":"placed","ms":{"db":3}}"#, r#"placed ms={"db":3}"#),
            (r#"{"order":7}"#, r#"{"order":7}"#),
            (r#"{"message":7}"#, r#"{"message":7}"#),
            ("2026-11-21T09:00:00.123Z INFO  request path=/", "INFO  request path=/"),
            ("  File \"/app/main.py\", line 41", "  File \"/app/main.py\", line 41"),
            ("2026-11-21T09:00:00Z", "2026-11-21T09:00:00Z"),
            ("", ""),
        ];
        for (line, words) in table {
            assert_eq!(said(line), words);
        }
    }
}
