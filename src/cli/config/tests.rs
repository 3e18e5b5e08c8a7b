use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::*;

const EXAMPLE: &str = include_str!("../../../config.example.toml");

fn nothing(_: &str) -> Option<String> {
    None
}

fn with(file: &str, flags: &Flags, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let set: HashMap<_, _> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let path = Path::new("config.toml");
    merge(flags, &|name| set.get(name).cloned(), &File::parse(file, path)?, Some(path))
}

/// The example with every setting that is commented out taken in.
fn whole_example() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_says_what_is_so_without_it() {
    let example = with(EXAMPLE, &Flags::default(), &[]).unwrap();
    let bare = with("", &Flags::default(), &[]).unwrap();
    assert_eq!(example.settings, bare.settings);
    assert_eq!(example.settings, Settings::default());
    assert_eq!((example.ascii.value, example.percentile.value), (bare.ascii.value, bare.percentile.value));
    assert_eq!(example.environment, bare.environment);
}

#[test]
fn the_example_has_every_setting() {
    fn missing(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Null => found.push(at.to_owned()),
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| missing(&format!("{at}.{name}"), value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| missing(at, item, found)),
            _ => {}
        }
    }
    let file = File::parse(&whole_example(), Path::new("config.example.toml")).unwrap();
    let mut found = Vec::new();
    missing("", &serde_json::to_value(&file).unwrap(), &mut found);
    assert!(found.is_empty(), "config.example.toml does not have {found:?}");
    assert!(!file.environments.is_empty() && !file.services.is_empty());
}

#[test]
fn flags_win_over_variables_those_over_the_file_that_over_defaults() {
    let file = "[ui]\nascii = false\n[[environments]]\nname = 'prod'\nregion = 'eu-west-1'\nclusters = ['a']";
    let flags = Flags { region: Some("us-west-2".into()), clusters: vec!["c".into()], ..Flags::default() };
    let bare = Flags::default();
    let variables = [("AWS_REGION", "us-east-1"), ("TIDEGATE_CLUSTERS", "b, bb"), ("TIDEGATE_ASCII", "1")];
    type Said<'a> = (&'a Flags, &'a [(&'a str, &'a str)]);
    type Found<'a> = (&'a str, &'a [&'a str], bool, Origin);
    let layers: [(Said<'_>, Found<'_>); 3] = [
        ((&flags, &variables), ("us-west-2", &["c"], true, Origin::Flag("--region"))),
        ((&bare, &variables), ("us-east-1", &["b", "bb"], true, Origin::Variable("AWS_REGION"))),
        ((&bare, &[]), ("eu-west-1", &["a"], false, Origin::File)),
    ];
    for ((flags, variables), (region, clusters, ascii, origin)) in layers {
        let config = with(file, flags, variables).unwrap();
        assert_eq!(config.environment.region.value.as_deref(), Some(region));
        assert_eq!(config.environment.region.origin, origin);
        assert_eq!(config.environment.clusters.value, clusters);
        assert_eq!(config.ascii.value, ascii);
    }
    let bare = with("", &Flags::default(), &[]).unwrap();
    assert_eq!(bare.environment.region, Sourced { value: None, origin: Origin::Default });
    assert_eq!(bare.environment.name.value, "default");
}

#[test]
fn an_environment_called_by_its_name_is_not_another_one_that_is_exported() {
    let file = "[[environments]]\nname = 'dev'\n[[environments]]\nname = 'prod'\nprofile = 'prod'\nprotected = true";
    let exported = [("AWS_PROFILE", "dev")];
    let flags = Flags { environment: Some("prod".into()), ..Flags::default() };
    let prod = with(file, &flags, &exported).unwrap();
    assert_eq!(prod.environment.profile, Sourced { value: Some("prod".into()), origin: Origin::File });
    assert!(prod.settings.protected);
    let variable = with(file, &Flags::default(), &[exported[0], ("TIDEGATE_ENVIRONMENT", "prod")]).unwrap();
    assert_eq!(variable.environment.profile.value.as_deref(), Some("prod"));
    let first = with(file, &Flags::default(), &exported).unwrap();
    assert_eq!((first.environment.name.value.as_str(), first.settings.protected), ("dev", false));
    assert_eq!(first.environment.profile.origin, Origin::Variable("AWS_PROFILE"));
}

#[test]
fn whoever_says_read_only_is_obeyed() {
    let read_only = "[[environments]]\nname = 'prod'\nread_only = true";
    let flag = Flags { read_only: true, ..Flags::default() };
    for (file, flags, variables) in [
        (read_only, &Flags::default(), &[][..]),
        (read_only, &Flags::default(), &[("TIDEGATE_READ_ONLY", "0")][..]),
        ("", &flag, &[][..]),
        ("", &Flags::default(), &[("TIDEGATE_READ_ONLY", "true")][..]),
    ] {
        assert!(with(file, flags, variables).unwrap().settings.read_only, "{file} {variables:?}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_would_be_right() {
    let table = [
        ("laddder = [1, 100]", &["config.toml", "line 1, column 1", "laddder", "expected one of", "ladder"][..]),
        ("ladder = [1, 10]", &["line 1", "must end at 100"]),
        ("\nbake = '10 parsecs'", &["line 2, column 8"]),
        ("bake = '-1m'", &["must not be below 0"]),
        ("patience = '0s'", &["must be above 0"]),
        ("[thresholds]\nwindow = 5", &["line 2, column 10"]),
        ("[thresholds]\nerror_percent = -1", &["line 2", "above 0"]),
        ("rollback_confirm = 'sometimes'", &["idle", "always", "never"]),
        ("[services.a]\nnope = 1", &["line 2", "nope", "canary"]),
        ("[[environments]]\nregion = 'a'", &["name"]),
        ("[[environments]]\nname = 'a'\n[[environments]]\nname = 'a'", &["two environments", "\"a\""]),
    ];
    for (file, parts) in table {
        let error = with(file, &Flags::default(), &[]).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{file}: {error}");
    }
    let nowhere = Flags { environment: Some("moon".into()), ..Flags::default() };
    let error = with("[[environments]]\nname = 'prod'", &nowhere, &[]).unwrap_err().to_string();
    assert!(error.contains("moon") && error.contains("prod"), "{error}");
    let error = with("", &Flags::default(), &[("TIDEGATE_ASCII", "maybe")]).unwrap_err().to_string();
    assert!(error.contains("TIDEGATE_ASCII") && error.contains("maybe"), "{error}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.toml");
    let named = Flags { config: Some(path.clone()), ..Flags::default() };
    assert!(matches!(load(&named, &nothing), Err(ConfigError::Unreadable { .. })));
    assert_eq!(File::load(&path, false).unwrap(), None);
    std::fs::write(&path, "bake = '0s'").unwrap();
    let config = load(&named, &nothing).unwrap();
    assert!(config.settings.bake.is_zero());
    assert_eq!(config.file.as_deref(), Some(path.as_path()));
}

#[test]
fn everything_in_force_is_shown_with_where_it_came_from() {
    let config = with(&whole_example(), &Flags { ascii: true, ..Flags::default() }, &[]).unwrap();
    let text = config.text();
    for part in [
        "ui.ascii",
        "(--ascii)",
        "thresholds.p95",
        "250ms",
        "services.checkout.thresholds.p95",
        "300ms",
        "services.checkout.stable",
        "(file)",
        "[1, 10, 100]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let document = config.document();
    assert_eq!(document["schema"], "tidegate.config/1");
    assert_eq!(document["settings"]["region"], serde_json::json!({"value": "us-east-1", "from": "file"}));
}
