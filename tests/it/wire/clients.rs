//! The real SDK clients against a fake: the values that the clients read from responses, and the requests that the fake
//! receives.

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupStickinessConfig, TargetGroupTuple,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::json;
use tidegate::sim::api::Service;
use tidegate::sim::wire::Server;

use super::{Fake, client, refused, serve};

const RULE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop-alb/1/2/3";

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
#[expect(clippy::too_many_lines, reason = "one answer, read member by member")]
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
async fn logs_is_read_by_its_client() {
    let fake = Fake::answering([(
        "FilterLogEvents",
        json!({"events": [{
            "logStreamName": "checkout/checkout/1", "timestamp": 1795235520123_i64, "ingestionTime": 1795235521000_i64,
            "message": "ERROR \u{1b}[31m ü", "eventId": "31",
        }], "searchedLogStreams": [], "nextToken": "more"}),
    )]);
    let server = serve(&fake);
    let answer = client!(aws_sdk_cloudwatchlogs, server)
        .filter_log_events()
        .log_group_name("/ecs/checkout")
        .log_stream_names("checkout/checkout/1")
        .start_time(1795235520000)
        .filter_pattern("ERROR")
        .limit(10)
        .send()
        .await
        .unwrap();
    let event = &answer.events()[0];
    assert_eq!((event.timestamp(), event.message()), (Some(1795235520123), Some("ERROR \u{1b}[31m ü")));
    assert_eq!(answer.next_token(), Some("more"));
    let call = &fake.calls()[0];
    assert_eq!((call.service, call.operation.as_str()), (Service::Logs, "FilterLogEvents"));
    assert_eq!(
        call.input,
        json!({
            "logGroupName": "/ecs/checkout", "logStreamNames": ["checkout/checkout/1"], "startTime": 1795235520000_i64,
            "filterPattern": "ERROR", "limit": 10,
        })
    );

    let server = serve(&Fake::refusing("FilterLogEvents", 400, "ResourceNotFoundException", "no such group"));
    let refused = client!(aws_sdk_cloudwatchlogs, server).filter_log_events().send().await.unwrap_err();
    assert!(refused.as_service_error().unwrap().is_resource_not_found_exception(), "{refused:?}");
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
