//! Tests of every key while an operation of our own is in flight: no message names a key that then refuses.

use crate::console::dialogs::Dialog;
use crate::console::keymap::Key;
use crate::console::message::{Effect, Msg, Order};
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::console::update;
use crate::console::update::commands;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::operation::{OperationId, OperationOutcome, Progress};
use crate::domain::plan::{Call, Intent, Plan};
use crate::domain::rollback::target::KnownGood;
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, open, percent, press, receipt, td};

const BACK: Intent = Intent::Rollback { to: None, at_once: false };

/// The progress of an operation's first call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Ordered,
    Waiting,
    Sent,
    Answered,
}

const ALL: [At; 4] = [At::Ordered, At::Waiting, At::Sent, At::Answered];

/// Puts an operation in flight for a release whose own screen is open.
fn order(model: &mut Model, name: &str, intent: &Intent, at: At) {
    model.screen.current = Screen::Release(name.into());
    let plan = model.plan(model.release(name).unwrap(), intent).unwrap_or_else(|why| panic!("{intent:?}: {why:?}"));
    let step = plan.steps.iter().position(|step| step.call.is_some()).unwrap();
    let operation = model.operations.next_id;
    model.start(plan, Order::default());
    model.derive();
    let reports = match at {
        At::Ordered => vec![],
        At::Waiting => vec![Progress::Waiting { step, what: "1 healthy".into() }],
        At::Sent => vec![Progress::Sent { step }],
        At::Answered => vec![Progress::Sent { step }, Progress::Answered { step, receipt: receipt() }],
    };
    report(model, operation, reports);
}

fn report(model: &mut Model, operation: OperationId, reports: Vec<Progress>) {
    for progress in reports {
        let now = model.observed.now;
        update(model, now, Msg::Progress { operation, progress });
    }
}

fn ordered(effects: &[Effect]) -> Option<Plan> {
    effects.iter().find_map(|effect| match effect {
        Effect::Execute { plan, .. } => Some((**plan).clone()),
        _ => None,
    })
}

/// Returns the notice and the refusal that a key led to.
fn said(model: &Model) -> String {
    let notice = model.screen.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    match &model.screen.dialog {
        Some(Dialog::Refused { refusal, .. }) => format!("{notice} {}", refusal.text(crate::console::wording::KEYS)),
        _ => notice,
    }
}

/// Returns consoles with an operation in flight: every kind of operation of every method.
fn in_flight() -> Vec<(String, &'static str, Model)> {
    let pair = || open((120, 40), Pair::at(10, 1_200));
    let unshared = || open((120, 40), Pair::at(0, 1_200));
    let start = |family: &str, revision| Intent::Start { task_definition: td(family, revision), pauses: false };
    let kinds: Vec<(&str, Model, Intent)> = vec![
        ("checkout", pair(), Intent::Step { to: None }),
        ("checkout", pair(), Intent::Weight { to: percent(1.0) }),
        ("checkout", unshared(), Intent::Step { to: None }),
        ("checkout", pair(), BACK),
        ("checkout", consoles::finishing((120, 40)), Intent::Finish),
        ("search", pair(), start("search", 89)),
        ("payments", pair(), BACK),
        ("ledger", pair(), start("ledger", 6)),
        ("payments", consoles::native_paused((120, 40)), Intent::Step { to: None }),
        ("payments", consoles::native_paused((120, 40)), BACK),
    ];
    let mut all = Vec::new();
    for (name, model, intent) in kinds {
        for at in ALL {
            let mut model = model.clone();
            model.operations.latest.remove(name);
            model.operations.local.remove(name);
            model.derive();
            order(&mut model, name, &intent, at);
            all.push((format!("{name}: {} {at:?}", intent.verb()), name, model));
        }
    }
    all
}

#[test]
fn no_message_names_a_key_that_then_refuses() {
    let mut promised = 0;
    for (case, name, model) in in_flight() {
        for key in ['R', 'P', 'W', 'S', 'F', 'H'] {
            let mut model = model.clone();
            let effects = press(&mut model, &[Key::Char(key)]);
            let text = said(&model);
            if key == 'R' {
                // `R` acts, asks, leaves the rollback pending, or a rollback is in flight already.
                let armed = model.operations.pending.contains_key(name);
                let back = ordered(&effects).is_some_and(|plan| plan.intent.is_rollback() && !plan.is_reached());
                let asks =
                    matches!(&model.screen.dialog, Some(Dialog::Confirm(confirm)) if confirm.plan.intent.is_rollback());
                let same = model.operations.in_flight(name).is_some_and(|it| it.plan.intent.is_rollback());
                assert!(armed || back || asks || same, "{case}: {text}");
                continue;
            }
            assert!(ordered(&effects).is_none(), "{case} {key}: a forward key never acts unasked");
            assert!(!text.is_empty(), "{case} {key} says nothing");
            if text.contains("R takes it back") {
                promised += 1;
                let effects = press(&mut model, &[Key::Esc, Key::Char('R')]);
                let armed = model.operations.pending.contains_key(name);
                let asks =
                    matches!(&model.screen.dialog, Some(Dialog::Confirm(confirm)) if confirm.plan.intent.is_rollback());
                assert!(armed || asks || ordered(&effects).is_some(), "{case} {key}: {}", said(&model));
            }
            if text.contains("h goes to another revision") {
                promised += 1;
                let operation = model.operations.in_flight(name).unwrap().clone();
                let release = model.release(name).unwrap().clone();
                let another = |to: &&KnownGood| {
                    let to = Some(to.task_definition.clone());
                    !operation.leads_to(&Intent::Rollback { to, at_once: false })
                };
                let to = release.previous.iter().find(another).unwrap().task_definition.clone();
                commands::rollback_to(&mut model, name, to);
                assert!(matches!(&model.screen.dialog, Some(Dialog::Confirm(_))), "{case} {key}: {}", said(&model));
            }
        }
    }
    assert!(promised > 40, "{promised}");
}

#[test]
fn a_start_that_was_not_seen_yet_is_taken_back_to_what_ran_and_no_further() {
    for at in ALL {
        let mut model = open((120, 40), Pair::at(10, 1_200));
        order(&mut model, "search", &Intent::Start { task_definition: td("search", 89), pauses: false }, at);
        let effects = press(&mut model, &[Key::Char('R')]);
        let plan = ordered(&effects).unwrap_or_else(|| panic!("{at:?}: {}", said(&model)));
        let to = plan.calls().find_map(|call| match call {
            Call::UpdateService { task_definition, .. } => task_definition.clone(),
            _ => None,
        });
        assert_eq!(to, Some(td("search", 88)), "{at:?}");
        assert!(matches!(effects[0], Effect::Cancel(_)), "nothing more of the start is sent");
    }
}

#[test]
fn a_first_step_that_was_not_seen_yet_is_taken_back_in_the_rule_too() {
    for at in ALL {
        let mut model = open((120, 40), Pair::at(0, 1_200));
        order(&mut model, "checkout", &Intent::Step { to: None }, at);
        let plan = ordered(&press(&mut model, &[Key::Char('R')])).unwrap_or_else(|| panic!("{at:?}"));
        assert!(plan.calls().any(|call| matches!(call, Call::SetWeights { .. })), "{at:?}: {}", plan.title);
    }
}

#[test]
fn an_unknown_outcome_counts_as_sent_until_it_was_read() {
    let mut model = open((120, 40), Pair::at(10, 1_200));
    order(&mut model, "search", &Intent::Start { task_definition: td("search", 89), pauses: false }, At::Sent);
    let id = model.operations.in_flight("search").unwrap().id;
    let step =
        model.operations.in_flight("search").unwrap().plan.steps.iter().position(|it| it.call.is_some()).unwrap();
    let fault = Fault::new(FaultKind::Unanswered, "UpdateService", "search", "no answer");
    report(&mut model, id, vec![Progress::Ended(OperationOutcome::Unknown { step, fault })]);
    let back = |model: &Model| {
        let plan = model.plan(model.release("search").unwrap(), &BACK).unwrap();
        plan.calls().find_map(|call| match call {
            Call::UpdateService { task_definition, .. } => task_definition.clone(),
            _ => None,
        })
    };
    assert_eq!(back(&model), Some(td("search", 88)));
}

#[test]
fn a_rollback_in_flight_is_redirected_to_another_revision_and_to_its_own_only_once() {
    let mut model = open((120, 40), Pair::at(10, 1_200));
    order(&mut model, "checkout", &BACK, At::Sent);
    let name = "checkout";
    assert!(commands::rollback_to(&mut model, name, td("checkout", 41)).is_empty());
    assert!(model.screen.dialog.is_none() && said(&model).contains("nothing is sent twice"), "{}", said(&model));
    commands::rollback_to(&mut model, name, td("checkout", 40));
    let Some(Dialog::Confirm(confirm)) = &model.screen.dialog else { panic!("{}", said(&model)) };
    assert_eq!(confirm.plan.ends_on(model.release(name).unwrap()), Some(&td("checkout", 40)));
    consoles::draw(&mut model);
    let effects = press(&mut model, &[Key::Char('y')]);
    assert!(matches!(effects[0], Effect::Cancel(_)), "{effects:?}");
    assert!(ordered(&effects).is_some());
}
