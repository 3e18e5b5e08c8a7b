//! Writes: what exactly is sent, when nothing is, and what is sent although nobody answers.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tidegate::cloud::Cloud;
use tidegate::cloud::aws::{Connect, connect};
use tidegate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use tidegate::domain::ecs::route::{Forward, Route, RouteId};
use tidegate::domain::fault::{Applied, FaultKind};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::plan::{Call, HookAction, Reread, Seen};
use tidegate::domain::release::share::Weight;
use tidegate::sim::wire::{Fault, FaultRule};

use super::*;

fn to(name: &str, weight: u64) -> Forward {
    Forward { target_group: Arn::new(group(name)), weight: Weight::new(weight).unwrap() }
}

fn set_weights(seen: &Route, stable: u64, canary: u64, reread: Reread) -> Call {
    let weights = vec![to("stable", stable), to("canary", canary)];
    Call::SetWeights { route: seen.id.clone(), seen: Seen::from(seen), weights, stickiness: None, reread }
}

impl Stage {
    async fn route(&self) -> Route {
        match self.lanes.poll.read(&Query::Routes).await.unwrap() {
            Answer::Routes(mut routes) => routes.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn written(&self) -> Vec<String> {
        let weight = |tuple: &serde_json::Value| tuple["Weight"].to_string();
        let weights = |input: serde_json::Value| {
            let groups = input["Actions"][0]["ForwardConfig"]["TargetGroups"].as_array().unwrap().clone();
            groups.iter().map(weight).collect::<Vec<_>>().join("/")
        };
        self.inputs("ModifyRule").into_iter().map(weights).collect()
    }
}

/// A rule with everything that must survive, as AWS lists it.
const RULE: &str = r#"<DescribeRulesResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeRulesResult><Rules><member>
<RuleArn>arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop/01/02/03</RuleArn>
<Priority>10</Priority><IsDefault>false</IsDefault>
<Conditions><member><Field>path-pattern</Field><Values><member>/checkout*</member></Values><PathPatternConfig><Values><member>/checkout*</member></Values></PathPatternConfig></member></Conditions>
<Actions>
<member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig>
<Issuer>https://login.example.com</Issuer><AuthorizationEndpoint>https://login.example.com/auth?a=1&amp;b=2</AuthorizationEndpoint>
<TokenEndpoint>https://login.example.com/token</TokenEndpoint><UserInfoEndpoint>https://login.example.com/me</UserInfoEndpoint>
<ClientId>console</ClientId><SessionCookieName>AWSELBAuthSessionCookie</SessionCookieName><Scope>openid email</Scope>
<SessionTimeout>604800</SessionTimeout><AuthenticationRequestExtraParams><entry><key>prompt</key><value>login &amp; consent</value></entry></AuthenticationRequestExtraParams>
<OnUnauthenticatedRequest>authenticate</OnUnauthenticatedRequest></AuthenticateOidcConfig></member>
<member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups>
<member><TargetGroupArn>arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/stable/01</TargetGroupArn><Weight>99</Weight></member>
<member><TargetGroupArn>arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/canary/01</TargetGroupArn><Weight>1</Weight></member>
</TargetGroups><TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>3600</DurationSeconds></TargetGroupStickinessConfig></ForwardConfig></member>
</Actions></member></Rules></DescribeRulesResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></DescribeRulesResponse>"#;

const LISTENER: &str = r#"<DescribeListenersResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeListenersResult><Listeners><member>
<ListenerArn>arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/01/02</ListenerArn>
<LoadBalancerArn>arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/shop/01</LoadBalancerArn><Port>443</Port><Protocol>HTTPS</Protocol>
</member></Listeners></DescribeListenersResult></DescribeListenersResponse>"#;

/// Keeps the bodies of requests, and answers from the texts above; every write is answered with the rule.
async fn recording() -> (String, Arc<Mutex<Vec<String>>>) {
    let bodies = Arc::<Mutex<Vec<String>>>::default();
    let kept = bodies.clone();
    let answer = move |request: Request<Incoming>| {
        let kept = kept.clone();
        async move {
            let body = request.into_body().collect().await?.to_bytes();
            let body = String::from_utf8_lossy(&body).into_owned();
            let text = if body.contains("Action=DescribeListeners") {
                LISTENER.to_owned()
            } else if body.contains("Action=ModifyRule") {
                let text = RULE.replace("DescribeRules", "ModifyRule");
                text.replace("<Weight>99<", "<Weight>90<").replace("<Weight>1<", "<Weight>10<")
            } else {
                RULE.to_owned()
            };
            kept.lock().unwrap().push(body);
            Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(text))))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service_fn(answer.clone())));
        }
    });
    (endpoint, bodies)
}

#[tokio::test]
async fn a_rule_goes_back_byte_for_byte_but_for_its_weights() {
    let (endpoint, bodies) = recording().await;
    let options = Connect {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(endpoint),
        keys: Some(("AKIDTEST".to_owned(), "secret".to_owned())),
        ..Connect::default()
    };
    let lanes = connect(&options).await.unwrap();
    let id = RouteId::Rule(Arn::new(rule_arn()));
    let Answer::Route(route) = lanes.poll.read(&Query::Route(id)).await.unwrap() else { panic!() };
    assert_eq!((route.port, route.stickiness), (Some(443), Some(3600)));
    let receipt = lanes.act.act(&set_weights(&route, 90, 10, Reread::Strict)).await.unwrap();
    assert_eq!(receipt.answer, "weights 90/10");
    let body = bodies.lock().unwrap().last().unwrap().clone();
    let sent: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let expected = format!(
        "Action=ModifyRule
Version=2015-12-01
RuleArn={}
Actions.member.1.Type=authenticate-oidc
Actions.member.1.AuthenticateOidcConfig.Issuer=https://login.example.com
Actions.member.1.AuthenticateOidcConfig.AuthorizationEndpoint=https://login.example.com/auth?a=1&b=2
Actions.member.1.AuthenticateOidcConfig.TokenEndpoint=https://login.example.com/token
Actions.member.1.AuthenticateOidcConfig.UserInfoEndpoint=https://login.example.com/me
Actions.member.1.AuthenticateOidcConfig.ClientId=console
Actions.member.1.AuthenticateOidcConfig.SessionCookieName=AWSELBAuthSessionCookie
Actions.member.1.AuthenticateOidcConfig.Scope=openid email
Actions.member.1.AuthenticateOidcConfig.SessionTimeout=604800
Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.key=prompt
Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.value=login & consent
Actions.member.1.AuthenticateOidcConfig.OnUnauthenticatedRequest=authenticate
Actions.member.1.AuthenticateOidcConfig.UseExistingClientSecret=true
Actions.member.1.Order=1
Actions.member.2.Type=forward
Actions.member.2.Order=2
Actions.member.2.ForwardConfig.TargetGroups.member.1.TargetGroupArn={}
Actions.member.2.ForwardConfig.TargetGroups.member.1.Weight=90
Actions.member.2.ForwardConfig.TargetGroups.member.2.TargetGroupArn={}
Actions.member.2.ForwardConfig.TargetGroups.member.2.Weight=10
Actions.member.2.ForwardConfig.TargetGroupStickinessConfig.Enabled=true
Actions.member.2.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds=3600",
        rule_arn(),
        group("stable"),
        group("canary"),
    );
    let sent: Vec<String> = sent.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(sent, expected.lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listeners_default_action_is_written_there() {
    let stage = Stage::new(|call| {
        Some(Ok(match call.operation.as_str() {
            "DescribeLoadBalancers" => json!({"LoadBalancers": [{"LoadBalancerArn": balancer_arn()}]}),
            "DescribeListeners" => json!({"Listeners": [listener(json!([forward(90, 10)]))]}),
            "ModifyListener" => json!({"Listeners": [listener(call.input["DefaultActions"].clone())]}),
            _ => return None,
        }))
    })
    .await;
    let seen = stage.route().await;
    let receipt = stage.lanes.act.act(&set_weights(&seen, 100, 0, Reread::Strict)).await.unwrap();
    assert_eq!(receipt.answer, "weights 100/0");
    assert!(receipt.request_id.is_some());
    let sent = stage.inputs("ModifyListener").remove(0);
    assert_eq!(sent, json!({"ListenerArn": listener_arn(), "DefaultActions": [forward(100, 0)]}));
}

#[tokio::test]
async fn what_is_not_as_it_was_seen_is_not_written() {
    let moved = Arc::new(Mutex::new(rule(90, 10)));
    let now = moved.clone();
    let mut script = balanced(90, 10);
    let stage = Stage::new(move |call| match call.operation.as_str() {
        "DescribeRules" => Some(Ok(json!({"Rules": [now.lock().unwrap().clone()]}))),
        _ => script(call),
    })
    .await;
    let seen = stage.route().await;
    let mut other_group = rule(90, 10);
    other_group["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["TargetGroupArn"] = json!(group("green"));
    let mut sticky = rule(90, 10);
    sticky["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"] =
        json!({"Enabled": true, "DurationSeconds": 60});
    for (now, says) in [
        (rule(50, 50), "the weights are now 50/50, you saw 90/10"),
        (other_group, "the rule now forwards to stable=90 green=10; you saw stable=90 canary=10"),
        (sticky, "other actions, conditions or stickiness were changed"),
    ] {
        *moved.lock().unwrap() = now;
        let fault = stage.lanes.act.act(&set_weights(&seen, 0, 100, Reread::Strict)).await.unwrap_err();
        assert_eq!((fault.kind, fault.applied()), (FaultKind::Changed, Applied::No));
        assert!(fault.message.contains(says), "{}", fault.message);
    }
    assert_eq!(stage.count("ModifyRule"), 0);
}

#[tokio::test]
async fn a_rollback_does_not_mind_other_weights_but_another_target_group() {
    let moved = Arc::new(Mutex::new(rule(90, 10)));
    let now = moved.clone();
    let mut script = balanced(90, 10);
    let stage = Stage::new(move |call| match call.operation.as_str() {
        "DescribeRules" => Some(Ok(json!({"Rules": [now.lock().unwrap().clone()]}))),
        _ => script(call),
    })
    .await;
    let seen = stage.route().await;
    let mut sticky = rule(50, 50);
    sticky["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"] =
        json!({"Enabled": true, "DurationSeconds": 60});
    *moved.lock().unwrap() = sticky.clone();
    stage.lanes.act.act(&set_weights(&seen, 100, 0, Reread::Urgent)).await.unwrap();
    assert_eq!(stage.written(), ["100/0"]);
    let kept = &stage.inputs("ModifyRule")[0]["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"];
    assert_eq!(*kept, json!({"Enabled": true, "DurationSeconds": 60}), "as it is now, not as it was seen");
    let mut other_group = rule(90, 10);
    other_group["Actions"][0]["ForwardConfig"]["TargetGroups"][1]["TargetGroupArn"] = json!(group("green"));
    *moved.lock().unwrap() = other_group;
    let fault = stage.lanes.act.act(&set_weights(&seen, 100, 0, Reread::Urgent)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Changed);
    assert!(fault.message.contains("does not forward to canary"), "{}", fault.message);
    assert_eq!(stage.count("ModifyRule"), 1);
}

#[tokio::test]
async fn a_rollback_is_written_while_every_read_hangs() {
    let stage = Stage::new(balanced(90, 10)).await;
    let seen = stage.route().await;
    stage.server.faults().add(FaultRule::reads(Fault::Hang));
    // The first one still tries to read, and gives up; from then on reads are known to hang.
    for (stable, canary) in [(100, 0), (99, 1), (100, 0)] {
        stage.lanes.act.act(&set_weights(&seen, stable, canary, Reread::Urgent)).await.unwrap();
    }
    assert_eq!(stage.written(), ["100/0", "99/1", "100/0"]);
    let hung = stage.server.log().select(|call| call.operation == "DescribeRules" && call.status.is_none());
    assert_eq!(hung.len(), 1);
    stage.server.faults().clear();
    stage.route().await;
    stage.lanes.act.act(&set_weights(&seen, 100, 0, Reread::Urgent)).await.unwrap();
    let asked = stage.server.log().records().into_iter().rev().map(|call| call.operation).take(2).collect::<Vec<_>>();
    assert_eq!(asked, ["ModifyRule", "DescribeRules"], "once reads are answered again, it looks before it writes");
}

#[tokio::test]
async fn only_a_throttled_write_is_sent_again() {
    let server_error = Fault::Error { status: 500, code: "InternalFailure".to_owned(), message: "oops".to_owned() };
    for (fault, sent, kind) in [
        (Fault::Throttle, 2, None),
        (server_error, 1, Some(FaultKind::Server)),
        (Fault::Drop, 1, Some(FaultKind::Unanswered)),
        (Fault::Html500, 1, Some(FaultKind::Server)),
        (Fault::Deny, 1, Some(FaultKind::Denied)),
    ] {
        let stage = Stage::new(balanced(90, 10)).await;
        let seen = stage.route().await;
        stage.server.faults().add(FaultRule::new(fault.clone()).operations(&["ModifyRule"]).times(1));
        let answer = stage.lanes.act.act(&set_weights(&seen, 100, 0, Reread::Strict)).await;
        assert_eq!(answer.as_ref().err().map(|fault| fault.kind), kind, "{fault:?}");
        if let Err(fault) = answer {
            let unknown = matches!(fault.kind, FaultKind::Server | FaultKind::Unanswered);
            assert_eq!(fault.applied() == Applied::Unknown, unknown, "{fault:?}");
        }
        assert_eq!(stage.count("ModifyRule"), sent, "{fault:?}");
    }
}

#[tokio::test]
async fn an_action_of_an_unknown_kind_is_not_written_back_without_its_settings() {
    let stage = Stage::new(|call| {
        let mut odd = rule(90, 10);
        odd["Actions"] = json!([{"Type": "teleport", "Order": 1, "TeleportConfig": {"To": "Mars"}}, forward(90, 10)]);
        match call.operation.as_str() {
            "DescribeRules" => Some(Ok(json!({"Rules": [odd]}))),
            _ => balanced(90, 10)(call),
        }
    })
    .await;
    let seen = stage.route().await;
    for reread in [Reread::Strict, Reread::Urgent] {
        let fault = stage.lanes.act.act(&set_weights(&seen, 100, 0, reread)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused);
        assert!(fault.message.contains("teleport"), "{}", fault.message);
    }
    assert_eq!(stage.count("ModifyRule"), 0);
}

#[tokio::test]
async fn services_are_updated_with_exactly_what_is_given() {
    let stage = Stage::new(|_| {
        Some(Ok(json!({"service": {"serviceName": "checkout", "desiredCount": 3, "runningCount": 9,
            "deployments": [{"id": "ecs-svc/42", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}]}})))
    })
    .await;
    let definition = format!("{ECS}:task-definition/checkout:42");
    let (service, cluster) = (format!("{ECS}:service/prod/checkout"), format!("{ECS}:cluster/prod"));
    let call = |task_definition: bool, desired: Option<u32>| Call::UpdateService {
        service: ServiceKey::new("prod", "checkout"),
        arn: Arn::new(&*service),
        cluster_arn: Arn::new(&*cluster),
        task_definition: task_definition.then(|| TaskDefinitionArn::new(&*definition)),
        desired,
        configuration: None,
        force: false,
    };
    let base = json!({"cluster": cluster, "service": service});
    let with = |name: &str, value: Value| {
        let mut input = base.clone();
        input[name] = value;
        input
    };
    for (call, sent, answer) in [
        (call(true, None), with("taskDefinition", json!(definition)), "deployment ecs-svc/42 IN_PROGRESS"),
        (call(false, Some(3)), with("desiredCount", json!(3)), "desired 3, running 9"),
        (call(false, Some(0)), with("desiredCount", json!(0)), "desired 3, running 9"),
    ] {
        let receipt = stage.lanes.act.act(&call).await.unwrap();
        assert_eq!(receipt.answer, answer);
        assert_eq!(stage.inputs("UpdateService").pop().unwrap(), sent);
    }
}

#[tokio::test]
async fn a_pause_is_answered_by_its_hook() {
    let stage = Stage::new(|_| None).await;
    let deployment = format!("{ECS}:service-deployment/prod/checkout/abc");
    for (answer, action) in [(HookAction::Continue, "CONTINUE"), (HookAction::Rollback, "ROLLBACK")] {
        let call = Call::AnswerPause {
            service: ServiceKey::new("prod", "checkout"),
            deployment: Arn::new(&*deployment),
            hook: "ecs-pause-1".to_owned(),
            answer,
        };
        let receipt = stage.lanes.act.act(&call).await.unwrap();
        assert_eq!(receipt.answer, format!("the pause is answered {action}"));
        let sent = stage.inputs("ContinueServiceDeployment").pop().unwrap();
        assert_eq!(sent, json!({"serviceDeploymentArn": deployment, "hookId": "ecs-pause-1", "action": action}));
    }
}

#[tokio::test]
async fn deployments_are_stopped_by_rolling_them_back() {
    let stage = Stage::new(|_| None).await;
    let deployment = format!("{ECS}:service-deployment/prod/checkout/abc");
    let call =
        Call::StopDeployment { service: ServiceKey::new("prod", "checkout"), deployment: Arn::new(&*deployment) };
    let receipt = stage.lanes.act.act(&call).await.unwrap();
    assert_eq!(receipt.answer, "deployment abc is being rolled back");
    let sent = stage.inputs("StopServiceDeployment").remove(0);
    assert_eq!(sent, json!({"serviceDeploymentArn": deployment, "stopType": "ROLLBACK"}));
}
