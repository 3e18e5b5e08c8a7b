//! What a line says, first things first: in a narrow column the time that a service writes before each message, or a JSON
//! line's braces, would be all there is to see. The line as it came is among the details.

use serde_json::Value;

/// Members that hold a line's message and its level, the likeliest first.
const MESSAGE: [&str; 4] = ["message", "msg", "event", "log"];
const LEVEL: [&str; 3] = ["level", "severity", "lvl"];
/// Members that say what the view's own columns say.
const TOLD: [&str; 6] = ["time", "timestamp", "ts", "@timestamp", "service", "logger"];

/// A JSON line as `LEVEL message name=value …`, another without the time at its beginning; as it is where there is
/// neither.
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

/// Behind a time as RFC 3339 has it, where the line begins with one.
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
