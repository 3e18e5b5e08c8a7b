//! README says what is so.

use std::process::Command;

use tidegate::console::keymap::{BINDINGS, Key};

const README: &str = include_str!("../../README.md");

/// The fenced block after a marker.
fn block(marker: &str) -> String {
    let (_, after) = README.split_once(marker).unwrap_or_else(|| panic!("README has no {marker}"));
    let mut parts = after.split("```");
    let text = parts.nth(1).unwrap();
    text.split_once('\n').unwrap().1.trim_end().to_owned()
}

#[test]
fn the_help_in_readme_is_the_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_tidegate")).arg("--help").output().unwrap();
    assert_eq!(block("<!-- tidegate --help -->"), String::from_utf8(help.stdout).unwrap().trim_end());
}

#[test]
fn the_keys_in_readme_are_the_keys() {
    let labels = |keys: &[Key]| keys.iter().map(|key| format!("`{}`", key.label())).collect::<Vec<_>>().join(" ");
    let rows: Vec<_> =
        BINDINGS.iter().map(|binding| format!("| {} | {} |", labels(binding.keys), binding.help)).collect();
    let missing: Vec<_> = rows.iter().filter(|row| !README.contains(*row)).collect();
    assert!(missing.is_empty(), "README's table of keys should be\n{}", rows.join("\n"));
    let (_, table) = README.split_once("| Key | What it does |").unwrap();
    let shown = table.lines().skip(2).take_while(|line| line.starts_with('|')).count();
    assert_eq!(shown, rows.len(), "README has keys that there are not");
}

#[test]
fn readme_names_files_that_are_there() {
    for path in [
        "config.example.toml",
        "assets/iam/watch.json",
        "assets/iam/act.json",
        "assets/scenarios",
        ".ci/run",
        "LICENSE",
    ] {
        assert!(README.contains(path), "{path}");
        assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "{path}");
    }
    assert_eq!(block("<!-- test command -->"), "cargo test --locked");
}
