//! The task definitions that a scenario's families register.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::definition::PORT;
use crate::sim::scenario::{Container, Family, NetworkMode, Revision};
use crate::sim::world::arns::Arns;

/// The image of the log router that the awsfirelens driver needs.
const LOG_ROUTER_IMAGE: &str = "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.32.4";

/// The body of a scenario's revision.
pub(super) fn body(arns: &Arns, name: &str, family: &Family, revision: &Revision) -> Value {
    let merged = merge(&family.container, &revision.container);
    let task_role = arns.role(merged.task_role.as_deref().unwrap_or(&format!("{name}-task")));
    let uses_router = family.log_driver != "awslogs";
    let mut containers = vec![main_container(arns, name, family, revision, merged)];
    if uses_router {
        containers.push(log_router(arns));
    }
    json!({
        "containerDefinitions": containers,
        "taskRoleArn": task_role,
        "executionRoleArn": arns.role("ecsTaskExecutionRole"),
        "networkMode": family.network_mode.as_ref(),
        "volumes": [],
        "placementConstraints": [],
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "requiresCompatibilities": [if on_instances(family) { "EC2" } else { "FARGATE" }],
        "cpu": revision.cpu.unwrap_or(family.cpu).to_string(),
        "memory": revision.memory.unwrap_or(family.memory).to_string(),
        "enableFaultInjection": false,
    })
}

fn on_instances(family: &Family) -> bool {
    family.network_mode == NetworkMode::Bridge
}

/// Merges a revision's container into its family's.
fn merge(family: &Container, revision: &Container) -> Container {
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

fn main_container(arns: &Arns, name: &str, family: &Family, revision: &Revision, merged: Container) -> Value {
    let path = merged.health_path.as_deref().unwrap_or("/health");
    let log_configuration = if family.log_driver == "awslogs" {
        awslogs(arns, &format!("/ecs/{name}"), name)
    } else {
        json!({"logDriver": family.log_driver, "options": {"Name": "opensearch", "Index": format!("shop-{name}")}})
    };
    let mut container = json!({
        "name": name,
        "image": arns.image(&format!("shop/{name}"), &revision.tag),
        "cpu": 0,
        "portMappings": ports(&merged, on_instances(family)),
        "essential": true,
        "environment": environment(&merged, &revision.tag),
        "mountPoints": [],
        "volumesFrom": [],
        "secrets": secrets(arns, name, &merged),
        "logConfiguration": log_configuration,
        "healthCheck": {"command": ["CMD-SHELL", format!("curl -fsS http://localhost:{PORT}{path} || exit 1")],
            "interval": 5, "timeout": 3, "retries": 3, "startPeriod": 10},
        "systemControls": [],
    });
    if let Some(map) = container.as_object_mut() {
        if let Some(command) = merged.command {
            map.insert("command".into(), json!(command));
        }
        if !revision.version_consistency {
            map.insert("versionConsistency".into(), json!("disabled"));
        }
    }
    container
}

/// A host port of 0 is any free one of the instance.
fn ports(merged: &Container, on_instances: bool) -> Vec<Value> {
    let host = |port: u16| if on_instances { 0 } else { port };
    let mut ports = vec![
        json!({"containerPort": PORT, "hostPort": host(PORT), "protocol": "tcp", "name": "http", "appProtocol": "http"}),
    ];
    let more = merged.ports.iter().flatten();
    ports.extend(more.map(|port| json!({"containerPort": port, "hostPort": host(*port), "protocol": "tcp"})));
    ports
}

fn environment(merged: &Container, tag: &str) -> Vec<Value> {
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let defaults = [("RELEASE", tag), ("LOG_LEVEL", "info")];
    let defaults = defaults.into_iter().filter(|(name, _)| !merged.environment.contains_key(*name));
    let own = merged.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    defaults.chain(own).map(|(name, value)| variable(name, value)).collect()
}

fn secrets(arns: &Arns, name: &str, merged: &Container) -> Vec<Value> {
    let secret = |name: &str, from: &str| {
        let arn = if from.starts_with("arn:") { from.to_owned() } else { arns.secret(from) };
        json!({"name": name, "valueFrom": arn})
    };
    let mut secrets = vec![secret("DATABASE_URL", &format!("shop/{name}/database-AbCdEf"))];
    secrets.extend(merged.secrets.iter().map(|(name, from)| secret(name, from)));
    secrets
}

fn log_router(arns: &Arns) -> Value {
    json!({
        "name": "log-router",
        "image": LOG_ROUTER_IMAGE,
        "cpu": 0,
        "memoryReservation": 64,
        "portMappings": [],
        "essential": true,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "logConfiguration": awslogs(arns, "/ecs/log-router", "firelens"),
        "firelensConfiguration": {"type": "fluentbit"},
        "systemControls": [],
    })
}

fn awslogs(arns: &Arns, group: &str, prefix: &str) -> Value {
    json!({"logDriver": "awslogs", "options": {
        "awslogs-group": group, "awslogs-region": arns.region, "awslogs-stream-prefix": prefix,
    }})
}
