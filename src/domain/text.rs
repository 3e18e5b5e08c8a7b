//! Text from outside is hostile: characters that move the cursor or reorder a line never reach a terminal.

use std::borrow::Cow;

/// Returns true if a character may be drawn: no control characters (C0, C1, DEL), no bidirectional overrides, no line
/// or paragraph separators, no invisible formatting that could make two names look alike.
pub fn is_safe(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'))
}

/// The text with tabs and line breaks as single spaces and every other unsafe character shown as `·`.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            c if is_safe(c) => c,
            _ => '·',
        })
        .collect()
}

/// The text, cleaned line by line: a text for pasting keeps its line breaks.
pub fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// The text, or its first characters and `…` in place of the rest: at most `most` characters.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // A text has no more characters than bytes.
    if text.len() <= most || text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(most.saturating_sub(1)).chain(['…']).collect())
}

/// A URL without the password or the token in front of the host: `https://user:***@host`.
pub fn without_password(url: &str) -> Cow<'_, str> {
    let start = url.find("//").map_or(0, |at| at + 2);
    let (before, rest) = url.split_at(start);
    let authority = rest.find(['/', '?', '#']).map_or(rest, |end| rest.split_at(end).0);
    let Some((user, _)) = authority.rsplit_once('@') else { return Cow::Borrowed(url) };
    let behind = rest.split_at(user.len()).1;
    let shown = user.split_once(':').map_or("", |(name, _)| name);
    let colon = if shown.is_empty() { "" } else { ":" };
    Cow::Owned(format!("{before}{shown}{colon}***{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_are_defused_and_readable() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}31m\u{202e}c\nd"), "a·[2Jb·31m·c d");
        assert_eq!(clean_lines("a\x1b[2J\r\nb\u{202e}"), "a·[2J\nb·");
        assert_eq!(clean("naïve – 東京 🚀"), "naïve – 東京 🚀");
    }

    #[test]
    fn a_password_before_a_host_is_hidden() {
        for (url, shown) in [
            ("https://host/a@b", "https://host/a@b"),
            ("https://me:hunter2@host:1/x?y=z@w", "https://me:***@host:1/x?y=z@w"),
            ("https://me:hunter@2@host", "https://me:***@host"),
            ("https://token@host", "https://***@host"),
            ("me:hunter2@host", "me:***@host"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn a_text_that_is_too_long_ends_with_a_mark() {
        for (text, most, cut_to) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("ééé", 3, "ééé"), ("éééé", 3, "éé…"), ("", 0, "")]
        {
            assert_eq!(cut(text, most), cut_to, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_unsafe_is_left(text in "\\PC*|(?s).*") {
            prop_assert!(clean(&text).chars().all(is_safe));
        }
    }
}
