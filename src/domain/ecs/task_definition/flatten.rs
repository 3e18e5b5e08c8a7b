//! A task definition flattened into comparable items, each with its path and a familiar name.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{SAID_BY_AWS, has_hidden, shown};

/// The section that a change belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "container")]
pub enum Section {
    /// A container, by its name (`containerDefinitions[]`).
    Container(String),
    /// The task.
    Task,
    /// Settings outside the task definition: network, capacity, platform, load balancer.
    Service,
}

/// One item of a task definition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) section: Section,
    /// The path within the section; list members by their key.
    pub(super) path: Vec<String>,
    /// The value, normalized: order and spelling without meaning are removed.
    pub(super) value: Value,
}

/// Lists without a meaningful order, beside the lists with named members.
const UNORDERED: [&str; 9] = [
    "requiresCompatibilities",
    "placementConstraints",
    "add",
    "drop",
    "links",
    "dockerSecurityOptions",
    "mountOptions",
    "permissions",
    "ignoredExitCodes",
];

/// Lists with named members, and the member that is the key.
const NAMED: [(&str, &str); 17] = [
    ("environment", "name"),
    ("secrets", "name"),
    ("secretOptions", "name"),
    ("mountPoints", "containerPath"),
    ("volumesFrom", "sourceContainer"),
    ("dependsOn", "containerName"),
    ("ulimits", "name"),
    ("systemControls", "namespace"),
    ("extraHosts", "hostname"),
    ("resourceRequirements", "type"),
    ("devices", "hostPath"),
    ("tmpfs", "containerPath"),
    ("volumes", "name"),
    ("properties", "name"),
    ("tags", "key"),
    ("inferenceAccelerators", "deviceName"),
    ("containerDefinitions", "name"),
];

/// Members whose value stands for a whole list member, if there is no other.
const SAYS: [&str; 7] = ["value", "valueFrom", "condition", "ipAddress", "deviceType", "readOnly", "sourceVolume"];

/// All items of a task definition, as it was registered.
pub(super) fn items(definition: &Value) -> Vec<Item> {
    let Value::Object(members) = settled("", definition) else { return Vec::new() };
    let mut items = Vec::new();
    for (name, value) in members.into_iter().filter(|(name, _)| !SAID_BY_AWS.contains(&name.as_str())) {
        match value {
            Value::Array(list) if name == "containerDefinitions" => {
                for (container, value) in named("containerDefinitions", list) {
                    let section = Section::Container(container.clone());
                    // The name is an item, so that a container without further members appears too.
                    let itself = Value::String(container);
                    items.push(Item { section: section.clone(), path: vec!["name".to_owned()], value: itself });
                    walk(&mut items, &section, Vec::new(), value);
                }
            }
            value => walk(&mut items, &Section::Task, vec![name], value),
        }
    }
    items
}

fn walk(items: &mut Vec<Item>, section: &Section, path: Vec<String>, value: Value) {
    let below = |name: String| path.iter().cloned().chain([name]).collect::<Vec<_>>();
    let last = path.last().map_or("", String::as_str);
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("image", Value::String(image)) if path.is_empty() => {
                        for (part, value) in parts(&image) {
                            let path =
                                [vec!["image".to_owned()], part.map(str::to_owned).into_iter().collect()].concat();
                            items.push(Item { section: section.clone(), path, value: Value::String(value) });
                        }
                    }
                    (_, value) => walk(items, section, below(name), value),
                }
            }
        }
        Value::Array(list) if last == "portMappings" || NAMED.iter().any(|(name, _)| *name == last) => {
            for (name, value) in named(last, list) {
                items.push(Item { section: section.clone(), path: below(name), value: says(value) });
            }
        }
        Value::Array(list) if !UNORDERED.contains(&last) && list.iter().any(Value::is_object) => {
            for (at, value) in (1..).zip(list) {
                match value {
                    Value::Object(members) if members.is_empty() => {}
                    value => walk(items, section, below(at.to_string()), value),
                }
            }
        }
        value => items.push(Item { section: section.clone(), path, value }),
    }
}

/// The members of a list by their key, with the key removed from the member. A member without a key is named by its
/// position; a repeated key is numbered.
fn named(list: &str, members: Vec<Value>) -> Vec<(String, Value)> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for (at, mut member) in (1..).zip(members) {
        let name = match &mut member {
            Value::Object(members) if list == "portMappings" => port(members),
            Value::Object(members) => {
                let key = NAMED.iter().find(|(name, _)| *name == list).map_or("name", |(_, key)| key);
                members.shift_remove(key).map(|name| line(&name))
            }
            _ => None,
        };
        let name = name.map_or_else(|| format!("#{at}"), |name| shown(&name));
        let again = (2..).map(|time| format!("{name} ({time})"));
        let free = std::iter::once(name.clone()).chain(again).find(|name| seen.insert(name.clone()));
        found.push((free.unwrap_or(name), member));
    }
    found
}

/// `8080/tcp`, the familiar name of a port.
fn port(mapping: &mut Map<String, Value>) -> Option<String> {
    let port = mapping.shift_remove("containerPort").or_else(|| mapping.shift_remove("containerPortRange"))?;
    let protocol = mapping.shift_remove("protocol");
    Some(format!("{}/{}", line(&port), protocol.as_ref().map_or_else(|| "tcp".to_owned(), line)))
}

fn says(member: Value) -> Value {
    let Value::Object(members) = &member else { return member };
    if members.is_empty() {
        return Value::String(String::new());
    }
    let only = (members.len() == 1).then(|| members.iter().next()).flatten();
    match only {
        Some((name, value)) if SAYS.contains(&name.as_str()) && !value.is_object() => value.clone(),
        _ => member,
    }
}

/// An image's repository, tag and digest.
fn parts(image: &str) -> Vec<(Option<&'static str>, String)> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    // A colon before the last slash is a registry's port.
    let tagged = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    let (repository, tag) = tagged.map_or((name, None), |(repository, tag)| (repository, Some(tag)));
    let named = [(None, Some(repository)), (Some("tag"), tag), (Some("digest"), digest)];
    named.into_iter().filter_map(|(part, value)| Some((part, value?.to_owned()))).collect()
}

/// The value in normal form: without null or empty members, unordered lists sorted, numbers in one spelling.
fn settled(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let there = members.iter().map(|(name, value)| (name.clone(), settled(name, value)));
            Value::Object(there.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(|value| settled("", value)).collect();
            if UNORDERED.contains(&name) {
                list.sort_by_cached_key(Value::to_string);
            }
            Value::Array(list)
        }
        Value::Number(number) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 9.0e15 => Value::from(whole as i64),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

impl Item {
    /// The familiar name: `environment LOG_LEVEL`, `image tag`; otherwise the path in AWS's spelling.
    pub(super) fn name(&self) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["name"] => "container".to_owned(),
            ["entryPoint"] => "entry point".to_owned(),
            ["memoryReservation"] => "memory reservation".to_owned(),
            ["taskRoleArn"] => "task role".to_owned(),
            ["executionRoleArn"] => "execution role".to_owned(),
            ["networkMode"] => "network mode".to_owned(),
            ["image" | "command" | "cpu" | "memory" | "family" | "essential" | "user"] => path.join(" "),
            ["image", part] => format!("image {part}"),
            ["logConfiguration", "logDriver"] => "log driver".to_owned(),
            ["logConfiguration", "options", name] => format!("log option {name}"),
            ["logConfiguration", "secretOptions", name] => format!("log secret {name}"),
            ["healthCheck", "startPeriod"] => "health check start period".to_owned(),
            ["healthCheck", what] => format!("health check {what}"),
            ["environment", name] => format!("environment {name}"),
            ["environmentFiles", at, ..] => format!("environment file {at}"),
            ["secrets", name] => format!("secret {name}"),
            ["portMappings", name] => format!("port {name}"),
            ["mountPoints", name] => format!("mount {name}"),
            ["volumes", name] => format!("volume {name}"),
            ["volumesFrom", name] => format!("volumes from {name}"),
            ["dependsOn", name] => format!("depends on {name}"),
            ["dockerLabels", name] => format!("label {name}"),
            ["ulimits", name] => format!("ulimit {name}"),
            ["tags", name] => format!("tag {name}"),
            _ => path.join("."),
        }
    }

    /// The sort rank: items that releases change most come first.
    pub(super) fn rank(&self) -> usize {
        const FIRST: [&str; 18] = [
            "name",
            "image",
            "command",
            "entryPoint",
            "environment",
            "environmentFiles",
            "secrets",
            "family",
            "cpu",
            "memory",
            "memoryReservation",
            "portMappings",
            "healthCheck",
            "taskRoleArn",
            "executionRoleArn",
            "logConfiguration",
            "mountPoints",
            "volumes",
        ];
        let first = self.path.first().map_or("", String::as_str);
        FIRST.iter().position(|name| *name == first).unwrap_or(FIRST.len())
    }

    /// The value as a line, with its unit where AWS's documentation gives one.
    pub(super) fn line(&self) -> String {
        let line = match (&self.value, self.path.last().map(String::as_str)) {
            (Value::Array(words), Some("command" | "entryPoint")) => {
                words.iter().map(word).collect::<Vec<_>>().join(" ")
            }
            (value, _) => line(value),
        };
        let unit = match self.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["healthCheck", "interval" | "timeout" | "startPeriod"] | ["startTimeout" | "stopTimeout"] => " s",
            ["memory" | "memoryReservation"] => " MiB",
            ["cpu"] => " units",
            _ => "",
        };
        let counted = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
        if counted { format!("{line}{unit}") } else { shown(&line) }
    }

    /// Returns true if a part of the value is redacted.
    pub(super) fn hidden(&self) -> bool {
        fn within(value: &Value) -> bool {
            match value {
                Value::String(text) => has_hidden(text),
                Value::Array(list) => list.iter().any(within),
                Value::Object(members) => members.values().any(within),
                _ => false,
            }
        }
        within(&self.value)
    }
}

/// A value as a line: members by their names, list items separated by commas.
fn line(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(line).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| match value {
                Value::Object(_) => format!("{name} ({})", line(value)),
                _ => format!("{name} {}", line(value)),
            });
            members.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A word of a command, quoted for a shell.
fn word(value: &Value) -> String {
    let text = line(value);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !text.is_empty() && (has_hidden(&text) && !text.contains(' ') || text.chars().all(plain)) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
