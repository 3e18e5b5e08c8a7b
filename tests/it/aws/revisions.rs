//! Service deployments and their revisions: conversion of AWS's responses, and the number of reads.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tidegate::cloud::Cloud;
use tidegate::domain::ecs::deployment::{AlarmMonitor, Breaker, ServiceDeployment, Strategy};
use tidegate::domain::ecs::names::{Arn, ServiceKey};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::release::share::Percent;
use tidegate::sim::wire::{Fault, FaultRule};

use super::*;

/// The current deployments and revisions, which the test can change.
type World = Arc<Mutex<(Vec<Value>, Vec<Value>)>>;

async fn stage(deployments: Vec<Value>, revisions: Vec<Value>) -> (Stage, World) {
    let world: World = Arc::new(Mutex::new((deployments, revisions)));
    let now = world.clone();
    let stage = Stage::new(move |call| {
        let (deployments, revisions) = now.lock().unwrap().clone();
        let of = |all: Vec<Value>, name: &str, asked: &str| {
            let asked = call.input[asked].as_array().unwrap().clone();
            assert!(asked.len() <= 20);
            all.into_iter().filter(|it| asked.contains(&it[name])).collect::<Vec<_>>()
        };
        Some(Ok(match call.operation.as_str() {
            "ListServiceDeployments" => {
                let brief = |it: &Value| json!({"serviceDeploymentArn": it["serviceDeploymentArn"]});
                json!({"serviceDeployments": deployments.iter().map(brief).collect::<Vec<_>>()})
            }
            "DescribeServiceDeployments" => {
                json!({"serviceDeployments": of(deployments, "serviceDeploymentArn", "serviceDeploymentArns")})
            }
            "DescribeServiceRevisions" => {
                json!({"serviceRevisions": of(revisions, "serviceRevisionArn", "serviceRevisionArns")})
            }
            _ => return None,
        }))
    })
    .await;
    (stage, world)
}

fn deployment(number: u32, status: &str, target: &str, source: &str) -> Value {
    json!({
        "serviceDeploymentArn": format!("d/{number}"), "status": status, "createdAt": 1_000 + number,
        "targetServiceRevision": {"arn": target}, "sourceServiceRevisions": [{"arn": source}],
    })
}

/// A revision of a service whose traffic ECS shifts, before any of its tasks runs.
fn young(arn: &str) -> Value {
    json!({
        "serviceRevisionArn": arn,
        "taskDefinition": format!("{ECS}:task-definition/checkout:{}", &arn[1..]),
        "loadBalancers": [{"targetGroupArn": group("blue"), "containerName": "web", "containerPort": 8080,
            "advancedConfiguration": {"alternateTargetGroupArn": group("green"), "productionListenerRule": rule_arn()}}],
        "containerImages": [{"containerName": "web", "image": "shop/checkout:2"}],
    })
}

fn with_digest(mut revision: Value) -> Value {
    revision["containerImages"][0]["imageDigest"] = json!("sha256:2");
    revision
}

fn with_group(mut revision: Value, name: &str) -> Value {
    revision["resolvedConfiguration"] =
        json!({"loadBalancers": [{"targetGroupArn": group(name), "productionListenerRule": rule_arn()}]});
    revision
}

impl Stage {
    async fn history(&self) -> Vec<ServiceDeployment> {
        match self.lanes.poll.read(&Query::Deployments(ServiceKey::new("prod", "checkout"))).await.unwrap() {
            Answer::Deployments(deployments) => deployments,
            other => panic!("{other:?}"),
        }
    }

    /// The revisions requested since the last check.
    fn asked(&self, before: &mut usize) -> Vec<Value> {
        let all = self.inputs("DescribeServiceRevisions");
        let new = all[*before..].iter().map(|input| input["serviceRevisionArns"].clone()).collect();
        *before = all.len();
        new
    }
}

#[tokio::test]
async fn a_deployment_with_everything() {
    let mut raw = deployment(2, "IN_PROGRESS", "r2", "r1");
    raw["startedAt"] = json!(1_005);
    raw["targetServiceRevision"]["requestedProductionTrafficWeight"] = json!(2.5);
    raw["targetServiceRevision"]["requestedTestTrafficWeight"] = json!(100.5);
    raw["deploymentConfiguration"] = json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 2.5},
        "bakeTimeInMinutes": 7});
    raw["alarms"] = json!({"status": "MONITORING", "alarmNames": ["a", "b"], "triggeredAlarmNames": ["b"]});
    raw["deploymentCircuitBreaker"] = json!({"status": "DISABLED", "failureCount": 1, "threshold": 3});
    let whole = |arn: &str, name: &str| with_group(with_digest(young(arn)), name);
    let (stage, _) = stage(vec![raw], vec![whole("r1", "blue"), whole("r2", "green")]).await;
    let known = stage.history().await.remove(0);
    assert_eq!(known.started_at.map(|at| at.as_second()), Some(1_005));
    assert_eq!(known.configuration.strategy, Strategy::Canary { percent: 2.5, bake_minutes: 10 });
    assert_eq!(known.configuration.bake_minutes, Some(7));
    assert_eq!((known.requested, known.requested_test), (Percent::new(2.5).ok(), None), "100.5 is no percentage");
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let alarms = AlarmMonitor { status: "MONITORING".to_owned(), names: names(&["a", "b"]), triggered: names(&["b"]) };
    assert_eq!(known.alarms, Some(alarms));
    assert_eq!(known.breaker, Some(Breaker { status: "DISABLED".to_owned(), failures: 1, threshold: 3 }));
    let target = known.target.unwrap();
    assert_eq!((target.task_definition.short(), target.images[0].digest.as_deref()), ("checkout:2", Some("sha256:2")));
    assert_eq!(target.target_groups, [Arn::new(group("green"))]);
    assert_eq!(target.production_rule, Some(Arn::new(rule_arn())));
    assert_eq!(known.sources[0].target_groups, [Arn::new(group("blue"))]);
    assert_eq!(known.sources[0].surroundings, target.surroundings, "blue and green are no difference");
}

#[tokio::test]
async fn a_revision_is_asked_for_again_until_it_is_whole_and_what_was_known_is_kept() {
    let old = with_group(with_digest(young("r1")), "blue");
    let (stage, world) = stage(vec![deployment(2, "IN_PROGRESS", "r2", "r1")], vec![old, young("r2")]).await;
    let mut seen = 0;
    let say = |revision: Value| world.lock().unwrap().1[1] = revision;
    stage.history().await;
    assert_eq!(stage.asked(&mut seen), [json!(["r1", "r2"])]);
    say(with_group(young("r2"), "green"));
    let target = stage.history().await.remove(0).target.unwrap();
    assert_eq!(stage.asked(&mut seen), [json!(["r2"])], "only what is not whole");
    assert_eq!((target.target_groups.len(), &target.images[0].digest), (1, &None));
    // The digest arrives when the response no longer has the resolved configuration; that was read once, and is kept.
    say(with_digest(young("r2")));
    let target = stage.history().await.remove(0).target.unwrap();
    assert_eq!(stage.asked(&mut seen), [json!(["r2"])]);
    assert_eq!(target.images[0].digest.as_deref(), Some("sha256:2"));
    assert_eq!(target.target_groups, [Arn::new(group("green"))]);
    assert_eq!(target.production_rule, Some(Arn::new(rule_arn())));
    stage.history().await;
    assert_eq!(stage.asked(&mut seen), Vec::<Value>::new(), "it is whole");
}

#[tokio::test]
async fn a_revision_that_stays_incomplete_is_asked_for_once_more_at_the_end_and_then_never() {
    let old = with_group(with_digest(young("r1")), "blue");
    let (stage, world) = stage(vec![deployment(2, "IN_PROGRESS", "r2", "r1")], vec![old, young("r2")]).await;
    let mut seen = 0;
    stage.history().await;
    stage.asked(&mut seen);
    world.lock().unwrap().0[0]["status"] = json!("ROLLBACK_SUCCESSFUL");
    stage.history().await;
    assert_eq!(stage.asked(&mut seen), [json!(["r2"])]);
    let last = stage.history().await;
    assert_eq!(stage.asked(&mut seen), Vec::<Value>::new());
    assert_eq!(last[0].target.as_ref().unwrap().images[0].digest, None);
}

#[tokio::test]
async fn what_is_learnt_later_is_known_of_ended_deployments_too() {
    let ended = deployment(1, "SUCCESSFUL", "r1", "r0");
    let revisions = vec![young("r0"), young("r1"), young("r2")];
    let (stage, world) = stage(vec![ended], revisions).await;
    assert_eq!(stage.history().await[0].target.as_ref().unwrap().images[0].digest, None);
    {
        let mut now = world.lock().unwrap();
        now.0.push(deployment(2, "IN_PROGRESS", "r2", "r1"));
        now.1[1] = with_group(with_digest(young("r1")), "blue");
    }
    let history = stage.history().await;
    assert_eq!(history[1].arn, Arn::new("d/1"));
    assert_eq!(history[1].target, history[0].sources.first().cloned());
    assert_eq!(history[1].target.as_ref().unwrap().images[0].digest.as_deref(), Some("sha256:2"));
}

#[tokio::test]
async fn many_incomplete_revisions_are_one_call_with_those_under_way_first() {
    let many: Vec<Value> = (1..=60).map(|i| deployment(i, "STOPPED", &format!("r{i}"), "r0")).collect();
    let mut deployments = many;
    deployments.push(deployment(61, "IN_PROGRESS", "r61", "r60"));
    // Not yet ended at the first read, so that all of them are read a second time.
    let under_way = deployments.iter().cloned().map(|mut it| {
        it["status"] = json!("PENDING");
        it
    });
    let revisions: Vec<Value> = (0..=61).map(|i| young(&format!("r{i}"))).collect();
    let (stage, world) = stage(under_way.collect(), revisions).await;
    let mut seen = 0;
    stage.history().await;
    assert_eq!(stage.asked(&mut seen).len(), 4, "62 unknown ones");
    world.lock().unwrap().0 = deployments;
    stage.history().await;
    let asked = stage.asked(&mut seen);
    assert_eq!(asked.len(), 1);
    let asked = asked[0].as_array().unwrap();
    assert_eq!((asked.len(), &asked[..2]), (20, [json!("r61"), json!("r60")].as_slice()));
}

#[tokio::test]
async fn asking_again_in_vain_costs_nothing_that_is_known() {
    let (stage, _) = stage(vec![deployment(2, "IN_PROGRESS", "r2", "r1")], vec![young("r1"), young("r2")]).await;
    let first = stage.history().await;
    stage.server.faults().add(FaultRule::new(Fault::Throttle).operations(&["DescribeServiceRevisions"]));
    assert_eq!(stage.history().await, first);
    assert!(stage.count("DescribeServiceRevisions") > 1, "it was asked");
}

#[tokio::test]
async fn history_with_its_revisions_resolved_and_what_has_ended_asked_once() {
    let stage = Stage::new(|call| {
        let input = &call.input;
        let deployment = |arn: &String| {
            let number: i64 = last_of(arn).parse().unwrap();
            let (status, stage) = match number {
                24 => ("IN_PROGRESS", Some("PRE_PRODUCTION_TRAFFIC_SHIFT")),
                23 => ("ROLLBACK_SUCCESSFUL", None),
                _ => ("SUCCESSFUL", None),
            };
            json!({
                "serviceDeploymentArn": arn, "status": status, "lifecycleStage": stage, "createdAt": 1_000 + number,
                "targetServiceRevision": {"arn": format!("r{number}")},
                "sourceServiceRevisions": [{"arn": format!("r{}", number - 1)}],
                "rollback": (number == 23).then(|| json!({"serviceRevisionArn": "r22", "reason": "alarm"})),
            })
        };
        let revision = |arn: &String| {
            let digest = json!([{"containerName": "web", "image": "shop/web", "imageDigest": format!("sha256:{arn}")}]);
            json!({"serviceRevisionArn": arn, "taskDefinition": format!("{ECS}:task-definition/checkout:{}", &arn[1..]),
                "containerImages": digest})
        };
        Some(Ok(match call.operation.as_str() {
            "ListServiceDeployments" => {
                let (range, next) = page(25, 20, &input["nextToken"]);
                let briefs = range.map(|i| json!({"serviceDeploymentArn": format!("d/{i}")}));
                json!({"serviceDeployments": briefs.collect::<Vec<_>>(), "nextToken": next})
            }
            "DescribeServiceDeployments" => {
                let asked = texts(&input["serviceDeploymentArns"]);
                assert!(asked.len() <= 20);
                json!({"serviceDeployments": asked.iter().map(deployment).collect::<Vec<_>>()})
            }
            "DescribeServiceRevisions" => {
                let asked = texts(&input["serviceRevisionArns"]);
                assert!(asked.len() <= 20);
                json!({"serviceRevisions": asked.iter().map(revision).collect::<Vec<_>>()})
            }
            _ => return None,
        }))
    })
    .await;
    let first = stage.history().await;
    assert_eq!(first.len(), 25);
    assert_eq!(first[0].stage.as_ref().map(|stage| stage.as_str()), Some("PRE_PRODUCTION_TRAFFIC_SHIFT"));
    assert_eq!(first[0].task_definition().map(|it| it.short()), Some("checkout:24"));
    assert_eq!(first[0].sources[0].task_definition.short(), "checkout:23");
    assert_eq!(first[1].rolled_back_to().map(|it| it.short()), Some("checkout:22"));
    let before = (stage.count("DescribeServiceDeployments"), stage.count("DescribeServiceRevisions"));
    assert_eq!(stage.history().await, first);
    let after = (stage.count("DescribeServiceDeployments"), stage.count("DescribeServiceRevisions"));
    assert_eq!(after, (before.0 + 1, before.1), "only the one under way is asked for again");
    assert_eq!(stage.inputs("DescribeServiceDeployments").last().unwrap()["serviceDeploymentArns"], json!(["d/24"]));
}
