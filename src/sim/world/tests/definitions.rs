//! Registering and deregistering task definitions.

use serde_json::{Value, json};

use super::Sim;

/// The input that registers a copy of a definition with another image.
fn with_image(sim: &mut Sim, from: &str, image: &str) -> Value {
    let described = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": from}));
    let mut input = described["taskDefinition"].clone();
    let map = input.as_object_mut().unwrap();
    for name in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        map.remove(name).unwrap();
    }
    input["containerDefinitions"][0]["image"] = json!(image);
    input
}

fn image_of(sim: &mut Sim, name: &str) -> String {
    let described = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": name}));
    described["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().to_owned()
}

#[test]
fn a_registration_is_the_next_revision_and_is_described_unchanged() {
    let mut sim = Sim::new("shop");
    let mut input = with_image(&mut sim, "payments:17", "example.test/payments:5.0.0");
    let sidecar = json!({
        "name": "proxy", "image": "example.test/proxy:2", "essential": false, "cpu": 64, "memory": 128,
        "environment": [{"name": "MODE", "value": "quiet"}],
        "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/proxy"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/proxy"}},
        "healthCheck": {"command": ["CMD", "true"], "interval": 7},
        "dependsOn": [{"containerName": "payments", "condition": "START"}],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp"}],
        "portMappings": [{"containerPort": 15000}],
    });
    input["containerDefinitions"].as_array_mut().unwrap().push(sidecar.clone());
    input["volumes"] = json!([{"name": "scratch"}]);
    input["ephemeralStorage"] = json!({"sizeInGiB": 40});
    input["tags"] = json!([{"key": "team", "value": "payments"}]);
    let answer = sim.ecs("RegisterTaskDefinition", input.clone());
    let arn = answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned();
    assert!(arn.ends_with("task-definition/payments:19"), "{arn}");
    let described = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": arn, "include": ["TAGS"]}));
    assert_eq!(described["taskDefinition"], answer["taskDefinition"]);
    assert_eq!(described["tags"], input["tags"]);
    for (name, value) in input.as_object().unwrap() {
        if name != "tags" && name != "cluster" && name != "containerDefinitions" {
            assert_eq!(&described["taskDefinition"][name], value, "{name}");
        }
    }
    let containers = described["taskDefinition"]["containerDefinitions"].as_array().unwrap();
    assert_eq!(containers[0], input["containerDefinitions"][0]);
    for (name, value) in sidecar.as_object().unwrap().iter().filter(|(name, _)| *name != "portMappings") {
        assert_eq!(&containers[1][name], value, "{name}");
    }
    assert_eq!(containers[1]["portMappings"], json!([{"containerPort": 15000, "hostPort": 15000, "protocol": "tcp"}]));
    let newest = sim.ecs("ListTaskDefinitions", json!({"familyPrefix": "payments", "sort": "DESC"}));
    assert_eq!(newest["taskDefinitionArns"][0], json!(arn));
    sim.ecs("UpdateService", json!({"service": "payments", "taskDefinition": "payments"}));
    sim.until(300, "runs", |sim| sim.deployment("payments")["status"] == "SUCCESSFUL");
    let tasks = sim.ecs("ListTasks", json!({"serviceName": "payments"}));
    let task = sim.ecs("DescribeTasks", json!({"tasks": tasks["taskArns"]}))["tasks"][0].clone();
    let names: Vec<_> = task["containers"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!((task["taskDefinitionArn"].as_str(), names), (Some(arn.as_str()), vec!["payments", "proxy"]));
}

#[test]
fn a_new_revision_behaves_and_pulls_like_the_one_with_the_same_image() {
    let mut sim = Sim::new("breaker");
    sim.until(600, "rolled back", |sim| sim.deployment("payments")["status"] == "ROLLBACK_SUCCESSFUL");
    let bad = sim.deployment("payments")["targetServiceRevision"]["arn"].clone();
    let bad = sim.revision(&bad)["containerImages"][0]["imageDigest"].clone();
    let image = image_of(&mut sim, "payments:18");
    let input = with_image(&mut sim, "payments:17", &image);
    sim.ecs("RegisterTaskDefinition", input);
    sim.ecs("UpdateService", json!({"service": "payments", "taskDefinition": "payments:19"}));
    sim.until(600, "it crashes as well", |sim| sim.deployment("payments")["status"] == "ROLLBACK_SUCCESSFUL");
    let again = sim.deployment("payments")["targetServiceRevision"]["arn"].clone();
    assert_eq!(sim.revision(&again)["containerImages"][0]["imageDigest"], bad);
    // With a new image, the revision behaves like the family.
    let input = with_image(&mut sim, "payments:18", "example.test/payments:5.0.0");
    sim.ecs("RegisterTaskDefinition", input);
    sim.ecs("UpdateService", json!({"service": "payments", "taskDefinition": "payments:20"}));
    sim.until(600, "it runs", |sim| sim.deployment("payments")["status"] == "SUCCESSFUL");
    let good = sim.deployment("payments")["targetServiceRevision"]["arn"].clone();
    assert_ne!(sim.revision(&good)["containerImages"][0]["imageDigest"], bad);
}

#[test]
fn a_deregistered_definition_can_be_described_but_not_deployed() {
    let mut sim = Sim::new("shop");
    let out = sim.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "payments:18"}));
    assert_eq!(out["taskDefinition"]["status"], "INACTIVE");
    let since = out["taskDefinition"]["deregisteredAt"].clone();
    sim.run(10);
    let described = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": "payments:18"}));
    assert_eq!(
        (&described["taskDefinition"]["status"], &described["taskDefinition"]["deregisteredAt"]),
        (&json!("INACTIVE"), &since)
    );
    let (code, message) = sim.refused("UpdateService", json!({"service": "payments", "taskDefinition": "payments:18"}));
    assert_eq!((code.as_str(), message.as_str()), ("ClientException", "TaskDefinition is inactive"));
    assert_eq!(
        sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": "payments"}))["taskDefinition"]["revision"],
        17
    );
    assert_eq!(sim.refused("DeregisterTaskDefinition", json!({"taskDefinition": "payments"})).0, "ClientException");
    // Revision numbers are not reused.
    let input = with_image(&mut sim, "payments:17", "example.test/payments:5.0.0");
    assert_eq!(sim.ecs("RegisterTaskDefinition", input)["taskDefinition"]["revision"], 19);
}

#[test]
fn invalid_registrations_are_refused() {
    let mut sim = Sim::new("shop");
    let good = with_image(&mut sim, "payments:17", "example.test/payments:5.0.0");
    let without = |name: &str| {
        let mut input = good.clone();
        input.as_object_mut().unwrap().remove(name);
        input
    };
    let mut twice = good.clone();
    twice["containerDefinitions"] = json!([good["containerDefinitions"][0], good["containerDefinitions"][0]]);
    let mut nameless = good.clone();
    nameless["containerDefinitions"][0]["name"] = json!("");
    for (input, says) in [
        (without("family"), "Family"),
        (without("containerDefinitions"), "Container list"),
        (without("networkMode"), "awsvpc"),
        (without("cpu"), "'cpu'"),
        (twice, "unique"),
        (nameless, "Container.name"),
    ] {
        let (code, message) = sim.refused("RegisterTaskDefinition", input);
        assert!(code == "ClientException" && message.contains(says), "{code}: {message}");
    }
    // A definition without the container of the load balancer cannot be deployed.
    let mut renamed = good.clone();
    renamed["containerDefinitions"][0]["name"] = json!("app");
    sim.ecs("RegisterTaskDefinition", renamed);
    let (code, message) = sim.refused("UpdateService", json!({"service": "payments", "taskDefinition": "payments:19"}));
    assert!(code == "InvalidParameterException" && message.contains("container payments"), "{code}: {message}");
}
