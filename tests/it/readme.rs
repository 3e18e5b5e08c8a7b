//! README and the guide: links, lengths, and what they repeat of the program. The samples are tested where the command
//! line is parsed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate::console::keymap::{BINDINGS, Key};

const README: &str = include_str!("../../README.md");
const KEYS: &str = include_str!("../../assets/guide/keys.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and the pages of the guide, with their paths.
fn documents() -> Vec<(PathBuf, String)> {
    let pages = fs::read_dir(root().join("assets/guide")).unwrap().map(|entry| entry.unwrap().path());
    let paths = std::iter::once(root().join("README.md")).chain(pages);
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn tidegate(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate")).args(words).output().unwrap();
    assert!(output.status.success(), "tidegate {words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The fenced block after a marker.
fn block(marker: &str) -> String {
    let (_, after) = README.split_once(marker).unwrap_or_else(|| panic!("README has no {marker}"));
    let mut parts = after.split("```");
    let text = parts.nth(1).unwrap();
    text.split_once('\n').unwrap().1.trim_end().to_owned()
}

/// The targets of the links and pictures in a document.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split("](").skip(1)).map(|rest| rest.split(')').next().unwrap()).collect()
}

#[test]
fn the_commands_in_readme_are_those_of_the_help() {
    let help = tidegate(&["--help"]);
    let from = help.find("Usage:").unwrap();
    let to = help.find("\n\nOptions:").unwrap();
    assert_eq!(block("<!-- tidegate --help -->"), help[from..to].trim_end());
}

#[test]
fn the_keys_in_the_guide_are_the_keys() {
    let labels = |keys: &[Key]| keys.iter().map(|key| format!("`{}`", key.label())).collect::<Vec<_>>().join(" ");
    let keys: Vec<_> = BINDINGS.iter().map(|binding| (labels(binding.keys), binding.help.to_owned())).collect();
    let rows = KEYS.lines().filter(|line| line.starts_with('|')).skip(2);
    let rows: Vec<_> = rows
        .map(|line| line.trim_matches('|').split_once('|').unwrap())
        .map(|(keys, help)| (keys.trim().to_owned(), help.trim().to_owned()))
        .collect();
    let table: Vec<_> = keys.iter().map(|(keys, help)| format!("| {keys:<17} | {help:<62} |")).collect();
    assert_eq!(rows, keys, "the table in assets/guide/keys.md should be\n{}", table.join("\n"));
}

#[test]
fn every_link_and_picture_is_there() {
    let mut count = 0;
    for (path, text) in documents() {
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            count += 1;
            assert!(path.parent().unwrap().join(link).exists(), "{}: {link}", path.display());
        }
    }
    assert!(count > 50, "only {count} links were found");
}

#[test]
fn readme_links_to_every_page_and_to_what_people_look_for() {
    let linked: BTreeSet<_> = links(README).into_iter().map(|link| root().join(link)).collect();
    for (path, _) in documents().into_iter().skip(1) {
        assert!(linked.contains(&path), "README has no link to {}", path.display());
    }
    for path in ["config.example.toml", "assets/iam", "LICENSE"] {
        assert!(linked.contains(&root().join(path)), "README has no link to {path}");
    }
}

#[test]
fn every_page_is_a_topic() {
    let topics = tidegate(&["help", "topics"]);
    let topics: BTreeSet<_> = topics.lines().skip(2).map(|line| line.split_whitespace().next().unwrap()).collect();
    let documents = documents();
    let pages = documents.iter().skip(1).map(|(path, _)| path.file_stem().unwrap().to_str().unwrap());
    assert_eq!(topics, pages.collect());
}

#[test]
fn the_documents_are_short_and_fit_a_terminal() {
    assert!(README.lines().count() <= 250, "README has {} lines", README.lines().count());
    for (path, text) in documents().into_iter().skip(1) {
        let long = |line: &&str| line.chars().count() > 80 && !line.starts_with('|') && !line.contains("://");
        let long: Vec<_> = text.lines().filter(long).collect();
        assert!(long.is_empty(), "{}: more than 80 columns:\n{}", path.display(), long.join("\n"));
    }
}

#[test]
fn readme_tells_how_to_try_and_to_test() {
    assert!(README.contains("\ncargo run -- demo\n"));
    assert_eq!(block("<!-- test command -->"), "cargo test --locked");
}

/// The words in the source that begin with a prefix and go on with these characters.
fn words_in_source(prefix: &str, goes_on: impl Fn(char) -> bool) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut left = vec![root().join("src")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for (at, _) in source.match_indices(prefix) {
            let rest = &source[at..];
            let end = prefix.len() + rest[prefix.len()..].find(|c| !goes_on(c)).unwrap_or(0);
            words.insert(rest[..end].to_owned());
        }
    }
    words
}

#[test]
fn the_guide_has_every_schema_and_every_variable() {
    let schemas = words_in_source("\"tidegate.", |c| c.is_ascii_lowercase() || c == '/' || c.is_ascii_digit());
    let schemas: Vec<_> = schemas.iter().map(|word| &word[1..]).filter(|word| word.contains('/')).collect();
    let variables = words_in_source("\"TIDEGATE_", |c| c.is_ascii_uppercase() || c == '_');
    let variables: Vec<_> = variables.iter().map(|word| &word[1..]).collect();
    assert!(schemas.len() > 8 && variables.len() > 6, "{schemas:?} {variables:?}");
    for (page, words) in [("json", schemas), ("configuration", variables)] {
        let text = fs::read_to_string(root().join(format!("assets/guide/{page}.md"))).unwrap();
        for word in words {
            assert!(text.contains(&format!("`{word}`")), "{page}.md has no {word}");
        }
    }
}
