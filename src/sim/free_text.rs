//! Free text in answers: what people or programs wrote, as against names, ARNs, tokens and enumerations.
//!
//! In a hostile world such texts are full of what a terminal must never get to see, and a fault of the wire puts bytes
//! into them that are no UTF-8.

use serde_json::Value;

/// Members whose value is free text, whatever they are in.
const ANYWHERE: [&str; 10] = [
    "message",
    "reason",
    "statusReason",
    "stoppedReason",
    "rolloutStateReason",
    "image",
    "Description",
    "StateReason",
    "AlarmDescription",
    "StateReasonData",
];
/// Lists whose strings, and those of their items, are free text. Never of what a client has to write back as it is.
const WITHIN: [&str; 6] = ["tags", "Tags", "environment", "secrets", "command", "Conditions"];
/// Members within such a list that are not: ARNs and enumerations.
const KEPT: [&str; 3] = ["valueFrom", "ResourceArn", "Field"];

/// Does something to each free text of an answer.
pub(super) fn each(answer: &mut Value, change: &mut dyn FnMut(&mut String)) {
    walk(answer, false, change);
}

fn walk(value: &mut Value, free: bool, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) if free => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, free, change)),
        Value::Object(members) => {
            // Why something is missing is one of a few words.
            for (name, value) in members.iter_mut().filter(|(name, _)| *name != "failures") {
                let name = name.as_str();
                let inside = !KEPT.contains(&name) && (free || ANYWHERE.contains(&name) || WITHIN.contains(&name));
                walk(value, inside, change);
            }
        }
        _ => {}
    }
}

/// What has been seen in the wild, and some more: each of these would do something to a terminal, or to whoever reads.
const SPOILS: [&str; 15] = [
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}[31;5m",
    "\u{1b}]52;c;aG9zdGlsZQ==\u{7}",
    "\u{1b}]8;;https://hostile.example/\u{1b}\\here\u{1b}]8;;\u{1b}\\",
    "\u{1b}]0;hostile\u{7}",
    "\u{1b}P$q q\u{1b}\\",
    "\u{1b}_hostile\u{1b}\\",
    "\u{9b}31m",
    "\u{90}hostile\u{9c}",
    "\u{202e}lru\u{202c}",
    "\u{2067}rtl\u{2069}\u{200f}",
    "\0\u{8}\u{7f}",
    "\u{200b}\u{200d}\u{2060}\u{feff}",
    "\r\n\tnext line",
    "\u{1b}",
];
/// How long a text gets that is to be long.
const LONG: usize = 4096;

/// Whether a terminal or a reader would be led astray: control characters, marks of direction, letters of no width.
pub(super) fn is_hostile(text: &str) -> bool {
    let unseen =
        |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    text.chars().any(|c| c.is_control() || unseen(c))
}

/// Spoils a text, always in the same way: in its middle and at its end. One that is spoiled stays as it is.
pub(super) fn spoil(text: &mut String) {
    if is_hostile(text) {
        return;
    }
    let hash = text.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let pick = |at: usize| SPOILS.get(at % SPOILS.len()).copied().unwrap_or_default();
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    text.insert_str(middle, pick(hash));
    text.push_str(pick(hash / 16 + 1));
    match hash / 256 % 16 {
        0 => text.extend(std::iter::repeat_n('A', LONG.saturating_sub(text.len()))),
        // A tower of accents on one letter.
        1 => text.extend(std::iter::once('a').chain(std::iter::repeat_n('\u{301}', 64))),
        2 => text.push_str("\u{1f469}\u{200d}\u{1f692}\u{fe0f}"),
        _ => {}
    }
}

/// A character that nobody uses; what the wire writes in its place has as many bytes and is no UTF-8.
const MARK: char = '\u{f8ff}';
const BROKEN: [u8; 3] = [0xff, 0xc0, 0x80];

/// Marks where a text shall be broken once it is on the wire.
pub(super) fn mark(text: &mut String) {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    text.insert(middle, MARK);
}

/// Breaks what was marked.
pub(super) fn break_marks(body: &mut [u8]) {
    let mut mark = [0; 3];
    MARK.encode_utf8(&mut mark);
    for at in 0..body.len() {
        if let Some(found) = body.get_mut(at..at + mark.len()).filter(|bytes| **bytes == mark) {
            found.copy_from_slice(&BROKEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn free_text_is_found_and_nothing_else_is() {
        let mut answer = json!({
            "services": [{"serviceArn": "arn:x", "status": "ACTIVE", "events": [{"id": "1", "message": "a b"}],
                "tags": [{"key": "team", "value": "shop"}]}],
            "containerDefinitions": [{"name": "app", "environment": [{"name": "A", "value": "b"}],
                "secrets": [{"name": "S", "valueFrom": "arn:s"}]}],
            "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"},
            "Conditions": [{"Field": "path-pattern", "Values": ["/a"]}],
            "failures": [{"arn": "x", "reason": "MISSING"}],
            "nextToken": "t",
        });
        let mut found = Vec::new();
        each(&mut answer, &mut |text| found.push(text.clone()));
        assert_eq!(found, ["a b", "team", "shop", "A", "b", "S", "Request timed out", "/a"]);
    }

    #[test]
    fn every_text_is_spoiled_and_always_in_the_same_way() {
        for text in ["", "x", "Grüße", "a longer text, of the kind that a service event is"] {
            let spoiled = |text: &str| {
                let mut text = text.to_owned();
                spoil(&mut text);
                text
            };
            assert!(is_hostile(&spoiled(text)), "{text}");
            assert_eq!(spoiled(&spoiled(text)), spoiled(text));
        }
        let longest = (0..200).map(|n| {
            let mut text = format!("text {n}");
            spoil(&mut text);
            text.len()
        });
        assert!(longest.max() >= Some(LONG));
    }

    #[test]
    fn a_marked_text_is_no_utf_8_on_the_wire_and_as_long_as_it_was() {
        let mut text = "Grüße".to_owned();
        mark(&mut text);
        let mut body = text.clone().into_bytes();
        break_marks(&mut body);
        assert_eq!(body.len(), text.len());
        assert!(std::str::from_utf8(&body).is_err());
    }
}
