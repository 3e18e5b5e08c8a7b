//! The server's clock, log and faults, and its end.

use std::time::Duration;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::json;
use tidegate::sim::api::Service;
use tidegate::sim::wire::{CallCount, CallLog, Conditions, Fault, FaultRule, Server, SimClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Fake, client, refused, serve, soon, start};

#[tokio::test]
async fn the_world_is_brought_to_the_clock_before_each_call() {
    let (fake, clock) = (Fake::default(), SimClock::manual(start()));
    let server = Server::start(fake.clone(), clock.clone(), None).unwrap();
    let client = client!(aws_sdk_ecs, server);
    client.list_clusters().send().await.unwrap();
    assert_eq!(fake.now(), Some(start()));
    clock.advance(Duration::from_secs(90));
    client.list_clusters().send().await.unwrap();
    assert_eq!(fake.now(), Some("2026-11-21T04:33:30Z".parse().unwrap()));
}

#[tokio::test]
async fn a_running_world_moves_on_without_requests() {
    let fake = Fake::default();
    let _server = Server::start(fake.clone(), SimClock::running(start(), 600.0), None).unwrap();
    let later = start() + Duration::from_secs(300);
    fake.until(|fake| fake.now() >= Some(later)).await;
}

#[tokio::test]
async fn the_log_tells_what_was_asked_and_answered() {
    let fake = Fake::refusing("UpdateService", 400, "ServiceNotFoundException", "Service not found.");
    let server = serve(&fake);
    let client = client!(aws_sdk_ecs, server);
    client.list_clusters().send().await.unwrap();
    client.update_service().service("x").desired_count(2).send().await.unwrap_err();
    let records = server.log().records();
    assert_eq!(records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2]);
    assert!(records[0].arrived <= records[1].arrived);
    assert_eq!((records[0].status, records[0].error.as_deref()), (Some(200), None));
    assert_eq!((records[1].status, records[1].error.as_deref()), (Some(400), Some("ServiceNotFoundException")));
    assert_eq!(records[1].input, json!({"service": "x", "desiredCount": 2}));
    assert_eq!(records[1].access_key, "AKIDTEST");
    assert_eq!(server.log().since(1).len(), 1);
}

#[tokio::test]
async fn faults_strike_the_calls_they_name_and_end_when_cleared() {
    let fake = Fake::default();
    let server = serve(&fake);
    let client = client!(aws_sdk_ecs, server);
    server.faults().add(FaultRule::reads(Fault::Throttle));
    server.faults().add(FaultRule::new(Fault::Deny).operations(&["UpdateService"]).times(1));
    assert_eq!(refused!(client.list_clusters()).0.as_deref(), Some("ThrottlingException"));
    assert_eq!(refused!(client.list_clusters()).0.as_deref(), Some("ThrottlingException"));
    let (code, message, _) = refused!(client.update_service().service("x"));
    assert_eq!(code.as_deref(), Some("AccessDeniedException"));
    assert!(message.unwrap().contains("not authorized to perform: ecs:UpdateService"));
    client.update_service().service("x").send().await.unwrap();
    assert_eq!(fake.calls().len(), 1);
    server.faults().clear();
    client.list_clusters().send().await.unwrap();
}

#[tokio::test]
async fn a_page_of_html_is_an_error_without_a_code() {
    let server = serve(&Fake::default());
    server.faults().add(FaultRule::new(Fault::Html500));
    assert_eq!(refused!(client!(aws_sdk_ecs, server).list_clusters()).0, None);
    assert!(client!(aws_sdk_elasticloadbalancingv2, server).describe_rules().send().await.is_err());
    assert!(client!(aws_sdk_cloudwatch, server).describe_alarms().send().await.is_err());
}

#[tokio::test]
async fn texts_that_are_no_utf_8_are_no_answer_in_any_protocol() {
    let alarms = json!({"MetricAlarms": [{"AlarmName": "5xx", "StateReason": "a reason"}]});
    let groups = json!({"TargetHealthDescriptions": [{"TargetHealth": {"State": "unhealthy", "Description": "no"}}]});
    let fake = Fake::answering([
        ("DescribeServices", json!({"services": [{"serviceName": "a", "events": [{"message": "(service a)"}]}]})),
        ("DescribeAlarms", alarms),
        ("DescribeTargetHealth", groups),
    ]);
    let server = serve(&fake);
    let (ecs, elb) = (client!(aws_sdk_ecs, server), client!(aws_sdk_elasticloadbalancingv2, server));
    let cloudwatch = client!(aws_sdk_cloudwatch, server);
    server.faults().add(FaultRule::new(Fault::InvalidUtf8));
    assert!(ecs.describe_services().services("a").send().await.is_err());
    assert!(elb.describe_target_health().target_group_arn("a").send().await.is_err());
    assert!(cloudwatch.describe_alarms().send().await.is_err());
    server.faults().clear();
    assert!(ecs.describe_services().services("a").send().await.is_ok());
    assert!(elb.describe_target_health().target_group_arn("a").send().await.is_ok());
    assert!(cloudwatch.describe_alarms().send().await.is_ok());
}

#[tokio::test]
async fn a_hanging_read_does_not_hold_up_a_write() {
    let fake = Fake::default();
    let server = serve(&fake);
    server.faults().add(FaultRule::reads(Fault::Hang));
    let client = client!(aws_sdk_ecs, server);
    let hanging = tokio::spawn({
        let client = client.clone();
        async move { client.list_clusters().send().await }
    });
    asked(server.log(), "ListClusters").await;
    soon(client.update_service().service("x").send()).await.unwrap();
    assert!(!hanging.is_finished());
    assert_eq!(server.log().records()[0].status, None);
    server.faults().clear();
    assert!(matches!(soon(hanging).await.unwrap(), Err(SdkError::DispatchFailure(_))));
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn an_applied_write_may_go_unanswered() {
    let fake = Fake::default();
    let server = serve(&fake);
    server.faults().add(FaultRule::new(Fault::ApplyThenHang).service(Service::Ecs).operations(&["Update*"]));
    let client = client!(aws_sdk_ecs, server);
    let hanging = tokio::spawn(async move { client.update_service().service("x").send().await });
    fake.until(|fake| !fake.calls().is_empty()).await;
    assert!(!hanging.is_finished());
    server.faults().clear();
    assert!(soon(hanging).await.unwrap().is_err());
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn a_dropped_connection_and_a_delayed_answer() {
    let fake = Fake::default();
    let server = serve(&fake);
    let client = client!(aws_sdk_ecs, server);
    server.faults().add(FaultRule::new(Fault::Drop).times(1));
    assert!(matches!(client.list_clusters().send().await, Err(SdkError::DispatchFailure(_))));
    assert!(fake.calls().is_empty());
    // The delay ends early when the faults are cleared.
    server.faults().add(FaultRule::new(Fault::Delay { millis: 3_600_000 }));
    let waiting = tokio::spawn(async move { client.list_clusters().send().await });
    asked(server.log(), "ListClusters").await;
    server.faults().clear();
    soon(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stopped_server_frees_its_port_and_drops_its_clients() {
    let server = serve(&Fake::default());
    let client = client!(aws_sdk_ecs, server);
    client.list_clusters().send().await.unwrap();
    let port = server.endpoint().rsplit(':').next().unwrap().parse().unwrap();
    drop(server);
    assert!(matches!(client.list_clusters().send().await, Err(SdkError::DispatchFailure(_))));
    let again = Server::start(Fake::default(), SimClock::manual(start()), Some(port)).unwrap();
    assert!(Server::start(Fake::default(), SimClock::manual(start()), Some(port)).is_err());
    drop(again);
}

/// Waits for a request of this operation to arrive.
async fn asked(log: &CallLog, operation: &str) {
    soon(log.wait_for(|record| record.operation == operation)).await;
}

#[tokio::test]
async fn quotas_are_enforced_in_each_protocol_and_counted() {
    let conditions = Conditions { quotas: true, ..Conditions::default() };
    let clock = SimClock::manual(start());
    let server = Server::start_under(conditions, Fake::default(), clock.clone(), None).unwrap();
    let (ecs, elb) = (client!(aws_sdk_ecs, server), client!(aws_sdk_elasticloadbalancingv2, server));
    let cloudwatch = client!(aws_sdk_cloudwatch, server);
    for _ in 0..50 {
        ecs.list_clusters().send().await.unwrap();
    }
    assert_eq!(refused!(ecs.list_clusters()).0.as_deref(), Some("ThrottlingException"));
    for _ in 0..40 {
        elb.describe_load_balancers().send().await.unwrap();
    }
    assert_eq!(refused!(elb.describe_load_balancers()).0.as_deref(), Some("Throttling"));
    for _ in 0..9 {
        cloudwatch.describe_alarms().send().await.unwrap();
    }
    assert_eq!(refused!(cloudwatch.describe_alarms()).0.as_deref(), Some("Throttling"));
    clock.advance(Duration::from_millis(100));
    ecs.list_clusters().send().await.unwrap();
    elb.describe_load_balancers().send().await.unwrap();
    assert_eq!(server.counts().all()["ListClusters"], CallCount { calls: 52, throttled: 1, failed: 0 });
    assert_eq!(server.counts().total(), CallCount { calls: 104, throttled: 3, failed: 0 });
    assert!(soon(read_counts(&server)).await.contains(r#""ListClusters":{"calls":52,"throttled":1,"failed":0}"#));
}

/// The server's own report, over HTTP.
async fn read_counts(server: &Server) -> String {
    let address = server.endpoint().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /calls HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn each_answer_takes_the_latency() {
    let conditions = Conditions { latency: Duration::from_millis(30), ..Conditions::default() };
    let server = Server::start_under(conditions, Fake::default(), SimClock::manual(start()), None).unwrap();
    let client = client!(aws_sdk_ecs, server);
    let begun = std::time::Instant::now();
    client.list_clusters().send().await.unwrap();
    assert!(begun.elapsed() >= conditions.latency, "{:?}", begun.elapsed());
}
