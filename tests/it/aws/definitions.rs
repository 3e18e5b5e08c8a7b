//! Task definitions in full: members that the SDK does not know are there, and secrets are not.

use tidegate::cloud::Cloud;
use tidegate::domain::ecs::names::TaskDefinitionArn;
use tidegate::domain::ecs::task_definition::{Definition, diff, redacted};
use tidegate::domain::fault::{Fault, FaultKind};
use tidegate::domain::observe::snapshot::{Answer, Query};

use super::*;

const SECRET: &str = "hunter2-not-real";

fn described(number: u32, value: &str) -> Value {
    json!({"taskDefinition": {
        "taskDefinitionArn": format!("{ECS}:task-definition/checkout:{number}"),
        "family": "checkout",
        "revision": number,
        "status": "ACTIVE",
        "memberOfNextYear": {"kept": true, "password": SECRET},
        "containerDefinitions": [{
            "name": "web",
            "image": "shop/checkout:1.8.2",
            "environment": [{"name": "SALT", "value": value}, {"name": "SAME", "value": SECRET}],
            "command": ["serve", format!("--token={SECRET}"), "--password", SECRET],
            "healthCheck": {"command": ["CMD-SHELL", format!("curl http://probe:{SECRET}@localhost")]},
            "dockerLabels": {"api-key": SECRET, "team": "shop"},
            "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": SECRET, "splunk-index": "main"}},
            "secrets": [{"name": "DB", "valueFrom": "arn:aws:ssm:us-east-1:123456789012:parameter/db"}],
        }],
    }})
}

async fn read(stage: &Stage, number: u32, reveal: bool) -> Result<Definition, Fault> {
    let arn = TaskDefinitionArn::new(format!("{ECS}:task-definition/checkout:{number}"));
    match stage.lanes.poll.read(&Query::Definition { arn, reveal }).await? {
        Answer::Definition(definition) => Ok(*definition),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_definition_is_whole_and_its_secrets_are_hidden_unless_asked_for() {
    let stage = Stage::new(|call| {
        let name = call.input["taskDefinition"].as_str().unwrap();
        let number = name.rsplit(':').next().unwrap().parse().unwrap();
        Some(Ok(described(number, if number == 41 { SECRET } else { "another-secret" })))
    })
    .await;
    let (old, new) = (read(&stage, 41, false).await.unwrap(), read(&stage, 42, false).await.unwrap());
    for definition in [&old, &new] {
        let text = format!("{} {} {definition:?}", definition.json, redacted(&definition.json));
        assert!(!text.contains(SECRET) && !text.contains("another-secret"), "{text}");
        assert_eq!(definition.json["memberOfNextYear"]["kept"], true);
        let web = &definition.json["containerDefinitions"][0];
        assert_eq!(web["dockerLabels"]["team"], "shop");
        assert_eq!(web["logConfiguration"]["options"]["splunk-index"], "main");
        assert_eq!(web["secrets"][0]["valueFrom"], "arn:aws:ssm:us-east-1:123456789012:parameter/db");
    }
    // That two values differ is told; what they are is not.
    let changed: Vec<_> = diff(&old, &new).into_iter().filter(|change| change.differs()).collect();
    let [change] = changed.as_slice() else { panic!("{changed:?}") };
    assert_eq!((change.name.as_str(), change.values().as_str()), ("environment SALT", "changed, values hidden"));

    let revealed = read(&stage, 42, true).await.unwrap();
    assert_eq!(revealed.json, described(42, "another-secret")["taskDefinition"]);
    assert_eq!(revealed.arn.short(), "checkout:42");
}

#[tokio::test]
async fn a_revision_that_is_not_there_and_an_answer_without_one_are_told_apart() {
    let stage = Stage::new(|_| refuse(400, "ClientException", "Unable to describe task definition.")).await;
    let fault = read(&stage, 9, false).await.unwrap_err();
    assert_eq!((fault.kind, fault.subject.as_str()), (FaultKind::NotFound, "checkout:9"));
    let stage = Stage::new(|_| None).await;
    assert_eq!(read(&stage, 9, false).await.unwrap_err().kind, FaultKind::Garbled);
}
