//! The console on a fleet that no screen holds.

use std::collections::BTreeSet;

use tidegate::console::message::Msg;
use tidegate::domain::observe::snapshot::Query;
use tidegate::domain::settings::Settings;
use tidegate::sim::scenario::Scenario;

use crate::harness::Harness;

async fn large(scenario: &str) -> Harness {
    let scenario = Scenario::named(scenario).unwrap().enlarged(160, 8);
    Harness::on(&scenario, Settings::default()).await
}

#[tokio::test]
async fn only_what_is_on_screen_or_in_flight_is_read_in_full() {
    let mut stage = large("good-release").await;
    stage.pass(60).await;
    assert_eq!(stage.model.observed.releases.len(), 159);
    let snapshot = &stage.model.observed.snapshot;
    let read = snapshot.task_definitions.len();
    assert!((20..120).contains(&read), "{read} task definitions");
    assert!(snapshot.health.len() < 80, "{} target groups", snapshot.health.len());
    assert!(snapshot.deployments.len() < 10, "{} histories", snapshot.deployments.len());
    let checkout = stage.release("checkout");
    assert!(checkout.verdict.judged.requests > 0.0, "what is in flight is judged: {:?}", checkout.verdict);
    // What comes into sight is read.
    let unread = stage.model.observed.releases.last().unwrap().name.clone();
    let health = |stage: &Harness| {
        let group =
            &stage.model.observed.snapshot.service(&stage.release(&unread).stable.service).unwrap().target_groups;
        stage.model.observed.snapshot.health_of(&group[0]).is_some()
    };
    assert!(!health(&stage));
    stage.press("G").await;
    stage.pass(60).await;
    assert!(health(&stage), "{}", stage.screen(120, 40));
}

#[tokio::test]
async fn a_quiet_minute_costs_what_the_fleet_costs_and_no_more() {
    let mut stage = large("shop").await;
    stage.pass(120).await;
    let before = stage.server.counts().all();
    stage.pass(60).await;
    let after = stage.server.counts().all();
    let calls = |operation: &str| {
        let of = |counts: &std::collections::BTreeMap<String, tidegate::sim::wire::CallCount>| {
            counts.get(operation).map_or(0, |count| count.calls)
        };
        of(&after) - of(&before)
    };
    // In the test's time a sweep takes no time, so one begins every 15 seconds.
    assert!(calls("DescribeServices") <= 4 * 17, "{}", calls("DescribeServices"));
    assert!(calls("ListServiceDeployments") <= 2, "{}", calls("ListServiceDeployments"));
    assert!(calls("DescribeTaskDefinition") <= 40, "{}", calls("DescribeTaskDefinition"));
    assert!(calls("DescribeTargetHealth") <= 160, "{}", calls("DescribeTargetHealth"));
    assert!(calls("GetMetricData") <= 4, "{}", calls("GetMetricData"));
}

#[tokio::test]
async fn a_release_in_flight_is_followed_between_two_sweeps() {
    let mut stage = large("good-release").await;
    stage.pass(30).await;
    let before = stage.server.log().last_sequence();
    stage.pass(30).await;
    let alone = stage.server.log().since(before);
    let named: BTreeSet<_> = alone
        .iter()
        .filter(|record| record.operation == "DescribeServices")
        .filter_map(|record| record.input["services"].as_array().filter(|names| names.len() == 1)?[0].as_str())
        .collect();
    assert_eq!(named, BTreeSet::from(["checkout-canary", "checkout-stable"]));
    let lists = alone.iter().filter(|record| record.operation == "ListServices").count();
    assert!(lists <= 3 * 2, "sweeps go on at leisure: {lists} pages");
    stage.press("P").await;
    stage.press("y").await;
    let moved = |model: &tidegate::console::state::Model| {
        model.release("checkout").and_then(|it| it.share.configured).is_some_and(|share| share.value() == 10.0)
    };
    stage.until("10 percent", moved).await;
}

#[tokio::test]
async fn parts_are_rows_and_are_no_whole() {
    let mut stage = large("shop").await;
    let all: Vec<_> = stage.model.observed.snapshot.services.get().unwrap().values().cloned().collect();
    stage.model.observed.snapshot = tidegate::domain::observe::snapshot::Snapshot::default();
    let some = all.iter().take(40).cloned().collect();
    let answer = tidegate::domain::observe::snapshot::Answer::SomeServices(some);
    stage.feed(Msg::Overheard { asked: stage.model.observed.now.at, query: Query::Services, answer });
    let screen = stage.screen(120, 40);
    assert!(screen.contains("40 releases so far") && !screen.contains("none needs you"), "{screen}");
    stage.pass(60).await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("159 releases ·") && screen.contains("none needs you"), "{screen}");
}
