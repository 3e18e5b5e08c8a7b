use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::console::dialogs::{Confirm, Consent};
use crate::console::keymap::Key;
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::screens::history;
use crate::console::screens::release::state::Panel;
use crate::console::screens::release::state::Plotted;
use crate::console::screens::release::state::RANGES;
use crate::domain::analysis;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::Arn;
use crate::domain::plan::{Gate, Intent};
use crate::domain::settings::{Automatic, RollbackConfirm};
use crate::testkit::consoles;
use crate::testkit::consoles::press;

const KEYS: [Key; 12] = [
    Key::Char('H'),
    Key::Char('h'),
    Key::Other,
    Key::Char('R'),
    Key::Char('P'),
    Key::Char('F'),
    Key::Char('W'),
    Key::Char('y'),
    Key::Char('5'),
    Key::Enter,
    Key::Esc,
    Key::Down,
];

#[test]
fn a_range_is_longer_or_shorter_than_what_is_seen() {
    // Half of 80 columns less the scale has room for 30 minutes, all of them for an hour.
    for (zoom, keys, range) in [(None, "-", 45), (None, "+", 20), (Some(Plotted::Errors), "-", 90), (None, "---=", 60)]
    {
        let mut model = consoles::baking((80, 24));
        model.screen.release.zoom = zoom;
        press(&mut model, &keys.chars().map(Key::Char).collect::<Vec<_>>());
        assert_eq!(model.screen.release.range, Some(range), "{zoom:?} {keys}");
    }
    let mut model = consoles::baking((80, 24));
    press(&mut model, &[Key::Char('-'); 20]);
    assert_eq!(model.screen.release.range, RANGES.last().copied());
    press(&mut model, &[Key::Char('+'); 20]);
    assert_eq!(model.screen.release.range, RANGES.first().copied());
}

#[test]
fn a_zoomed_plot_gives_way_to_the_next_and_to_the_panels() {
    let mut model = consoles::baking((80, 24));
    press(&mut model, &[Key::Char('z'), Key::Tab]);
    assert_eq!((model.screen.release.zoom, model.screen.release.panel), (Some(Plotted::Ratio), Panel::Metrics));
    press(&mut model, &[Key::Esc]);
    assert_eq!(
        (model.screen.release.zoom, model.screen.shows_one()),
        (None, true),
        "esc leaves the plot and not the release"
    );
    press(&mut model, &[Key::Char('z'), Key::Char('z'), Key::Tab]);
    assert_eq!((model.screen.release.zoom, model.screen.release.panel), (None, Panel::Verdict));
}

#[test]
fn what_aws_denies_is_kept_until_aws_takes_it() {
    let mut model = consoles::baking((120, 40));
    let mut at = consoles::now();
    let mut report = |model: &mut Model, progress: Vec<Progress>| {
        consoles::order(model, Intent::Rollback { to: None, at_once: false }, Vec::new());
        for progress in progress {
            at += SignedDuration::from_secs(1);
            let operation = OperationId(1);
            update(model, Now::new(at), Msg::Progress { operation, progress });
        }
        let denied = model.operations.local["checkout"].denied.iter();
        denied.map(|fault| (fault.operation.clone(), fault.subject.clone())).collect::<Vec<_>>()
    };
    let refused = |kind, operation: &str, subject: &str| {
        let fault = Fault::new(kind, operation, subject, "not authorized");
        vec![Progress::Ended(OperationOutcome::Refused { step: 0, fault })]
    };
    let pair = |operation: &str, subject: &str| (operation.to_owned(), subject.to_owned());
    assert_eq!(report(&mut model, refused(FaultKind::Changed, "ModifyRule", "a")), []);
    assert_eq!(report(&mut model, refused(FaultKind::Denied, "ModifyRule", "a")), [pair("ModifyRule", "a")]);
    let both = [pair("ModifyRule", "a"), pair("UpdateService", "b")];
    assert_eq!(report(&mut model, refused(FaultKind::Denied, "UpdateService", "b")), both);
    // The newest of an operation is kept, and comes last.
    let newest = [pair("UpdateService", "b"), pair("ModifyRule", "c")];
    assert_eq!(report(&mut model, refused(FaultKind::Denied, "ModifyRule", "c")), newest);
    // The plan's first step writes the weights: being on the wire says nothing yet.
    assert_eq!(report(&mut model, vec![Progress::Sent { step: 0 }]), newest);
    let taken = vec![Progress::Answered { step: 0, receipt: consoles::receipt() }];
    assert_eq!(report(&mut model, taken), [pair("UpdateService", "b")]);
}

#[test]
fn the_history_is_opened_moved_in_and_left_to_where_one_came_from() {
    let mut model = consoles::native_over((80, 24));
    let open = model.screen.current.clone();
    let marked = |model: &Model| {
        let (at, deployment) =
            history::state::marked(&model.observed, model.screen.list(View::History), model.focus().unwrap()).unwrap();
        (at, deployment.task_definition().unwrap().tag())
    };
    press(&mut model, &[Key::Char('h')]);
    assert_eq!(model.screen.current, Screen::View(View::History, "payments".into()));
    assert_eq!(marked(&model), (0, ":17".into()));
    press(&mut model, &[Key::Up, Key::Char('j'), Key::Down]);
    assert_eq!(marked(&model), (2, ":15".into()));
    press(&mut model, &[Key::End, Key::Down]);
    assert_eq!(marked(&model), (3, ":14".into()));
    press(&mut model, &[Key::Home, Key::Char('j')]);
    // A newer deployment comes up above: the mark stays where it is.
    let key = consoles::key("payments");
    let mut history = model.observed.snapshot.deployments.get(&key).unwrap().get().unwrap().clone();
    let newer = history[0].arn.as_str().replace("/117", "/118");
    history.insert(0, ServiceDeployment { arn: Arn::new(newer), ..history[0].clone() });
    consoles::learn(&mut model, 0, Query::Deployments(key), Answer::Deployments(history));
    assert_eq!(marked(&model), (2, ":16".into()));
    press(&mut model, &[Key::Esc]);
    assert_eq!(model.screen.current, open);
    press(&mut model, &[Key::Esc, Key::Char('h'), Key::Char('h')]);
    assert_eq!(model.screen.current, Screen::Fleet);
    press(&mut model, &[Key::Char('h'), Key::Char('q')]);
    assert!(model.screen.trail == [Screen::Fleet] && matches!(model.screen.current, Screen::View(View::History, _)));
}

#[test]
fn enter_in_the_history_asks_about_the_marked_revision_and_never_acts_at_once() {
    let mut model = consoles::native_over((80, 24));
    model.observed.settings.rollback_confirm = RollbackConfirm::Never;
    model.screen.current = Screen::View(View::History, "payments".into());
    press(&mut model, &[Key::Down, Key::Down, Key::Enter]);
    match &model.screen.dialog {
        Some(Dialog::Confirm(confirm)) => {
            assert!(confirm.plan.intent.is_rollback());
            let to = confirm.plan.ends_on(model.focus().unwrap()).map(|to| to.tag());
            assert_eq!(to.as_deref(), Some(":15"), "{}", confirm.plan.title);
        }
        other => panic!("{other:?}"),
    }
    assert!(model.operations.latest.is_empty());
    let mut unresolved = consoles::native_over((80, 24));
    unresolved.screen.current = Screen::View(View::History, "payments".into());
    unresolved.observed.snapshot.deployments.clear();
    press(&mut unresolved, &[Key::Enter]);
    assert!(unresolved.screen.dialog.is_none() && unresolved.screen.notice.is_some_and(|notice| notice.wrong));
}

#[test]
fn a_key_that_means_nothing_stops_a_countdown_and_is_typed_nowhere() {
    let mut model = consoles::waiting((80, 24));
    model.switch_on("checkout");
    update(&mut model, Now::new(consoles::now()), Msg::Tick);
    assert!(model.operations.countdown(&model.observed.now).is_some(), "{:?}", model.operations.automatic);
    press(&mut model, &[Key::Other]);
    assert!(model.operations.automatic.is_empty() && model.screen.notice.is_some());
    // The name that a protected environment asks for.
    press(&mut model, &[Key::Char('P'), Key::Char('c'), Key::Other, Key::Char('h')]);
    let typed = model.screen.dialog.as_mut().and_then(|dialog| dialog.input()).map(|input| input.value().to_owned());
    assert_eq!(typed.as_deref(), Some("ch"));
    assert!(model.operations.latest.is_empty());
}

/// A question about the next step of a release, as if its plan had been gated by this when it was opened.
fn asking(mut model: Model, gate: Option<Gate>) -> Model {
    let plan = model.observed.plan(model.focus().unwrap(), &Intent::Step { to: None }).unwrap();
    let plan = Plan { gate, ..plan };
    let (consent, ways) = (Consent::Yes, Vec::new());
    model.screen.dialog = Some(Dialog::Confirm(Box::new(Confirm { plan, consent, ways, drawn: None, details: false })));
    model
}

#[test]
fn a_verdict_that_turned_for_the_worse_is_not_said_yes_to_unseen() {
    let gate = |outcome| Some(Gate { outcome, reasons: vec!["as it was".to_owned()], reason_codes: Vec::new() });
    let (bad, unsure) = (consoles::bad((80, 24)), consoles::baking((80, 24)));
    let turned = [(&bad, None), (&bad, gate(analysis::VerdictStatus::Inconclusive)), (&unsure, None)];
    for (model, shown) in turned {
        let mut model = asking(model.clone(), shown.clone());
        update(&mut model, Now::new(consoles::now()), Msg::Tick);
        let notice = model.screen.notice.unwrap();
        assert!(
            model.screen.dialog.is_none() && notice.text.contains("changed while you looked"),
            "{shown:?} {notice:?}"
        );
    }
    // What got no worse stays, with the reasons of now.
    for (model, shown) in [(&bad, analysis::VerdictStatus::Fail), (&unsure, analysis::VerdictStatus::Inconclusive)] {
        let mut model = asking(model.clone(), gate(shown));
        update(&mut model, Now::new(consoles::now()), Msg::Tick);
        let Some(Dialog::Confirm(confirm)) = &model.screen.dialog else { panic!("{:?}", model.screen.notice) };
        let gate = confirm.plan.gate.as_ref().unwrap();
        let said: Vec<_> = model.focus().unwrap().verdict.reasons.iter().map(ToString::to_string).collect();
        assert_eq!((gate.outcome, &gate.reasons), (shown, &said));
    }
    let mut better = asking(unsure, gate(analysis::VerdictStatus::Fail));
    update(&mut better, Now::new(consoles::now()), Msg::Tick);
    assert!(matches!(&better.screen.dialog, Some(Dialog::Confirm(confirm))
        if confirm.plan.gate.as_ref().is_some_and(|gate| gate.outcome == analysis::VerdictStatus::Inconclusive)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// 5. One operation in flight per service, whoever orders it; a key that repeats or is pasted does nothing, and
    /// nothing is done by itself at a key.
    #[test]
    fn rule_5_one_operation_in_flight(
        moves in prop::collection::vec((0..KEYS.len() + 4, 0u32..1500), 1..24),
        (protected, by_itself, passes) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let size = (120, 40);
        let mut model = if passes { consoles::waiting(size) } else { consoles::bad(size) };
        model.observed.settings.protected = protected;
        let second = SignedDuration::from_secs(1);
        model.observed.settings.automatic = Automatic { countdown: second, rollback_after: Some(second) };
        if by_itself {
            model.switch_on("checkout");
        }
        let mut at = consoles::now();
        let mut flying: BTreeMap<String, OperationId> = BTreeMap::new();
        for (index, gap) in moves {
            at += SignedDuration::from_millis(gap.into());
            let key = KEYS.get(index).copied();
            let burst = model.screen.last_key.is_some_and(|last| at.duration_since(last).as_millis() < 10);
            let msg = match (key, index - KEYS.len().min(index)) {
                (Some(key), _) => Msg::Key(key),
                (None, 0) if !flying.is_empty() => {
                    let (_, operation) = flying.pop_first().unwrap();
                    Msg::Progress { operation, progress: Progress::Ended(OperationOutcome::Done) }
                }
                (None, 1) => {
                    consoles::measure(&mut model, 10, 6.0, 420.0);
                    Msg::Tick
                }
                _ => Msg::Tick,
            };
            let effects = update(&mut model, Now::new(at), msg);
            consoles::draw(&mut model);
            for effect in effects {
                match effect {
                    Effect::Cancel(id) => flying.retain(|_, flight| *flight != id),
                    Effect::Execute { operation, plan, order } => {
                        prop_assert!(order.automatic != key.is_some(), "by itself at a key, or by nobody: {}", plan.title);
                        prop_assert!(order.automatic || !burst, "what came in a burst acted: {}", plan.title);
                        let before = flying.insert(plan.release.clone(), operation);
                        prop_assert!(before.is_none(), "two at once: {}", plan.title);
                    }
                    _ => {}
                }
            }
        }
    }
}
