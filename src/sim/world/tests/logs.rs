//! CloudWatch Logs and the log lines of the scenarios.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Sim;
use crate::sim::api::Service;

/// A log event: timestamp, stream, message and id.
type LogEvent = (i64, String, String, String);

impl Sim {
    fn logs(&mut self, operation: &str, input: Value) -> Value {
        self.call(Service::Logs, operation, input).unwrap()
    }

    /// All events of a FilterLogEvents over all its pages.
    fn filter(&mut self, input: &Value) -> Vec<LogEvent> {
        let (mut events, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut input = input.clone();
            input["nextToken"] = token;
            let page = self.logs("FilterLogEvents", input);
            let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
            let all = page["events"].as_array().unwrap().iter();
            events.extend(all.map(|e| {
                (e["timestamp"].as_i64().unwrap(), text(e, "logStreamName"), text(e, "message"), text(e, "eventId"))
            }));
            token = page["nextToken"].clone();
            if token.is_null() {
                return events;
            }
        }
    }

    /// The events of a group between `from` and `to` seconds ago.
    fn between(&mut self, group: &str, from: i64, to: i64, pattern: &str) -> Vec<LogEvent> {
        let now = self.world.now().as_millisecond();
        let (start, end) = (now - from * 1000, now - to * 1000 - 1);
        self.filter(&json!({"logGroupName": group, "startTime": start, "endTime": end, "filterPattern": pattern}))
    }

    fn refused_logs(&mut self, operation: &str, input: Value) -> (String, String) {
        let error = self.call(Service::Logs, operation, input).unwrap_err();
        (error.code, error.message)
    }

    /// The tasks of a service with a desired status.
    pub(super) fn tasks_in(&mut self, service: &str, status: &str) -> Vec<Value> {
        let list = self.ecs("ListTasks", json!({"serviceName": service, "desiredStatus": status}));
        if list["taskArns"] == json!([]) {
            return Vec::new();
        }
        self.ecs("DescribeTasks", json!({"tasks": list["taskArns"]}))["tasks"].as_array().unwrap().clone()
    }
}

fn task_id(task: &Value) -> &str {
    task["taskArn"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[test]
fn every_request_has_a_line_and_every_failed_one_an_error() {
    let mut sim = Sim::new("bad-canary");
    sim.set_weights(50, 50).unwrap();
    sim.run(240);
    let end = sim.world.now().as_second() / 60 * 60 - 60;
    let between = |sim: &mut Sim, pattern: &str| {
        let input = json!({"logGroupName": "/ecs/checkout", "filterPattern": pattern,
            "startTime": (end - 60) * 1000, "endTime": end * 1000 - 1});
        sim.filter(&input).len() as f64
    };
    let metric = |sim: &mut Sim, name: &str| {
        let of = |sim: &mut Sim, group: &str| sim.metric_between(group, name, "Sum", end - 60..end).iter().sum::<f64>();
        of(sim, "checkout-stable") + of(sim, "checkout-canary")
    };
    sim.run(180);
    let (requests, lines) = (metric(&mut sim, "RequestCount"), between(&mut sim, "request"));
    assert!((lines / requests - 1.0).abs() < 0.05, "{lines} lines of {requests} requests");
    let (failed, errors) = (metric(&mut sim, "HTTPCode_Target_5XX_Count"), between(&mut sim, "error -info"));
    assert!(failed > 500.0 && (errors / failed - 1.0).abs() < 0.15, "{errors} errors of {failed}");
}

#[test]
fn a_time_range_has_the_same_lines_whenever_it_is_read() {
    let mut sim = Sim::new("crash-loop");
    let now = sim.world.now().as_millisecond();
    let input = json!({"logGroupName": "/ecs/payments", "startTime": now - 40_000, "endTime": now - 4000});
    let before = sim.filter(&input);
    assert!(before.len() > 500, "{}", before.len());
    sim.run(900);
    assert_eq!(sim.filter(&input), before);
    assert!(before.is_sorted_by_key(|(at, ..)| *at));
    let ids: BTreeSet<_> = before.iter().map(|(.., id)| id).collect();
    assert_eq!(ids.len(), before.len());
    assert_eq!(Sim::new("crash-loop").filter(&input), before);
}

#[test]
fn lines_become_readable_after_a_delay_and_some_out_of_order() {
    let mut sim = Sim::new("shop");
    let now = sim.world.now().as_millisecond();
    let input = json!({"logGroupName": "/ecs/search", "startTime": now - 5000, "endTime": now});
    let early = sim.filter(&input);
    sim.run(4);
    let late = sim.filter(&input);
    assert!(early.len() < late.len());
    let newest = early.last().unwrap().0;
    let known: BTreeSet<_> = early.iter().map(|(.., id)| id).collect();
    assert!(late.iter().any(|(at, .., id)| *at < newest && !known.contains(id)), "nothing came behind a newer one");
    let page = sim.logs("FilterLogEvents", input);
    for event in page["events"].as_array().unwrap() {
        let delay = event["ingestionTime"].as_i64().unwrap() - event["timestamp"].as_i64().unwrap();
        assert!((0..=3000).contains(&delay), "{event}");
    }
}

#[test]
fn pages_cover_all_lines_respect_limits_and_may_be_empty_before_the_end() {
    let mut sim = Sim::new("log-storm");
    let now = sim.world.now().as_millisecond();
    let input = json!({"logGroupName": "/ecs/checkout", "startTime": now - 15_000, "endTime": now - 5000});
    let all = sim.filter(&input);
    let (mut pages, mut total, mut token) = (0, 0, Value::Null);
    while pages == 0 || !token.is_null() {
        let mut input = input.clone();
        (input["nextToken"], input["limit"]) = (token, json!(700));
        let page = sim.logs("FilterLogEvents", input);
        let events = page["events"].as_array().unwrap();
        assert!(events.len() <= 700);
        (pages, total) = (pages + 1, total + events.len());
        token = page["nextToken"].clone();
    }
    assert_eq!(total, all.len());
    assert!(pages > 15, "{pages}");
    let whole = sim.logs("FilterLogEvents", json!({"logGroupName": "/ecs/checkout", "startTime": now - 90_000}));
    let bytes = whole["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap().len() + 26);
    assert!(bytes.sum::<usize>() <= 1 << 20);
    let mut empty = |start: i64| {
        let page = sim.logs("FilterLogEvents", json!({"logGroupName": "/ecs/checkout", "startTime": start}));
        page["events"] == json!([]) && page.get("nextToken").is_some()
    };
    assert!((10..60).any(|ago| empty(now - ago * 1000)), "no page is empty");
    let (code, message) = sim.refused_logs(
        "FilterLogEvents",
        json!({"logGroupName": "/ecs/checkout", "startTime": 1, "nextToken": "0000000000000001.1.1"}),
    );
    assert_eq!((code.as_str(), message.as_str()), ("InvalidParameterException", "The specified nextToken is invalid."));
}

#[test]
fn a_log_storm_has_over_a_hundred_thousand_lines_a_minute_with_canary_errors() {
    let mut sim = Sim::new("log-storm");
    let lines = sim.between("/ecs/checkout", 35, 5, "");
    let a_minute = lines.len() * 2;
    assert!((105_000..140_000).contains(&a_minute), "{a_minute} lines a minute");
    let canary: Vec<_> = sim.tasks_in("checkout-canary", "RUNNING");
    let streams: Vec<_> = canary.iter().map(|task| format!("checkout/checkout/{}", task_id(task))).collect();
    let errors = |own: bool| {
        let of = |(_, stream, message, _): &&LogEvent| streams.contains(stream) == own && message.contains("\"error\"");
        lines.iter().filter(of).count()
    };
    assert!(errors(true) > 10 && errors(true) > errors(false) / 2, "{} {}", errors(true), errors(false));
}

#[test]
fn a_crashing_container_logs_the_cause_between_its_start_and_its_end() {
    let mut sim = Sim::new("crash-loop");
    sim.run(60);
    let stopped = sim.tasks_in("payments", "STOPPED");
    let crashed: Vec<_> = stopped.iter().filter(|t| t["stopCode"] == "EssentialContainerExited").collect();
    assert!(!crashed.is_empty());
    for task in crashed {
        let stream = format!("payments/payments/{}", task_id(task));
        let lines = sim.filter(&json!({"logGroupName": "/ecs/payments", "logStreamNames": [stream]}));
        let millis = |name: &str| (task[name].as_f64().unwrap() * 1000.0) as i64;
        assert!(lines.iter().all(|(at, ..)| (millis("startedAt")..=millis("executionStoppedAt")).contains(at)));
        let text: Vec<_> = lines.iter().map(|(_, _, message, _)| message.as_str()).collect();
        assert!(text[0].ends_with("INFO  starting payments 4.3.0"), "{text:#?}");
        let at = text.iter().position(|l| l.ends_with("ERROR configuration: PROVIDER_URL is not set")).unwrap();
        assert_eq!(text[at + 1], "Traceback (most recent call last):");
        assert_eq!(text[at + 8], "payments.settings.MissingSetting: PROVIDER_URL");
        assert!(text.last().unwrap().ends_with("ERROR exiting with code 1"), "{text:#?}");
        assert!(!text.iter().any(|l| l.contains("listening")), "{text:#?}");
    }
}

#[test]
fn tasks_without_an_image_or_with_another_log_driver_have_no_stream() {
    let mut sim = Sim::new("cannot-pull");
    let failed = sim.tasks_in("checkout-canary", "STOPPED");
    assert!(!failed.is_empty());
    let (code, message) = sim.refused_logs(
        "FilterLogEvents",
        json!({"logGroupName": "/ecs/checkout", "logStreamNames": [format!("checkout/checkout/{}", task_id(&failed[0]))]}),
    );
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, "The specified log stream does not exist.");
    let definition = sim.ecs("DescribeTaskDefinition", json!({"taskDefinition": "catalog"}));
    let containers = definition["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    assert_eq!(containers[0]["logConfiguration"]["logDriver"], "awsfirelens");
    assert_eq!(containers[1]["logConfiguration"]["options"]["awslogs-group"], "/ecs/log-router");
    let groups = sim.logs("DescribeLogGroups", json!({"logGroupNamePrefix": "/ecs/"}));
    let names: Vec<_> = groups["logGroups"].as_array().unwrap().iter().map(|g| g["logGroupName"].clone()).collect();
    assert!(names.contains(&json!("/ecs/log-router")) && !names.contains(&json!("/ecs/catalog")), "{names:?}");
    let (code, _) = sim.refused_logs("FilterLogEvents", json!({"logGroupName": "/ecs/catalog"}));
    assert_eq!(code, "ResourceNotFoundException");
}

#[test]
fn a_slow_start_logs_its_progress_and_never_gets_ready() {
    let mut sim = Sim::new("slow-start");
    let warming = sim.between("/ecs/users", 300, 0, "warming");
    assert!(warming.iter().any(|(_, _, line, _)| line.contains("\"message\":\"warming cache 20 %\"")), "{warming:#?}");
    assert_eq!(sim.between("/ecs/users", 300, 0, "listening"), []);
}

#[test]
fn a_failing_health_check_logs_the_unreachable_host() {
    let mut sim = Sim::new("failing-health-check");
    let lines = sim.between("/ecs/orders", 120, 0, "ERROR");
    let names_host =
        |(_, _, line, _): &&LogEvent| line.contains("GET /health/ready 503: inventory-v2.shop.internal:8080");
    assert!(lines.iter().filter(names_host).count() > 2, "{lines:#?}");
}

#[test]
fn invalid_log_queries_are_refused() {
    let mut sim = Sim::new("shop");
    let group = "/ecs/search";
    for (input, message) in [
        (json!({}), "A log group name or identifier is required."),
        (json!({"logGroupName": group, "logStreamNames": ["a"], "logStreamNamePrefix": "a"}), "together"),
        (json!({"logGroupName": group, "limit": 10_001}), "between 1 and 10000"),
        (json!({"logGroupName": group, "startTime": 2, "endTime": 1}), "endTime"),
        (json!({"logGroupName": group, "filterPattern": "{ $.level = 1 }"}), "Invalid filter pattern"),
        (json!({"logGroupName": group, "filterPattern": "a.b"}), "Invalid character(s) in term 'a.b'"),
    ] {
        let refused = sim.refused_logs("FilterLogEvents", input.clone());
        assert!(refused.0 == "InvalidParameterException" && refused.1.contains(message), "{input}: {refused:?}");
    }
    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/search:*";
    let now = sim.world.now().as_millisecond();
    assert!(!sim.filter(&json!({"logGroupIdentifier": arn, "startTime": now - 9000})).is_empty());
}

#[test]
fn streams_are_listed_by_last_event_and_read_in_both_directions() {
    let mut sim = Sim::new("shop");
    let list = sim.logs(
        "DescribeLogStreams",
        json!({"logGroupName": "/ecs/search", "orderBy": "LastEventTime", "descending": true, "limit": 5}),
    );
    let streams = list["logStreams"].as_array().unwrap();
    assert_eq!(streams.len(), 5);
    assert!(list.get("nextToken").is_some());
    assert!(streams.is_sorted_by_key(|s| -s["lastEventTimestamp"].as_i64().unwrap()));
    let name = streams[0]["logStreamName"].clone();
    let mut read = |more: Value| {
        let mut input = json!({"logGroupName": "/ecs/search", "logStreamName": name, "limit": 50});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sim.logs("GetLogEvents", input)
    };
    let newest = read(json!({}));
    let before = read(json!({"nextToken": newest["nextBackwardToken"]}));
    let again = read(json!({"nextToken": before["nextForwardToken"]}));
    assert_eq!(again["events"], newest["events"]);
    assert_eq!(newest["events"].as_array().unwrap().len(), 50);
    assert!(before["events"][49]["timestamp"].as_i64() <= newest["events"][0]["timestamp"].as_i64());
    let end = read(json!({"nextToken": newest["nextForwardToken"]}));
    assert_eq!(end["events"], json!([]));
    assert_eq!(end["nextForwardToken"], newest["nextForwardToken"]);
}
