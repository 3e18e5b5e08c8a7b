//! Services whose rules tidegate never writes: those behind an ECS Gateway or VPC Lattice, and those of Express Mode.

use serde_json::json;
use tidegate::console::keymap::Key;
use tidegate::domain::ecs::service::Managed;
use tidegate::domain::release::Phase;
use tidegate::domain::release::share::Weight;
use tidegate::domain::wording::Wording;

use super::{changed, configured, one, rules};
use crate::cli::Sim;
use crate::harness::Harness;

#[tokio::test]
async fn the_rule_of_a_gateway_is_read_from_the_revisions_and_never_written() {
    let mut stage = Harness::open("gateway").await;
    let before = rules(&stage);
    let search = stage.release("search");
    assert_eq!((configured(&stage, "search").as_str(), search.managed), ("10%", Some(Managed::Gateway)));
    let sides = [&search.stable, search.canary.as_ref().unwrap()].map(|side| side.task_definition.tag());
    assert_eq!(sides, [":88", ":89"]);
    assert_eq!((search.stable.healthy, search.stable.weight.map(Weight::value)), (Some(8), Some(90)));
    stage.go("search").await;
    stage.press("R").await;
    let told = stage.told();
    assert!(told.len() == 1 && told[0].starts_with("StopServiceDeployment"), "{told:?}");
    stage.until("back", |model| model.release("search").unwrap().phase == Phase::Steady).await;
    let search = stage.release("search");
    assert_eq!((search.stable.task_definition.tag().as_str(), search.needs_somebody()), (":88", false), "{search}");
    assert_eq!(changed(&before, &rules(&stage)).len(), 1, "by ECS itself");
}

#[tokio::test]
async fn behind_vpc_lattice_only_the_calls_of_ecs_are_levers() {
    let mut stage = Harness::open("lattice").await;
    let search = stage.release("search");
    assert_eq!((search.managed, search.share.configured), (Some(Managed::Lattice), None), "no rule was read");
    let sides = [&search.stable, search.canary.as_ref().unwrap()].map(|side| side.task_definition.tag());
    assert_eq!(sides, [":88", ":89"]);
    let said: Vec<_> = search.conditions.iter().map(|it| it.message(Wording::PLAIN)).collect();
    let lattice = "VPC Lattice sends search its requests, and its rules are not read: only ECS shifts its traffic and \
                   takes it back";
    assert!(said.iter().any(|it| it == lattice), "{said:?}");
    stage.go("search").await;
    let screen = stage.screen(80, 24);
    assert!(screen.contains("ECS wants 10 % weights not read") && screen.contains(" 10 % ●"), "{screen}");
    assert!(!screen.contains("nobody is served") && !screen.contains("STALLED"), "{screen}");
    assert!(screen.contains(" ECS shifts its traffic and takes it back  "), "the note is whole: {screen}");
    stage.press("W").await;
    stage.press("5").await;
    stage.press("\ny").await;
    assert_eq!(stage.told(), [""; 0], "{}", stage.screen(120, 40));
    stage.hit(Key::Esc);
    stage.settle().await;
    stage.press("R").await;
    let told = stage.told();
    assert!(told.len() == 1 && told[0].starts_with("StopServiceDeployment"), "{told:?}");
    stage.until("back", |model| model.release("search").unwrap().phase == Phase::Steady).await;
    assert_eq!(stage.release("search").stable.task_definition.tag(), ":88");
}

#[tokio::test]
async fn an_express_service_goes_back_by_ecs_and_takes_no_other_strategy() {
    let mut stage = Harness::open("express").await;
    let search = stage.release("search");
    assert_eq!((configured(&stage, "search").as_str(), search.managed), ("5%", Some(Managed::Express)));
    assert_eq!(search.stable.task_definition.tag(), ":88");
    let orders = stage.release("orders");
    assert!(orders.needs_somebody(), "{orders}");
    let said: Vec<_> = orders.conditions.iter().map(|it| it.message(Wording::PLAIN)).collect();
    assert!(said.iter().any(|it| it == "orders-green gets 95% of the traffic and has no target"), "{said:?}");
    stage.go("search").await;
    stage.press("R").await;
    stage.until("back", |model| model.release("search").unwrap().phase == Phase::Steady).await;
    let told = stage.told();
    assert!(told.len() == 1 && told[0].starts_with("StopServiceDeployment"), "{told:?}");
}

#[test]
fn what_express_mode_refuses_is_refused_before_anything_is_sent() {
    let sim = Sim::start(&["--scenario", "express"]);
    let refused =
        sim.home.expect(3, &["rollback", "orders", "--to", "orders:22", "--at-once", "--dry-run", "--json"]).json();
    let reason = refused["refused"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("ECS Express Mode sets the strategy of orders"), "{refused}");
    let start = ["start", "orders", "--task-definition", "orders:24", "--pauses", "--dry-run", "--json"];
    let refused = sim.home.expect(3, &start).json();
    assert_eq!(refused["refused"]["remedy"], "start_without_pauses", "{refused}");
    let orders = one(&sim.home.expect(0, &["status", "--json"]).json(), "orders");
    assert_eq!((&orders["needs_somebody"], &orders["managed"]), (&json!(true), &json!("express")));
    let path = orders["rollback"]["path"].as_str().unwrap();
    assert!(path.contains("its users are not served") && orders["rollback"]["ready"] == false, "{orders}");
}
