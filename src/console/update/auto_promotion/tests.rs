use jiff::SignedDuration;

use super::*;
use crate::console::keymap::Key;
use crate::console::message::{Msg, Now};
use crate::console::update;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::service::Service;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::operation::Progress;
use crate::testkit::consoles;

fn feed(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let now = Now::new(model.observed.now.at + SignedDuration::from_millis(200));
    let effects = update(model, now, msg);
    consoles::draw(model);
    effects
}

fn report(model: &mut Model, operation: OperationId, progress: Progress) -> Vec<Effect> {
    feed(model, Msg::Progress { operation, progress })
}

fn ordered(effects: &[Effect]) -> Option<(OperationId, &Plan)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Execute { operation, plan, .. } => Some((*operation, &**plan)),
        _ => None,
    })
}

fn cancelled(effects: &[Effect]) -> Vec<OperationId> {
    let cancel = |effect: &Effect| if let Effect::Cancel(id) = effect { Some(*id) } else { None };
    effects.iter().filter_map(cancel).collect()
}

/// A canary at 10 % whose step to all of the traffic has just been ordered by itself: tasks first, then the rule.
fn stepping(rollback_after: Option<SignedDuration>) -> (Model, OperationId) {
    let mut model = consoles::waiting((120, 40));
    model.observed.settings.protected = false;
    model.observed.settings.automatic.countdown = SignedDuration::ZERO;
    model.observed.settings.automatic.rollback_after = rollback_after;
    feed(&mut model, Msg::Key(Key::Char('H')));
    let effects = feed(&mut model, Msg::Key(Key::Char('y')));
    let (id, plan) = ordered(&effects).unwrap_or_else(|| panic!("{:?}", model.operations.automatic));
    let calls: Vec<_> = plan.calls().map(|call| call.operation()).collect();
    assert_eq!(calls, ["UpdateService", "ModifyRule"], "{}", plan.title);
    report(&mut model, id, Progress::Sent { step: 0 });
    report(&mut model, id, Progress::Answered { step: 0, receipt: consoles::receipt() });
    let waits = feed(&mut model, Msg::Tick);
    assert!(ordered(&waits).is_none() && cancelled(&waits).is_empty(), "it has its PASS");
    (model, id)
}

fn goes_bad(model: &mut Model) {
    consoles::measure(model, 10, 6.0, 420.0);
}

#[test]
fn a_step_whose_pass_is_gone_before_users_were_moved_is_withdrawn_and_said() {
    let unread = |model: &mut Model| {
        let fault = Fault::new(FaultKind::Throttled, "DescribeRules", "", "Rate exceeded");
        consoles::hear(model, 0, Query::Routes, Err(fault));
    };
    let gone: [(fn(&mut Model), &str); 2] = [(goes_bad, "FAIL"), (unread, "the routes cannot be read (throttled)")];
    for (happens, said) in gone {
        let (mut model, id) = stepping(None);
        happens(&mut model);
        let effects = feed(&mut model, Msg::Tick);
        assert_eq!((cancelled(&effects), ordered(&effects)), (vec![id], None), "{said}");
        let off = &model.operations.switched_off["checkout"];
        assert!(off.wrong && off.why.contains("was withdrawn: ") && off.why.contains(said), "{off:?}");
        assert!(model.screen.notice.as_ref().unwrap().text.contains(said));
        report(&mut model, id, Progress::Ended(OperationOutcome::Superseded));
        assert!(model.operations.in_flight("checkout").is_none() && model.operations.local["checkout"].doing.is_none());
        assert!(cancelled(&feed(&mut model, Msg::Tick)).is_empty() && model.operations.automatic.is_empty());
    }
}

#[test]
fn a_step_that_has_moved_users_goes_on_to_its_end() {
    let (mut model, id) = stepping(None);
    report(&mut model, id, Progress::Verified { step: 0 });
    report(&mut model, id, Progress::Sent { step: 1 });
    goes_bad(&mut model);
    assert_eq!(cancelled(&feed(&mut model, Msg::Tick)), []);
    assert!(model.operations.automatic.contains_key("checkout"));
}

#[test]
fn h_withdraws_a_step_that_has_moved_nobody_and_leaves_one_that_has() {
    for moved in [false, true] {
        let (mut model, id) = stepping(None);
        if moved {
            report(&mut model, id, Progress::Verified { step: 0 });
            report(&mut model, id, Progress::Sent { step: 1 });
        }
        assert_eq!(cancelled(&feed(&mut model, Msg::Key(Key::Char('H')))), if moved { vec![] } else { vec![id] });
        let said = &model.screen.notice.as_ref().unwrap().text;
        assert!(said.contains("AUTOMATIC is off") && said.contains("withdrawn") != moved, "{said}");
        assert!(model.operations.automatic.is_empty());
    }
}

#[test]
fn what_an_operator_ordered_is_not_withdrawn() {
    let mut model = consoles::waiting((120, 40));
    model.observed.settings.protected = false;
    feed(&mut model, Msg::Key(Key::Char('H')));
    feed(&mut model, Msg::Key(Key::Char('y')));
    feed(&mut model, Msg::Key(Key::Char('H')));
    feed(&mut model, Msg::Key(Key::Char('P')));
    let effects = feed(&mut model, Msg::Key(Key::Char('y')));
    assert!(ordered(&effects).is_some(), "{:?}", model.screen.notice);
    model.switch_on("checkout");
    goes_bad(&mut model);
    assert_eq!(cancelled(&feed(&mut model, Msg::Tick)), []);
}

#[test]
fn a_fail_that_is_to_be_rolled_back_is_not_unheard_while_a_step_is_in_flight() {
    for moved in [false, true] {
        let (mut model, id) = stepping(Some(SignedDuration::from_millis(500)));
        if moved {
            report(&mut model, id, Progress::Sent { step: 1 });
        }
        goes_bad(&mut model);
        let first = feed(&mut model, Msg::Tick);
        assert_eq!(cancelled(&first), if moved { vec![] } else { vec![id] }, "moved: {moved}");
        assert!(model.operations.automatic.contains_key("checkout"), "it stays on for the way back");
        if !moved {
            report(&mut model, id, Progress::Ended(OperationOutcome::Superseded));
        }
        let back = (0..10).find_map(|_| {
            let effects = feed(&mut model, Msg::Tick);
            ordered(&effects).map(|(_, plan)| (plan.intent.is_rollback(), cancelled(&effects)))
        });
        assert_eq!(back, Some((true, if moved { vec![id] } else { vec![] })), "{:?}", model.operations.automatic);
    }
}

#[test]
fn what_somebody_else_did_beside_a_step_of_ours_switches_it_off() {
    let routes = |stable, canary| Answer::Routes(vec![consoles::route(stable, canary), consoles::route_of_search()]);
    let canary = |model: &Model| model.observed.snapshot.service(&consoles::key("checkout-canary")).unwrap().clone();
    let ours = |model: &mut Model| consoles::learn(model, 0, Query::Routes, routes(0, 100));
    let learn = |model: &mut Model, service: Service| {
        consoles::learn(model, 0, Query::Service(service.key.clone()), Answer::Service(Box::new(service)));
    };
    let ended = |happens: &dyn Fn(&mut Model)| {
        let (mut model, id) = stepping(None);
        report(&mut model, id, Progress::Verified { step: 0 });
        report(&mut model, id, Progress::Sent { step: 1 });
        happens(&mut model);
        report(&mut model, id, Progress::Ended(OperationOutcome::Done));
        model.operations.switched_off["checkout"].why.clone()
    };
    assert!(ended(&|model| ours(model)).contains("Finish with F"), "what it wrote itself is its own");
    let other = "somebody else acted: the weights were changed";
    assert_eq!(ended(&|model| consoles::learn(model, 0, Query::Routes, routes(40, 60))), other);
    let deployed = "somebody else acted: another deployment began";
    let revision = |model: &mut Model| {
        ours(model);
        let mut service = canary(model);
        service.task_definition = consoles::td("checkout", 43);
        service.rollouts[0].task_definition = consoles::td("checkout", 43);
        learn(model, service);
    };
    assert_eq!(ended(&revision), deployed);
    let deployment = |model: &mut Model| {
        ours(model);
        let arn = "arn:aws:ecs:us-east-1:123456789012:service-deployment/prod/checkout-canary/9";
        learn(model, Service { current_deployment: Some(Arn::new(arn)), ..canary(model) });
    };
    assert_eq!(ended(&deployment), deployed);
}

#[test]
fn a_fail_that_was_not_watched_all_the_time_begins_anew() {
    let (mut model, id) = stepping(Some(SignedDuration::from_secs(3_600)));
    goes_bad(&mut model);
    feed(&mut model, Msg::Tick);
    report(&mut model, id, Progress::Ended(OperationOutcome::Superseded));
    let began = model.operations.automatic["checkout"].failing_since;
    feed(&mut model, Msg::Tick);
    assert!(
        began.is_some() && model.operations.automatic["checkout"].failing_since == began,
        "{:?}",
        model.operations.automatic
    );
    let services = model.observed.snapshot.services.clone();
    let fault = Fault::new(FaultKind::Throttled, "DescribeServices", "", "Rate exceeded");
    consoles::hear(&mut model, 0, Query::Services, Err(fault));
    feed(&mut model, Msg::Tick);
    assert_eq!(model.operations.automatic["checkout"].failing_since, None);
    model.observed.snapshot.services = services;
    feed(&mut model, Msg::Tick);
    assert_eq!(model.operations.automatic["checkout"].failing_since, Some(model.observed.now.at));
}
