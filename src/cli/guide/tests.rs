use std::collections::BTreeSet;

use clap::Parser;
use strum::IntoEnumIterator;

use super::*;
use crate::cli::args::Command;
use crate::cli::config::{self, Flags};
use crate::cli::out::tests::Paper;
use crate::cli::topics::{PAGES, sentence};
use crate::sim::scenario::Scenario;

const README: &str = include_str!("../../../README.md");

/// README and every page, by name.
fn documents() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(("README", README)).chain(PAGES)
}

/// The fenced blocks of a document, each with its language.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            blocks.push((language.to_owned(), block.join("\n")));
        }
    }
    blocks
}

/// The text between backticks outside the fenced blocks.
fn inline_code(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2).collect::<String>();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The command lines of `tidegate` in a script: each up to what the shell takes for itself.
fn commands(script: &str) -> Vec<String> {
    let script = script.replace("\\\n", " ");
    let mut found = Vec::new();
    for name in ["tidegate ", "cargo run -- "] {
        for (at, _) in script.match_indices(name) {
            let before = script[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || "/.-_".contains(c)) {
                continue;
            }
            let mut quoted = false;
            let end = |c: char| {
                quoted ^= c == '"';
                !quoted && "|>#;)'`\n".contains(c)
            };
            let rest = &script[at + name.len()..];
            found.push(rest.find(end).map_or(rest, |end| &rest[..end]).trim().to_owned());
        }
    }
    found
}

/// The words of a command line, with a value for each variable of a script.
fn words(line: &str) -> Vec<String> {
    let line = line.replace("$share", "10").replace("$before", "checkout:41").replace("$1", ":42");
    shlex::split(&line).unwrap_or_else(|| panic!("a quote is open: {line}"))
}

/// Every command line of README and the guide, with the document that has it.
fn samples() -> Vec<(&'static str, String)> {
    let mut samples = Vec::new();
    for (name, text) in documents() {
        for (language, block) in blocks(text) {
            let typed: Vec<_> = match language.as_str() {
                "sh" | "bash" => vec![block.as_str()],
                "text" => block.lines().filter_map(|line| line.strip_prefix("$ ")).collect(),
                _ => Vec::new(),
            };
            samples.extend(typed.into_iter().flat_map(commands).map(|line| (name, line)));
        }
        // A command that is only named needs none of its arguments.
        let named = |line: String| if is_command(&line) { format!("{line} --help") } else { line };
        samples.extend(inline_code(text).iter().flat_map(|code| commands(code)).map(|line| (name, named(line))));
    }
    samples
}

#[test]
fn every_command_in_the_documents_is_one() {
    let samples = samples();
    assert!(samples.len() > 60, "only {} samples were found", samples.len());
    for (document, line) in samples {
        let parsed = Cli::try_parse_from(std::iter::once("tidegate".to_owned()).chain(words(&line)));
        match parsed {
            Ok(Cli { command: Some(Command::Help(help)), .. }) => {
                let placeholder = |word: &String| word.chars().all(|c| c.is_ascii_uppercase());
                let known =
                    |word: &String| placeholder(word) || word == LIST || is_command(word) || page(word).is_some();
                assert!(help.words.iter().all(known), "{document}: tidegate {line}");
            }
            Ok(_) => {}
            Err(error) => assert_eq!(error.exit_code(), 0, "{document}: tidegate {line}: {error}"),
        }
    }
}

#[test]
fn the_samples_are_read_as_a_shell_reads_them() {
    let script =
        "trap 'x || tidegate rollback a --to \"$before\" --yes' EXIT\ntidegate judge b \\\n  --since 2h > c.json\n";
    assert_eq!(commands(script), ["rollback a --to \"$before\" --yes", "judge b    --since 2h"]);
    assert_eq!(commands("x=$(tidegate status a --json | jq .)"), ["status a --json"]);
    assert_eq!(commands("tidegate status   # all; of them"), ["status"]);
    assert_eq!(commands("cargo run -- demo"), ["demo"]);
    assert!(commands("/usr/bin/tidegate status").is_empty());
    assert_eq!(words("start a --reason \"$CI is late\" --task-definition \"$1\"").len(), 6);
}

#[test]
fn every_configuration_in_the_documents_loads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let mut count = 0;
    for (document, text) in documents() {
        for (_, block) in blocks(text).into_iter().filter(|(language, _)| language == "toml") {
            count += 1;
            std::fs::write(&path, &block).unwrap();
            let flags = Flags { config: Some(path.clone()), ..Flags::default() };
            let loaded = config::load(&flags, &|_| None);
            assert!(loaded.is_ok(), "{document}: {}\n{block}", loaded.unwrap_err());
        }
    }
    assert!(count >= 3, "only {count} samples were found");
}

#[test]
fn the_documents_name_the_scenarios_that_there_are() {
    let known: BTreeSet<_> = Scenario::names().collect();
    for (document, line) in samples() {
        let named = words(&line);
        let mut named = named.iter().skip_while(|word| *word != "--scenario").skip(1).take(1);
        let exists = |word: &String| known.contains(word.as_str()) || word.chars().all(|c| c.is_ascii_uppercase());
        assert!(named.all(exists), "{document}: {line}");
    }
    let others = README.split("\n\n").find(|paragraph| paragraph.starts_with("Other scenarios:")).unwrap();
    for name in inline_code(others) {
        assert!(known.contains(name.as_str()), "README: {name}");
    }
    let listed = page("simulator").unwrap().lines().filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
    let listed: BTreeSet<_> = listed.map(|(name, _)| name).collect();
    assert_eq!(listed, known, "the list on the simulator's page");
}

#[test]
fn the_page_on_exit_codes_has_each_of_them() {
    let rows: Vec<Vec<_>> =
        page("exit-codes").unwrap().lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for exit in Exit::iter() {
        let (code, meaning) = (exit.code().to_string(), exit.meaning());
        assert!(rows.iter().any(|row| row.contains(&code.as_str()) && row.contains(&meaning)), "{code}: {meaning}");
    }
}

#[test]
fn a_page_has_a_title_and_a_sentence_and_its_topic_is_no_command() {
    for (topic, page) in PAGES {
        assert!(page.starts_with("# "), "{topic}");
        let sentence = sentence(page);
        assert!(sentence.ends_with('.') && !sentence.contains('['), "{topic}: {sentence}");
        assert!(!is_command(topic) && topic != LIST, "{topic} means two things");
    }
}

fn printed(words: &[&str]) -> (Result<u8, Failure>, String) {
    let paper = Paper::default();
    let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    (print(&mut out, &words), paper.text())
}

#[test]
fn a_topic_prints_its_page_without_links() {
    for (topic, page) in PAGES {
        let (exit, text) = printed(&[topic]);
        assert_eq!(exit, Ok(0), "{topic}");
        assert_eq!(text.lines().count(), page.lines().count(), "{topic}");
        assert!(!text.contains("](") && !text.contains('·') || page.contains('·'), "{topic}");
    }
    assert_eq!(plain("See [a](b.md) and `x[1m]))`, [`c`](../c)."), "See a and `x[1m]))`, `c`.");
}

#[test]
fn the_list_has_every_topic_and_so_has_the_answer_to_an_unknown_one() {
    let (exit, list) = printed(&[LIST]);
    assert_eq!(exit, Ok(0));
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    let (exit, text) = printed(&["no-such-topic"]);
    let failure = exit.unwrap_err();
    assert_eq!((failure.exit, text.as_str()), (Exit::Usage, ""));
    assert!(failure.message.contains("no-such-topic"));
    for (topic, sentence) in topics::all() {
        for text in [&list, &failure.advice] {
            assert!(text.lines().any(|line| line.contains(topic) && line.ends_with(sentence)), "{topic}: {text}");
        }
    }
}
