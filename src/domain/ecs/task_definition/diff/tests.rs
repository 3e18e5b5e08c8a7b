use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::ecs::deployment::RevisionImage;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::task_definition::hidden;

fn definition(json: Value) -> Definition {
    Definition { arn: TaskDefinitionArn::new("checkout:1"), json }
}

fn checkout() -> Value {
    json!({
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/checkout:41",
        "family": "checkout", "revision": 41, "status": "ACTIVE", "registeredAt": 1.0, "registeredBy": "ana",
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}],
        "compatibilities": ["EC2", "FARGATE"], "requiresCompatibilities": ["FARGATE", "EC2"],
        "cpu": "256", "memory": "512", "networkMode": "awsvpc", "volumes": [],
        "executionRoleArn": "arn:aws:iam::123456789012:role/pull",
        "containerDefinitions": [
            {
                "name": "app", "image": "registry.example:5000/shop/checkout:1.8.2", "cpu": 0, "essential": true,
                "command": ["serve", "--port", "80 80"],
                "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}, {"containerPort": 9000}],
                "environment": [{"name": "LOG_LEVEL", "value": hidden(1)}, {"name": "REGION", "value": hidden(2)}],
                "secrets": [{"name": "DB", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/db"}],
                "healthCheck": {"command": ["CMD-SHELL", "curl -f localhost"], "interval": 30, "retries": 3},
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/shop", "mode": "blocking"}},
                "linuxParameters": {"initProcessEnabled": true, "capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}
            },
            {"name": "proxy", "image": "envoy@sha256:aa"}
        ]
    })
}

/// The lines of what differs, as a view or the command line could print them.
fn lines(from: &Value, to: &Value) -> Vec<String> {
    let changes = diff(&definition(from.clone()), &definition(to.clone()));
    let line = |change: &Change| {
        let section = match &change.section {
            Section::Container(name) => format!("{name}: "),
            Section::Task | Section::Service => String::new(),
        };
        format!("{section}{} {}: {}", change.kind, change.name, change.values())
    };
    changes.iter().filter(|change| change.differs()).map(line).collect()
}

fn edited(edit: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut to = checkout();
    edit(&mut to);
    lines(&checkout(), &to)
}

fn set(json: &mut Value, pointer: &str, value: Value) {
    *json.pointer_mut(pointer).unwrap() = value;
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_changed_is_said_in_a_release_engineers_words() {
    const APP: &str = "/containerDefinitions/0";
    let table: [(&str, Value, &[&str]); 17] = [
        ("image", json!("registry.example:5000/shop/checkout:1.9.0"), &["app: changed image tag: 1.8.2 → 1.9.0"]),
        (
            "image",
            json!("registry.example:5000/shop/checkout@sha256:bb"),
            &["app: added image digest: sha256:bb", "app: removed image tag: 1.8.2"],
        ),
        (
            "image",
            json!("shop/checkout:1.8.2"),
            &["app: changed image: registry.example:5000/shop/checkout → shop/checkout"],
        ),
        ("command", json!(["serve"]), &["app: changed command: serve --port '80 80' → serve"]),
        ("environment/0/value", json!(hidden(9)), &["app: changed environment LOG_LEVEL: changed, values hidden"]),
        ("environment/0/value", json!(""), &["app: changed environment LOG_LEVEL: (hidden) → (empty)"]),
        (
            "environment/0/name",
            json!("LEVEL"),
            &["app: added environment LEVEL: (hidden)", "app: removed environment LOG_LEVEL: (hidden)"],
        ),
        (
            "secrets/0/valueFrom",
            json!("other"),
            &["app: changed secret DB: arn:aws:ssm:us-east-1:123456789012:parameter/db → other"],
        ),
        ("cpu", json!(128), &["app: changed cpu: 0 units → 128 units"]),
        (
            "portMappings/0/containerPort",
            json!(80),
            &["app: added port 80/tcp: hostPort 8080", "app: removed port 8080/tcp: hostPort 8080"],
        ),
        ("portMappings/0/hostPort", json!(80), &["app: changed port 8080/tcp: hostPort 8080 → hostPort 80"]),
        ("healthCheck/interval", json!(10), &["app: changed health check interval: 30 s → 10 s"]),
        (
            "healthCheck/command/1",
            json!("curl it's"),
            &[r"app: changed health check command: CMD-SHELL 'curl -f localhost' → CMD-SHELL 'curl it'\''s'"],
        ),
        ("logConfiguration/options/awslogs-group", json!("/s"), &["app: changed log option awslogs-group: /shop → /s"]),
        ("logConfiguration/logDriver", json!("fluentd"), &["app: changed log driver: awslogs → fluentd"]),
        (
            "linuxParameters/initProcessEnabled",
            json!(false),
            &["app: changed linuxParameters.initProcessEnabled: true → false"],
        ),
        (
            "linuxParameters/capabilities/add",
            json!(["NET_ADMIN"]),
            &["app: changed linuxParameters.capabilities.add: NET_ADMIN, SYS_PTRACE → NET_ADMIN"],
        ),
    ];
    for (pointer, value, expected) in table {
        let said = edited(|to| set(to, &format!("{APP}/{pointer}"), value));
        assert_eq!(said, expected, "{pointer}");
    }
    let table: [(&str, Value, &str); 4] = [
        ("/memory", json!("1024"), "changed memory: 512 MiB → 1024 MiB"),
        ("/executionRoleArn", json!("none"), "changed execution role: arn:aws:iam::123456789012:role/pull → none"),
        ("/networkMode", json!("bridge"), "changed network mode: awsvpc → bridge"),
        (
            "/volumes",
            json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]),
            "added volume data: efsVolumeConfiguration (fileSystemId fs-1)",
        ),
    ];
    for (pointer, value, expected) in table {
        assert_eq!(edited(|to| set(to, pointer, value)), [expected], "{pointer}");
    }
}

#[test]
fn what_means_nothing_is_no_change() {
    let nothing: [(&str, Value); 11] = [
        ("/revision", json!(42)),
        ("/registeredAt", json!(2.0)),
        ("/registeredBy", json!("bo")),
        ("/status", json!("INACTIVE")),
        ("/requiresAttributes", json!([])),
        ("/compatibilities", json!(["EC2"])),
        ("/requiresCompatibilities", json!(["EC2", "FARGATE"])),
        ("/volumes", Value::Null),
        ("/containerDefinitions/0/cpu", json!(0.0)),
        ("/containerDefinitions/0/linuxParameters/capabilities/add", json!(["NET_ADMIN", "SYS_PTRACE"])),
        ("/containerDefinitions/0/portMappings/1", json!({"containerPort": 9000, "protocol": "tcp"})),
    ];
    for (pointer, value) in nothing {
        assert_eq!(edited(|to| set(to, pointer, value)), Vec::<String>::new(), "{pointer}");
    }
    for list in ["/containerDefinitions", "/containerDefinitions/0/environment", "/containerDefinitions/0/portMappings"]
    {
        let turned = edited(|to| to.pointer_mut(list).unwrap().as_array_mut().unwrap().reverse());
        assert_eq!(turned, Vec::<String>::new(), "{list}");
    }
    // Of a command the order is what it means.
    let turned = edited(|to| {
        to.pointer_mut("/containerDefinitions/0/command").unwrap().as_array_mut().unwrap().reverse();
    });
    assert_eq!(turned.len(), 1, "{turned:?}");
}

#[test]
fn what_is_the_same_is_there_and_can_be_folded() {
    let changes = diff(&definition(checkout()), &definition(checkout()));
    assert!(changes.iter().all(|change| !change.differs()), "{changes:?}");
    let of = |section: &Section| changes.iter().filter(|change| change.section == *section).count();
    assert_eq!(of(&Section::Container("proxy".into())), 3);
    assert!(of(&Section::Container("app".into())) > 15);
    let sections: Vec<_> = changes.iter().map(|change| &change.section).collect();
    assert_eq!(sections.first(), Some(&&Section::Container("app".into())));
    assert_eq!(sections.last(), Some(&&Section::Task));
    let removed = edited(|to| {
        to["containerDefinitions"].as_array_mut().unwrap().pop();
    });
    assert_eq!(
        removed,
        ["proxy: removed container: proxy", "proxy: removed image: envoy", "proxy: removed image digest: sha256:aa"]
    );
}

#[test]
fn values_that_are_revealed_are_said_and_those_that_are_hidden_never() {
    let with = |value: &str| {
        let mut json = checkout();
        set(&mut json, "/containerDefinitions/0/environment/0/value", json!(value));
        set(&mut json, "/containerDefinitions/0/command", json!([format!("--password={value}")]));
        json
    };
    assert_eq!(
        lines(&with("debug"), &with("info")),
        [
            "app: changed command: --password=debug → --password=info",
            "app: changed environment LOG_LEVEL: debug → info"
        ]
    );
    assert_eq!(
        lines(&with(&hidden(5)), &with(&hidden(6))),
        ["app: changed command: changed, values hidden", "app: changed environment LOG_LEVEL: changed, values hidden"]
    );
}

#[test]
fn two_variables_of_one_name_are_both_compared() {
    let with = |values: [&str; 3]| {
        let environment = values.map(|value| json!({"name": "A", "value": value}));
        json!({"containerDefinitions": [{"name": "app", "environment": environment}]})
    };
    assert_eq!(lines(&with(["1", "2", "3"]), &with(["1", "2", "4"])), ["app: changed environment A (3): 3 → 4"]);
}

#[test]
fn what_no_task_definition_carries_is_compared_as_well() {
    let revision = |subnets: &str, digest: Option<&str>| {
        let mut revision = ServiceRevision::bare(Arn::new("r"), TaskDefinitionArn::new("checkout:1"));
        revision.surroundings.insert("subnets".into(), subnets.into());
        revision.surroundings.insert("platform".into(), "Linux 1.4.0".into());
        let image = RevisionImage { container: "app".into(), image: "a:1".into(), digest: digest.map(Into::into) };
        revision.images.push(image);
        Arc::new(revision)
    };
    let said = |from: &ServiceRevision, to: &ServiceRevision| {
        let changes = surroundings(from, to);
        let changes = changes.into_iter().filter(Change::differs);
        changes.map(|change| format!("{}: {}", change.name, change.values())).collect::<Vec<_>>()
    };
    let (a, b) = (revision("subnet-1", Some("sha256:a")), revision("subnet-2", Some("sha256:b")));
    assert_eq!(said(&a, &b), ["subnets: subnet-1 → subnet-2", "image pulled: sha256:a → sha256:b"]);
    // Not known yet is not another one.
    assert_eq!(said(&a, &revision("subnet-1", None)), Vec::<String>::new());
    let unknown = ServiceRevision::bare(Arn::new("r"), TaskDefinitionArn::new("checkout:1"));
    assert_eq!(said(&a, &unknown), Vec::<String>::new());
}

/// Any JSON, with the names of lists and members that have a meaning of their own among its names.
fn anything() -> impl Strategy<Value = Value> {
    let names = "environment|secrets|portMappings|command|image|add|volumes|name|value|options|containerPort|x|y";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3i64).prop_map(Value::from),
        "[a-c:@/]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn task() -> impl Strategy<Value = Value> {
    let containers = prop::collection::btree_map("[a-c]", anything(), 0..3).prop_map(|containers| {
        let named = containers.into_iter().map(|(name, container)| {
            let mut container = match container {
                Value::Object(members) => members,
                other => [("x".to_owned(), other)].into_iter().collect(),
            };
            container.insert("name".into(), name.into());
            Value::Object(container)
        });
        named.collect::<Vec<_>>()
    });
    (anything(), containers).prop_map(|(rest, containers)| json!({"rest": rest, "containerDefinitions": containers}))
}

/// Every scalar in it.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(n, it)| leaves(it, &format!("{at}/{n}"), found)),
        Value::Object(members) => members.iter().for_each(|(name, it)| leaves(it, &format!("{at}/{name}"), found)),
        _ => found.push(at.to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_differs_from_itself(task in task()) {
        prop_assert!(diff(&definition(task.clone()), &definition(task)).iter().all(|change| !change.differs()));
    }

    #[test]
    fn the_other_way_round_everything_is_the_other_way_round(one in task(), other in task()) {
        let (one, other) = (definition(one), definition(other));
        let turned = diff(&other, &one).into_iter().map(|change| {
            let kind = match change.kind {
                Kind::Added => Kind::Removed,
                Kind::Removed => Kind::Added,
                kind => kind,
            };
            Change { kind, from: change.to, to: change.from, ..change }
        });
        let by_place = |changes: Vec<Change>| {
            let places = changes.into_iter().map(|change| ((change.section.clone(), change.path.clone()), change));
            places.collect::<BTreeMap<_, _>>()
        };
        let there = diff(&one, &other);
        let many = there.len();
        let there = by_place(there);
        prop_assert_eq!(there.len(), many, "each place once");
        prop_assert_eq!(there, by_place(turned.collect()));
    }

    #[test]
    fn whatever_is_edited_shows(task in task(), which in any::<prop::sample::Index>()) {
        let mut all = Vec::new();
        leaves(&task, "", &mut all);
        prop_assume!(!all.is_empty());
        let mut edited = task.clone();
        let place: &String = which.get(&all);
        *edited.pointer_mut(place).unwrap() = "something else".into();
        let changes = diff(&definition(task), &definition(edited));
        prop_assert!(changes.iter().any(Change::differs), "{changes:?}");
    }
}
