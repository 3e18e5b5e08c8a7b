//! Native deployments serve users whatever operators do.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::Sim;
use crate::sim::api::Service;
use crate::sim::world::World;

/// Random calls at random times: the deployments end with one revision, and its tasks get the traffic.
#[test]
fn any_sequence_of_calls_keeps_users_on_healthy_tasks() {
    for seed in 0..5 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut sim = Sim::new("finished-native");
        let names = ["payments", "search", "orders", "users", "cart"];
        for _ in 0..14 {
            let name = names[rng.random_range(0..names.len())];
            random_call(&mut sim, name, &mut rng);
            for _ in 0..[1, 3, 20, 70, 400][rng.random_range(0..5)] {
                sim.run(1);
                assert_eq!(unserved(&sim.world), None, "seed {seed}");
            }
        }
        for name in names {
            sim.until(6000, "over", |sim| {
                for hook in sim.waiting(name) {
                    sim.answer(name, &hook, "CONTINUE").unwrap();
                }
                for _ in 0..9 {
                    sim.run(1);
                    assert_eq!(unserved(&sim.world), None, "seed {seed}");
                }
                sim.deployment(name).get("finishedAt").is_some()
            });
            sim.until(300, "settled", |sim| sim.service(name)["deployments"].as_array().unwrap().len() == 1);
            let service = sim.service(name);
            let arn = service["currentServiceRevisions"][0]["arn"].clone();
            let revision = sim.revision(&arn);
            assert_eq!(revision["taskDefinition"], service["taskDefinition"], "{seed} {name}");
            assert_eq!(service["runningCount"], service["desiredCount"], "{seed} {name}");
            let binding = revision["resolvedConfiguration"]["loadBalancers"][0].clone();
            let health = sim.elb("DescribeTargetHealth", json!({"TargetGroupArn": binding["targetGroupArn"]}));
            let targets = health["TargetHealthDescriptions"].as_array().unwrap();
            assert_eq!(json!(targets.len()), service["desiredCount"], "{seed} {name}");
            let rules = sim.elb("DescribeRules", json!({"RuleArns": [binding["productionListenerRule"]]}));
            for tuple in rules["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap() {
                let serves = tuple["TargetGroupArn"] == binding["targetGroupArn"];
                assert_eq!(tuple["Weight"] != json!(0), serves, "{seed} {name}: {rules:#}\n{:#}", sim.deployment(name));
            }
        }
    }
}

#[test]
fn rollbacks_and_newer_deployments_serve_users_at_every_stage() {
    let stages = [
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
    ];
    let served = |sim: &mut Sim, at: &str| {
        sim.run(1);
        assert_eq!(unserved(&sim.world), None, "{at}");
    };
    for (stage, newer) in stages.iter().flat_map(|stage| [(*stage, false), (*stage, true)]) {
        let at = format!("{stage}, newer: {newer}");
        let mut sim = Sim::new("finished-native");
        let quick = json!({"bakeTimeInMinutes": 1, "canaryConfiguration": {"canaryBakeTimeInMinutes": 0}});
        sim.ecs(
            "UpdateService",
            json!({"service": "users", "taskDefinition": "users:52", "deploymentConfiguration": quick}),
        );
        sim.until(300, stage, |sim| {
            served(sim, &at);
            sim.deployment("users")["lifecycleStage"] == stage
        });
        let old = sim.deployment("users")["serviceDeploymentArn"].clone();
        if newer {
            sim.ecs("UpdateService", json!({"service": "users", "forceNewDeployment": true}));
        } else {
            sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": old}));
        }
        sim.until(500, "over", |sim| {
            served(sim, &at);
            sim.deployment("users").get("finishedAt").is_some()
        });
        let status = sim.deployment("users")["status"].clone();
        assert_eq!(status, if newer { "SUCCESSFUL" } else { "ROLLBACK_SUCCESSFUL" }, "{at}");
        let revision = if newer { ":52" } else { ":53" };
        assert!(sim.service("users")["taskDefinition"].as_str().unwrap().ends_with(revision), "{at}");
    }
}

/// A service whose rule sends requests to a target group without enough healthy tasks.
fn unserved(world: &World) -> Option<String> {
    let account = &world.account;
    let native = account.services.iter().filter(|s| s.rule.is_some());
    let found = native.flat_map(|service| {
        let rule = &account.load_balancer.rules[service.rule.unwrap()];
        let unserved = rule.weights.iter().filter(|(group, weight)| {
            let healthy = service.tasks.iter().filter(|t| t.is_serving() && t.group == Some(*group)).count();
            *weight > 0 && healthy < service.desired as usize
        });
        unserved.map(|(group, weight)| {
            let name = &account.load_balancer.group(*group).unwrap().name;
            let latest = service.latest_deployment().and_then(|d| Some((d.status, d.lifecycle.as_ref()?.stage)));
            format!("{weight} on {name} in {latest:?}")
        })
    });
    found.into_iter().next()
}

fn random_call(sim: &mut Sim, name: &str, rng: &mut ChaCha8Rng) {
    let (cluster, deployment) = (json!("prod"), sim.deployment(name));
    let hook = sim.waiting(name).first().cloned();
    // A refused call has no effect.
    let _ = match rng.random_range(0..6) {
        0 | 1 => sim.call(
            Service::Ecs,
            "UpdateService",
            json!({"cluster": cluster, "service": name, "forceNewDeployment": true}),
        ),
        2 => sim.call(
            Service::Ecs,
            "StopServiceDeployment",
            json!({"serviceDeploymentArn": deployment["serviceDeploymentArn"]}),
        ),
        3 => sim.answer(name, &hook.unwrap_or_default(), "CONTINUE"),
        4 => sim.answer(name, &hook.unwrap_or_default(), "ROLLBACK"),
        _ => sim.call(
            Service::Ecs,
            "UpdateService",
            json!({"cluster": cluster, "service": name, "deploymentConfiguration": {
                "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [],
            }}),
        ),
    };
}
