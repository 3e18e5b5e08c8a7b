//! Questions: pages, batches, and what is made of the answers.

use serde_json::{Value, json};
use tidegate::cloud::Cloud;
use tidegate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use tidegate::domain::ecs::route::{Route, RouteId};
use tidegate::domain::ecs::service::Service;
use tidegate::domain::fault::FaultKind;
use tidegate::domain::metrics::source::{MetricSource, Resolution};
use tidegate::domain::metrics::{MetricsQuery, Series, TroubleKind};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::sim::api::{Answer as ApiAnswer, Call};

use super::*;

impl Stage {
    async fn services(&self) -> Vec<Service> {
        match self.lanes.poll.read(&Query::Services).await.unwrap() {
            Answer::Services(services) => services,
            other => panic!("{other:?}"),
        }
    }

    async fn routes(&self) -> Vec<Route> {
        match self.lanes.poll.read(&Query::Routes).await.unwrap() {
            Answer::Routes(routes) => routes,
            other => panic!("{other:?}"),
        }
    }

    async fn metrics(
        &self,
        targets: &[(&str, &str)],
    ) -> Result<Vec<(MetricSource, Series)>, tidegate::domain::fault::Fault> {
        let arn = |text: &str| Arn::new(format!("{ELB}:{text}"));
        let meter = |(group, balancer): &(&str, &str)| {
            (MetricSource::TargetGroup { group: arn(group), balancer: arn(balancer) }, Resolution::Full)
        };
        let targets = targets.iter().map(meter).collect();
        let query = MetricsQuery::last(targets, "2026-11-21T04:32:30Z".parse().unwrap(), 5);
        match self.lanes.poll.read(&Query::Metrics(query)).await? {
            Answer::Metrics(metrics) => Ok(metrics),
            other => panic!("{other:?}"),
        }
    }
}

/// Two clusters of 23 services each, ten a page; the last of each is deleted between list and description.
fn two_clusters(call: &Call) -> Option<ApiAnswer> {
    let input = &call.input;
    Some(Ok(match call.operation.as_str() {
        "ListClusters" => match input["nextToken"].as_str() {
            None => json!({"clusterArns": [format!("{ECS}:cluster/a")], "nextToken": "more"}),
            Some(_) => json!({"clusterArns": [format!("{ECS}:cluster/b")]}),
        },
        "ListServices" => {
            let cluster = last_of(input["cluster"].as_str().unwrap());
            let (range, next) = page(23, 10, &input["nextToken"]);
            let arns: Vec<String> = range.map(|i| format!("{ECS}:service/{cluster}/s{i}")).collect();
            json!({"serviceArns": arns, "nextToken": next})
        }
        "DescribeServices" => {
            let asked = texts(&input["services"]);
            let (gone, there): (Vec<_>, Vec<_>) = asked.iter().partition(|arn| last_of(arn) == "s22");
            let describe = |arn: &&String| json!({"serviceArn": arn, "serviceName": last_of(arn), "clusterArn": input["cluster"], "status": "ACTIVE"});
            let services: Vec<Value> = there.iter().map(describe).collect();
            let failures: Vec<Value> = gone.iter().map(|arn| json!({"arn": arn, "reason": "MISSING"})).collect();
            json!({"services": services, "failures": failures})
        }
        _ => return None,
    }))
}

#[tokio::test]
async fn all_services_of_all_clusters_in_batches_of_ten() {
    let stage = Stage::new(two_clusters).await;
    let services = stage.services().await;
    assert_eq!(services.len(), 44);
    assert!(services.iter().any(|service| service.key == ServiceKey::new("b", "s21")));
    let batches = stage.inputs("DescribeServices");
    assert_eq!(batches.len(), 6);
    assert!(batches.iter().all(|batch| texts(&batch["services"]).len() <= 10 && batch["include"] == json!(["TAGS"])));
}

#[tokio::test]
async fn one_batch_that_fails_fails_the_whole_and_is_named() {
    let stage = Stage::new(|call| match call.operation.as_str() {
        "DescribeServices" if call.input["services"].to_string().contains("/b/s10") => {
            refuse(400, "AccessDeniedException", "not authorized to perform: ecs:DescribeServices")
        }
        _ => two_clusters(call),
    })
    .await;
    let fault = stage.lanes.poll.read(&Query::Services).await.unwrap_err();
    assert_eq!((fault.kind, fault.operation.as_str()), (FaultKind::Denied, "DescribeServices"));
    assert_eq!(fault.subject, "10 services of cluster b");
    assert!(fault.advice.contains("ecs:DescribeServices"), "{}", fault.advice);
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named_with_its_place() {
    let stage = Stage::of_clusters(&["prodd"], |call| match call.operation.as_str() {
        "GetCallerIdentity" => {
            Some(Ok(json!({"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ana", "UserId": "A"})))
        }
        _ => refuse(400, "ClusterNotFoundException", "Cluster not found."),
    })
    .await;
    stage.lanes.act.read(&Query::Identity).await.unwrap();
    let fault = stage.lanes.poll.read(&Query::Services).await.unwrap_err();
    assert_eq!((fault.kind, fault.subject.as_str()), (FaultKind::NotFound, "cluster prodd"));
    assert!(fault.advice.contains("us-east-1, account 123456789012"), "{}", fault.advice);
    assert!(fault.request_id.is_some());
}

#[tokio::test]
async fn a_named_cluster_without_services_must_be_there() {
    let of = |describe: Value| {
        Stage::of_clusters(&["prod"], move |call| {
            Some(Ok(if call.operation == "DescribeClusters" { describe.clone() } else { json!({}) }))
        })
    };
    for (describe, found) in [
        (json!({"clusters": [{"clusterName": "prod", "status": "ACTIVE"}], "failures": []}), true),
        (json!({"clusters": [{"clusterName": "prod", "status": "INACTIVE"}], "failures": []}), false),
        (json!({"clusters": [], "failures": [{"arn": "prod", "reason": "MISSING"}]}), false),
        (json!({}), true),
    ] {
        let answer = of(describe.clone()).await.lanes.poll.read(&Query::Services).await;
        assert_eq!(
            answer.map_err(|fault| fault.kind),
            if found { Ok(Answer::Services(vec![])) } else { Err(FaultKind::NotFound) }
        );
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_not_found() {
    let stage =
        Stage::new(|_| Some(Ok(json!({"services": [], "failures": [{"arn": "x", "reason": "MISSING"}]})))).await;
    let fault = stage.lanes.poll.read(&Query::Service(ServiceKey::new("prod", "nope"))).await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::NotFound, Some("MISSING")));
    assert_eq!(fault.subject, "prod/nope");
}

#[tokio::test]
async fn rules_and_default_actions_of_all_listeners() {
    let stage = Stage::new(|call| {
        let input = &call.input;
        Some(Ok(match call.operation.as_str() {
            "DescribeLoadBalancers" => match input["Marker"].as_str() {
                None => json!({"LoadBalancers": [{"LoadBalancerArn": balancer_arn()}], "NextMarker": "2"}),
                Some(_) => json!({"LoadBalancers": [{"LoadBalancerArn": format!("{ELB}:loadbalancer/net/flow/07")}]}),
            },
            "DescribeListeners" if input["LoadBalancerArn"].as_str().unwrap().contains("/net/") => {
                json!({"Listeners": [{"ListenerArn": format!("{ELB}:listener/net/flow/07/08"), "Port": 443,
                    "LoadBalancerArn": format!("{ELB}:loadbalancer/net/flow/07"),
                    "DefaultActions": [{"Type": "forward", "TargetGroupArn": group("flow")}]}]})
            }
            "DescribeListeners" => json!({"Listeners": [listener(json!([forward(90, 10)]))]}),
            "DescribeRules" => match input["Marker"].as_str() {
                None => json!({"Rules": [rule(99, 1)], "NextMarker": "2"}),
                Some(_) => json!({"Rules": [
                    {"RuleArn": format!("{}x", rule_arn()), "Priority": "20", "IsDefault": false,
                     "Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]},
                    {"RuleArn": format!("{}y", rule_arn()), "Priority": "default", "IsDefault": true,
                     "Actions": [forward(90, 10)]},
                ]}),
            },
            _ => return None,
        }))
    })
    .await;
    let routes = stage.routes().await;
    let told: Vec<String> = routes
        .iter()
        .map(|route| {
            let weights: Vec<String> = route.forwards.iter().map(|forward| forward.weight.to_string()).collect();
            format!("{} {:?} {}", route.priority, route.port, weights.join("/"))
        })
        .collect();
    assert_eq!(told, ["10 Some(80) 99/1", "default Some(80) 90/10", "default Some(443) 1"]);
    assert_eq!(routes[1].id, RouteId::Default(Arn::new(listener_arn())));
    assert_eq!(stage.inputs("DescribeRules").len(), 2, "a network load balancer has no rules");
}

#[tokio::test]
async fn only_the_load_balancers_of_known_target_groups_are_asked() {
    let mut script = balanced(99, 1);
    let stage = Stage::of_clusters(&["prod"], move |call| match call.operation.as_str() {
        "ListServices" => Some(Ok(json!({"serviceArns": ["checkout"]}))),
        "DescribeServices" => Some(Ok(json!({"services": [{"serviceName": "checkout", "clusterArn": "prod",
            "loadBalancers": [{"targetGroupArn": group("stable")}]}]}))),
        "DescribeTargetGroups" => {
            assert_eq!(call.input["TargetGroupArns"], json!([group("stable")]));
            Some(Ok(
                json!({"TargetGroups": [{"TargetGroupArn": group("stable"), "LoadBalancerArns": [balancer_arn()]}]}),
            ))
        }
        _ => script(call),
    })
    .await;
    assert_eq!(stage.routes().await.len(), 1);
    assert_eq!(stage.count("DescribeLoadBalancers"), 1, "before the services are known, all of them");
    stage.services().await;
    let route = stage.routes().await.remove(0);
    assert_eq!((stage.count("DescribeLoadBalancers"), stage.count("DescribeTargetGroups")), (1, 1));
    let again = stage.lanes.act.read(&Query::Route(route.id.clone())).await.unwrap();
    assert_eq!(again, Answer::Route(route), "one rule by itself is the same");
}

#[tokio::test]
async fn health_that_is_not_known_is_absent() {
    let stage = Stage::new(|call| match call.input["TargetGroupArn"].as_str() {
        Some(arn) if arn == group("stable") => Some(Ok(json!({"TargetHealthDescriptions": [
            {"Target": {"Id": "10.0.0.1"}, "TargetHealth": {"State": "healthy"}},
            {"Target": {"Id": "10.0.0.2"}, "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout"}},
        ]}))),
        _ => refuse(500, "HealthUnavailable", "The health of the specified targets could not be retrieved"),
    })
    .await;
    let groups = vec![Arn::new(group("stable")), Arn::new(group("canary"))];
    let Answer::Health(health) = stage.lanes.poll.read(&Query::Health(groups)).await.unwrap() else { panic!() };
    assert_eq!(health.len(), 1);
    let (arn, health) = &health[0];
    assert_eq!((arn.as_str(), health.healthy, health.unhealthy), (group("stable").as_str(), 1, 1));
    assert_eq!(health.reasons, [("Target.Timeout".to_owned(), 1)]);
}

#[tokio::test]
async fn tasks_running_and_stopped_in_batches_of_a_hundred() {
    let stage = Stage::new(|call| {
        let input = &call.input;
        Some(Ok(match call.operation.as_str() {
            "ListTasks" if input["desiredStatus"] == "RUNNING" => {
                let (range, next) = page(2_000, 100, &input["nextToken"]);
                json!({"taskArns": range.map(|i| format!("t{i}")).collect::<Vec<_>>(), "nextToken": next})
            }
            "ListTasks" => json!({"taskArns": ["t3", "stopped"]}),
            "DescribeTasks" => {
                assert!(texts(&input["tasks"]).len() <= 100);
                let tasks: Vec<Value> = texts(&input["tasks"]).iter().map(|arn| json!({"taskArn": arn})).collect();
                json!({"tasks": tasks})
            }
            _ => return None,
        }))
    })
    .await;
    let query = Query::Tasks(ServiceKey::new("prod", "checkout"));
    let Answer::Tasks(tasks) = stage.lanes.poll.read(&query).await.unwrap() else { panic!() };
    assert_eq!(tasks.len(), 501, "five hundred of the running ones, and the stopped one that is not among them");
    assert_eq!(stage.count("ListTasks"), 6);
}

#[tokio::test]
async fn revisions_of_exactly_this_family_newest_first() {
    let stage = Stage::new(|_| {
        let arn = |name: &str| format!("{ECS}:task-definition/{name}");
        Some(Ok(json!({"taskDefinitionArns": [arn("checkout:9"), arn("checkout:10"), arn("checkout-canary:11")]})))
    })
    .await;
    let Answer::Family(family) = stage.lanes.poll.read(&Query::Family("checkout".to_owned())).await.unwrap() else {
        panic!()
    };
    assert_eq!(family.iter().map(TaskDefinitionArn::short).collect::<Vec<_>>(), ["checkout:10", "checkout:9"]);
}

const TARGET: (&str, &str) = ("targetgroup/stable/01", "loadbalancer/app/shop/01");

/// Two pages: values by query id.
fn minutes(status: &'static str, of: &'static str) -> impl FnMut(&Call) -> Option<ApiAnswer> + Send + 'static {
    move |call| {
        let first = call.input["NextToken"].is_null();
        let at = if first { 1_795_235_400 } else { 1_795_235_460 };
        let result = |query: &Value| {
            let id = query["Id"].as_str().unwrap();
            let metric = query["MetricStat"]["Metric"]["MetricName"].as_str().unwrap();
            let statistic = query["MetricStat"]["Stat"].as_str().unwrap();
            // Five hundreds are sparse: only the first minute has some.
            let value = match (metric, statistic) {
                ("RequestCount", _) => vec![200.0],
                ("HTTPCode_Target_5XX_Count", _) if first => vec![4.0],
                ("TargetResponseTime", "p95") => vec![0.25],
                _ => vec![],
            };
            let times = vec![at; value.len()];
            let status = match (format!("{metric} {statistic}") == of, first) {
                (true, _) => status,
                (false, true) => "PartialData",
                (false, false) => "Complete",
            };
            json!({"Id": id, "Label": metric, "Timestamps": times, "Values": value, "StatusCode": status})
        };
        let results: Vec<Value> = call.input["MetricDataQueries"].as_array().unwrap().iter().map(result).collect();
        Some(Ok(json!({"MetricDataResults": results, "NextToken": first.then_some("2")})))
    }
}

#[tokio::test]
async fn minutes_over_all_pages_oldest_first_in_milliseconds() {
    let stage = Stage::new(minutes("", "")).await;
    let net = ("targetgroup/flow/02", "loadbalancer/net/flow/07");
    let metrics = stage.metrics(&[TARGET, net]).await.unwrap();
    let told: Vec<_> = metrics[0].1.minutes.iter().map(|it| (it.requests, it.target_5xx, it.p95, it.p50)).collect();
    assert_eq!(told, [(Some(200.0), Some(4.0), Some(250.0), None), (Some(200.0), None, Some(250.0), None)]);
    assert_eq!(metrics[1].1, Series::default(), "network load balancers count no requests");
    let query = &stage.inputs("GetMetricData")[0];
    let queries = query["MetricDataQueries"].as_array().unwrap();
    assert_eq!(queries.len(), 8);
    let dimensions = json!([
        {"Name": "TargetGroup", "Value": "targetgroup/stable/01"}, {"Name": "LoadBalancer", "Value": "app/shop/01"},
    ]);
    assert!(queries.iter().all(|it| it["MetricStat"]["Metric"]["Dimensions"] == dimensions));
    assert_eq!(query["EndTime"].as_f64().unwrap() - query["StartTime"].as_f64().unwrap(), 300.0);
}

#[tokio::test]
async fn what_could_not_be_read_is_a_trouble_of_its_meter_and_its_errors_are_unknown() {
    use TroubleKind::{Failed, Forbidden, Partial};
    for (status, of, expected, errors) in [
        ("Forbidden", "TargetResponseTime p95", Forbidden, Some(4.0)),
        ("Forbidden", "RequestCount Sum", Forbidden, Some(4.0)),
        ("InternalError", "HTTPCode_Target_5XX_Count Sum", Failed, None),
        ("PartialData", "HTTPCode_Target_5XX_Count Sum", Partial, None),
        ("PartialData", "TargetConnectionErrorCount Sum", Partial, None),
        ("Perplexed", "TargetResponseTime p95", Failed, Some(4.0)),
    ] {
        let stage = Stage::new(minutes(status, of)).await;
        let series = stage.metrics(&[TARGET]).await.unwrap().remove(0).1;
        let told: Vec<_> = series.troubles.iter().map(|it| (it.metric.as_str(), it.kind)).collect();
        assert_eq!(told, [(of, expected)], "{status}");
        assert!(!series.troubles[0].message.is_empty());
        assert_eq!(series.minutes[0].errors(), errors, "{status} {of}");
    }
}

#[tokio::test]
async fn what_cloudwatch_says_of_the_whole_answer_is_said_of_what_it_left_out() {
    let text = "Maximum number of allowed metrics exceeded";
    let stage = Stage::new(move |_| Some(Ok(json!({"Messages": [{"Code": "Limit", "Value": text}]})))).await;
    let series = stage.metrics(&[TARGET]).await.unwrap().remove(0).1;
    assert_eq!(series.troubles.len(), 8);
    assert!(series.troubles.iter().all(|it| it.kind == TroubleKind::Failed && it.message.contains(text)));
    assert!(series.miscounted());
}

#[tokio::test]
async fn many_target_groups_in_calls_of_five_hundred_queries() {
    let stage = Stage::new(|_| None).await;
    let metrics = stage.metrics(&[TARGET; 100]).await.unwrap();
    assert_eq!(metrics.len(), 100);
    let sizes: Vec<usize> =
        stage.inputs("GetMetricData").iter().map(|it| it["MetricDataQueries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [500, 300]);
}
