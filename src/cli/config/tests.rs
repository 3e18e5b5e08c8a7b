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

/// The example file, with all commented-out settings active.
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
    /// Paths of all settings, with `NAME` for a service and `METRIC` for a metric; true if the setting has a value.
    fn settings(at: &str, value: &Value, found: &mut Vec<(String, bool)>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                found.push((format!("{at}.{name}"), !value.is_null()));
                let name = match at {
                    ".services" => "NAME",
                    ".services.NAME.metrics" if value.is_object() => "METRIC",
                    _ => name,
                };
                settings(&format!("{at}.{name}"), value, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| settings(at, item, found)),
            _ => {}
        }
    }
    let file = File::parse(&whole_example(), Path::new("config.example.toml")).unwrap();
    let mut found = Vec::new();
    settings("", &serde_json::to_value(&file).unwrap(), &mut found);
    // A service has only one source of metrics, so each service may leave out settings that another one has.
    let has = |at: &str| found.iter().any(|(other, set)| *set && other == at);
    let missing: Vec<_> = found.iter().filter(|(at, set)| !set && !has(at)).map(|(at, _)| at).collect();
    assert!(missing.is_empty(), "config.example.toml does not have {missing:?}");
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
        ("[automatic]\ncountdown = '0s'", &["line 2", "must be above 0"]),
        ("[automatic]\nafter = '1m'", &["line 2", "after", "rollback_after"]),
        ("[services.a]\nalarms = 'one'", &["line 2", "expected a sequence"]),
        ("[prometheus]\nurl = 'prometheus:9090'", &["line 2", "begins with prometheus://", "http://"]),
        ("[prometheus]\nurl = '127.0.0.1:9090'", &["line 2", "is not a URL", "http://127.0.0.1:9090"]),
        ("[prometheus]\nurl = 'http://ana:secret@p:9090'", &["line 2", "password", "bearer_token_file"]),
        ("[prometheus]\nurl = 'http://p:9090/graph?g0=x'", &["line 2", "query or fragment"]),
        ("[prometheus]\nbearer_token_file = 'x'", &["missing field `url`"]),
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
        "automatic.countdown",
        "automatic.rollback_after",
        "3m",
        "services.checkout.alarms",
        "checkout-5xx, checkout-slow",
        "services.checkout.rollback_after",
        "prometheus.url",
        "https://prometheus.example.com",
        "prometheus.bearer_token_file",
        "services.checkout.metrics.source",
        "Shop Requests Sum Service=checkout Revision={revision}",
        "services.search.metrics.requests",
        "services.search.metrics.latency",
        "(file)",
        "[1, 10, 100]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let document = config.document();
    assert_eq!(document["schema"], "tidegate.config/1");
    assert_eq!(document["settings"]["region"], serde_json::json!({"value": "us-east-1", "from": "file"}));
}

/// A configuration with a table of a service's custom metrics with these keys.
fn own(keys: &str) -> Result<Config, ConfigError> {
    let file = format!("[prometheus]\nurl = 'http://127.0.0.1:9090'\n[services.a.metrics]\n{keys}");
    with(&file, &Flags::default(), &[])
}

#[test]
fn metrics_that_make_no_sense_are_refused_with_what_would() {
    const COUNTS: &str = "requests = 'r{v=\"{revision}\"}'\nerrors = 'e{v=\"{revision}\"}'";
    let prometheus = |keys: &str| format!("source = 'prometheus'\n{keys}");
    let cloudwatch = |keys: &str| format!("source = 'cloudwatch'\n{keys}");
    let table = [
        ("requests = 'a'".to_owned(), &["line 3", "missing field `source`"][..]),
        ("source = 'graphite'".to_owned(), &["line 4", "graphite", "cloudwatch", "prometheus"]),
        (prometheus("errors = '{revision}'"), &["line 3", "`requests` is missing", "both needed"]),
        (prometheus("requests = '{revision}'"), &["`errors` is missing"]),
        (prometheus("requests = 5"), &["line 5, column 12", "expected PromQL in quotes, or a table"]),
        (
            prometheus(&format!("{COUNTS}\np95 = 'h{{v=\"{{version}}\"}}'")),
            &["`p95`", "{version}", "{revision}", "{cluster}"],
        ),
        (prometheus("requests = 'r{a=\"b\"}'\nerrors = '{revision}'"), &["`requests`", "the same for both revisions"]),
        (prometheus("requests = '{family}'\nerrors = '{revision}'"), &["`requests`", "the same for both revisions"]),
        (
            prometheus(&format!("{COUNTS}\np99 = {{ metric = 'L' }}")),
            &["`p99` is not for Prometheus", "PromQL in quotes"],
        ),
        (prometheus(&format!("{COUNTS}\nnamespace = 'Shop'")), &["`namespace` is for source = \"cloudwatch\""]),
        (
            prometheus(&format!("{COUNTS}\nhistogram = 'h{{v=\"{{revision}}\"}}'")),
            &["`histogram` needs `p95` beside it"],
        ),
        (
            prometheus(&format!("{COUNTS}\np95 = '{{revision}}'\nhistogram = 'sum by (le) (h)'")),
            &["`histogram` is the same for both revisions"],
        ),
        (
            cloudwatch(
                "namespace = '{revision}'\nrequests = { metric = 'R' }\nerrors = { metric = 'E' }\nhistogram = 'h'",
            ),
            &["`histogram` is for source = \"prometheus\""],
        ),
        (prometheus(&format!("{COUNTS}\nlatency = 'us'")), &["line 7", "us", "ms"]),
        (cloudwatch("requests = '{revision}'"), &["`requests` is not for CloudWatch", "metric ="]),
        (cloudwatch("requests = { metric = 'R{revision}' }"), &["`requests` has no namespace"]),
        (cloudwatch("requests = { metrik = 'R' }"), &["line 5", "metrik", "metric"]),
        (
            cloudwatch("namespace = 'S'\nrequests = { metric = 'R' }\ndimensions = { Service = 'a' }"),
            &["`requests`", "the same for both revisions"],
        ),
    ];
    for (keys, parts) in table {
        let error = own(&keys).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{keys}: {error}");
    }
}

#[test]
fn a_service_counted_by_prometheus_needs_one() {
    let metrics = "[services.search.metrics]\nsource = 'prometheus'\nrequests = '{revision}'\nerrors = '{revision}'";
    let error = with(metrics, &Flags::default(), &[]).unwrap_err().to_string();
    assert!(
        ["services.search", "config.toml", "[prometheus]", "url"].iter().all(|part| error.contains(part)),
        "{error}"
    );
    let general = format!("[prometheus]\nurl = 'http://a'\n{metrics}\n[[environments]]\nname = 'prod'");
    let config = with(&general, &Flags::default(), &[]).unwrap();
    let url = |config: &Config| config.environment.prometheus.value.as_ref().unwrap().url.0.to_string();
    assert_eq!(url(&config), "http://a");
    let here = format!("{general}\n[environments.prometheus]\nurl = 'https://b/prometheus/'");
    assert_eq!(
        url(&with(&here, &Flags::default(), &[]).unwrap()),
        "https://b/prometheus",
        "the environment's own wins"
    );
}

#[test]
fn metrics_of_its_own_become_what_each_source_is_asked_for() {
    let keys = "source = 'prometheus'\nrequests = 'sum(r{job=\"a\", v=\"{revision}\"})'\nerrors = '{task_definition}'";
    let settings = own(keys).unwrap().settings;
    let CustomMetrics { source: Source::Prometheus(recipe), seconds: true } = settings.own_of("a").unwrap() else {
        panic!("{:?}", settings.own_of("a"));
    };
    assert_eq!(
        recipe.numbers.requests.as_deref(),
        Some("sum(r{job=\"a\", v=\"{revision}\"})"),
        "PromQL's braces are left alone"
    );
    assert_eq!((recipe.numbers.errors.as_deref(), &recipe.numbers.p95), (Some("{task_definition}"), &None));
    assert_eq!(recipe.histogram, None);
    let timed =
        own(&format!("{keys}\np95 = '{{revision}}'\nhistogram = 'sum by (le) (h{{v=\"{{revision}}\"}})'")).unwrap();
    assert!(timed.text().contains("sum by (le) (h{v=\"{revision}\"})"), "{}", timed.text());
    let CustomMetrics { source: Source::Prometheus(recipe), .. } = timed.settings.own_of("a").unwrap() else {
        panic!("{:?}", timed.settings.own_of("a"));
    };
    assert_eq!(recipe.histogram.as_deref(), Some("sum by (le) (h{v=\"{revision}\"})"));
    let keys = "source = 'cloudwatch'\nnamespace = 'Shop'\ndimensions = { S = 'a', V = '{revision}' }\n\
                requests = { metric = 'R' }\nerrors = { metric = 'E', stat = 'SampleCount' }\n\
                p95 = { metric = 'L', namespace = 'Other', dimensions = { T = '{task_definition}' } }";
    let settings = own(keys).unwrap().settings;
    let CustomMetrics { source: Source::CloudWatch(recipe), seconds: false } = settings.own_of("a").unwrap() else {
        panic!("{:?}", settings.own_of("a"));
    };
    let asked: Vec<_> =
        recipe.each().map(|(_, it)| (it.namespace.as_str(), it.name.as_str(), it.statistic.as_str())).collect();
    assert_eq!(asked, [("Shop", "R", "Sum"), ("Shop", "E", "SampleCount"), ("Other", "L", "p95")]);
    let dimensions = recipe.requests.as_ref().unwrap().dimensions.clone();
    assert_eq!(dimensions, [("S".to_owned(), "a".to_owned()), ("V".to_owned(), "{revision}".to_owned())]);
}

#[test]
fn what_the_console_does_by_itself_is_decided_for_all_and_for_one() {
    let file = "[automatic]\ncountdown = '10s'\nrollback_after = '3m'\n\
                [services.a]\nrollback_after = '1m'\nalarms = ['x', 'y']";
    let settings = with(file, &Flags::default(), &[]).unwrap().settings;
    let minutes = |name: &str| settings.automatic_of(name).rollback_after.map(|span| span.as_mins());
    assert_eq!((minutes("a"), minutes("b")), (Some(1), Some(3)));
    assert_eq!(settings.automatic.countdown.as_secs(), 10);
    assert_eq!((settings.alarms_of("a"), settings.alarms_of("b").len()), (&["x".to_owned(), "y".to_owned()][..], 0));
    let bare = with("", &Flags::default(), &[]).unwrap();
    assert_eq!(bare.settings.automatic.rollback_after, None);
    assert!(bare.text().contains("never"), "{}", bare.text());
}
