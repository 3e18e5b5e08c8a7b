//! A task definition: what was registered, word for word, and what the world reads out of it.

use serde_json::{Value, json};

use super::catalog::Behaviour;
use super::clock::Ms;
use super::ids::Place;
use super::logs::Voice;

/// The port that every container of a scenario listens on.
pub(super) const PORT: u16 = 8080;

/// The members of RegisterTaskDefinition that the definition keeps as they are; `family`, `containerDefinitions`
/// and `tags` besides.
const KEPT: [&str; 15] = [
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

/// A container of a definition.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub name: String,
    pub image: String,
    pub cpu: i64,
    pub essential: bool,
    /// It has a health check of its own.
    pub checked: bool,
    /// All tasks of a revision run the digest that its first one found; otherwise what the tag means then.
    pub pinned: bool,
    pub ports: Vec<i64>,
    /// Where the awslogs driver writes what it prints; `None` with any other driver.
    pub logs: Option<LogStreams>,
    /// It passes on what the others print: firelensConfiguration.
    pub router: bool,
}

/// The options of the awslogs driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogStreams {
    pub group: String,
    pub prefix: String,
}

/// One registered task definition.
#[derive(Debug, Clone)]
pub(super) struct TaskDef {
    pub family: String,
    pub revision: u32,
    pub containers: Vec<Container>,
    /// CPU units and MiB of a task.
    pub cpu: String,
    pub memory: String,
    /// What was registered, as DescribeTaskDefinition shows it.
    pub body: Value,
    pub tags: Value,
    pub registered: Ms,
    /// When it was deregistered; INACTIVE since.
    pub deregistered: Option<Ms>,
    pub behaviour: Behaviour,
    /// What it says in its logs.
    pub voice: Voice,
}

impl TaskDef {
    /// `body` is [`checked`] or comes from [`super::registered::of_scenario`].
    pub fn new(family: &str, revision: u32, body: Value, registered: Ms, behaviour: Behaviour) -> Self {
        let containers: Vec<_> = items(&body, "containerDefinitions").map(Container::read).collect();
        let size = |name: &str, all: i64| text(&body, name).map_or_else(|| all.to_string(), str::to_owned);
        let cpu = containers.iter().map(|c| c.cpu).sum();
        let memory = items(&body, "containerDefinitions").filter_map(|c| c.get("memory")?.as_i64()).sum();
        Self {
            family: family.to_owned(),
            revision,
            cpu: size("cpu", cpu),
            memory: size("memory", memory),
            containers,
            body,
            tags: json!([]),
            registered,
            deregistered: None,
            behaviour,
            voice: Voice::default(),
        }
    }

    /// CPU units and megabytes of a task, as numbers.
    pub fn size(&self) -> (f64, f64) {
        (self.cpu.parse().unwrap_or(0.0), self.memory.parse().unwrap_or(0.0))
    }

    pub fn arn(&self, place: &Place) -> String {
        place.task_definition(&self.family, self.revision)
    }

    /// The container that the family is about: the one of its name, otherwise the first essential one.
    pub fn main(&self) -> Option<&Container> {
        main(&self.family, &self.containers)
    }
}

fn main<'a>(family: &str, containers: &'a [Container]) -> Option<&'a Container> {
    let named = containers.iter().find(|c| c.name == family);
    named.or_else(|| containers.iter().find(|c| c.essential))
}

/// The image of a body's main container.
pub(super) fn main_image(family: &str, body: &Value) -> Option<String> {
    let containers: Vec<_> = items(body, "containerDefinitions").map(Container::read).collect();
    main(family, &containers).map(|c| c.image.clone())
}

impl Container {
    fn read(from: &Value) -> Self {
        let flag = |name: &str| from.get(name).and_then(Value::as_bool);
        Self {
            name: text(from, "name").unwrap_or_default().to_owned(),
            image: text(from, "image").unwrap_or_default().to_owned(),
            cpu: from.get("cpu").and_then(Value::as_i64).unwrap_or(0),
            essential: flag("essential").unwrap_or(true),
            checked: from.get("healthCheck").is_some(),
            pinned: text(from, "versionConsistency") != Some("disabled"),
            ports: items(from, "portMappings").filter_map(|p| p.get("containerPort")?.as_i64()).collect(),
            logs: from.get("logConfiguration").and_then(LogStreams::read),
            router: from.get("firelensConfiguration").is_some(),
        }
    }
}

impl LogStreams {
    fn read(from: &Value) -> Option<Self> {
        let options = from.get("options").filter(|_| text(from, "logDriver") == Some("awslogs"))?;
        let group = text(options, "awslogs-group")?.to_owned();
        Some(Self { group, prefix: text(options, "awslogs-stream-prefix").unwrap_or("ecs").to_owned() })
    }

    /// The stream of a container of a task.
    pub fn stream(&self, container: &str, task: &str) -> String {
        format!("{}/{container}/{task}", self.prefix)
    }
}

fn items<'a>(from: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    from.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(from: &'a Value, name: &str) -> Option<&'a str> {
    from.get(name).and_then(Value::as_str).filter(|s| !s.is_empty())
}

/// The body that a RegisterTaskDefinition makes: what it says, and the defaults that ECS fills in. The error is the
/// message of a ClientException.
pub(super) fn checked(input: &Value) -> Result<Value, String> {
    let family = text(input, "family").ok_or("Family should not be null or empty.")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if family.len() > 255 || !family.chars().all(fits) {
        return Err("Family contains invalid characters.".into());
    }
    let awsvpc = text(input, "networkMode") == Some("awsvpc");
    let mut containers: Vec<Value> = items(input, "containerDefinitions").cloned().collect();
    if containers.is_empty() {
        return Err("Container list cannot be empty.".into());
    }
    for container in &mut containers {
        complete(container, awsvpc)?;
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
    if items(input, "requiresCompatibilities").any(|c| c == "FARGATE") {
        if !awsvpc {
            return Err("Fargate only supports network mode 'awsvpc'.".into());
        }
        if text(input, "cpu").is_none() || text(input, "memory").is_none() {
            return Err("Fargate requires that 'cpu' and 'memory' be defined at the task level.".into());
        }
    }
    let mut body = json!({"containerDefinitions": containers, "volumes": [], "placementConstraints": []});
    if let Some(map) = body.as_object_mut() {
        for name in KEPT {
            if let Some(value) = input.get(name).filter(|v| !v.is_null()) {
                map.insert(name.into(), value.clone());
            }
        }
    }
    Ok(body)
}

/// A container definition with the members that ECS shows of every one.
fn complete(container: &mut Value, awsvpc: bool) -> Result<(), String> {
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
        let inside = port.get("containerPort").cloned().unwrap_or_default();
        // With its own network interface the port outside is the port inside.
        port.entry("hostPort").or_insert_with(|| if awsvpc { inside } else { json!(0) });
        port.entry("protocol").or_insert_with(|| json!("tcp"));
    }
    Ok(())
}

/// compatibilities and requiresAttributes: what a body can run on, and what it asks of it.
pub(super) fn requirements(body: &Value) -> (Value, Value) {
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
