//! The strategies: how likely each state of a world and each intent is.

use proptest::prelude::*;
use proptest::sample::select;

use super::{Going, Scene, SideScene, place, td};
use crate::domain::ecs::deployment::DeploymentStatus;
use crate::domain::ecs::deployment::Strategy as Shift;
use crate::domain::ecs::names::Location;
use crate::domain::ecs::service::Controller;
use crate::domain::plan::Intent;
use crate::domain::release::share::Percent;

fn side() -> impl Strategy<Value = SideScene> {
    let going = prop_oneof![
        6 => Just(Going::Settled),
        2 => (1u8..5).prop_map(Going::Rolling),
        1 => (1u8..5).prop_map(Going::BackFrom),
        1 => Just(Going::Failed),
        1 => Just(Going::Looping),
        1 => Just(Going::Unsaid),
    ];
    let status = prop_oneof![19 => Just("ACTIVE"), 1 => Just("DRAINING"), 1 => Just("INACTIVE")];
    let healthy = prop_oneof![1 => Just(None), 1 => Just(Some(0)), 6 => (0u32..24).prop_map(Some)];
    let desired = prop_oneof![1 => Just(0u32), 6 => 1u32..20];
    (1u8..5, desired, healthy, going, status, any::<bool>()).prop_map(|(td, desired, healthy, going, status, named)| {
        SideScene { td, desired, healthy, going, status, named }
    })
}

fn weights() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        select(vec![(100, 0), (99, 1), (90, 10), (0, 100), (0, 0), (1, 0), (0, 1), (500, 500), (999, 999)]),
        (0u16..=999, 0u16..=999),
    ]
}

fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![
        select(vec![0.0, 0.1, 1.0, 10.0, 50.0, 99.9, 100.0]),
        (0u32..=1000).prop_map(|tenths| f64::from(tenths) / 10.0),
        0.0f64..=100.0,
    ]
    .prop_map(|value| Percent::new(value).unwrap())
}

/// Everything that an operator can ask for.
pub(crate) fn intent() -> impl Strategy<Value = Intent> {
    prop_oneof![
        proptest::option::of(percent()).prop_map(|to| Intent::Step { to }),
        percent().prop_map(|to| Intent::Weight { to }),
        (1u8..6).prop_map(|revision| Intent::Start { task_definition: td(revision), pauses: revision % 2 == 0 }),
        Just(Intent::Finish),
        (proptest::option::of((1u8..6).prop_map(td)), any::<bool>())
            .prop_map(|(to, at_once)| Intent::Rollback { to, at_once }),
        (1u8..6).prop_map(|revision| Intent::Register { copy_of: td(revision) }),
    ]
}

pub(crate) fn forward() -> impl Strategy<Value = Intent> {
    intent().prop_filter("forward", |intent| !intent.is_rollback())
}

fn history() -> impl Strategy<Value = Option<Vec<(DeploymentStatus, u8)>>> {
    use DeploymentStatus::{
        InProgress, Pending, RollbackFailed, RollbackInProgress, RollbackSuccessful, StopRequested, Stopped, Successful,
    };
    let ended = select(vec![Successful, Successful, Successful, Stopped, RollbackSuccessful, RollbackFailed]);
    let newest = select(vec![Successful, InProgress, Pending, StopRequested, RollbackInProgress]);
    let list = (newest, 1u8..6, proptest::collection::vec((ended, 1u8..6), 0..4));
    proptest::option::of(list.prop_map(|(status, td, older)| std::iter::once((status, td)).chain(older).collect()))
}

/// A pair or a single service, in any state.
#[expect(clippy::too_many_lines, reason = "a strategy lists all of its parts")]
pub(crate) fn scene() -> impl Strategy<Value = Scene> {
    let names = select(vec![
        ("shop-stable", "shop-canary"),
        ("shop-stable", "shop-canary"),
        ("shop-stable", "shop-canary"),
        ("shop", "shop-next"),
        ("blue", "green"),
    ]);
    let controller = prop_oneof![
        12 => Just(Controller::Ecs),
        1 => select(vec![Controller::CodeDeploy, Controller::External, Controller::Other("NEW".into())]),
    ];
    let shift = prop_oneof![
        8 => Just(Shift::Rolling),
        1 => select(vec![Shift::BlueGreen, Shift::Canary { percent: 5.0, bake_minutes: 1 }, Shift::Other { name: "X".into() }]),
    ];
    let place = prop_oneof![
        12 => Just(place()),
        1 => Just(Location { account: "999999999999".into(), ..place() }),
        1 => Just(Location { region: "eu-west-1".into(), ..place() }),
    ];
    let world = (
        side(),
        proptest::option::weighted(0.8, side()),
        names,
        proptest::collection::vec(weights(), 1..3),
        controller,
        shift,
        history(),
    );
    let around = (
        proptest::collection::vec(1u8..6, 0..3),
        proptest::collection::vec(1u8..6, 0..2),
        proptest::option::of(0.0f64..20.0),
        select(vec![0i64, 5, 600, 86_400]),
        any::<bool>(),
        proptest::bool::weighted(0.05),
        place,
        proptest::option::weighted(0.1, intent()),
        proptest::option::of(percent()),
    );
    (world, around).prop_map(|(world, around)| {
        let (stable, canary, names, weights, controller, shift, history) = world;
        let (witnesses, inactive, errors, age, failing, read_only, place, doing, requested) = around;
        Scene {
            stable,
            canary,
            names,
            weights,
            controller,
            shift,
            history,
            witnesses,
            inactive,
            errors,
            age,
            failing,
            read_only,
            place,
            doing,
            requested,
        }
    })
}

/// A pair at rest but for its release: what a plan can be carried out on.
pub(crate) fn calm_pair() -> impl Strategy<Value = Scene> {
    let side = || {
        let going = prop_oneof![5 => Just(Going::Settled), 1 => (1u8..5).prop_map(Going::Rolling)];
        (1u8..4, 0u32..8, going, any::<bool>()).prop_map(|(td, desired, going, named)| SideScene {
            td,
            desired,
            healthy: Some(desired),
            going,
            status: "ACTIVE",
            named,
        })
    };
    (scene(), side(), side()).prop_map(|(scene, stable, canary)| Scene {
        stable,
        canary: Some(canary),
        names: ("shop-stable", "shop-canary"),
        controller: Controller::Ecs,
        shift: Shift::Rolling,
        history: scene.history.filter(|history| history.iter().all(|(status, _)| status.ended())),
        read_only: false,
        place: place(),
        doing: None,
        ..scene
    })
}
