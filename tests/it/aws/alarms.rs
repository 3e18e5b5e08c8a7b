//! Alarms by name: metric, composite and log ones, a hundred a call.

use serde_json::{Value, json};
use tidegate::cloud::Cloud;
use tidegate::domain::ecs::alarm::{Alarm, AlarmState};
use tidegate::domain::observe::snapshot::{Answer, Query};

use super::*;

impl Stage {
    async fn alarms(&self, names: &[String]) -> Vec<Alarm> {
        match self.lanes.poll.read(&Query::Alarms(names.to_vec())).await.unwrap() {
            Answer::Alarms(alarms) => alarms,
            other => panic!("{other:?}"),
        }
    }
}

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn alarms_of_every_kind_since_when_and_why() {
    let stage = Stage::new(|_| {
        Some(Ok(json!({
            "MetricAlarms": [
                {"AlarmName": "latency", "StateValue": "OK", "StateReason": "",
                 "StateUpdatedTimestamp": 2_000, "StateTransitionedTimestamp": 1_000},
                {"AlarmName": "errors", "StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": 2_000},
                {"AlarmName": "odd", "StateValue": "PERPLEXED"},
            ],
            "CompositeAlarms": [
                {"AlarmName": "any", "StateValue": "ALARM", "StateReason": "errors is in ALARM",
                 "StateTransitionedTimestamp": 3_000},
            ],
            "LogAlarms": [{"AlarmName": "lines", "StateValue": "ALARM", "StateTransitionedTimestamp": 4_000}],
        })))
    })
    .await;
    let told: Vec<_> = stage.alarms(&names(&["latency", "errors", "any", "odd", "gone", "any", "lines"])).await;
    let told: Vec<_> = told
        .iter()
        .map(|it| (it.name.as_str(), it.state.clone(), it.since.map(|at| at.as_second()), it.reason.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("any", AlarmState::Alarm, Some(3_000), Some("errors is in ALARM")),
            ("errors", AlarmState::InsufficientData, Some(2_000), None),
            ("latency", AlarmState::Ok, Some(1_000), None),
            ("lines", AlarmState::Alarm, Some(4_000), None),
            ("odd", AlarmState::Other("PERPLEXED".to_owned()), None, None),
        ]
    );
    let asked = stage.inputs("DescribeAlarms");
    let expected = json!({"AlarmNames": ["any", "errors", "gone", "latency", "lines", "odd"],
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm", "LogAlarm"], "MaxRecords": 100});
    assert_eq!(asked, [expected]);
}

#[tokio::test]
async fn an_endpoint_that_refuses_log_alarms_is_asked_for_the_others() {
    let stage = Stage::new(|call| {
        let kinds = call.input["AlarmTypes"].as_array().unwrap();
        Some(match kinds.iter().any(|kind| kind == "LogAlarm") {
            true => return refuse(400, "ValidationError", "AlarmTypes: unknown value LogAlarm"),
            false => Ok(json!({"MetricAlarms": [{"AlarmName": "latency", "StateValue": "OK"}]})),
        })
    })
    .await;
    let told = stage.alarms(&names(&["latency"])).await;
    assert_eq!((told.len(), stage.count("DescribeAlarms")), (1, 2));
}

#[tokio::test]
async fn a_hundred_names_a_call_and_every_page() {
    let stage = Stage::new(|call| {
        let all = call.input["AlarmNames"].as_array().unwrap();
        assert!(all.len() <= 100);
        let half = all.len() / 2;
        let show = |names: &[Value]| names.iter().map(|it| json!({"AlarmName": it, "StateValue": "OK"})).collect();
        let (shown, next): (Vec<Value>, _) = match call.input["NextToken"].as_str() {
            None => (show(&all[..half]), Some("2")),
            Some(_) => (show(&all[half..]), None),
        };
        Some(Ok(json!({"MetricAlarms": shown, "NextToken": next})))
    })
    .await;
    let asked: Vec<String> = (0..230).map(|i| format!("alarm-{i:03}")).collect();
    let told: Vec<String> = stage.alarms(&asked).await.into_iter().map(|alarm| alarm.name).collect();
    assert_eq!(told, asked);
    let sizes: Vec<usize> =
        stage.inputs("DescribeAlarms").iter().map(|it| it["AlarmNames"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 100, 100, 30, 30]);
}

#[tokio::test]
async fn without_a_name_nothing_is_asked() {
    let stage = Stage::new(|_| Some(Ok(json!({"MetricAlarms": [{"AlarmName": "everybody's"}]})))).await;
    assert_eq!(stage.alarms(&[]).await, []);
    assert_eq!(stage.count("DescribeAlarms"), 0);
}
