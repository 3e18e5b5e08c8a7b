//! RegisterTaskDefinition: checks the input and fills in the defaults of ECS.

use serde_json::{Map, Value, json};

use super::definition::{Container, items, text};

/// The members that a definition stores unchanged, besides `family`, `containerDefinitions` and `tags`.
const STORED: [&str; 15] = [
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
];

/// The input of a RegisterTaskDefinition that ECS accepts.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) family: String,
    /// The members that DescribeTaskDefinition shows.
    pub(crate) body: Value,
    pub(crate) tags: Value,
}

impl Registration {
    /// Reads an input. The error is the message of a ClientException.
    pub(crate) fn read(input: &Value) -> Result<Self, String> {
        let family = text(input, "family").ok_or("Family should not be null or empty.")?;
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if family.len() > 255 || !family.chars().all(valid) {
            return Err("Family contains invalid characters.".into());
        }
        let awsvpc = text(input, "networkMode") == Some("awsvpc");
        let containers = read_containers(input, awsvpc)?;
        if items(input, "requiresCompatibilities").any(|c| c == "FARGATE") {
            if !awsvpc {
                return Err("Fargate only supports network mode 'awsvpc'.".into());
            }
            if text(input, "cpu").is_none() || text(input, "memory").is_none() {
                return Err("Fargate requires that 'cpu' and 'memory' be defined at the task level.".into());
            }
        }
        let mut body = Map::new();
        body.insert("containerDefinitions".into(), Value::Array(containers));
        body.insert("volumes".into(), json!([]));
        body.insert("placementConstraints".into(), json!([]));
        for name in STORED {
            if let Some(value) = input.get(name).filter(|v| !v.is_null()) {
                body.insert(name.into(), value.clone());
            }
        }
        let tags = input.get("tags").filter(|v| !v.is_null()).cloned().unwrap_or_else(|| json!([]));
        Ok(Self { family: family.to_owned(), body: Value::Object(body), tags })
    }
}

fn read_containers(input: &Value, awsvpc: bool) -> Result<Vec<Value>, String> {
    let mut containers: Vec<Value> = items(input, "containerDefinitions").cloned().collect();
    if containers.is_empty() {
        return Err("Container list cannot be empty.".into());
    }
    for container in &mut containers {
        fill_defaults(container, awsvpc)?;
    }
    let read: Vec<_> = containers.iter().map(Container::read).collect();
    for (at, container) in read.iter().enumerate() {
        if read.iter().skip(at + 1).any(|other| other.name == container.name) {
            return Err("Container.name must be unique within a task definition.".into());
        }
    }
    if !read.iter().any(|c| c.essential) {
        return Err("A task definition must have at least one essential container.".into());
    }
    Ok(containers)
}

/// Adds the members that ECS shows of every container definition.
fn fill_defaults(container: &mut Value, awsvpc: bool) -> Result<(), String> {
    if text(container, "name").is_none() {
        return Err("Container.name should not be null or empty.".into());
    }
    if text(container, "image").is_none() {
        return Err("Container.image should not be null or empty.".into());
    }
    let Some(map) = container.as_object_mut() else {
        return Err("Container should be an object.".into());
    };
    for name in ["environment", "mountPoints", "portMappings", "systemControls", "volumesFrom"] {
        map.entry(name).or_insert_with(|| json!([]));
    }
    map.entry("cpu").or_insert_with(|| json!(0));
    map.entry("essential").or_insert_with(|| json!(true));
    let ports = map.get_mut("portMappings").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        let container_port = port.get("containerPort").cloned().unwrap_or_default();
        // In awsvpc mode a task has its own network interface, so the host port is the container port.
        port.entry("hostPort").or_insert_with(|| if awsvpc { container_port } else { json!(0) });
        port.entry("protocol").or_insert_with(|| json!("tcp"));
    }
    Ok(())
}

/// The compatibilities and requiresAttributes of a body.
pub(crate) fn requirements(body: &Value) -> (Value, Value) {
    let network = text(body, "networkMode").unwrap_or("bridge");
    let fargate = network == "awsvpc" && text(body, "cpu").is_some() && text(body, "memory").is_some();
    let mut names: Vec<String> = vec!["docker-remote-api.1.19".into()];
    let mut add = |name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for container in items(body, "containerDefinitions") {
        if let Some(driver) = container.get("logConfiguration").and_then(|l| text(l, "logDriver")) {
            add(format!("logging-driver.{driver}"));
        }
        if text(container, "image").is_some_and(|image| image.contains(".dkr.ecr.")) {
            add("ecr-auth".into());
        }
    }
    if text(body, "taskRoleArn").is_some() {
        add("task-iam-role".into());
    }
    let attributes = names.iter().map(|name| json!({"name": format!("com.amazonaws.ecs.capability.{name}")})).collect();
    (if fargate { json!(["EC2", "FARGATE"]) } else { json!(["EC2", "EXTERNAL"]) }, attributes)
}
