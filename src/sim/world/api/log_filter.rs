//! Filter patterns of CloudWatch Logs, limited to terms that a line contains or does not contain.

/// A parsed filter pattern.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Terms that a line must contain.
    all: Vec<String>,
    /// Terms of which a line must contain at least one, if there are any.
    any: Vec<String>,
    /// Terms that a line must not contain.
    none: Vec<String>,
}

impl Filter {
    /// Parses a pattern: `ERROR`, `"two words"`, `-not`, `?one ?other`. Patterns over JSON (`{`), over columns (`[`)
    /// and regular expressions (`%`) are not supported.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        let mut rest = pattern.trim();
        if let Some(kind) = rest.chars().next().filter(|c| "{[%".contains(*c)) {
            return Err(format!("Invalid filter pattern: a pattern that begins with {kind} is not supported here"));
        }
        while !rest.is_empty() {
            let (list, term) = match rest.split_at_checked(1) {
                Some(("-", term)) => (&mut filter.none, term),
                Some(("?", term)) => (&mut filter.any, term),
                _ => (&mut filter.all, rest),
            };
            let (term, after) = split_term(term)?;
            list.push(term);
            rest = after.trim_start();
        }
        Ok(filter)
    }

    pub(super) fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        self.all.iter().all(has) && (self.any.is_empty() || self.any.iter().any(has)) && !self.none.iter().any(has)
    }
}

/// Splits the first term, quoted or not, from the rest of a pattern.
fn split_term(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, after) = text.split_at(end);
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("Invalid character(s) in term '{word}'"));
        }
        return Ok((word.to_owned(), after));
    };
    let (mut word, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match (c, escaped) {
            ('"', false) if word.is_empty() => return Err("Invalid filter pattern: an empty term".into()),
            ('"', false) => return Ok((word, quoted.get(at + 1..).unwrap_or_default())),
            ('\\', false) => escaped = true,
            (c, _) => {
                escaped = false;
                word.push(c);
            }
        }
    }
    Err("Invalid filter pattern: a quotation mark is missing".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_required_excluded_or_alternatives() {
        for (pattern, line, matches) in [
            ("", "anything", true),
            ("ERROR", "an ERROR here", true),
            ("ERROR", "an error here", false),
            ("ERROR timeout", "timeout: ERROR", true),
            ("ERROR timeout", "ERROR", false),
            ("\"two words\"", "these two words", true),
            ("\"two words\"", "two other words", false),
            ("\"say \\\"x\\\"\"", "say \"x\"", true),
            ("ERROR -health", "ERROR health", false),
            ("-health", "fine", true),
            ("?ERROR ?WARN", "WARN", true),
            ("?ERROR ?WARN", "INFO", false),
            ("?\"a b\"   -\"c d\"", "a b c d", false),
        ] {
            assert_eq!(Filter::parse(pattern).unwrap().matches(line), matches, "{pattern} in {line}");
        }
    }

    #[test]
    fn unsupported_patterns_are_refused() {
        for pattern in ["{ $.level = \"error\" }", "[ip, user]", "%ERR%", "a.b", "\"open", "\"\"", "-", "? x"] {
            let error = Filter::parse(pattern).unwrap_err();
            assert!(error.starts_with("Invalid"), "{pattern}: {error}");
        }
    }
}
