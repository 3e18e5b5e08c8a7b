//! Text from elsewhere is hostile: what may move a cursor or reorder a line never reaches a terminal.

/// Whether a character may be drawn: no control characters (C0, C1, DEL), no bidirectional overrides, no
/// line or paragraph separators, no invisible formatting that could make two names look alike.
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

/// The same line by line: what is to be pasted elsewhere keeps its lines, and nothing else that is no text.
pub fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
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

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_unsafe_is_left(text in "\\PC*|(?s).*") {
            prop_assert!(clean(&text).chars().all(is_safe));
        }
    }
}
