//! The faults that failed calls become, over the wire.

use tidegate::cloud::Cloud;
use tidegate::cloud::aws::{Connect, connect};
use tidegate::domain::ecs::names::{Arn, ServiceKey};
use tidegate::domain::fault::FaultKind;
use tidegate::domain::metrics::MetricsQuery;
use tidegate::domain::metrics::source::{MetricSource, Resolution};
use tidegate::domain::observe::snapshot::Query;
use tidegate::sim::wire::{Fault, FaultRule};

use super::*;

/// One query to each service, so that the error format of every protocol is covered.
fn questions() -> Vec<Query> {
    let now = "2026-11-21T04:32:30Z".parse().unwrap();
    let meter = MetricSource::TargetGroup { group: Arn::new(group("stable")), balancer: Arn::new(balancer_arn()) };
    vec![
        Query::Identity,
        Query::Service(ServiceKey::new("prod", "checkout")),
        Query::Health(vec![Arn::new(group("stable"))]),
        Query::Metrics(MetricsQuery::last(vec![(meter, Resolution::Brief)], now, 5)),
    ]
}

#[tokio::test]
async fn each_protocols_failures_are_told_apart() {
    let stage = Stage::new(|_| None).await;
    let unknown = Fault::Error { status: 400, code: "InvalidAction".to_owned(), message: "not here".to_owned() };
    for (fault, kind) in [
        (Fault::Throttle, FaultKind::Throttled),
        (Fault::Deny, FaultKind::Denied),
        (Fault::Expire, FaultKind::Expired),
        (Fault::Html500, FaultKind::Unsupported),
        (Fault::Drop, FaultKind::Unanswered),
        (unknown, FaultKind::Unsupported),
    ] {
        stage.server.faults().add(FaultRule::new(fault.clone()));
        for question in questions() {
            let answer = stage.lanes.act.read(&question).await.unwrap_err();
            assert_eq!(answer.kind, kind, "{fault:?} {question:?}: {answer}");
            assert!(!answer.message.is_empty() && !answer.advice.is_empty());
            assert!(!answer.message.contains("service error"), "{}", answer.message);
            if matches!(fault, Fault::Throttle | Fault::Deny | Fault::Expire) {
                assert!(answer.request_id.is_some(), "{answer:?}");
            }
        }
        stage.server.faults().clear();
    }
}

#[tokio::test]
async fn a_poll_is_tried_twice() {
    let stage = Stage::new(|_| None).await;
    stage.server.faults().add(FaultRule::new(Fault::Drop).times(1));
    stage.lanes.poll.read(&Query::Family("checkout".to_owned())).await.unwrap();
    assert_eq!(stage.count("ListTaskDefinitions"), 2);
}

#[tokio::test]
async fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = Connect {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(format!("http://{free}")),
        keys: Some(("AKIDTEST".to_owned(), "secret".to_owned())),
        ..Connect::default()
    };
    let lanes = connect(&options).await.unwrap();
    let fault = lanes.act.read(&Query::Identity).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable, "{fault}");
    assert!(fault.message.to_lowercase().contains("connection refused"), "{}", fault.message);
}
