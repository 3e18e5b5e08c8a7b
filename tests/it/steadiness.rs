//! Services whose rollouts are complete and that need somebody all the same, as an operator finds and mends them.

use jiff::SignedDuration;
use tidegate::domain::analysis::VerdictStatus;
use tidegate::domain::release::condition::Severity;
use tidegate::domain::release::{Phase, Release};
use tidegate::domain::settings::Settings;
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Fault, FaultRule};

use crate::cli::Sim;
use crate::harness::Harness;

fn reasons(release: &Release) -> Vec<&'static str> {
    release.conditions.iter().filter(|it| it.denies_steady()).map(|it| it.reason()).collect()
}

/// The line of a release on the fleet.
fn line<'a>(screen: &'a str, name: &str) -> &'a str {
    screen.lines().find(|line| line.contains(&format!(" {name} "))).unwrap_or_else(|| panic!("no {name} in\n{screen}"))
}

#[tokio::test]
async fn complete_rollouts_that_are_not_steady_stand_on_top_of_the_fleet_with_the_reason() {
    let mut stage = Harness::open("unsteady").await;
    stage.pass(30).await;
    let screen = stage.screen(200, 60);
    for (name, reason, words) in [
        ("orders", "rollback_failed", "ECS could not roll it back"),
        ("cart", "scaled_to_zero", "the desired count is 0, and a rule sends it traffic"),
        ("users", "not_active", "ECS is deleting the service (DRAINING), and a rule sends it traffic"),
        ("payments", "tasks_not_placed", "ECS cannot place a task: Capacity is unavailable at this time"),
    ] {
        let release = stage.release(name);
        assert!(release.needs_somebody(), "{name}");
        assert_eq!(reasons(release).first(), Some(&reason), "{name}");
        let grave = release.unsteady().unwrap().severity() == Severity::Critical;
        assert!(!grave || release.verdict.outcome != VerdictStatus::Pass, "{name}");
        let line = line(&screen, name);
        assert!(line.contains(words) && !line.contains("steady"), "{line}");
    }
    assert!(screen.contains("4 need you"), "{screen}");
    let order: Vec<_> = stage.model.screen.fleet.lines(&stage.model.observed.releases);
    let first: Vec<_> = order.iter().take(4).map(|release| release.name.as_str()).collect();
    assert_eq!(first, ["orders", "cart", "users", "payments"]);
    assert!(!stage.release("search").needs_somebody());
}

#[tokio::test]
async fn a_rollback_that_failed_is_made_good_by_deploying_what_worked_again() {
    let mut stage = Harness::open("unsteady").await;
    stage.go("orders").await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("ROLLBACK READY") && screen.contains("orders → :23 again"), "{screen}");
    stage.press("R").await;
    stage
        .until("orders is steady", |model| {
            model.release("orders").is_some_and(|release| release.phase == Phase::Steady)
        })
        .await;
    assert_eq!(stage.told(), ["UpdateService service=orders taskDefinition=orders:23 forceNewDeployment=true"]);
    stage.settle().await;
    assert_eq!(reasons(stage.release("orders")), [] as [&str; 0]);
}

#[tokio::test]
async fn a_rule_that_is_divided_at_rest_is_named_with_each_groups_share() {
    let mut stage = Harness::open("divided-rule").await;
    stage.pass(30).await;
    let orders = stage.release("orders");
    assert_eq!((orders.phase, reasons(orders)), (Phase::Steady, vec!["divided_at_rest", "no_healthy_target"]));
    assert_ne!(orders.verdict.outcome, VerdictStatus::Pass);
    let screen = stage.screen(200, 60);
    let line = line(&screen, "orders");
    assert!(line.contains("rule divided: orders-green 95%, orders-blue 5%"), "{line}");
    // No deployment is needed, which ECS would refuse: the weights bring the users to the tasks.
    stage.go("orders").await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("ROLLBACK READY") && screen.contains("orders-blue = 100% in one call"), "{screen}");
    stage.press("R").await;
    stage.pass(2).await;
    stage.press("y").await;
    stage.pass(60).await;
    assert_eq!(stage.told(), ["ModifyRule orders-blue=999 orders-green=0"]);
    let orders = stage.release("orders");
    assert_eq!(reasons(orders), Vec::<&str>::new());
    // The users are back: there is nothing to mend any more.
    stage.press("R").await;
    stage.pass(10).await;
    assert_eq!(stage.told().len(), 1);
}

#[tokio::test]
async fn a_daemon_canary_goes_back_and_forth_by_weights_alone() {
    let mut stage = Harness::open("daemon").await;
    stage.pass(30).await;
    stage.go("checkout").await;
    assert_eq!(stage.release("checkout").newest().desired, 3);
    stage.press("R").await;
    stage.pass(10).await;
    assert_eq!(stage.told(), ["ModifyRule checkout-stable=100 checkout-canary=0"]);
    assert_eq!(stage.release("checkout").newest().running, 3);
}

#[tokio::test]
async fn a_revision_of_which_no_task_ever_ran_is_passed_over() {
    let mut stage = Harness::open("never-ran").await;
    stage.go("orders").await;
    stage.pass(10).await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("orders → :23") && !screen.contains("orders → :24"), "{screen}");
}

#[tokio::test]
async fn the_old_revisions_tasks_are_not_those_of_the_new_one() {
    let mut stage = Harness::open("crash-loop").await;
    stage.go("payments").await;
    stage.pass(20).await;
    let release = stage.release("payments");
    let (own, old) = (release.stable.own(), release.stable.others().next().unwrap().clone());
    assert_eq!((own.task_definition.tag(), own.healthy), (":18".to_owned(), Some(0)));
    assert_eq!((old.task_definition.tag(), old.running, old.healthy), (":17".to_owned(), 6, Some(6)));
    let screen = stage.screen(120, 40);
    let own = screen.lines().find(|line| line.contains("new      :18")).unwrap();
    assert!(own.contains("/6 running") && own.contains("0 healthy ▲") && !own.contains("6/6"), "{own}");
    let old = screen.lines().find(|line| line.contains("old      :17")).unwrap();
    assert!(old.contains("6/6 running") && old.contains("6 healthy ✓"), "{old}");
}

#[tokio::test]
async fn old_tasks_that_ecs_removes_later_need_nobody_unless_they_are_what_was_rolled_back() {
    let settings = Settings { patience: SignedDuration::from_mins(4), ..Settings::default() };
    let mut stage = Harness::with("deferred-cleanup", settings).await;
    stage.pass(30).await;
    let payments = stage.release("payments");
    assert!(!payments.needs_somebody() && reasons(payments).is_empty(), "{payments}");
    assert!(payments.conditions.iter().any(|it| it.reason() == "cleanup_deferred"), "{payments}");
    assert_eq!(payments.phase, Phase::Steady);
    stage.go("payments").await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("tasks of :17 run on") && screen.contains(":18 may serve on for up to 14 d"), "{screen}");
    stage.press("R").await;
    let asked = stage.screen(120, 40);
    assert!(asked.contains(":18 may serve for up to 14 d"), "{asked}");
    stage.press("y").await;
    assert_eq!(stage.told(), ["UpdateService service=payments taskDefinition=payments:17"]);
    // Some users are still on :18: the rollback is not done, and somebody has to look.
    let ended = stage.audit().await.pop().unwrap();
    assert!(ended["outcome"].to_string().contains("6 tasks of other revisions run on"), "{ended}");
    assert_eq!(reasons(stage.release("payments")), ["several_revisions"]);
}

#[test]
fn a_rollback_that_ecs_would_refuse_is_not_ready_and_its_dry_run_exits_3() {
    // The divided rule of an Express service is not ours to mend. Without a rollback in its history, R goes back from :23.
    let express = include_str!("../../assets/scenarios/express.toml");
    let text = express.replace("deployed = \"10d\"", "deployed = \"3h\"");
    let text = text.replace("past = [\n  { task_definition = \"orders:24\"", "past = [\n  #");
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    let sim = Sim::start(&["--scenario", file.path().to_str().unwrap()]);
    let status = sim.home.expect(0, &["status", "orders", "--json"]).json();
    let back = &status["services"][0]["rollback"];
    assert_eq!((&back["ready"], &back["target"].is_null()), (&false.into(), &false), "{back}");
    assert!(back["blocked"][0].as_str().unwrap().contains("ECS refuses every deployment"), "{back}");
    let plan = sim.home.expect(3, &["rollback", "orders", "--dry-run", "--json"]).json();
    assert_eq!((&plan["refused"], plan["calls"].as_array().unwrap().len()), (&serde_json::Value::Null, 1), "{plan}");
    assert!(plan["blocked"][0].as_str().unwrap().contains("ECS refuses every deployment"), "{plan}");
    let text = sim.home.expect(3, &["rollback", "orders", "--dry-run"]).out;
    assert!(text.contains("AWS would refuse it: the rule is divided"), "{text}");
}

#[tokio::test]
async fn auto_scaling_that_would_undo_a_rollback_is_said_before_the_key() {
    let mut stage = Harness::open("auto-scaling").await;
    stage.go("checkout").await;
    let screen = stage.screen(160, 45);
    let short = "checkout-stable needs 18 tasks for all traffic, and auto scaling makes them 10 again";
    assert!(screen.contains("NOT READY") && screen.contains(short), "{screen}");
    let kept = "auto scaling starts 4 tasks of checkout-canary again, without traffic";
    let checks = |stage: &Harness| -> Vec<String> {
        stage.release("checkout").preflight.checks.iter().map(|check| check.what.clone()).collect()
    };
    assert_eq!(checks(&stage), [short, kept]);
    let asked = stage.server.log().select(|call| call.operation == "DescribeScalableTargets");
    assert_eq!(asked.len(), 1, "once for both services, and not for those of other releases");
    assert_eq!(
        asked[0].input["ResourceIds"],
        serde_json::json!(["service/prod/checkout-stable", "service/prod/checkout-canary"])
    );
}

#[tokio::test]
async fn auto_scaling_that_may_not_be_read_stands_in_nobodys_way() {
    let scenario = Scenario::named("bad-canary").unwrap();
    let mut stage = Harness::behind(&scenario, Settings::default(), |world| world).await;
    stage.server.faults().add(FaultRule::new(Fault::Deny).operations(&["DescribeScalableTargets"]));
    stage.go("checkout").await;
    stage.pass(600).await;
    let denied = stage.server.log().select(|call| call.operation == "DescribeScalableTargets" && call.error.is_some());
    assert!(denied.len() < 2, "a denied question is not repeated");
    let screen = stage.screen(120, 40);
    assert!(!screen.contains("DescribeScalableTargets") && !screen.contains("NOT READY"), "{screen}");
}

#[test]
fn a_dry_run_of_a_rollback_that_auto_scaling_would_undo_exits_3() {
    let sim = Sim::start(&["--scenario", "auto-scaling"]);
    let undone = "auto scaling makes them 10 again";
    let plan = sim.home.expect(3, &["rollback", "checkout", "--dry-run", "--json"]).json();
    assert!(plan["blocked"][0].as_str().unwrap().contains(undone), "{plan}");
    let status = sim.home.expect(0, &["status", "checkout", "--json"]).json();
    assert!(status["services"][0]["rollback"]["blocked"][0].as_str().unwrap().contains(undone), "{status}");
}
