//! Automatic stepping from end to end: the whole console in paused time, on an AWS of our own.

use jiff::SignedDuration;
use serde_json::Value;
use tidegate::console::dialogs::Dialog;
use tidegate::console::keymap::Key;
use tidegate::console::message::Msg;
use tidegate::console::state::Model;
use tidegate::domain::format::minutes;
use tidegate::domain::settings::{Automatic, ServiceSettings, Settings, Thresholds};
use tidegate::sim::wire::{Fault, FaultRule};

use crate::harness::Harness;

/// Lines under which a canary at 1 % passes within minutes, not hours.
fn lenient() -> Settings {
    Settings {
        bake: SignedDuration::from_mins(4),
        thresholds: Thresholds { allowance: 20.0, p95_ratio: 10.0, min_requests: 20, ..Thresholds::default() },
        automatic: Automatic { countdown: SignedDuration::from_secs(30), rollback_after: None },
        ..Settings::default()
    }
}

fn counting(model: &Model) -> bool {
    model.operations.countdown(&model.observed.now).is_some()
}

fn on(stage: &Harness) -> bool {
    stage.model.operations.automatic.contains_key("checkout")
}

/// A console on checkout's screen with automatic stepping on.
async fn automatic(scenario: &str, settings: Settings) -> Harness {
    let mut stage = Harness::with(scenario, settings).await;
    stage.go("checkout").await;
    stage.press("H").await;
    let asked = stage.screen(80, 24);
    let countdown = minutes(stage.model.observed.settings.automatic.countdown);
    assert!(asked.contains(&format!("a countdown of {countdown}")), "{asked}");
    assert!(asked.contains("never finishes by itself"), "{asked}");
    assert!(!on(&stage), "it asks first");
    stage.press("y").await;
    assert!(on(&stage));
    stage
}

fn ordered(audit: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let lines = audit.iter().filter(|line| line["event"] == "ordered");
    lines.map(|line| (text(&line["intent"]), text(&line["via"]), text(&line["why"]))).collect()
}

#[tokio::test]
async fn a_good_canary_climbs_by_itself_and_is_left_for_an_operator_to_finish() {
    let mut stage = automatic("good-release", lenient()).await;
    stage.until("everybody is served by it", |model| !model.operations.automatic.contains_key("checkout")).await;
    stage.settle().await;
    assert_eq!(
        stage.told(),
        [
            "ModifyRule checkout-stable=90 checkout-canary=10",
            "UpdateService service=checkout-canary desiredCount=18",
            "ModifyRule checkout-stable=0 checkout-canary=100"
        ]
    );
    let notice = stage.model.screen.notice.clone().unwrap();
    assert!(notice.text.contains("Finish with F") && !notice.wrong, "{notice:?}");
    let orders = ordered(&stage.audit().await);
    assert_eq!(orders.len(), 2, "{orders:?}");
    for (intent, via, why) in orders {
        assert_eq!((intent.as_str(), via.as_str()), ("step", "automatic"));
        assert!(why.starts_with("automatic: baked ") && why.ends_with(" with PASS"), "{why}");
    }
    stage.pass(600).await;
    assert_eq!(stage.writes().len(), 3, "it never finishes by itself");
}

#[tokio::test]
async fn any_key_stops_the_countdown_and_does_nothing_else() {
    let mut stage = automatic("good-release", lenient()).await;
    for key in [Key::Char('j'), Key::Char('P'), Key::Char('H'), Key::Enter, Key::Char('?'), Key::Esc, Key::Other] {
        if !on(&stage) {
            stage.press("Hy").await;
        }
        stage.until("a countdown", counting).await;
        let screen = stage.screen(80, 24);
        let banner = screen.lines().find(|line| line.contains("any key stops it")).unwrap();
        assert!(banner.contains("AUTOMATIC") && banner.contains("10%") && banner.contains(" s "), "{screen}");
        let open = stage.model.screen.current.clone();
        stage.hit(key);
        stage.settle().await;
        assert!(!on(&stage) && stage.model.screen.dialog.is_none() && stage.model.screen.current == open, "{key:?}");
        assert!(stage.model.screen.notice.as_ref().unwrap().text.contains("a key stopped the countdown"));
        stage.pass(60).await;
        assert!(stage.writes().is_empty(), "{key:?}: {:?}", stage.told());
        assert!(stage.screen(80, 24).contains("automatic is off since"), "{}", stage.screen(80, 24));
    }
}

#[tokio::test]
async fn a_paste_stops_it_too_a_new_size_does_not_r_rolls_back_and_q_asks_once_more() {
    let mut stage = automatic("good-release", lenient()).await;
    stage.until("a countdown", counting).await;
    stage.feed(Msg::Resized(100, 30));
    assert!(counting(&stage.model));
    stage.feed(Msg::Paste("x".to_owned()));
    assert!(!on(&stage) && !counting(&stage.model));

    stage.press("Hy").await;
    stage.until("a countdown", counting).await;
    stage.hit(Key::Char('q'));
    assert!(!stage.quit && !on(&stage), "{:?}", stage.model.screen.notice);
    stage.hit(Key::Char('q'));
    assert!(stage.quit);

    stage.press("Hy").await;
    stage.until("a countdown", counting).await;
    stage.press("R").await;
    assert_eq!(stage.told()[0], "ModifyRule checkout-stable=100 checkout-canary=0");
    assert!(!on(&stage));
    assert_eq!(ordered(&stage.audit().await)[0].1, "key");
}

#[tokio::test]
async fn a_countdown_waits_while_a_question_is_open_and_begins_anew() {
    let mut stage = automatic("good-release", lenient()).await;
    stage.press("?").await;
    stage.pass(1200).await;
    assert!(on(&stage) && !counting(&stage.model), "{}", stage.screen(120, 40));
    assert!(stage.model.operations.automatic["checkout"].says.contains("while a question is open"));
    stage.hit(Key::Esc);
    stage.settle().await;
    assert!(counting(&stage.model));
    let (_, countdown) = stage.model.operations.countdown(&stage.model.observed.now).unwrap();
    assert!(countdown.left(&stage.model.observed.now) > SignedDuration::from_secs(25));
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn each_source_that_is_stale_or_says_nothing_stops_the_countdown_which_then_begins_anew() {
    let status = |metric: &str, status: &str| {
        let (metric, status) = (metric.to_owned(), status.to_owned());
        FaultRule::new(Fault::MetricStatus { metric, status })
    };
    let throttled = |operation: &str| FaultRule::new(Fault::Throttle).operations(&[operation]);
    let watched = ServiceSettings { alarms: vec!["checkout-canary-5xx".to_owned()], ..ServiceSettings::default() };
    // Long enough for each source to be asked in it.
    let automatic_for = Automatic { countdown: SignedDuration::from_secs(90), rollback_after: None };
    let services = [("checkout".to_owned(), watched)].into();
    let settings = Settings { services, automatic: automatic_for, ..lenient() };
    let mut stage = automatic("good-release", settings).await;
    let faults = [
        (throttled("DescribeServices"), "the services cannot be read"),
        (throttled("DescribeRules"), "the routes cannot be read"),
        (throttled("DescribeAlarms"), "the alarms cannot be read"),
        (throttled("GetMetricData"), "the metrics cannot be read"),
        (status("RequestCount", "Forbidden"), "could not be counted"),
        (status("RequestCount", "InternalError"), "could not be counted"),
        (status("HTTPCode_Target_5XX_Count", "Forbidden"), "could not be counted"),
    ];
    for (fault, said) in faults {
        stage.until("a countdown", counting).await;
        stage.server.faults().add(fault);
        stage.until(said, |model| !counting(model)).await;
        let says = &stage.model.operations.automatic["checkout"].says;
        assert!(says.starts_with("held: the ") && says.contains(said), "{said}: {says}");
        stage.pass(120).await;
        assert!(on(&stage) && !counting(&stage.model), "{said}");
        assert!(stage.writes().is_empty(), "{said}: {:?}", stage.told());
        stage.server.faults().clear();
    }
    stage.until("a countdown again", counting).await;
    let (_, countdown) = stage.model.operations.countdown(&stage.model.observed.now).unwrap();
    assert!(countdown.left(&stage.model.observed.now) > SignedDuration::from_secs(80), "the full length");
}

#[tokio::test]
async fn a_step_that_waits_for_tasks_is_withdrawn_when_the_requests_are_counted_no_more() {
    let mut stage = automatic("good-release", lenient()).await;
    let stepped =
        |model: &Model| model.release("checkout").unwrap().share.configured.is_some_and(|at| at.value() > 5.0);
    stage.until("10 %", stepped).await;
    let scaled = |model: &Model| {
        let canary = model.release("checkout").and_then(|release| release.canary.as_ref());
        model.operations.in_flight("checkout").is_some() && canary.is_some_and(|canary| canary.desired == 18)
    };
    stage.until("it scales the canary", scaled).await;
    // The tasks come, and are not seen to be well; meanwhile nobody counts the requests.
    stage.server.faults().add(FaultRule::new(Fault::Throttle).operations(&["DescribeTargetHealth"]));
    let (metric, status) = ("RequestCount".to_owned(), "Forbidden".to_owned());
    stage.server.faults().add(FaultRule::new(Fault::MetricStatus { metric, status }));
    stage.until("it is off", |model| !model.operations.automatic.contains_key("checkout")).await;
    let off = stage.model.operations.switched_off["checkout"].clone();
    assert!(off.wrong && off.why.contains("was withdrawn: the requests of "), "{off:?}");
    stage.server.faults().clear();
    stage.settle().await;
    stage.pass(300).await;
    assert_eq!(
        stage.told(),
        ["ModifyRule checkout-stable=90 checkout-canary=10", "UpdateService service=checkout-canary desiredCount=18",]
    );
    assert!(stage.model.operations.in_flight("checkout").is_none());
    assert!(stage.screen(80, 24).contains("automatic is off since"), "{}", stage.screen(80, 24));
}

#[tokio::test]
async fn another_operator_switches_it_off() {
    let mut stage = automatic("good-release", lenient()).await;
    stage.until("a countdown", counting).await;
    let weights = [("checkout-stable", 95), ("checkout-canary", 5)];
    assert!(stage.world.lock().unwrap().edit_rule_weights("checkout", &weights));
    stage.until("it is off", |model| !model.operations.automatic.contains_key("checkout")).await;
    let off = &stage.model.operations.switched_off["checkout"];
    assert!(off.wrong && off.why == "somebody else acted: the weights were changed", "{off:?}");
    assert!(stage.screen(80, 24).contains("somebody else acted"), "{}", stage.screen(80, 24));
    stage.pass(900).await;
    assert!(stage.writes().is_empty(), "{:?}", stage.told());
}

#[tokio::test]
async fn it_is_refused_where_nothing_may_be_written_or_nothing_can_be_stepped() {
    let refused = async |settings: Settings, name: &str| {
        let mut stage = Harness::with("good-release", settings).await;
        stage.go(name).await;
        stage.press("H").await;
        match &stage.model.screen.dialog {
            Some(Dialog::Refused { refusal, .. }) => refusal.reason.clone(),
            other => panic!("{name}: {other:?}"),
        }
    };
    let read_only = Settings { read_only: true, ..lenient() };
    assert_eq!(refused(read_only, "checkout").await, "This console is read-only.");
    assert!(refused(lenient(), "orders").await.contains("no lever"));
}

#[tokio::test]
async fn a_protected_environment_wants_the_name_and_the_shell_switches_it_off() {
    let mut stage = Harness::with("good-release", Settings { protected: true, ..lenient() }).await;
    stage.go("checkout").await;
    stage.press("Hy\n").await;
    assert!(!on(&stage), "y is not the name");
    stage.hit(Key::Ctrl('u'));
    stage.press("checkout\n").await;
    assert!(on(&stage));
    stage.hit(Key::Char('q'));
    assert!(!stage.quit, "it says once that it ends with the console");
    stage.hit(Key::Ctrl('z'));
    stage.feed(Msg::Resumed);
    assert!(!on(&stage) && stage.screen(120, 40).contains("stopped for the shell"), "{}", stage.screen(120, 40));
}

#[tokio::test]
async fn a_fail_that_lasts_is_rolled_back_by_itself_only_where_that_was_decided() {
    for rollback_after in [None, Some(SignedDuration::from_secs(60))] {
        let automatic = Automatic { rollback_after, ..lenient().automatic };
        let mut stage = Harness::with("bad-canary", Settings { automatic, ..lenient() }).await;
        stage.go("checkout").await;
        stage.press("PyHy").await;
        assert!(on(&stage), "{}", stage.screen(120, 40));
        stage
            .until("a FAIL", |model| {
                model.operations.automatic.get("checkout").is_none_or(|on| on.says.starts_with("FAIL"))
            })
            .await;
        let sent = stage.writes().len();
        stage.pass(180).await;
        if rollback_after.is_none() {
            assert!(on(&stage) && !counting(&stage.model));
            assert_eq!(stage.writes().len(), sent, "{:?}", stage.told());
            continue;
        }
        assert_eq!(stage.told()[sent], "ModifyRule checkout-stable=100 checkout-canary=0");
        let orders = ordered(&stage.audit().await);
        let (intent, via, why) = &orders[1];
        assert_eq!((intent.as_str(), via.as_str()), ("rollback", "automatic"));
        assert!(why.starts_with("automatic: FAIL for 1 min"), "{why}");
        stage.until("it is off", |model| !model.operations.automatic.contains_key("checkout")).await;
        assert!(stage.model.operations.switched_off["checkout"].why.starts_with("it was rolled back: FAIL"));
    }
}

#[tokio::test]
async fn weights_of_our_own_climb_by_themselves_and_ecs_is_not_let_on() {
    let own = ServiceSettings { native_weighted: true, ..ServiceSettings::default() };
    let mut stage =
        Harness::with("held", Settings { services: [("search".to_owned(), own)].into(), ..lenient() }).await;
    stage.go("search").await;
    stage.until("held", |model| !model.release("search").unwrap().pauses.is_empty()).await;
    stage.settle().await;
    stage.press("HyPy").await;
    stage.until("everybody is served by it", |model| !model.operations.automatic.contains_key("search")).await;
    stage.settle().await;
    assert_eq!(
        stage.told(),
        [
            "ModifyRule search-blue=99 search-green=1",
            "ModifyRule search-blue=90 search-green=10",
            "ModifyRule search-blue=0 search-green=100",
        ]
    );
    assert!(
        stage.model.operations.switched_off["search"].why.contains("P lets ECS go on"),
        "{:?}",
        stage.model.operations.switched_off
    );
    let via: Vec<_> = ordered(&stage.audit().await).into_iter().map(|(_, via, _)| via).collect();
    assert_eq!(via, ["key", "automatic", "automatic"]);
}

#[tokio::test]
async fn a_pause_of_ecs_is_answered_once_its_share_has_baked_with_pass() {
    let mut stage = Harness::with("paused-native", lenient()).await;
    stage.go("payments").await;
    stage.press("Hy").await;
    stage.until("a countdown", counting).await;
    assert!(stage.writes().is_empty());
    stage.until("ECS goes on", |model| !model.operations.automatic.contains_key("payments")).await;
    stage.settle().await;
    let told = stage.told();
    assert!(
        told.len() == 1 && told[0].starts_with("ContinueServiceDeployment") && told[0].ends_with("action=CONTINUE")
    );
    let off = &stage.model.operations.switched_off["payments"];
    assert!(!off.wrong && off.why.contains("ECS finishes it"), "{off:?}");
}
