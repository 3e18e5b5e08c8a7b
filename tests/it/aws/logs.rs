//! CloudWatch Logs: pages, other regions, and what each refusal costs.

use tidegate::cloud::Cloud;
use tidegate::domain::fault::{Fault, FaultKind};
use tidegate::domain::logs::{LONGEST, LogPage, LogQuery, LogSource};
use tidegate::domain::observe::snapshot::{Answer, Query};

use super::*;

fn query(group: &str, token: Option<&str>) -> LogQuery {
    let source = LogSource { group: group.to_owned(), region: None, prefix: "app/web/".to_owned() };
    LogQuery { source, from: "2026-11-21T04:00:00Z".parse().unwrap(), token: token.map(str::to_owned) }
}

async fn read(lanes: &ClientPools, query: LogQuery) -> Result<LogPage, Fault> {
    match lanes.poll.read(&Query::Logs(query)).await? {
        Answer::Logs(page) => Ok(page),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_page_is_asked_for_by_prefix_and_time_and_goes_on_where_the_one_before_ended() {
    let stage = Stage::new(|call| {
        let event = |n: u32, message: &str| {
            json!({"logStreamName": "app/web/0a", "timestamp": 1_795_000_000_000_i64 + i64::from(n), "message": message,
                "eventId": format!("e{n}"), "ingestionTime": 1_795_000_001_000_i64})
        };
        Some(Ok(match call.input["nextToken"].as_str() {
            None => json!({"events": [], "nextToken": "on"}),
            Some("on") => {
                json!({"events": [event(1, "level=info up"), event(2, &"é".repeat(LONGEST))], "nextToken": ""})
            }
            Some(other) => panic!("{other}"),
        }))
    })
    .await;
    // An empty page is not the end.
    let first = read(&stage.lanes, query("/shop/web", None)).await.unwrap();
    assert_eq!((first.lines.len(), first.next.as_deref()), (0, Some("on")));
    let second = read(&stage.lanes, query("/shop/web", Some("on"))).await.unwrap();
    assert_eq!((second.lines.len(), second.next), (2, None));
    let [up, long] = second.lines.as_slice() else { panic!() };
    assert_eq!((&*up.stream, up.text.as_str(), up.cut, up.error), ("app/web/0a", "level=info up", 0, false));
    assert_eq!(up.at.as_millisecond(), 1_795_000_000_001);
    assert_eq!((long.text.len(), long.cut), (LONGEST, LONGEST));
    let asked = &stage.inputs("FilterLogEvents")[0];
    assert_eq!(asked["logGroupName"], "/shop/web");
    assert_eq!(asked["logStreamNamePrefix"], "app/web/");
    assert_eq!(asked["startTime"], 1_795_233_600_000_i64);
    assert_eq!(asked["limit"], 10_000);
    let regions: Vec<_> = stage.server.log().select(|_| true).into_iter().map(|call| call.region).collect();
    assert_eq!(regions, ["us-east-1", "us-east-1"]);
}

#[tokio::test]
async fn a_log_of_another_region_is_read_there() {
    let stage =
        Stage::new(|_| refuse(400, "ResourceNotFoundException", "The specified log group does not exist.")).await;
    let mut asked = query("/shop/web", None);
    asked.source.region = Some("eu-west-1".to_owned());
    let fault = read(&stage.lanes, asked).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert!(fault.advice.contains("eu-west-1") && fault.subject.contains("/shop/web"), "{fault}");
    let regions: Vec<_> = stage.server.log().select(|_| true).into_iter().map(|call| call.region).collect();
    assert_eq!(regions, ["eu-west-1"]);
}

#[tokio::test]
async fn what_a_log_is_refused_for_says_what_helps() {
    for (code, token, kind, advice) in [
        ("ResourceNotFoundException", None, FaultKind::NotFound, "us-east-1"),
        ("AccessDeniedException", None, FaultKind::Denied, "logs:FilterLogEvents"),
        ("ThrottlingException", None, FaultKind::Throttled, "quota"),
        ("InvalidParameterException", Some("old"), FaultKind::Refused, "last line"),
        ("ServiceUnavailableException", None, FaultKind::Server, "asked again"),
    ] {
        let stage = Stage::new(move |_| refuse(400, code, "no")).await;
        let fault = read(&stage.lanes, query("/shop/web", token)).await.unwrap_err();
        assert_eq!((fault.kind, fault.operation.as_str()), (kind, "FilterLogEvents"), "{fault}");
        assert!(fault.advice.contains(advice), "{fault}");
    }
}

#[tokio::test]
async fn the_log_of_the_embedded_aws_is_read_page_by_page_and_no_line_twice() {
    let (_server, _, lanes) = embedded(&Scenario::named("crash-loop").unwrap()).await;
    let source =
        LogSource { group: "/ecs/payments".into(), region: Some("us-east-1".into()), prefix: "payments/".into() };
    let mut asked = LogQuery { source, from: "2026-11-21T04:30:00Z".parse().unwrap(), token: None };
    let (mut seen, mut before) = (std::collections::BTreeSet::new(), asked.from);
    for _ in 0..200 {
        let page = read(&lanes, asked.clone()).await.unwrap();
        for line in &page.lines {
            assert!(line.at >= before, "in the order of their times");
            before = line.at;
            assert!(line.stream.starts_with("payments/payments/"), "{}", line.stream);
            assert!(seen.insert(line.id), "each once");
        }
        let Some(next) = page.next else { break };
        asked.token = Some(next);
    }
    assert!(seen.len() > 20, "{}", seen.len());
}
