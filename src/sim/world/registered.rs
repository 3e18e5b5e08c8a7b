//! The definitions that a scenario's families have registered.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::definition::PORT;
use super::ids::Place;
use crate::sim::scenario::{Container, Family, Revision};

/// Passes on what a container prints, where its driver is awsfirelens.
const ROUTER: &str = "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32.4";

/// What the family has, as the revision has it.
fn merged(family: &Container, revision: &Container) -> Container {
    let all = |family: &IndexMap<String, String>, own: &IndexMap<String, String>| {
        let mut all = family.clone();
        all.extend(own.clone());
        all.retain(|name, _| !revision.without.contains(name));
        all
    };
    Container {
        environment: all(&family.environment, &revision.environment),
        secrets: all(&family.secrets, &revision.secrets),
        without: Vec::new(),
        command: revision.command.clone().or_else(|| family.command.clone()),
        ports: revision.ports.clone().or_else(|| family.ports.clone()),
        health_path: revision.health_path.clone().or_else(|| family.health_path.clone()),
        task_role: revision.task_role.clone().or_else(|| family.task_role.clone()),
    }
}

/// The body of a scenario's revision.
pub(super) fn of_scenario(place: &Place, name: &str, family: &Family, revision: &Revision) -> Value {
    let own = merged(&family.container, &revision.container);
    let tag = &revision.tag;
    let mut environment = vec![json!({"name": "RELEASE", "value": tag}), json!({"name": "LOG_LEVEL", "value": "info"})];
    environment.retain(|e| !own.environment.contains_key(e.get("name").and_then(Value::as_str).unwrap_or_default()));
    environment.extend(own.environment.iter().map(|(name, value)| json!({"name": name, "value": value})));
    let secret = |name: &String, from: &str| {
        let arn = if from.starts_with("arn:") { from.to_owned() } else { place.secret(from) };
        json!({"name": name, "valueFrom": arn})
    };
    let mut secrets = vec![secret(&"DATABASE_URL".into(), &format!("shop/{name}/database-AbCdEf"))];
    secrets.extend(own.secrets.iter().map(|(name, from)| secret(name, from)));
    let path = own.health_path.as_deref().unwrap_or("/health");
    let mut ports = vec![
        json!({"containerPort": PORT, "hostPort": PORT, "protocol": "tcp", "name": "http", "appProtocol": "http"}),
    ];
    let more = own.ports.into_iter().flatten();
    ports.extend(more.map(|port| json!({"containerPort": port, "hostPort": port, "protocol": "tcp"})));
    let awslogs = |group: String, prefix: &str| {
        json!({"logDriver": "awslogs", "options": {
            "awslogs-group": group, "awslogs-region": place.region, "awslogs-stream-prefix": prefix,
        }})
    };
    let routed = family.log_driver != "awslogs";
    let driver = if routed {
        json!({"logDriver": family.log_driver, "options": {"Name": "opensearch", "Index": format!("shop-{name}")}})
    } else {
        awslogs(format!("/ecs/{name}"), name)
    };
    let mut container = json!({
        "name": name,
        "image": place.image(&format!("shop/{name}"), tag),
        "cpu": 0,
        "portMappings": ports,
        "essential": true,
        "environment": environment,
        "mountPoints": [],
        "volumesFrom": [],
        "secrets": secrets,
        "logConfiguration": driver,
        "healthCheck": {"command": ["CMD-SHELL", format!("curl -fsS http://localhost:{PORT}{path} || exit 1")],
            "interval": 5, "timeout": 3, "retries": 3, "startPeriod": 10},
        "systemControls": [],
    });
    if let Some(map) = container.as_object_mut() {
        if let Some(command) = own.command {
            map.insert("command".into(), json!(command));
        }
        if !revision.version_consistency {
            map.insert("versionConsistency".into(), json!("disabled"));
        }
    }
    let mut containers = vec![container];
    if routed {
        containers.push(json!({
            "name": "log-router",
            "image": ROUTER,
            "cpu": 0,
            "memoryReservation": 64,
            "portMappings": [],
            "essential": true,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "logConfiguration": awslogs("/ecs/log-router".into(), "firelens"),
            "firelensConfiguration": {"type": "fluentbit"},
            "systemControls": [],
        }));
    }
    json!({
        "containerDefinitions": containers,
        "taskRoleArn": place.role(&own.task_role.unwrap_or_else(|| format!("{name}-task"))),
        "executionRoleArn": place.role("ecsTaskExecutionRole"),
        "networkMode": "awsvpc",
        "volumes": [],
        "placementConstraints": [],
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "requiresCompatibilities": ["FARGATE"],
        "cpu": revision.cpu.unwrap_or(family.cpu).to_string(),
        "memory": revision.memory.unwrap_or(family.memory).to_string(),
        "enableFaultInjection": false,
    })
}
