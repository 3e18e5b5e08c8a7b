//! The console on a fleet that no screen holds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tidegate::console::message::Msg;
use tidegate::console::state::Model;
use tidegate::domain::observe::snapshot::{Answer, Query, Snapshot};
use tidegate::domain::settings::Settings;
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Server, SimClock};
use tidegate::sim::world::World;

use crate::cli::Home;
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
        let [before, after] = [&before, &after].map(|counts| counts.get(operation).map_or(0, |count| count.calls));
        after - before
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
    let moved = |model: &Model| {
        model.release("checkout").and_then(|it| it.share.configured).is_some_and(|share| share.value() == 10.0)
    };
    stage.until("10 percent", moved).await;
}

#[tokio::test]
async fn parts_are_rows_and_are_no_whole() {
    let mut stage = large("shop").await;
    let all: Vec<_> = stage.model.observed.snapshot.services.get().unwrap().values().cloned().collect();
    stage.model.observed.snapshot = Snapshot::default();
    let some = all.iter().take(40).cloned().collect();
    let answer = Answer::SomeServices(some);
    stage.feed(Msg::Overheard { asked: stage.model.observed.now.at, query: Query::Services, answer });
    let screen = stage.screen(120, 40);
    assert!(screen.contains("40 releases so far") && !screen.contains("none needs you"), "{screen}");
    stage.pass(60).await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("159 releases ·") && screen.contains("none needs you"), "{screen}");
}

#[test]
fn a_command_about_one_release_reads_that_release() {
    let start = Timestamp::now();
    let scenario = Scenario::named("good-release").unwrap().enlarged(300, 4);
    let server = Server::start(World::new(&scenario, 7, start), SimClock::running(start, 1.0), None).unwrap();
    let mut home = Home::new();
    for (name, value) in [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "a"), ("AWS_REGION", "us-east-1")] {
        home.set(name, value);
    }
    home.set("AWS_ENDPOINT_URL", &server.endpoint());
    let calls = |operation: &str| server.counts().all().get(operation).map_or(0, |count| count.calls);
    let pair = home.expect(0, &["status", "checkout", "--json"]).json();
    assert_eq!(pair["services"][0]["canary"]["service"], "checkout-canary", "{pair}");
    let plan = home.expect(0, &["rollback", "svc-0007", "--to", ":1", "--dry-run"]);
    assert!(plan.out.contains("UpdateService"), "{plan:?}");
    assert_eq!((calls("ListServices"), calls("DescribeServices")), (0, 2));
    // A name that no service has may still be a pair's: then the services are listed.
    let unknown = home.run(&["status", "chekout"]);
    assert!(unknown.code == Some(4) && unknown.err.contains("there is no service called chekout"), "{unknown:?}");
    assert_eq!(calls("ListServices"), 3);
}
