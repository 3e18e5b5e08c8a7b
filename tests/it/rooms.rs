//! The rooms of the source and what each may know. Tests inside the source are held to the same, but for those
//! that the compiler leaves out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use of ours, beside itself.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("clock", &["domain"]),
    ("cloud", &["clock", "domain"]),
    ("aws", &["cloud", "domain"]),
    ("prometheus", &["clock", "cloud", "domain"]),
    ("execute", &["clock", "cloud", "console", "domain"]),
    ("console", &["domain"]),
    ("driver", &["clock", "cloud", "console", "domain", "execute"]),
    ("sim", &[]),
    ("cli", &["clock", "cloud", "console", "domain", "execute", "sim"]),
    ("main", &["cli"]),
];

/// The room that a file belongs to: its first folder, but for the parts that have walls of their own.
fn room_of(path: &str) -> &str {
    match path {
        "console/driver.rs"
        | "console/event_loop.rs"
        | "console/recorder.rs"
        | "console/terminal.rs"
        | "console/signals.rs" => "driver",
        path if path.starts_with("cloud/aws") => "aws",
        path if path.starts_with("cloud/prometheus") => "prometheus",
        path => path.split('/').next().unwrap().trim_end_matches(".rs"),
    }
}

/// Words of the outside world, and who may say them. A room, or a file.
const WORDS: [(&str, &[&str]); 14] = [
    ("aws_config", &["aws"]),
    ("aws_credential", &["aws"]),
    ("aws_sdk_", &["aws"]),
    ("aws_smithy_", &["aws"]),
    ("aws_types", &["aws"]),
    ("reqwest", &["prometheus"]),
    ("crossterm", &["console/terminal.rs"]),
    // The simulated AWS is a computer of its own, with a clock of its own.
    ("Timestamp::now", &["clock", "driver", "execute", "cli", "main", "sim/wire/clock.rs"]),
    ("Zoned::now", &["clock", "driver", "execute", "cli", "main"]),
    ("Instant::now", &["clock", "driver", "execute", "cli", "main", "sim/wire/clock.rs", "sim/wire/server.rs"]),
    ("SystemTime::now", &["clock", "driver", "execute", "cli", "main", "sim/wire/clock.rs"]),
    // Lets a poll that overtook another wait a moment for it; ends a question that takes too long.
    ("time::sleep", &["clock", "cli", "main", "cloud/aws/cache.rs", "cloud/prometheus/mod.rs"]),
    ("time::interval", &["clock", "driver", "execute", "cli", "main", "sim/wire/server.rs"]),
    ("thread::sleep", &[]),
];

/// Rooms that do nothing but compute.
const PURE: [&str; 2] = ["domain", "console"];
const IMPURE: [&str; 3] = ["tokio", "Instant", "SystemTime"];
const IMPURE_STD: [&str; 5] = ["fs", "net", "env", "process", "thread"];

/// The code without comments and texts.
fn code(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => {
                for c in rest.by_ref() {
                    if c == '\n' {
                        out.push('\n');
                        break;
                    }
                }
            }
            '"' => {
                let raw = out.ends_with("r#");
                while let Some(c) = rest.next() {
                    match c {
                        '\\' if !raw => drop(rest.next()),
                        '"' if !raw || rest.peek() == Some(&'#') => break,
                        _ => {}
                    }
                }
                out.push_str("\"\"");
            }
            '\'' => {
                // A character, not a lifetime: `'x'` or `'\…'`.
                let mut ahead = rest.clone();
                match (ahead.next(), ahead.next()) {
                    (Some('\\'), Some(_)) => {
                        rest.next();
                        rest.next();
                        for c in rest.by_ref() {
                            if c == '\'' {
                                break;
                            }
                        }
                    }
                    (Some(_), Some('\'')) => {
                        rest.next();
                        rest.next();
                    }
                    _ => out.push('\''),
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` is said as a word; one that ends in `_` begins a longer one.
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_none_or(|c| !is_word(c));
        let after = code[at + word.len()..].chars().next().is_none_or(|c| !is_word(c));
        before && (after || word.ends_with('_') || word == "aws_credential")
    })
}

/// What `code` names after one of the roots: `root::room…`, `root::{room…, room…}`.
fn named(code: &str, roots: &[&str]) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for root in roots {
        for (at, _) in code.match_indices(root) {
            let rest = &code[at + root.len()..];
            if !rest.starts_with('{') {
                rooms.insert(rest.chars().take_while(|c| is_word(*c)).collect());
                continue;
            }
            let (mut depth, mut word, mut fresh) = (0, String::new(), true);
            for c in rest.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => fresh = true,
                    c if is_word(c) && depth == 1 && fresh => {
                        word.push(c);
                        continue;
                    }
                    _ => {}
                }
                if !word.is_empty() {
                    rooms.insert(std::mem::take(&mut word));
                    fresh = false;
                }
                if depth == 0 {
                    break;
                }
            }
        }
    }
    rooms
}

/// What is wrong in one file; `path` is below `src`.
fn faults(path: &str, source: &str) -> Vec<String> {
    let room = room_of(path);
    let code = code(source);
    let mut faults = Vec::new();
    let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{path}: no such room; say in MAY_USE what it may know")];
    };
    let rooms = MAY_USE.map(|(name, _)| name);
    for other in named(&code, &["crate::", "tidegate::"]).iter().filter(|other| rooms.contains(&other.as_str())) {
        if other != room && !may_use.contains(&other.as_str()) {
            faults.push(format!("{path}: {room} must not know {other}"));
        }
    }
    for (word, who) in WORDS {
        if says(&code, word) && !who.contains(&room) && !who.contains(&path) {
            faults.push(format!("{path}: {word} belongs to {}", who.join(", ")));
        }
    }
    if PURE.contains(&room) {
        let std = named(&code, &["std::"]);
        let said = IMPURE.into_iter().filter(|word| says(&code, word));
        let said = said.chain(IMPURE_STD.into_iter().filter(|word| std.contains(*word)));
        faults.extend(said.map(|word| format!("{path}: {room} says {word}")));
    }
    faults
}

/// The files of the crate that are compiled outside tests, with the tests at a file's end cut off.
fn compiled(src: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    let mut left: Vec<PathBuf> = vec![src.to_owned()];
    let mut test_only: Vec<PathBuf> = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let below = match stem {
            "mod" | "lib" | "main" => path.parent().unwrap().to_owned(),
            stem => path.with_file_name(stem),
        };
        let mut kept = String::new();
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if line.trim() != "#[cfg(test)]" {
                kept.push_str(line);
                kept.push('\n');
                continue;
            }
            let next = lines.next().unwrap_or_default();
            match next.split("mod ").nth(1) {
                // `mod tests;`: a file of its own.
                Some(name) if name.ends_with(';') => test_only.push(below.join(name.trim_end_matches(';'))),
                // `mod tests {`: the rest of the file.
                Some(_) if !next.starts_with(' ') => break,
                _ => {}
            }
        }
        files.push((path, kept));
    }
    files.retain(|(path, _)| !test_only.iter().any(|test| path.starts_with(test) || path.with_extension("") == *test));
    let name = |path: &Path| path.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
    files.iter().map(|(path, source)| (name(path), source.clone())).collect()
}

#[test]
fn every_room_knows_what_it_may_and_no_more() {
    let files = compiled(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(files.len() > 40, "the source was not found: {} files", files.len());
    let faults: Vec<_> = files
        .iter()
        .filter(|(path, _)| path != "lib.rs" && path != "build.rs")
        .flat_map(|(path, source)| faults(path, source))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let speaking: Vec<_> =
        files.iter().filter(|(_, source)| says(&code(source), "crossterm")).map(|(path, _)| path).collect();
    assert_eq!(speaking.len(), 1, "crossterm is named in one file only: {speaking:?}");
}

#[test]
fn the_check_can_fail() {
    let bad = [
        ("domain/plan.rs", "use crate::console::message::Msg;"),
        ("domain/plan.rs", "use crate::{domain::fault, cloud::{self, aws}};"),
        ("domain/plan.rs", "use tokio::sync::mpsc;"),
        ("domain/plan.rs", "let at = jiff::Timestamp::now();"),
        ("domain/plan.rs", "use std::{time::Instant};"),
        ("domain/plan.rs", "use std::{collections::BTreeMap, fs};"),
        ("domain/plan.rs", "fn f() { std::fs::read(path) }"),
        ("console/update.rs", "use crate::cloud::Cloud;"),
        ("console/update.rs", "use aws_sdk_ecs::Client;"),
        ("cloud/aws/cloudwatch.rs", "let client = reqwest::Client::new();"),
        ("console/screens/fleet/view.rs", "use crossterm::event::Event;"),
        ("console/screens/fleet/view.rs", "use crate::clock;"),
        ("cloud/aws/ecs.rs", "use crate::console::message::Msg;"),
        ("cloud/aws/ecs.rs", "let began = std::time::Instant::now();"),
        ("sim/world.rs", "use crate::domain::share::Percent;"),
        ("cloud.rs", "use crate::execute;"),
        ("console/event_loop.rs", "use crate::cli::Exit;"),
        ("console/event_loop.rs", "std::thread::sleep(second);"),
        ("attic/new.rs", ""),
    ];
    for (path, source) in bad {
        assert!(!faults(path, source).is_empty(), "{path}: {source}");
    }
    let good = [
        ("domain/plan.rs", "// tokio is not used here\nuse crate::domain::fault::Fault;"),
        ("domain/plan.rs", "let text = \"use crate::console and tokio\"; let c = '\"'; let constant = 1;"),
        ("console/event_loop.rs", "use crate::{console::message::{Msg, Now}, clock}; let now = Instant::now();"),
        ("cloud/aws/ecs.rs", "use aws_sdk_ecs::Client; use crate::domain::share::Percent;"),
        ("console/update.rs", "struct Instantly; let autokio = 1;"),
    ];
    for (path, source) in good {
        assert_eq!(faults(path, source), Vec::<String>::new(), "{path}: {source}");
    }
}
