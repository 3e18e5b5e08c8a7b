use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;

use crate::domain::ecs::deployment::Strategy;
use crate::domain::ecs::lifecycle_stage::LifecycleStage;

use super::*;

#[test]
fn strategies_with_their_numbers() {
    let canary = sdk::CanaryConfiguration::builder().canary_percent(2.5).canary_bake_time_in_minutes(3).build();
    let build = |strategy: &str| sdk::DeploymentConfiguration::builder().strategy(strategy.into());
    for (raw, expected) in [
        (sdk::DeploymentConfiguration::builder().build(), Strategy::Rolling),
        (build("ROLLING").build(), Strategy::Rolling),
        (build("BLUE_GREEN").build(), Strategy::BlueGreen),
        (build("CANARY").build(), Strategy::Canary { percent: 5.0, bake_minutes: 10 }),
        (build("CANARY").canary_configuration(canary).build(), Strategy::Canary { percent: 2.5, bake_minutes: 3 }),
        (build("LINEAR").build(), Strategy::Linear { percent: 10.0, bake_minutes: 6 }),
        (build("SPIRAL").build(), Strategy::Other { name: "SPIRAL".to_owned() }),
    ] {
        assert_eq!(configuration(Some(&raw)).strategy, expected);
    }
    assert_eq!(configuration(None), Configuration::rolling());
}

#[test]
fn a_hook_of_which_only_the_stages_are_said_has_no_kind() {
    let stage = sdk::DeploymentLifecycleHookStage::PreProductionTrafficShift;
    let bare = sdk::DeploymentLifecycleHook::builder().lifecycle_stages(stage).build();
    let raw = sdk::DeploymentConfiguration::builder().strategy("CANARY".into()).lifecycle_hooks(bare).build();
    let known = configuration(Some(&raw));
    let expected = HookConfiguration {
        kind: None,
        target: None,
        role: None,
        stages: vec![LifecycleStage::PreProductionTrafficShift],
        details: None,
        timeout_minutes: None,
        timeout_action: None,
    };
    assert_eq!(known.hooks, [expected]);
    assert_eq!(known.pauses().count(), 0);
    assert_eq!(written(&known).unwrap().lifecycle_hooks(), raw.lifecycle_hooks());
}

#[test]
fn no_hooks_are_an_empty_list_and_not_no_list() {
    assert_eq!(written(&Configuration::rolling()).unwrap().lifecycle_hooks, Some(Vec::new()));
}

fn text() -> impl Generator<Value = String> {
    "[A-Z_]{1,12}"
}

fn any_strategy() -> impl Generator<Value = Strategy> {
    prop_oneof![
        Just(Strategy::Rolling),
        Just(Strategy::BlueGreen),
        (0.1..=100.0, 0..=1440).prop_map(|(percent, bake_minutes)| Strategy::Canary { percent, bake_minutes }),
        (3.0..=100.0, 0..=1440).prop_map(|(percent, bake_minutes)| Strategy::Linear { percent, bake_minutes }),
        "X[A-Z_]{1,9}".prop_map(|name| Strategy::Other { name }),
    ]
}

fn any_document() -> impl Generator<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            hash_map(any::<String>(), inner, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn any_hook()(
        kind in option::of(prop_oneof![Just("PAUSE".to_owned()), Just("AWS_LAMBDA".to_owned()), text()]),
        target in option::of(text()),
        role in option::of(text()),
        stages in vec(text().prop_map(|word| LifecycleStage::from(word.as_str())), 0..4),
        details in option::of(any_document()),
        timeout_minutes in option::of(1..=20_160),
        timeout_action in option::of(prop_oneof![Just("ROLLBACK".to_owned()), Just("CONTINUE".to_owned())]),
    ) -> HookConfiguration {
        HookConfiguration { kind, target, role, stages, details, timeout_minutes, timeout_action }
    }
}

prop_compose! {
    fn any_configuration()(
        strategy in any_strategy(),
        bake_minutes in option::of(0..=1440),
        hooks in vec(any_hook(), 0..4),
        alarms in option::of((vec(text(), 0..4), any::<bool>(), any::<bool>())),
        breaker in option::of((any::<bool>(), any::<bool>(), option::of(any::<bool>()), option::of((text(), 0..100)))),
        maximum_percent in option::of(0..=400),
        minimum_healthy_percent in option::of(0..=100),
        early_success in option::of((any::<bool>(), option::of(0..=100), option::of(text()))),
    ) -> Configuration {
        // With any other strategy the criteria are not written.
        let early_success = early_success.filter(|_| strategy == Strategy::Rolling);
        Configuration {
            early_success: early_success.map(|(enable, healthy_percent, cleanup)| {
                EarlySuccess { enable, healthy_percent, cleanup }
            }),
            strategy,
            bake_minutes,
            hooks,
            alarms: alarms.map(|(names, enable, rollback)| AlarmConfiguration { names, enable, rollback }),
            breaker: breaker.map(|(enable, rollback, reset_on_healthy, threshold)| {
                BreakerConfiguration { enable, rollback, reset_on_healthy, threshold }
            }),
            maximum_percent,
            minimum_healthy_percent,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was(before in any_configuration()) {
        let raw = written(&before).unwrap();
        prop_assert_eq!(configuration(Some(&raw)), before);
    }
}
