//! The version, with the commit that was built.

use std::sync::LazyLock;

use jiff::Timestamp;

/// `0.1.0`.
pub(super) const SHORT: &str = env!("CARGO_PKG_VERSION");

/// The commit's full hash, where the build knew it.
const COMMIT: Option<&str> = option_env!("BUILD_COMMIT");

/// The commit's time, in seconds since 1970.
const COMMIT_SECONDS: Option<&str> = option_env!("BUILD_COMMIT_SECONDS");

static LONG: LazyLock<String> = LazyLock::new(|| long_of(COMMIT, COMMIT_SECONDS));

/// `0.1.0 (1a2b3c4d5e6f 2026-11-29)`, as far as the build knew the commit.
pub(super) fn long() -> &'static str {
    &LONG
}

/// The commit's date, `2026-11-29`.
pub(super) fn date() -> Option<String> {
    date_of(COMMIT_SECONDS?)
}

fn long_of(commit: Option<&str>, seconds: Option<&str>) -> String {
    let Some(commit) = commit.and_then(|commit| commit.get(..12)) else { return SHORT.to_owned() };
    match seconds.and_then(date_of) {
        Some(date) => format!("{SHORT} ({commit} {date})"),
        None => format!("{SHORT} ({commit})"),
    }
}

fn date_of(seconds: &str) -> Option<String> {
    let time = Timestamp::from_second(seconds.parse().ok()?).ok()?;
    Some(time.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_the_commit_as_far_as_it_is_known() {
        let hash = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
        assert_eq!(long_of(Some(hash), Some("1795953600")), format!("{SHORT} (1a2b3c4d5e6f 2026-11-29)"));
        assert_eq!(long_of(Some(hash), None), format!("{SHORT} (1a2b3c4d5e6f)"));
        assert_eq!(long_of(Some(hash), Some("soon")), format!("{SHORT} (1a2b3c4d5e6f)"));
        assert_eq!(long_of(None, Some("1795953600")), SHORT);
    }
}
