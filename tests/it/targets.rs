//! Targets and their tasks: on instances, by host port, and by IPv6 address.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::json;
use tidegate::console::keymap::Key;
use tidegate::domain::settings::Settings;
use tidegate::sim::api::{Answer, ApiError, Call};
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::Backend;
use tidegate::sim::world::World;

use crate::harness::Harness;
use crate::topologies::elb;

/// Tag, running tasks and healthy targets of each revision of a service, the new one first.
fn by_revision(stage: &Harness, name: &str) -> Vec<(String, u32, Option<u32>)> {
    let revisions = &stage.release(name).stable.revisions;
    revisions.iter().map(|it| (it.task_definition.tag(), it.running, it.healthy)).collect()
}

/// The ids of a target group's targets.
fn targets(stage: &Harness, group: &str) -> Vec<String> {
    let mut world = stage.world.lock().unwrap();
    let groups = elb(&mut world, "DescribeTargetGroups", json!({"Names": [group]}));
    let of = json!({"TargetGroupArn": groups["TargetGroups"][0]["TargetGroupArn"]});
    let health = elb(&mut world, "DescribeTargetHealth", of);
    let all = health["TargetHealthDescriptions"].as_array().unwrap();
    all.iter().map(|it| it["Target"]["Id"].as_str().unwrap().to_owned()).collect()
}

/// The address of a target's row, as far as it is shown.
fn address(line: &str) -> Option<&str> {
    let mut cells = line.trim_start_matches(['"', ' ', '▸']).split_whitespace();
    let address = cells.next().filter(|address| address.contains(':'))?;
    cells.any(|cell| ["healthy", "initial"].contains(&cell)).then_some(address)
}

#[tokio::test]
async fn targets_on_instances_and_by_ipv6_address_are_told_apart_by_revision() {
    let mut stage = Harness::open("instances").await;
    stage.pass(10).await;
    assert!(targets(&stage, "orders").iter().all(|id| id.starts_with("i-0")));
    assert!(targets(&stage, "payments").iter().all(|id| id.parse::<Ipv6Addr>().is_ok()));
    for (name, new, old) in [("orders", ":24", ":23"), ("payments", ":18", ":17")] {
        stage.go(name).await;
        stage.press("g").await;
        stage.pass(5).await;
        let expected = [(new.to_owned(), 6, Some(3)), (old.to_owned(), 3, Some(3))];
        assert_eq!(by_revision(&stage, name), expected, "{name}: three of the new ones still start");
        // At any size the targets are told apart.
        for (columns, rows) in [(80, 30), (160, 45)] {
            let screen = stage.screen(columns, rows);
            let addresses: BTreeSet<_> = screen.lines().filter_map(address).collect();
            assert_eq!(addresses.len(), 9, "{screen}");
        }
        stage.hit(Key::Esc);
        stage.hit(Key::Esc);
    }
}

/// An account whose container instances nobody may see.
struct WithoutInstances(Arc<Mutex<World>>);

impl Backend for WithoutInstances {
    fn advance(&mut self, to: Timestamp) {
        Backend::advance(&mut self.0, to);
    }

    fn call(&mut self, call: &Call) -> Answer {
        if call.operation != "DescribeContainerInstances" {
            return Backend::call(&mut self.0, call);
        }
        let message = "User is not authorized to perform: ecs:DescribeContainerInstances".to_owned();
        Err(ApiError { status: 400, code: "AccessDeniedException".to_owned(), message })
    }
}

#[tokio::test]
async fn without_the_instances_a_port_that_several_tasks_have_is_nobodys() {
    let scenario = Scenario::named("instances").unwrap();
    let mut stage = Harness::behind(&scenario, Settings::default(), WithoutInstances).await;
    stage.go("orders").await;
    stage.pass(10).await;
    let asked = stage.server.log().select(|call| call.operation == "DescribeContainerInstances");
    assert_eq!(asked.len(), 1, "it is not asked for again");
    let unknown = [(":24".to_owned(), 6, None), (":23".to_owned(), 3, None)];
    assert_eq!(by_revision(&stage, "orders"), unknown);
}
