//! A registered task definition.

use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::log_templates::LogTemplates;
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::Ms;

/// The port that every container of a scenario listens on.
pub(crate) const PORT: u16 = 8080;

/// A container of a definition.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) cpu: i64,
    pub(crate) essential: bool,
    pub(crate) has_health_check: bool,
    /// versionConsistency is on: all tasks of a revision run the digest that its first task resolved. Otherwise each
    /// task runs the tag's digest at its own start.
    pub(crate) pinned: bool,
    pub(crate) ports: Vec<i64>,
    /// Log group and prefix of the awslogs driver; `None` with any other driver.
    pub(crate) logs: Option<LogConfig>,
    /// The container has a firelensConfiguration: it forwards the logs of the others.
    pub(crate) is_log_router: bool,
}

/// The options of the awslogs driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogConfig {
    pub(crate) group: String,
    pub(crate) prefix: String,
}

/// A registered task definition.
#[derive(Debug, Clone)]
pub(crate) struct TaskDefinition {
    pub(crate) family: String,
    pub(crate) revision: u32,
    pub(crate) containers: Vec<Container>,
    /// CPU units of a task.
    pub(crate) cpu: String,
    /// MiB of a task.
    pub(crate) memory: String,
    /// networkMode is `bridge`: its tasks run on instances, with host ports.
    pub(crate) on_instances: bool,
    /// The registered members, as DescribeTaskDefinition shows them.
    pub(crate) body: Value,
    pub(crate) tags: Value,
    pub(crate) registered: Ms,
    /// Time of the deregistration, which makes it INACTIVE.
    pub(crate) deregistered: Option<Ms>,
    pub(crate) behaviour: Behaviour,
    pub(crate) log_templates: LogTemplates,
}

impl TaskDefinition {
    /// `body` comes from [`Registration`](super::registration::Registration) or from a scenario.
    pub(crate) fn new(family: &str, revision: u32, body: Value, registered: Ms, behaviour: Behaviour) -> Self {
        let containers: Vec<_> = items(&body, "containerDefinitions").map(Container::read).collect();
        let size = |name: &str, sum: i64| text(&body, name).map_or_else(|| sum.to_string(), str::to_owned);
        let cpu = containers.iter().map(|c| c.cpu).sum();
        let memory = items(&body, "containerDefinitions").filter_map(|c| c.get("memory")?.as_i64()).sum();
        Self {
            family: family.to_owned(),
            revision,
            cpu: size("cpu", cpu),
            memory: size("memory", memory),
            on_instances: text(&body, "networkMode") == Some("bridge"),
            containers,
            body,
            tags: json!([]),
            registered,
            deregistered: None,
            behaviour,
            log_templates: LogTemplates::default(),
        }
    }

    /// CPU units and MiB of a task as numbers.
    pub(crate) fn size(&self) -> (f64, f64) {
        (self.cpu.parse().unwrap_or(0.0), self.memory.parse().unwrap_or(0.0))
    }

    pub(crate) fn arn(&self, arns: &Arns) -> String {
        arns.task_definition(&self.family, self.revision)
    }

    /// The main container: the one with the family's name, otherwise the first essential one.
    pub(crate) fn main_container(&self) -> Option<&Container> {
        main_container(&self.family, &self.containers)
    }
}

fn main_container<'a>(family: &str, containers: &'a [Container]) -> Option<&'a Container> {
    let named = containers.iter().find(|c| c.name == family);
    named.or_else(|| containers.iter().find(|c| c.essential))
}

/// The image of a body's main container.
pub(crate) fn main_image(family: &str, body: &Value) -> Option<String> {
    let containers: Vec<_> = items(body, "containerDefinitions").map(Container::read).collect();
    main_container(family, &containers).map(|c| c.image.clone())
}

impl Container {
    pub(crate) fn read(from: &Value) -> Self {
        let flag = |name: &str| from.get(name).and_then(Value::as_bool);
        Self {
            name: text(from, "name").unwrap_or_default().to_owned(),
            image: text(from, "image").unwrap_or_default().to_owned(),
            cpu: from.get("cpu").and_then(Value::as_i64).unwrap_or(0),
            essential: flag("essential").unwrap_or(true),
            has_health_check: from.get("healthCheck").is_some(),
            pinned: text(from, "versionConsistency") != Some("disabled"),
            ports: items(from, "portMappings").filter_map(|p| p.get("containerPort")?.as_i64()).collect(),
            logs: from.get("logConfiguration").and_then(LogConfig::read),
            is_log_router: from.get("firelensConfiguration").is_some(),
        }
    }
}

impl LogConfig {
    fn read(from: &Value) -> Option<Self> {
        let options = from.get("options").filter(|_| text(from, "logDriver") == Some("awslogs"))?;
        let group = text(options, "awslogs-group")?.to_owned();
        Some(Self { group, prefix: text(options, "awslogs-stream-prefix").unwrap_or("ecs").to_owned() })
    }

    /// The name of the log stream of a task's container.
    pub(crate) fn stream(&self, container: &str, task: &str) -> String {
        format!("{}/{container}/{task}", self.prefix)
    }
}

/// The items of a list in a body; none if the list is missing.
pub(crate) fn items<'a>(from: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    from.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A string in a body that is not empty.
pub(crate) fn text<'a>(from: &'a Value, name: &str) -> Option<&'a str> {
    from.get(name).and_then(Value::as_str).filter(|s| !s.is_empty())
}
