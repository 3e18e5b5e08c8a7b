use proptest::prelude::*;
use proptest::sample::select;

use super::Confirmation::{Name, NameAndReason, Reason, Yes};
use super::*;
use crate::domain::plan::{Context, plan, ways};
use crate::testkit::worlds;
use crate::testkit::worlds::{intent, native_intent, native_scene, scene};

const KEYS: [Surface; 3] = [Surface::ReleaseKey, Surface::FleetKey, Surface::Chosen];
const ASKING: Surface = Surface::Command { terminal: true, yes: false };

fn surfaces() -> impl Strategy<Value = Surface> {
    let command = |(terminal, yes)| Surface::Command { terminal, yes };
    prop_oneof![select(KEYS.as_slice()), any::<(bool, bool)>().prop_map(command)]
}

fn settings() -> impl Strategy<Value = (bool, RollbackConfirm)> {
    (any::<bool>(), select(vec![RollbackConfirm::Idle, RollbackConfirm::Always, RollbackConfirm::Never]))
}

fn holds(settings: &Settings, release: &Release, plan: &Plan, surface: Surface) -> Result<(), TestCaseError> {
    let confirmation = required(settings, release, plan, surface);
    let command = matches!(surface, Surface::Command { .. });
    let confirmed = matches!(surface, Surface::Command { yes: true, .. });
    if plan.is_reached() {
        prop_assert_eq!(confirmation, Confirmation::None);
        return Ok(());
    }
    if plan.intent.is_rollback() {
        prop_assert!(!confirmation.needs_name() && !confirmation.needs_reason(), "{confirmation:?}");
        let open = Settings { protected: !settings.protected, ..settings.clone() };
        prop_assert_eq!(confirmation, required(&open, release, plan, surface), "protection holds up no rollback");
        let two_ways = release.method == Method::Weighted && ways(release, &plan.intent).len() > 1;
        let asks = match settings.rollback_confirm {
            RollbackConfirm::Always => !confirmed,
            RollbackConfirm::Never => surface == Surface::Chosen,
            RollbackConfirm::Idle => {
                !confirmed
                    && (two_ways
                        || release.rules_unread
                        || !release.in_flight()
                        || surface != Surface::ReleaseKey && !command)
            }
        };
        prop_assert_eq!(confirmation, if asks { Yes } else { Confirmation::None });
        return Ok(());
    }
    prop_assert_eq!(confirmation.needs_name(), settings.protected && !confirmed);
    prop_assert_eq!(confirmation.needs_reason(), settings.protected && plan.gate.is_some());
    prop_assert_eq!(confirmation == Confirmation::None, confirmed && !confirmation.needs_reason());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A rollback is never gated, a protected environment asks for the name, and a gate in it for a reason.
    #[test]
    fn every_plan_of_any_world_is_confirmed_by_the_same_rules(
        scene in scene(), intent in intent(), (protected, rollback_confirm) in settings(), surface in surfaces(),
    ) {
        let settings = Settings { protected, rollback_confirm, ..scene.settings() };
        for release in scene.releases() {
            let Ok(plan) = scene.plan(&release, &intent) else { continue };
            holds(&settings, &release, &plan, surface)?;
        }
    }

    /// The same where ECS shifts the traffic.
    #[test]
    fn every_plan_of_a_native_release_is_confirmed_by_the_same_rules(
        scene in native_scene(), intent in native_intent(), (protected, rollback_confirm) in settings(),
        surface in surfaces(),
    ) {
        let release = scene.release();
        let settings = Settings { protected, rollback_confirm, ..Settings::default() };
        let place = worlds::place();
        let context = Context { place: &place, settings: &settings, now: worlds::now() };
        let Ok(plan) = plan(&release, &intent, &context) else { return Ok(()) };
        holds(&settings, &release, &plan, surface)?;
    }

    /// Whatever asks for less than another surface, asks for a yes alone less.
    #[test]
    fn surfaces_differ_by_a_yes_alone(
        scene in scene(), intent in intent(), (protected, rollback_confirm) in settings(),
    ) {
        let settings = Settings { protected, rollback_confirm, ..scene.settings() };
        for release in scene.releases() {
            let Ok(plan) = scene.plan(&release, &intent) else { continue };
            let all = KEYS.into_iter().chain([ASKING]).map(|surface| required(&settings, &release, &plan, surface));
            let typed: Vec<_> = all.map(|it| (it.needs_name(), it.needs_reason())).collect();
            prop_assert!(typed.windows(2).all(|pair| pair[0] == pair[1]), "{typed:?}");
        }
    }
}

#[test]
fn forward_acts_always_ask_and_a_gate_in_a_protected_environment_wants_a_reason() {
    use crate::domain::analysis::VerdictStatus;
    let gate = Gate { outcome: VerdictStatus::Fail, reasons: Vec::new(), reason_codes: Vec::new() };
    for (protected, gated, expected) in
        [(false, false, Yes), (false, true, Yes), (true, false, Name), (true, true, NameAndReason)]
    {
        let settings = Settings { protected, ..Settings::default() };
        assert_eq!(forward(&settings, gated.then_some(&gate)), expected, "{protected} {gated}");
    }
    assert!(Reason.needs_reason() && !Reason.needs_name());
}

#[test]
fn rollbacks_ask_as_configured() {
    use RollbackConfirm::{Always, Idle, Never};
    let none = Confirmation::None;
    // The setting; whether a release is in flight; a key on its screen, one on the fleet, a chosen line, a command.
    let table = [
        (Idle, true, [none, Yes, Yes, none]),
        (Idle, false, [Yes, Yes, Yes, Yes]),
        (Always, true, [Yes, Yes, Yes, Yes]),
        (Always, false, [Yes, Yes, Yes, Yes]),
        (Never, true, [none, none, Yes, none]),
        (Never, false, [none, none, Yes, none]),
    ];
    for (setting, in_flight, expected) in table {
        let all = KEYS.into_iter().chain([ASKING]).map(|surface| rollback(setting, in_flight, surface));
        assert_eq!(all.collect::<Vec<_>>(), expected, "{setting:?} {in_flight}");
    }
}

#[test]
fn a_command_that_cannot_ask_has_to_be_confirmed_in_advance() {
    let command = |terminal, yes| Surface::Command { terminal, yes }.can_confirm();
    let answers =
        [(true, true), (true, false), (false, true), (false, false)].map(|(terminal, yes)| command(terminal, yes));
    assert_eq!(answers, [true, true, true, false]);
    assert!(KEYS.into_iter().all(Surface::can_confirm));
}

#[test]
fn a_reason_is_something_that_can_be_read() {
    for blank in ["", " \t", "\u{200b}"] {
        assert_eq!(reason(blank), None, "{blank:?}");
    }
    assert_eq!(reason(" a false alarm "), Some("a false alarm"));
}
