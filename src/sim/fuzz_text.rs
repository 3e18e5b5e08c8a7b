//! Fuzzes the free text of a response: all text that people or programs wrote, unlike names, ARNs, tokens and
//! enumerations.
//!
//! A hostile scenario fills free text with sequences that must never reach a terminal. A wire fault puts bytes into
//! free text that are not valid UTF-8.

use serde_json::Value;

/// Members that hold free text wherever they occur.
const FREE_TEXT: [&str; 10] = [
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
/// Lists in which every string is free text. A list that a client must write back unchanged is never one of them.
const FREE_TEXT_LISTS: [&str; 6] = ["tags", "Tags", "environment", "secrets", "command", "Conditions"];
/// Members of such a list that are not free text: ARNs and enumerations.
const NOT_FREE_TEXT: [&str; 3] = ["valueFrom", "ResourceArn", "Field"];

/// Calls `change` with each free text of a response.
pub(super) fn for_each(answer: &mut Value, change: &mut dyn FnMut(&mut String)) {
    walk(answer, false, change);
}

fn walk(value: &mut Value, free: bool, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) if free => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, free, change)),
        Value::Object(members) => {
            // The reasons of `failures` are an enumeration.
            for (name, value) in members.iter_mut().filter(|(name, _)| *name != "failures") {
                let name = name.as_str();
                let named = FREE_TEXT.contains(&name) || FREE_TEXT_LISTS.contains(&name);
                walk(value, !NOT_FREE_TEXT.contains(&name) && (free || named), change);
            }
        }
        _ => {}
    }
}

/// Sequences that change what a terminal or a reader sees.
const HOSTILE: [&str; 15] = [
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
/// Bytes of a text that is fuzzed by its length.
const LONG: usize = 4096;

/// Returns true if a text has control characters, direction marks or zero-width characters.
pub(super) fn is_hostile(text: &str) -> bool {
    let invisible =
        |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    text.chars().any(|c| c.is_control() || invisible(c))
}

/// Puts hostile sequences into the middle and at the end of a text. The same text always gets the same sequences, and a
/// hostile text stays unchanged.
pub(super) fn make_hostile(text: &mut String) {
    if is_hostile(text) {
        return;
    }
    let hash = text.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
    let pick = |at: usize| HOSTILE.get(at % HOSTILE.len()).copied().unwrap_or_default();
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    text.insert_str(middle, pick(hash));
    text.push_str(pick(hash / 16 + 1));
    match hash / 256 % 16 {
        0 => text.extend(std::iter::repeat_n('A', LONG.saturating_sub(text.len()))),
        // Many combining accents on one letter.
        1 => text.extend(std::iter::once('a').chain(std::iter::repeat_n('\u{301}', 64))),
        2 => text.push_str("\u{1f469}\u{200d}\u{1f692}\u{fe0f}"),
        _ => {}
    }
}

/// A private-use character that marks the place of invalid bytes. It has as many bytes as [`INVALID_UTF8`].
const MARK: char = '\u{f8ff}';
const INVALID_UTF8: [u8; 3] = [0xff, 0xc0, 0x80];

/// Marks a place in a text; [`corrupt_marks`] makes it invalid in the encoded response.
pub(super) fn mark(text: &mut String) {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    text.insert(middle, MARK);
}

/// Replaces every mark in an encoded body with bytes that are not valid UTF-8.
pub(super) fn corrupt_marks(body: &mut [u8]) {
    let mut mark = [0; 3];
    MARK.encode_utf8(&mut mark);
    for at in 0..body.len() {
        if let Some(found) = body.get_mut(at..at + mark.len()).filter(|bytes| **bytes == mark) {
            found.copy_from_slice(&INVALID_UTF8);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_free_text_is_visited() {
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
        for_each(&mut answer, &mut |text| found.push(text.clone()));
        assert_eq!(found, ["a b", "team", "shop", "A", "b", "S", "Request timed out", "/a"]);
    }

    #[test]
    fn every_text_becomes_hostile_in_the_same_way_each_time() {
        let hostile = |text: &str| {
            let mut text = text.to_owned();
            make_hostile(&mut text);
            text
        };
        for text in ["", "x", "Grüße", "a longer text, of the kind that a service event is"] {
            assert!(is_hostile(&hostile(text)), "{text}");
            assert_eq!(hostile(&hostile(text)), hostile(text));
        }
        let longest = (0..200).map(|n| hostile(&format!("text {n}")).len());
        assert!(longest.max() >= Some(LONG));
    }

    #[test]
    fn a_marked_text_becomes_invalid_utf_8_of_the_same_length() {
        let mut text = "Grüße".to_owned();
        mark(&mut text);
        let mut body = text.clone().into_bytes();
        corrupt_marks(&mut body);
        assert_eq!(body.len(), text.len());
        assert!(std::str::from_utf8(&body).is_err());
    }
}
