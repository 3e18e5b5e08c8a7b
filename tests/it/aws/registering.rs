//! Registration of a clone of a task definition: no member is lost, and members that only AWS sets are not sent.

use serde_json::{Value, json};
use tidegate::cloud::Cloud;
use tidegate::domain::ecs::names::{ServiceKey, TaskDefinitionArn};
use tidegate::domain::fault::{Applied, FaultKind};
use tidegate::domain::plan::Call;
use tidegate::sim::wire::{Fault, FaultRule};

use super::*;

fn of() -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("{ECS}:task-definition/checkout:41"))
}

fn copy() -> Call {
    Call::RegisterCopy { service: ServiceKey::new("prod", "checkout"), of: of() }
}

/// A task definition as its owner registered it.
fn registered() -> Value {
    serde_json::from_str(include_str!("definition.json")).unwrap()
}

/// The same task definition as AWS describes it.
fn described() -> Value {
    let mut described = registered();
    let said = json!({
        "taskDefinitionArn": of().arn().as_str(),
        "revision": 41,
        "status": "INACTIVE",
        "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.task-iam-role"}],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": 1_700_000_000,
        "registeredBy": "arn:aws:iam::123456789012:user/ana",
        "deregisteredAt": 1_700_000_100,
    });
    described.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    described
}

async fn stage(tags: Value) -> Stage {
    Stage::new(move |call| {
        Some(Ok(match call.operation.as_str() {
            "DescribeTaskDefinition" => json!({"taskDefinition": described(), "tags": tags}),
            "RegisterTaskDefinition" => {
                json!({"taskDefinition": {"taskDefinitionArn": format!("{ECS}:task-definition/checkout:57")}})
            }
            _ => return None,
        }))
    })
    .await
}

#[tokio::test]
async fn a_copy_has_all_that_was_registered_and_nothing_else() {
    let aws = json!({"key": "aws:cloudformation:stack-name", "value": "shop"});
    let stage = stage(json!([{"key": "team", "value": "shop"}, aws, {"key": "AWS:x", "value": "y"}])).await;
    let receipt = stage.lanes.act.act(&copy()).await.unwrap();
    assert_eq!(receipt.answer, "registered as checkout:57");
    assert!(receipt.request_id.is_some());
    let mut expected = registered();
    expected["tags"] = json!([{"key": "team", "value": "shop"}]);
    let sent = stage.inputs("RegisterTaskDefinition");
    assert_eq!(sent.len(), 1);
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(sent[0][member], *value, "{member}");
    }
    assert_eq!(sent[0], expected);
    let read = stage.inputs("DescribeTaskDefinition");
    assert_eq!(read, [json!({"taskDefinition": of().arn().as_str(), "include": ["TAGS"]})]);
}

#[tokio::test]
async fn without_tags_none_are_sent_for_they_would_need_a_permission() {
    for tags in [json!([]), json!([{"key": "aws:x", "value": "y"}]), Value::Null] {
        let stage = stage(tags).await;
        stage.lanes.act.act(&copy()).await.unwrap();
        assert_eq!(stage.inputs("RegisterTaskDefinition")[0], registered());
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_registered() {
    let stage = stage(Value::Null).await;
    stage.server.faults().add(FaultRule::new(Fault::Deny).operations(&["DescribeTaskDefinition"]));
    let fault = stage.lanes.act.act(&copy()).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation.as_str()), (FaultKind::Denied, "DescribeTaskDefinition"));
    assert_eq!((fault.applied(), fault.subject.as_str()), (Applied::No, "checkout:41"));
    stage.server.faults().clear();
    stage.server.faults().add(FaultRule::new(Fault::Html500).operations(&["DescribeTaskDefinition"]));
    let fault = stage.lanes.act.act(&copy()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied()), (FaultKind::Unsupported, Applied::No));
    let poor = Stage::new(|_| Some(Ok(json!({"taskDefinition": {"family": "checkout"}})))).await;
    let fault = poor.lanes.act.act(&copy()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied()), (FaultKind::Refused, Applied::No));
    assert_eq!((stage.count("RegisterTaskDefinition"), poor.count("RegisterTaskDefinition")), (0, 0));
}

#[tokio::test]
async fn a_registration_without_an_answer_may_have_been_made_and_is_not_repeated() {
    let stage = stage(Value::Null).await;
    stage.server.faults().add(FaultRule::new(Fault::Drop).operations(&["RegisterTaskDefinition"]));
    let fault = stage.lanes.act.act(&copy()).await.unwrap_err();
    assert_eq!((fault.kind, fault.applied()), (FaultKind::Unanswered, Applied::Unknown));
    assert!(!fault.to_string().contains("hunter2"));
    assert_eq!(stage.count("RegisterTaskDefinition"), 1);
}

#[tokio::test]
async fn a_definition_with_a_member_that_is_not_known_is_not_registered_without_it() {
    for (container, member) in [(false, "teleport"), (true, "containerDefinitions[1].teleport")] {
        let stage = Stage::new(move |call| {
            let mut described = described();
            let of = if container { &mut described["containerDefinitions"][1] } else { &mut described };
            of["teleport"] = json!({"to": "hunter2"});
            (call.operation == "DescribeTaskDefinition").then(|| Ok(json!({"taskDefinition": described})))
        })
        .await;
        let fault = stage.lanes.act.act(&copy()).await.unwrap_err();
        assert_eq!((fault.kind, fault.operation.as_str()), (FaultKind::Refused, "RegisterTaskDefinition"));
        assert_eq!(fault.applied(), Applied::No);
        assert!(fault.message.contains(&format!("checkout:41 has {member},")), "{}", fault.message);
        assert!(!fault.to_string().contains("hunter2"));
        assert_eq!(stage.count("RegisterTaskDefinition"), 0);
    }
}
