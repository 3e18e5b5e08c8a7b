//! The embedded AWS's wire, as the real SDK clients read it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupStickinessConfig, TargetGroupTuple,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::sim::api::{Answer, ApiError, Call, Service};
use tidegate::sim::wire::{Backend, CallLog, Fault, FaultRule, Server, SimClock};
use tokio::sync::watch;

const START: &str = "2026-11-21T04:32:00Z";
const RULE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop-alb/1/2/3";

/// Answers by operation, and what it was asked.
#[derive(Default)]
struct Canned {
    answers: BTreeMap<&'static str, Answer>,
    now: Option<Timestamp>,
    calls: Vec<Call>,
}

#[derive(Clone, Default)]
struct Fake {
    canned: Arc<Mutex<Canned>>,
    /// Changes with every advance and call.
    touched: watch::Sender<()>,
}

impl Fake {
    fn answering(answers: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let fake = Self::default();
        fake.canned.lock().unwrap().answers.extend(answers.into_iter().map(|(name, value)| (name, Ok(value))));
        fake
    }

    fn refusing(operation: &'static str, status: u16, code: &str, message: &str) -> Self {
        let fake = Self::default();
        let error = ApiError { status, code: code.to_owned(), message: message.to_owned() };
        fake.canned.lock().unwrap().answers.insert(operation, Err(error));
        fake
    }

    fn calls(&self) -> Vec<Call> {
        self.canned.lock().unwrap().calls.clone()
    }

    /// Waits until the fake was used in this way.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut touched = self.touched.subscribe();
        let _ = soon(touched.wait_for(|()| condition(self))).await;
    }

    fn now(&self) -> Option<Timestamp> {
        self.canned.lock().unwrap().now
    }
}

impl Backend for Fake {
    fn advance(&mut self, to: Timestamp) {
        let mut canned = self.canned.lock().unwrap();
        canned.now = canned.now.max(Some(to));
        drop(canned);
        self.touched.send_replace(());
    }

    fn call(&mut self, call: &Call) -> Answer {
        let mut canned = self.canned.lock().unwrap();
        canned.calls.push(call.clone());
        let answer = canned.answers.get(call.operation.as_str()).cloned().unwrap_or_else(|| Ok(json!({})));
        drop(canned);
        self.touched.send_replace(());
        answer
    }
}

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn serve(fake: &Fake) -> Server {
    Server::start(fake.clone(), SimClock::manual(start()), None).unwrap()
}

/// The four clients, set up as the console's are but for the credentials; one attempt, no retries.
macro_rules! client {
    ($sdk:ident, $server:expr) => {{
        let credentials = $sdk::config::Credentials::new("AKIDTEST", "secret", None, None, "test");
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new("eu-west-1"))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .endpoint_url($server.endpoint())
            .build();
        $sdk::Client::from_conf(config)
    }};
}

#[tokio::test]
async fn ecs_is_read_by_its_client() {
    let fake = Fake::answering([(
        "DescribeServices",
        json!({
            "services": [{
                "serviceName": "checkout-stable",
                "desiredCount": 9,
                "createdAt": 1795235520.25,
                "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED"}],
                "events": [{"id": "1", "message": "(service <x>) & \u{0001}\u{1F6A2}", "createdAt": 1795235520.0}],
            }],
            "failures": [{"arn": "x", "reason": "MISSING"}],
        }),
    )]);
    let server = serve(&fake);
    let answer = client!(aws_sdk_ecs, server)
        .describe_services()
        .cluster("prod")
        .services("a")
        .services("b")
        .send()
        .await
        .unwrap();
    let service = &answer.services()[0];
    assert_eq!(service.service_name(), Some("checkout-stable"));
    assert_eq!(service.desired_count(), 9);
    assert_eq!(service.created_at().unwrap().as_secs_f64(), 1795235520.25);
    assert_eq!(service.events()[0].message(), Some("(service <x>) & \u{1}\u{1F6A2}"));
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
    let call = &fake.calls()[0];
    assert_eq!(
        (call.service, call.operation.as_str(), call.region.as_str()),
        (Service::Ecs, "DescribeServices", "eu-west-1")
    );
    assert_eq!(call.input, json!({"cluster": "prod", "services": ["a", "b"]}));
}

#[tokio::test]
async fn elb_is_read_by_its_client() {
    let rules = json!({"Rules": [{
        "RuleArn": RULE,
        "Priority": "10",
        "IsDefault": false,
        "Conditions": [{"Field": "path-pattern", "Values": ["/checkout*"], "PathPatternConfig": {"Values": ["/checkout*"]}}],
        "Actions": [{
            "Type": "forward",
            "Order": 1,
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": "s", "Weight": 99}, {"TargetGroupArn": "c", "Weight": 1}],
                "TargetGroupStickinessConfig": {"Enabled": true, "DurationSeconds": 60},
            },
        }, {
            "Type": "authenticate-oidc",
            "AuthenticateOidcConfig": {
                "Issuer": "https://x?a&b", "AuthorizationEndpoint": "a", "TokenEndpoint": "t", "UserInfoEndpoint": "u",
                "ClientId": "i", "AuthenticationRequestExtraParams": {"prompt": "<login>"},
            },
        }],
    }], "NextMarker": null});
    let balancers = json!({"LoadBalancers": [{"LoadBalancerName": "shop-alb", "CreatedTime": 1795235520.25}]});
    let fake = Fake::answering([
        ("DescribeRules", rules.clone()),
        ("DescribeLoadBalancers", balancers),
        ("ModifyRule", rules),
    ]);
    let server = serve(&fake);
    let client = client!(aws_sdk_elasticloadbalancingv2, server);

    let answer = client.describe_rules().rule_arns(RULE).send().await.unwrap();
    let rule = &answer.rules()[0];
    assert_eq!((rule.priority(), rule.is_default()), (Some("10"), Some(false)));
    let forward = rule.actions()[0].forward_config().unwrap();
    assert_eq!(forward.target_groups()[1].weight(), Some(1));
    assert_eq!(forward.target_group_stickiness_config().unwrap().duration_seconds(), Some(60));
    let oidc = rule.actions()[1].authenticate_oidc_config().unwrap();
    assert_eq!(oidc.issuer(), Some("https://x?a&b"));
    assert_eq!(oidc.authentication_request_extra_params().unwrap()["prompt"], "<login>");
    assert_eq!(answer.next_marker(), None);

    let answer = client.describe_load_balancers().send().await.unwrap();
    assert_eq!(answer.load_balancers()[0].created_time().unwrap().as_secs_f64(), 1795235520.25);

    let group = |arn: &str, weight| TargetGroupTuple::builder().target_group_arn(arn).weight(weight).build();
    let stickiness = TargetGroupStickinessConfig::builder().enabled(true).duration_seconds(60).build();
    let forward = ForwardActionConfig::builder()
        .target_groups(group("s", 90))
        .target_groups(group("c", 10))
        .target_group_stickiness_config(stickiness);
    let action = Action::builder().r#type(ActionTypeEnum::Forward).order(1).forward_config(forward.build()).build();
    client.modify_rule().rule_arn(RULE).actions(action).send().await.unwrap();
    assert_eq!(
        fake.calls()[2].input,
        json!({
            "RuleArn": RULE,
            "Actions": [{
                "Type": "forward",
                "Order": 1,
                "ForwardConfig": {
                    "TargetGroups": [{"TargetGroupArn": "s", "Weight": 90}, {"TargetGroupArn": "c", "Weight": 10}],
                    "TargetGroupStickinessConfig": {"Enabled": true, "DurationSeconds": 60},
                },
            }],
        })
    );
}

#[tokio::test]
async fn cloudwatch_is_read_by_its_client() {
    let fake = Fake::answering([
        (
            "GetMetricData",
            json!({"MetricDataResults": [{
                "Id": "a", "Label": "x", "Timestamps": [1795235520, 1795235460.0], "Values": [5, 0.25], "StatusCode": "Complete",
            }]}),
        ),
        (
            "DescribeAlarms",
            json!({"MetricAlarms": [{
                "AlarmName": "5xx", "Threshold": 5, "Period": 60, "EvaluationPeriods": 3, "ActionsEnabled": true,
                "StateValue": "OK", "StateUpdatedTimestamp": 1795235520.5,
            }], "CompositeAlarms": []}),
        ),
    ]);
    let server = serve(&fake);
    let client = client!(aws_sdk_cloudwatch, server);
    let metric = Metric::builder()
        .namespace("AWS/ApplicationELB")
        .metric_name("RequestCount")
        .dimensions(Dimension::builder().name("TargetGroup").value("targetgroup/a/1").build());
    let stat = MetricStat::builder().metric(metric.build()).period(60).stat("Sum");
    let time = |seconds| aws_smithy_types::DateTime::from_secs(seconds);
    let answer = client
        .get_metric_data()
        .metric_data_queries(MetricDataQuery::builder().id("a").metric_stat(stat.build()).build())
        .start_time(time(1795235000))
        .end_time(time(1795235520))
        .send()
        .await
        .unwrap();
    let result = &answer.metric_data_results()[0];
    assert_eq!(result.values(), [5.0, 0.25]);
    assert_eq!(result.timestamps()[0], time(1795235520));
    let input = &fake.calls()[0].input;
    assert_eq!(input["StartTime"].as_f64(), Some(1795235000.0));
    assert_eq!(input["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"][0]["Value"], "targetgroup/a/1");
    assert_eq!(input["MetricDataQueries"][0]["MetricStat"]["Period"], 60);

    let answer = client.describe_alarms().send().await.unwrap();
    let alarm = &answer.metric_alarms()[0];
    assert_eq!((alarm.threshold(), alarm.period()), (Some(5.0), Some(60)));
    assert_eq!(alarm.state_updated_timestamp().unwrap().as_secs_f64(), 1795235520.5);
}

#[tokio::test]
async fn sts_is_read_by_its_client() {
    let fake = Fake::answering([(
        "GetCallerIdentity",
        json!({"UserId": "AIDA", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/oncall"}),
    )]);
    let server = serve(&fake);
    let answer = client!(aws_sdk_sts, server).get_caller_identity().send().await.unwrap();
    assert_eq!(answer.account(), Some("123456789012"));
    assert_eq!(answer.arn(), Some("arn:aws:iam::123456789012:user/oncall"));
}

/// Code, message and request id of a refused call, as the console shows them.
macro_rules! refused {
    ($call:expr) => {{
        let error = $call.send().await.unwrap_err();
        let id = aws_types::request_id::RequestId::request_id(&error).map(str::to_owned);
        (error.code().map(str::to_owned), error.message().map(str::to_owned), id)
    }};
}

#[tokio::test]
async fn errors_keep_code_message_and_request_id_in_each_protocol() {
    let ids = |server: &Server| Some(server.log().records()[0].request_id.clone());
    let is = |text: &str| Some(text.to_owned());

    let server = serve(&Fake::refusing("ListServices", 400, "ClusterNotFoundException", "Cluster not found."));
    let client = client!(aws_sdk_ecs, server);
    assert_eq!(
        refused!(client.list_services()),
        (is("ClusterNotFoundException"), is("Cluster not found."), ids(&server))
    );

    let server = serve(&Fake::refusing("DescribeRules", 400, "RuleNotFound", "One or more rules not found"));
    let client = client!(aws_sdk_elasticloadbalancingv2, server);
    let error = client.describe_rules().send().await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_rule_not_found_exception());
    assert_eq!(refused!(client.describe_rules()).0, is("RuleNotFound"));

    let server = serve(&Fake::refusing("GetMetricData", 400, "InvalidParameterValue", "no <such> period"));
    let client = client!(aws_sdk_cloudwatch, server);
    assert_eq!(refused!(client.get_metric_data()), (is("InvalidParameterValue"), is("no <such> period"), ids(&server)));

    let server = serve(&Fake::refusing("GetCallerIdentity", 403, "ExpiredToken", "expired"));
    let client = client!(aws_sdk_sts, server);
    assert_eq!(refused!(client.get_caller_identity()), (is("ExpiredToken"), is("expired"), ids(&server)));
}

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

/// Fails instead of hanging.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took more than 20 s")
}
