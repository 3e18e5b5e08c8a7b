use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::task_definition::{Definition, Kind, diff, redacted, shown};

fn hiding(mut json: Value) -> Value {
    let key = RandomState::new();
    hide(&mut json, &|text| key.hash_one(text));
    json
}

/// A text where no more is known of it.
fn text(text: &str) -> String {
    let json = hiding(json!({"user": text}));
    shown(json["user"].as_str().unwrap())
}

/// The words of a command.
fn words(words: &[&str]) -> Vec<String> {
    let json = hiding(json!({"command": words}));
    json["command"].as_array().unwrap().iter().map(|word| shown(word.as_str().unwrap())).collect()
}

#[test]
fn every_pattern_compiles() {
    assert!(PATTERNS.is_some());
}

#[test]
fn what_stands_behind_a_secrets_name_is_hidden() {
    for (plain, hidden) in [
        ("--password=hunter2", "--password=(hidden)"),
        ("--password=hunter two", "--password=(hidden)"),
        ("-Dspring.datasource.password=a b", "-Dspring.datasource.password=(hidden)"),
        ("TOKEN=abc", "TOKEN=(hidden)"),
        ("licenseKey=abc", "licenseKey=(hidden)"),
        (r#"{"password":"x"}"#, r#"{"password":"(hidden)"#),
        (r#"{\"password\": \"x\"}"#, r#"{\"password\": \"(hidden)"#),
        ("Authorization: Bearer abc", "Authorization: (hidden)"),
        ("Server=db;Password=a;b c", "Server=db;Password=(hidden)"),
        ("serve --api-key abc --port 80", "serve --api-key (hidden) --port 80"),
        ("curl -u app:hunter2 localhost", "curl -u app:(hidden) localhost"),
        ("postgres://app:hunter2@db/shop", "postgres://(hidden)@db/shop"),
        ("postgres://app:p@ss/w@db/shop", "postgres://(hidden)@db/shop"),
        ("https://abcdef@example.com/1", "https://(hidden)@example.com/1"),
        ("app:hunter2@tcp(db:3306)/shop", "(hidden)@tcp(db:3306)/shop"),
        ("run ghp_0123456789abcdef now", "run (hidden) now"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc", "(hidden)"),
        // What tells nothing stays.
        ("serve --port 8080 --level=info", "serve --port 8080 --level=info"),
        ("http://localhost:8080/health", "http://localhost:8080/health"),
        (
            "registry.example:5000/shop/auth-service:1.2@sha256:0f",
            "registry.example:5000/shop/auth-service:1.2@sha256:0f",
        ),
    ] {
        assert_eq!(text(plain), hidden, "{plain}");
    }
}

#[test]
fn a_commands_words_are_told_apart() {
    assert_eq!(words(&["app", "--password", "a b", "--port", "80"]), ["app", "--password", "(hidden)", "--port", "80"]);
    assert_eq!(words(&["curl", "--user", "app:x", "localhost"]), ["curl", "--user", "app:(hidden)", "localhost"]);
    assert_eq!(words(&["run", "-u", "1000"]), ["run", "-u", "1000"]);
    assert_eq!(
        words(&["sh", "-ec", "export TOKEN='a b' LEVEL=info; exec app --secret \"c d\" --port 80"]),
        ["sh", "-ec", "export TOKEN='(hidden) LEVEL=info; exec app --secret (hidden) --port 80"]
    );
    assert_eq!(
        words(&["CMD-SHELL", "curl -H Authorization: Bearer abc localhost || exit 1"]),
        ["CMD-SHELL", "curl -H Authorization: Bearer (hidden) localhost || exit 1"]
    );
    let split = hiding(json!({"entryPoint": ["sh", "-c"], "command": ["TOKEN=a exec app"]}));
    assert_eq!(shown(split["command"][0].as_str().unwrap()), "TOKEN=(hidden) exec app");
}

#[test]
fn references_and_what_is_no_secret_stay_as_they_are() {
    let json = json!({
        "family": "token-service",
        "taskRoleArn": "arn:aws:iam::123456789012:role/auth-service",
        "containerDefinitions": [{
            "name": "secret-keeper",
            "image": "registry.example/auth:1.0",
            "essential": true,
            "portMappings": [{"containerPort": 8080}],
            "secrets": [{"name": "PASSWORD", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-x"}],
            "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:us-east-1:123456789012:secret:r"},
            "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::bucket/token.env"}],
            "credentialSpecs": ["credentialspec:arn:aws:s3:::bucket/spec"],
            "dockerLabels": {"team": "shop", "traefik.port": "80"},
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/shop/auth", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"},
                "secretOptions": [{"name": "splunk-token", "valueFrom": "/shop/splunk"}],
            },
        }],
        "volumes": [{"name": "data", "efsVolumeConfiguration": {
            "fileSystemId": "fs-1", "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}}],
    });
    assert_eq!(hiding(json.clone()), json);
}

#[test]
fn what_was_equal_still_is_and_only_that_can_be_told() {
    let of = |value: &str| json!({"containerDefinitions": [{"name": "app", "environment": [{"name": "A", "value": value}]}]});
    let key = RandomState::new();
    let hidden = |mut json: Value| {
        hide(&mut json, &|text| key.hash_one(text));
        Definition { arn: TaskDefinitionArn::new("a:1"), json }
    };
    let kinds = |one: &str, other: &str| {
        diff(&hidden(of(one)), &hidden(of(other))).iter().map(|change| change.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("x", "x"), [Kind::Same, Kind::Same]);
    assert_eq!(kinds("x", "y"), [Kind::Same, Kind::Changed]);
    // Another process cannot compare, or guess.
    assert_ne!(hiding(of("x")), hiding(of("x")));
}

/// A text that occurs nowhere by chance, among characters that might end it too early.
fn secret() -> impl Strategy<Value = String> {
    "[!-~ ]{0,6}zqSECRETzq[!-~ ]{0,6}"
}

/// The same where spaces would end it by right.
fn solid() -> impl Strategy<Value = String> {
    "[!-~]{0,6}zqSECRETzq[!-~]{0,6}"
}

fn name() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "password",
        "TOKEN",
        "DB_PASSWD",
        "api-key",
        "apiKey",
        "X-Api-Key",
        "client_secret",
        "credentials",
        "auth",
        "private_key",
        "github.token",
        "AWS_SECRET_ACCESS_KEY",
        "pwd",
        "dsn",
    ]);
    ("[a-z]{0,2}[._-]?", word).prop_map(|(before, word)| format!("{before}{word}"))
}

/// The secret as a shell is given it.
fn quoted() -> impl Strategy<Value = String> {
    let double = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let single = |text: String| format!("'{}'", text.replace('\'', r"'\''"));
    let escaped = |text: String| text.chars().flat_map(|c| ['\\', c]).collect();
    prop_oneof![secret().prop_map(double), secret().prop_map(single), secret().prop_map(escaped)]
}

fn script() -> impl Strategy<Value = String> {
    let set = (name(), quoted()).prop_map(|(name, value)| format!("export {name}={value} && exec app"));
    let option =
        (name(), "[ =]", quoted()).prop_map(|(name, sep, value)| format!("app --{name}{sep}{value} --port 80"));
    let open = (name(), secret()).prop_map(|(name, value)| format!("exec app --{name}=\"{}", value.replace('"', "")));
    let header =
        solid().prop_map(|value| format!("curl -H 'Authorization: Bearer {}' localhost", value.replace('\'', "")));
    let url =
        solid().prop_map(|value| format!("run postgres://app:{}@db/shop now", value.replace(['\'', '"', '\\'], "")));
    prop_oneof![set, option, open, header, url]
}

fn argument() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        (name(), secret()).prop_map(|(name, value)| vec![format!("--{name}={value}"), "--port".into(), "80".into()]),
        (name(), secret()).prop_map(|(name, value)| vec![format!("{name}={value}")]),
        (name(), secret()).prop_map(|(name, value)| vec![format!("--{name}"), value, "80".into()]),
        (name(), secret()).prop_map(|(name, value)| vec![json!({ name: value }).to_string()]),
        (name(), secret()).prop_map(|(name, value)| vec!["-H".into(), format!("{name}: {value}")]),
        solid().prop_map(|value| vec![format!("amqp://app:{value}@queue")]),
        solid().prop_map(|value| vec!["-u".into(), format!("app:{value}")]),
        script().prop_map(|script| vec!["sh".into(), "-c".into(), script]),
    ]
}

/// A place where a secret may be kept, as a container that has it.
fn container() -> impl Strategy<Value = Value> {
    let words = |before: &'static str, words: Vec<String>| -> Vec<String> { [vec![before.to_owned()], words].concat() };
    prop_oneof![
        ("[A-Z_]{1,8}", secret()).prop_map(|(name, value)| json!({"environment": [{"name": name, "value": value}]})),
        argument().prop_map(move |it| json!({"command": words("app", it)})),
        argument().prop_map(move |it| json!({"entryPoint": words("app", it)})),
        script().prop_map(|it| json!({"entryPoint": ["bash", "-c"], "command": [it]})),
        script().prop_map(|it| json!({"healthCheck": {"command": ["CMD-SHELL", it]}})),
        argument().prop_map(move |it| json!({"healthCheck": {"command": words("CMD", it)}})),
        (name(), secret()).prop_map(|(name, value)| json!({"dockerLabels": {name: value}})),
        (name(), secret()).prop_map(|(name, value)| json!({"logConfiguration": {"options": {name: value}}})),
        (name(), secret()).prop_map(|(name, value)| json!({"firelensConfiguration": {"options": {name: value}}})),
        solid().prop_map(|value| json!({"dockerLabels": {"upstream": format!("https://{value}@example.com")}})),
        (name(), secret()).prop_map(|(name, value)| json!({"new": {"list": [{"deep": {name: value}}]}})),
    ]
}

fn task() -> impl Strategy<Value = Value> {
    let other = prop_oneof![
        ("[a-z]{1,4}", secret()).prop_map(|(name, value)| {
            let driver = json!({"driver": "rexray", "driverOpts": {name: value}});
            json!({"volumes": [{"name": "data", "dockerVolumeConfiguration": driver}]})
        }),
        (name(), secret()).prop_map(|(name, value)| {
            json!({"volumes": [{"name": "data", "dockerVolumeConfiguration": {"labels": {name: value}}}]})
        }),
        (name(), secret()).prop_map(|(name, value)| {
            json!({"proxyConfiguration": {"properties": [{"name": name, "value": value}]}})
        }),
        (name(), secret()).prop_map(|(name, value)| json!({"tags": [{"key": name, "value": value}]})),
        Just(json!({})),
    ];
    (prop::collection::vec(container(), 1..4), other).prop_map(|(containers, mut task)| {
        let named = containers.into_iter().enumerate().map(|(n, mut container)| {
            container["name"] = format!("c{n}").into();
            container
        });
        task["containerDefinitions"] = named.collect();
        task
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_secret_is_left_wherever_it_was_planted(task in task()) {
        let hidden = hiding(task.clone());
        for text in [hidden.to_string(), redacted(&hidden)] {
            // As a shell is given it each of its letters may be escaped.
            prop_assert!(!text.replace('\\', "").contains("zqSECRETzq"), "{task}\n{text}");
        }
        let definition = Definition { arn: TaskDefinitionArn::new("a:1"), json: hidden };
        let nothing = Definition { arn: TaskDefinitionArn::new("a:2"), json: json!({}) };
        for change in diff(&nothing, &definition) {
            prop_assert!(!change.values().replace('\\', "").contains("zqSECRETzq"), "{change:?}");
        }
    }
}
