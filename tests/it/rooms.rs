//! The walls of the source: the rooms that each room may know, the files that may touch the outside world, and no
//! circular imports between files. Code that is compiled only for tests is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use syn::visit::{self, Visit};

/// The rooms, and the other rooms that each one may know. The longest prefix of a file's path names its room.
const ROOMS: [(&str, &[&str]); 18] = [
    ("domain", &[]),
    ("clock", &["domain"]),
    ("files", &[]),
    ("cloud", &["clock", "domain"]),
    ("cloud/lazy", &["cloud", "domain"]),
    ("cloud/aws", &["clock", "cloud", "domain"]),
    ("cloud/prometheus", &["clock", "cloud", "domain", "files"]),
    ("execute", &["clock", "cloud", "domain", "files"]),
    ("console", &["domain"]),
    // The rooms that carry out the console's effects: driver, recorder, loop, terminal, signals.
    ("console/driver", &["clock", "cloud", "console", "console/recorder", "domain", "execute"]),
    ("console/recorder", &["console", "domain"]),
    ("console/event_loop", &["clock", "console", "console/driver", "console/recorder", "console/signals", "domain"]),
    ("console/terminal", &["console", "console/driver", "console/event_loop", "console/signals"]),
    ("console/signals", &[]),
    ("sim", &[]),
    (
        "cli",
        &[
            "clock",
            "cloud",
            "cloud/aws",
            "cloud/lazy",
            "cloud/prometheus",
            "console",
            "console/driver",
            "console/event_loop",
            "console/recorder",
            "console/signals",
            "console/terminal",
            "domain",
            "execute",
            "files",
            "sim",
        ],
    ),
    ("main", &["cli", "console/terminal"]),
    ("build", &[]),
];

/// The files and folders that carry effects out or read a clock.
const RUNNERS: &[&str] =
    &["cli", "clock", "console/driver", "console/event_loop", "console/recorder", "execute", "main"];

/// Paths of the outside world, and the files and folders that may use them. A path that ends in `*` is a prefix.
const OUTSIDE: [(&str, &[&str]); 21] = [
    ("aws_config", &["cloud/aws"]),
    ("aws_credential*", &["cloud/aws"]),
    ("aws_sdk_*", &["cloud/aws"]),
    ("aws_smithy_*", &["cloud/aws"]),
    ("aws_types", &["cloud/aws"]),
    ("reqwest", &["cloud/prometheus"]),
    ("crossterm", &["console/terminal"]),
    // The simulator is a computer of its own, with a clock of its own.
    ("Timestamp::now", &["cli", "clock", "console/driver", "execute", "sim/wire/clock"]),
    ("Zoned::now", RUNNERS),
    (
        "Instant::now",
        &[
            "cli",
            "clock",
            "console/driver",
            "console/event_loop",
            "console/recorder",
            "console/terminal",
            "execute",
            "sim/wire",
        ],
    ),
    ("SystemTime::now", &["cli", "clock", "execute", "sim/wire/clock"]),
    // A poll that overtook another poll waits a moment for it; a query that takes too long is ended. A slow server waits too.
    ("time::sleep", &["clock", "cli", "cloud/aws/cache", "cloud/prometheus", "console/event_loop", "sim/wire/server"]),
    ("time::interval", &["cli", "clock", "console/event_loop", "sim/wire"]),
    ("thread::sleep", &[]),
    ("std::fs", NOT_PURE),
    ("std::net", NOT_PURE),
    ("std::env", NOT_PURE),
    ("std::process", NOT_PURE),
    ("std::thread", NOT_PURE),
    ("tokio", NOT_PURE),
    ("Instant", NOT_PURE),
];
/// All rooms except `domain` and the console's state, update and screens, which are pure.
const NOT_PURE: &[&str] = &[
    "build",
    "cli",
    "clock",
    "cloud",
    "console/driver",
    "console/event_loop",
    "console/recorder",
    "console/signals",
    "console/terminal",
    "execute",
    "files",
    "main",
    "sim",
];

type Module = Vec<String>;

/// One file as it is compiled outside tests.
struct Source {
    /// The path below `src`, without the extension: `domain/plan/call`.
    path: String,
    module: Module,
    /// The paths in the code, as written.
    paths: Vec<Vec<String>>,
    /// Child modules that are compiled only for tests.
    test_modules: Vec<Module>,
}

#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
    tests: Vec<String>,
}

fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|flag| flag == "test")
    })
}

fn flatten(tree: &syn::UseTree, mut prefix: Vec<String>, found: &mut Vec<Vec<String>>) {
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, found);
        }
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, prefix.clone(), found)),
        syn::UseTree::Name(name) if name.ident == "self" => found.push(prefix),
        syn::UseTree::Name(name) => found.push([prefix, vec![name.ident.to_string()]].concat()),
        syn::UseTree::Rename(name) => found.push([prefix, vec![name.ident.to_string()]].concat()),
        syn::UseTree::Glob(_) => found.push(prefix),
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        match item {
            syn::Item::Mod(module) if only_for_tests(attributes) => self.tests.push(module.ident.to_string()),
            _ if only_for_tests(attributes) => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        flatten(&item.tree, Vec::new(), &mut self.found);
    }

    /// `pub(super)` names the parent, but uses no item of it.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // Most macros take a list of expressions; a macro with other arguments names no path of ours.
        let arguments =
            call.parse_body_with(syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        arguments.iter().flatten().for_each(|argument| self.visit_expr(argument));
        visit::visit_macro(self, call);
    }
}

fn parse(path: &str, text: &str) -> Source {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut paths = Paths::default();
    paths.visit_file(&file);
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod").to_owned();
    let module: Module = path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
    let test_modules = paths.tests.iter().map(|name| [module.clone(), vec![name.clone()]].concat()).collect();
    Source { path, module, paths: paths.found, test_modules }
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            false => {}
        }
    }
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    let mut sources: Vec<_> = found.iter().map(|path| parse(&name(path), &fs::read_to_string(path).unwrap())).collect();
    let tests: Vec<_> = sources.iter().flat_map(|source| source.test_modules.clone()).collect();
    sources.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
    assert!(sources.len() > 100, "the source was not found: {} files", sources.len());
    sources
}

/// The module of this crate that a path leads to: the longest prefix that is a file.
fn target(source: &Source, path: &[String], modules: &BTreeSet<Module>) -> Option<Module> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let full: Module = match path.first()?.as_str() {
        "crate" | "tidegate" => path[1..].to_vec(),
        "super" => [&source.module[..source.module.len().checked_sub(supers)?], &path[supers..]].concat(),
        "self" => [&source.module[..], &path[1..]].concat(),
        _ => [&source.module[..], path].concat(),
    };
    let written_out = ["crate", "tidegate", "super", "self"].contains(&path[0].as_str());
    let found = (1..=full.len()).rev().map(|length| full[..length].to_vec()).find(|module| modules.contains(module))?;
    (found != source.module && (written_out || path.len() > 1 && found.len() > source.module.len())).then_some(found)
}

fn room_of(path: &str) -> Option<(&'static str, &'static [&'static str])> {
    let inside = |room: &str| path == room || path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/'));
    ROOMS.into_iter().filter(|(room, _)| inside(room)).max_by_key(|(room, _)| room.len())
}

fn may_say(source: &Source, who: &[&str]) -> bool {
    who.iter().any(|who| source.path == *who || source.path.strip_prefix(who).is_some_and(|rest| rest.starts_with('/')))
}

/// Returns true if a path uses a word of [`OUTSIDE`]: `tokio`, `aws_sdk_*`, `Instant::now`.
fn says(path: &[String], word: &str) -> bool {
    let parts: Vec<_> = word.split("::").collect();
    match (word.strip_suffix('*'), parts.as_slice()) {
        (Some(prefix), _) => path[0].starts_with(prefix),
        // A crate or a module of std matches at the start of the path only.
        (_, ["std", _]) | (_, [_]) => {
            path.iter().zip(&parts).all(|(said, part)| said == part) && path.len() >= parts.len()
        }
        _ => path.windows(parts.len()).any(|window| window.iter().zip(&parts).all(|(said, part)| said == part)),
    }
}

fn faults(source: &Source, modules: &BTreeSet<Module>) -> Vec<String> {
    let path = &source.path;
    let Some((room, may_know)) = room_of(path) else {
        return vec![format!("{path}: no such room; say in ROOMS what it may know")];
    };
    let others = source.paths.iter().filter_map(|path| target(source, path, modules));
    let others: BTreeSet<_> = others.filter_map(|module| room_of(&module.join("/")).map(|(other, _)| other)).collect();
    let strangers = others.into_iter().filter(|other| *other != room && !may_know.contains(other));
    let mut faults: Vec<_> = strangers.map(|other| format!("{path}: {room} must not know {other}")).collect();
    for (word, who) in OUTSIDE {
        if !may_say(source, who) && source.paths.iter().any(|path| says(path, word)) {
            faults.push(format!("{path}: {word} belongs to {}", who.join(", ")));
        }
    }
    faults
}

/// Files that import one another in a circle, except for a module and its own children.
fn circles(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<_> = sources.iter().map(|source| source.module.clone()).collect();
    let index: BTreeMap<_, _> = sources.iter().enumerate().map(|(at, source)| (&source.module, at)).collect();
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (from, source) in sources.iter().enumerate() {
        for to in source.paths.iter().filter_map(|path| target(source, path, &modules)) {
            graph.add_edge(from, index[&to], ());
        }
    }
    let family = |circle: &[usize]| {
        let above = circle.iter().min_by_key(|at| sources[**at].module.len()).unwrap();
        circle.iter().all(|at| sources[*at].module.starts_with(&sources[*above].module))
    };
    let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1 && !family(circle));
    circles.map(|circle| circle.iter().map(|at| sources[*at].path.clone()).collect::<Vec<_>>().join(" ⇄ ")).collect()
}

#[test]
fn every_room_knows_what_it_may_and_no_more() {
    let sources = sources();
    let modules = sources.iter().map(|source| source.module.clone()).collect();
    let faults: Vec<_> =
        sources.iter().filter(|source| source.path != "lib").flat_map(|source| faults(source, &modules)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_do_not_import_one_another_in_a_circle() {
    let circles = circles(&sources());
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn the_walls_can_fail() {
    let modules: BTreeSet<Module> = ["domain/plan", "domain/fault", "cloud", "cloud/aws", "console/message", "execute"]
        .map(|path| path.split('/').map(str::to_owned).collect())
        .into();
    let check = |path: &str, text: &str| faults(&parse(path, text), &modules);
    let bad = [
        ("domain/plan.rs", "use crate::console::message::Msg;"),
        ("domain/plan.rs", "use crate::{domain::fault, cloud::{self, aws}};"),
        ("domain/plan.rs", "fn f() -> super::super::execute::X { todo!() }"),
        ("domain/plan.rs", "fn f() { g(crate::cloud::read()) }"),
        ("domain/plan.rs", "fn f() { println!(\"{}\", crate::cloud::read()) }"),
        ("domain/plan.rs", "use tokio::sync::mpsc;"),
        ("domain/plan.rs", "fn f() { let at = jiff::Timestamp::now(); }"),
        ("domain/plan.rs", "use std::{collections::BTreeMap, fs};"),
        ("domain/plan.rs", "fn f() { std::fs::read(path); }"),
        ("console/message.rs", "use aws_sdk_ecs::Client;"),
        ("console/widgets/theme.rs", "use crossterm::event::Event;"),
        ("cloud/aws/ecs.rs", "use reqwest::Client;"),
        ("sim/world.rs", "use crate::domain::fault::Fault;"),
        ("console/event_loop.rs", "fn f() { std::thread::sleep(second); }"),
        ("attic/new.rs", ""),
    ];
    for (path, text) in bad {
        assert!(!check(path, text).is_empty(), "{path}: {text}");
    }
    let good = [
        ("domain/plan.rs", "// tokio\nuse super::fault::Fault; const TEXT: &str = \"crate::cloud\";"),
        ("domain/plan.rs", "#[cfg(test)] mod tests { use crate::cloud::Cloud; }"),
        ("cloud/aws/ecs.rs", "use aws_sdk_ecs::Client; use crate::domain::fault::Fault;"),
    ];
    for (path, text) in good {
        assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
    }
    let ring = [("domain/a.rs", "use super::b::B;"), ("domain/b.rs", "use super::a::A;")];
    assert_eq!(circles(&ring.map(|(path, text)| parse(path, text))).len(), 1);
    let family = [("domain/a.rs", "use self::b::B;"), ("domain/a/b.rs", "use super::A;")];
    assert_eq!(circles(&family.map(|(path, text)| parse(path, text))), Vec::<String>::new());
}
