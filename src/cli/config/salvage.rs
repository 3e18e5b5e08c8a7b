//! Recovery of the valid settings from a faulty configuration file, so that a rollback can go on.
//!
//! An invalid or unknown setting is left out and reported. Nothing is guessed: if the operator named an environment and
//! the file does not reliably identify its account, the error in the file stands.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::file::{ConfigError, File};
use super::{Config, Flags, Variables};

/// Settings that may be left out of an environment the operator named: they do not identify its account.
const HARMLESS: [&str; 2] = ["protected", "prometheus"];

/// A part of the file that was left out.
#[derive(Debug, Clone, PartialEq)]
struct Ignored {
    /// The names of the enclosing tables and of the setting; empty for the whole file.
    place: Vec<String>,
    /// The message: file, line, setting and error.
    text: String,
}

/// Loads the configuration without the faulty parts of the file, which [`Config::ignored`] lists.
///
/// # Errors
///
/// An error in flags or variables, and an error in the file if only the file could identify the account.
pub(in crate::cli) fn load_what_is_right(flags: &Flags, variables: Variables<'_>) -> Result<Config, ConfigError> {
    match super::load(flags, variables) {
        Ok(config) => Ok(config),
        // A display setting is no reason to stop.
        Err(ConfigError::Variable { variable: name @ "TIDEGATE_ASCII", value, takes }) => {
            let said = ConfigError::Variable { variable: name, value, takes }.to_string();
            let others = |asked: &str| variables(asked).filter(|_| asked != name);
            let mut config = load_what_is_right(flags, &others)?;
            config.ignored.push(said);
            Ok(config)
        }
        Err(error @ (ConfigError::Variable { .. } | ConfigError::NoEnvironment { .. })) => Err(error),
        Err(error) => salvage(flags, variables, error),
    }
}

fn salvage(flags: &Flags, variables: Variables<'_>, error: ConfigError) -> Result<Config, ConfigError> {
    let (path, named) = super::path(flags, variables);
    let path = path.unwrap_or_default();
    let (mut file, mut ignored) = match &error {
        // A mistyped path on the command line is an error in the command.
        ConfigError::Unreadable { error: cause, .. }
            if flags.config.is_some() && cause.kind() == std::io::ErrorKind::NotFound =>
        {
            return Err(error);
        }
        ConfigError::Unreadable { .. } => (File::default(), vec![whole(&error)]),
        _ => match File::text(&path, named) {
            Ok(text) => right_parts(&text.unwrap_or_default(), &path),
            Err(error) => (File::default(), vec![whole(&error)]),
        },
    };
    let called = flags.environment.clone().or_else(|| variables("TIDEGATE_ENVIRONMENT"));
    if called.is_some_and(|name| !is_certain(&file, &ignored, &name)) {
        return Err(error);
    }
    loop {
        match super::merge(flags, variables, &file, Some(&path)) {
            Ok(config) => {
                let ignored = ignored.into_iter().map(|ignored| ignored.text).collect();
                return Ok(Config { ignored, ..config });
            }
            Err(error @ ConfigError::NoPrometheus { .. }) => {
                let ConfigError::NoPrometheus { service, .. } = &error else { return Err(error) };
                let place = ["services", service, "metrics"].map(str::to_owned).into();
                ignored.push(Ignored { place, text: error.to_string() });
                file.services.get_mut(service).into_iter().for_each(|table| table.metrics = None);
            }
            Err(error) => return Err(error),
        }
    }
}

fn whole(error: &ConfigError) -> Ignored {
    Ignored { place: Vec::new(), text: format!("the whole configuration: {error}") }
}

/// Returns true if the file reliably describes the environment of this name.
fn is_certain(file: &File, ignored: &[Ignored], name: &str) -> bool {
    let here = |ignored: &&Ignored| match ignored.place.as_slice() {
        [table, environment, setting, ..] => {
            table == "environments" && environment == name && !HARMLESS.contains(&setting.as_str())
        }
        [table, environment] => table == "environments" && environment == name,
        [table] => table == "environments",
        [] => true,
    };
    file.environments.iter().any(|environment| environment.name == name)
        && !ignored.iter().any(|ignored| here(&ignored))
}

/// Parses the file and leaves out its faulty parts.
fn right_parts(text: &str, path: &Path) -> (File, Vec<Ignored>) {
    let mut root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let error = ConfigError::Wrong { path: path.to_owned(), error: Box::new(error) };
            return (File::default(), vec![whole(&error)]);
        }
    };
    let mut ignored = Vec::new();
    loop {
        let error = match File::deserialize(Deserializer::from(root.clone())) {
            Ok(mut file) => {
                ignored.extend(take_out_twins(&mut file, path));
                return (file, ignored);
            }
            Err(error) => error,
        };
        let found = error.span().and_then(|span| deepest(root.get_ref(), span.start));
        let Some(place) = found else {
            let error = ConfigError::Wrong { path: path.to_owned(), error: Box::new(error) };
            return (File::default(), vec![whole(&error)]);
        };
        let line =
            error.span().map_or(0, |span| text.get(..span.start).map_or(0, |before| before.matches('\n').count()));
        let names = names(root.get_ref(), &place);
        let what = error.message().lines().next().unwrap_or_default().to_owned();
        let instead = if take_out(root.get_mut(), &place) { "" } else { "; it is taken as true" };
        let text = format!("{}, line {}: {}: {what}{instead}", path.display(), line + 1, names.join("."));
        ignored.push(Ignored { place: names, text });
    }
}

/// Keeps the first of two environments with the same name.
fn take_out_twins(file: &mut File, path: &Path) -> Vec<Ignored> {
    let mut seen: Vec<String> = Vec::new();
    let mut ignored = Vec::new();
    file.environments.retain(|environment| {
        let name = environment.name.clone();
        if !seen.contains(&name) {
            seen.push(name);
            return true;
        }
        let place = vec!["environments".to_owned(), name.clone()];
        let text = ConfigError::Twice { path: PathBuf::from(path), name }.to_string();
        ignored.push(Ignored { place, text });
        false
    });
    ignored
}

/// One step on the path to a setting.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    /// An index into a list of tables.
    Item(usize),
}

/// The path of the innermost setting, or of the table in a list, at this byte of the text.
fn deepest(table: &DeTable<'_>, at: usize) -> Option<Vec<Step>> {
    let here = |span: std::ops::Range<usize>| span.contains(&at) || span.start == at;
    let mut best: Option<Vec<Step>> = None;
    for (key, value) in table {
        let member = Step::Member(key.get_ref().to_string());
        let mut found = (here(key.span()) || here(value.span())).then(|| vec![member.clone()]);
        let mut deeper = Vec::new();
        match value.get_ref() {
            DeValue::Table(inner) => deeper.extend(deepest(inner, at)),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let DeValue::Table(inner) = item.get_ref() else { continue };
                    let item_itself = here(item.span()).then(Vec::new);
                    let inside = deepest(inner, at).or(item_itself);
                    deeper.extend(inside.map(|way| [vec![Step::Item(index)], way].concat()));
                }
            }
            _ => {}
        }
        for way in deeper {
            found = Some([vec![member.clone()], way].concat());
        }
        if found.as_ref().map(Vec::len) > best.as_ref().map(Vec::len) {
            best = found;
        }
    }
    best
}

/// The names on the path as the operator knows them: an environment by its own name.
fn names(root: &DeTable<'_>, place: &[Step]) -> Vec<String> {
    let mut names = Vec::new();
    let mut value: Option<&DeValue<'_>> = None;
    for step in place {
        let next = match (step, value) {
            (Step::Member(name), None) => root.get(name.as_str()),
            (Step::Member(name), Some(DeValue::Table(table))) => table.get(name.as_str()),
            (Step::Item(index), Some(DeValue::Array(items))) => items.get(*index),
            _ => None,
        };
        value = next.map(Spanned::get_ref);
        names.push(match (step, value) {
            (Step::Member(name), _) => name.clone(),
            (Step::Item(index), Some(DeValue::Table(table))) => match table.get("name").map(Spanned::get_ref) {
                Some(DeValue::String(name)) => name.to_string(),
                _ => (index + 1).to_string(),
            },
            (Step::Item(index), _) => (index + 1).to_string(),
        });
    }
    names
}

/// Removes a setting from the document. An invalid `read_only` becomes true instead, because the operator wanted
/// protection; the function then returns false.
fn take_out(root: &mut DeTable<'_>, place: &[Step]) -> bool {
    match place {
        [Step::Member(name)] => {
            if name == "read_only"
                && let Some(value) = root.get_mut(name.as_str())
                && !matches!(value.get_ref(), DeValue::Boolean(true))
            {
                *value.get_mut() = DeValue::Boolean(true);
                return false;
            }
            root.remove(name.as_str());
        }
        [Step::Member(name), rest @ ..] => match (root.get_mut(name.as_str()).map(Spanned::get_mut), rest) {
            (Some(DeValue::Table(inner)), _) => return take_out(inner, rest),
            (Some(DeValue::Array(items)), [Step::Item(index)]) => {
                let left = items.clone().into_iter().enumerate().filter(|(place, _)| place != index);
                *items = left.map(|(_, item)| item).collect();
            }
            (Some(DeValue::Array(items)), [Step::Item(index), rest @ ..]) => {
                if let Some(DeValue::Table(inner)) = items.get_mut(*index).map(Spanned::get_mut) {
                    return take_out(inner, rest);
                }
            }
            _ => drop(root.remove(name.as_str())),
        },
        _ => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str, environment: Option<&str>) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let flags = Flags { config: Some(path), environment: environment.map(str::to_owned), ..Flags::default() };
        load_what_is_right(&flags, &|_| None)
    }

    #[test]
    fn what_is_right_is_taken_and_what_is_wrong_is_named_with_its_line() {
        let table: [(&str, &[&str]); 10] = [
            ("bake = '5m'", &[]),
            ("bake = '5m'\nno_such_setting = true", &["line 2: no_such_setting: unknown field"]),
            ("bake = '5m'\npatience = 'soon'\nladder = [1, 200]", &["line 2: patience", "line 3: ladder"]),
            ("bake = '5m'\n[thresholds]\np95 = 5\nno = 1", &["line 3: thresholds.p95", "line 4: thresholds.no"]),
            ("bake = '5m'\n[services.checkout]\nstable = 5", &["line 3: services.checkout.stable"]),
            (
                "bake = '5m'\n[services.checkout.metrics]\nsource = 'graphite'",
                &["line 3: services.checkout.metrics.source", "line 2: services.checkout.metrics: missing field"],
            ),
            (
                "bake = '5m'\n[services.a.metrics]\nsource = 'prometheus'\nrequests = '{revision}'\nerrors = '{revision}'",
                &["services.a.metrics"],
            ),
            ("bake = '5m'\n[[environments]]\nname = 'a'\n[[environments]]\nname = 'a'", &["two environments"]),
            ("bake = '5m'\n[[environments]]\nregion = 'a'", &["line 2: environments.1"]),
            (
                "bake = '5m'\nprometheus = { url = 'nonsense' }",
                &["line 2: prometheus.url", "line 2: prometheus: missing field"],
            ),
        ];
        for (text, ignored) in table {
            let config = loaded(text, None).unwrap();
            assert_eq!(config.settings.bake.as_mins(), 5, "{text}");
            assert_eq!(config.ignored.len(), ignored.len(), "{text}: {:?}", config.ignored);
            for (said, part) in config.ignored.iter().zip(ignored) {
                assert!(said.contains(part) && said.contains("config.toml"), "{text}: {said}");
            }
        }
    }

    #[test]
    fn what_is_no_configuration_at_all_is_left_out_whole() {
        for text in ["[[[", "bake = ", "\u{0}\u{1}", "bake = '1m'\nbake = '2m'"] {
            let config = loaded(text, None).unwrap();
            assert_eq!(config.settings, crate::domain::settings::Settings::default());
            assert!(config.ignored[0].starts_with("the whole configuration: "), "{:?}", config.ignored);
        }
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags { config: Some(dir.path().to_owned()), ..Flags::default() };
        let config = load_what_is_right(&flags, &|_| None).unwrap();
        assert!(config.ignored[0].contains("a directory"), "{:?}", config.ignored);
    }

    #[test]
    fn an_environment_that_was_called_by_its_name_is_sound_or_the_mistake_stands() {
        let file = |setting: &str| {
            format!("[[environments]]\nname = 'dev'\nno = 1\n[[environments]]\nname = 'prod'\n{setting}")
        };
        for wrong in ["proflie = 'prod'", "profile = 5", "region = 1", "read_only = 'no'", "clusters = 'a'"] {
            let error = loaded(&file(wrong), Some("prod")).unwrap_err().to_string();
            assert!(error.contains("line 3") || error.contains("line 6"), "{wrong}: {error}");
            // The operator named no environment: flags and variables decide.
            assert_eq!(loaded(&file(wrong), None).unwrap().ignored.len(), 2, "{wrong}");
        }
        for harmless in ["protected = 'yes'", "prometheus = 5", "region = 'eu-west-1'"] {
            let config = loaded(&file(harmless), Some("prod")).unwrap();
            assert_eq!(config.environment.name.value, "prod", "{harmless}");
        }
        for text in ["[[[", "environments = 5", "[[environments]]\nname = 5"] {
            assert!(loaded(text, Some("prod")).is_err(), "{text}");
        }
        assert!(matches!(loaded(&file("no = 1"), Some("moon")), Err(ConfigError::Wrong { .. })));
    }

    #[test]
    fn whoever_meant_read_only_is_obeyed() {
        for value in ["'true'", "1", "'no'"] {
            let config = loaded(&format!("[[environments]]\nname = 'a'\nread_only = {value}"), None).unwrap();
            assert!(config.settings.read_only, "{value}");
            assert!(config.ignored[0].ends_with("it is taken as true"), "{:?}", config.ignored);
        }
    }
}
