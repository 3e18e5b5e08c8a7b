//! The workflow on GitHub: what it runs is pinned, and what it releases comes from no cache.

use std::fs;
use std::path::Path;

fn workflows() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let mut pinned = 0;
    for (file, text) in workflows() {
        for action in text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
            let (_, version) = action.split_once('@').unwrap();
            let (commit, tag) = version.split_once(" # v").unwrap_or((version, ""));
            let whole = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(whole && !tag.is_empty(), "{file}: {action}");
            pinned += 1;
        }
    }
    assert!(pinned > 5, "only {pinned} actions were found");
}

#[test]
fn the_build_of_a_release_restores_no_cache() {
    let (_, text) = workflows().into_iter().find(|(file, _)| file.ends_with("ci.yml")).unwrap();
    let (_, build) = text.split_once("\n  binary:\n").unwrap();
    let (build, release) = build.split_once("\n  release:\n").unwrap();
    assert!(build.contains("cargo build --release --locked") && release.contains("attest-build-provenance"));
    assert!(!build.contains("cache@") && !release.contains("cache@"), "{build}");
}
