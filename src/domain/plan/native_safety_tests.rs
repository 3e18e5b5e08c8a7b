//! The safety rules of services that ECS shifts, over any strategy, any history, any deployment under way, any intent.

use proptest::prelude::*;

use super::safety_tests::{check, waited_for, weight};
use super::{Call, Expect, HookAction, Intent, Plan, Reread};
use crate::domain::ecs::deployment::{Configuration, HookConfiguration, Strategy as Shift};
use crate::domain::ecs::names::Arn;
use crate::domain::release::condition::Condition;
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{Method, Release, Side, WEIGHT_PAUSE_STAGE};
use crate::domain::rollback::target::{Evidence, best};
use crate::testkit::worlds::{ACCOUNT, NativeScene, REGION, native_intent, native_scene, td};

/// The deployment that the release's screen shows: a call may name no other.
fn on_screen(release: &Release) -> Option<Arn> {
    release.newest().deployment.clone()
}

/// Whether ECS takes its deployment back already.
fn going_back(scene: &NativeScene) -> bool {
    scene.under_way.as_ref().is_some_and(|it| it.read && it.status.rolling_back())
}

/// Why R may be refused. Anything else is a way back that was not offered.
fn may_refuse(scene: &NativeScene, release: &Release, to: Option<u8>, at_once: bool) -> bool {
    let elsewhere = scene.place.account != ACCOUNT || scene.place.region != REGION;
    if scene.read_only || elsewhere || scene.status != "ACTIVE" {
        return true;
    }
    // Without its history only the rollouts tell that something is under way.
    let known = scene.under_way.as_ref().filter(|it| it.read);
    if known.is_none() && !release.newest().rolling {
        let nothing_good = best(&release.previous).is_none();
        let own = &scene.configuration;
        let put_back =
            own.hooks.iter().all(HookConfiguration::is_whole) && !matches!(own.strategy, Shift::Other { .. });
        return match to {
            Some(to) => td(to) == release.stable.task_definition,
            None => nothing_good || release.went_back.is_some() && unserved(release),
        } || at_once && (own.is_at_once() || !put_back);
    }
    // ECS goes back to what it replaced: where both sides are known that is the one, else what the rollouts say.
    let to_another = to.map(td).is_some_and(|to| match release.canary {
        Some(_) => to != release.stable.task_definition,
        None => !release.previous.iter().any(|it| it.evidence == Evidence::Replaced && it.task_definition == to),
    });
    let first_ever =
        known.is_some_and(|it| it.target.is_some() && it.sources.is_empty()) && release.previous.is_empty();
    let on_its_way = release.is_rollback_deployment && to.is_none();
    on_its_way
        || going_back(scene)
        || release.newest().is_rolling_back
        || to_another
        || first_ever
        || on_screen(release).is_none()
}

/// Returns true if some users get errors, whatever revision runs.
fn unserved(release: &Release) -> bool {
    release.conditions.iter().any(Condition::leaves_users_unserved)
}

/// The green side of a service whose weights are ours to write, and what each rule gives it.
fn ours(release: &Release) -> Option<(&Side, Vec<Option<Percent>>)> {
    let green = release.canary.as_ref().filter(|_| release.method == Method::NativeWeighted)?;
    Some((green, release.shares()))
}

/// The index of the first call that ECS goes back by.
fn way_back(plan: &Plan) -> Option<usize> {
    plan.steps.iter().position(|step| {
        matches!(step.call, Some(Call::StopDeployment { .. } | Call::AnswerPause { answer: HookAction::Rollback, .. }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every service and every intent has an answer: a plan, or a refusal that says why and what to do.
    #[test]
    fn planning_is_total(scene in native_scene(), intent in native_intent()) {
        let release = scene.release();
        check(&release, &intent, &scene.plan(&release, &intent), scene.read_only)?;
        prop_assert_eq!(scene.plan(&release, &intent), scene.plan(&scene.release(), &intent));
    }

    /// Only what is on the screen is stopped or answered, and only hooks that wait; P never goes back, R never on.
    #[test]
    fn only_the_deployment_on_screen_and_the_hooks_that_wait(scene in native_scene(), intent in native_intent()) {
        let release = scene.release();
        let Ok(plan) = scene.plan(&release, &intent) else { return Ok(()) };
        for call in plan.calls() {
            match call {
                Call::StopDeployment { deployment, .. } => {
                    prop_assert!(intent.is_rollback() && !going_back(&scene), "{plan:#?}");
                    prop_assert_eq!(deployment, &NativeScene::deployment_arn());
                    let paused = release.method.shifted_by_ecs() && !scene.waiting().is_empty();
                    prop_assert!(!paused, "a pause is answered: {plan:#?}");
                }
                Call::AnswerPause { deployment, hook, answer, .. } => {
                    prop_assert_eq!(deployment, &NativeScene::deployment_arn());
                    prop_assert!(scene.waiting().contains(hook), "{plan:#?}");
                    let expected = match intent {
                        Intent::Rollback { .. } => HookAction::Rollback,
                        Intent::Step { .. } => HookAction::Continue,
                        _ => panic!("only P and R answer: {plan:#?}"),
                    };
                    prop_assert_eq!(*answer, expected);
                }
                _ => {}
            }
        }
        // Going on takes every answer; going back one.
        let answers = plan.calls().filter(|call| matches!(call, Call::AnswerPause { .. })).count();
        prop_assert!(answers <= 1 || !intent.is_rollback() && answers == scene.waiting().len(), "{plan:#?}");
    }

    /// R is refused for what makes it impossible, and for nothing else.
    #[test]
    fn nothing_else_stands_in_the_way_back(
        scene in native_scene(),
        to in proptest::option::of(1u8..6),
        at_once in any::<bool>(),
    ) {
        let release = scene.release();
        prop_assume!(release.method.shifted_by_ecs());
        let intent = Intent::Rollback { to: to.map(td), at_once };
        let answer = scene.plan(&release, &intent);
        match &answer {
            Err(refusal) => {
                prop_assert!(may_refuse(&scene, &release, to, at_once), "{refusal:?} {scene:#?}");
            }
            // Nothing is superseded: what is under way is taken back, never deployed over.
            Ok(plan) if scene.under_way.as_ref().is_some_and(|it| it.read) => {
                // On its way back already, only weights of ours are left to undo.
                prop_assert!(way_back(plan).is_some() || release.newest().is_rolling_back || plan.is_reached(), "{plan:#?}");
                let updates = plan.calls().any(|call| matches!(call, Call::UpdateService { .. }));
                prop_assert!(!updates, "{plan:#?}");
            }
            Ok(_) => {}
        }
        // No metric, no verdict, no bake and no wish of the operator's for a share is asked.
        let other = NativeScene { requested: None, family_read: !scene.family_read, ..scene.clone() };
        prop_assert_eq!(&other.plan(&other.release(), &intent), &answer);
    }

    /// What goes back goes to what is known to be good, unless it was named.
    #[test]
    fn it_goes_back_to_what_is_good_or_was_named(
        scene in native_scene(),
        to in proptest::option::of(1u8..6),
        at_once in any::<bool>(),
    ) {
        let release = scene.release();
        prop_assume!(release.method.shifted_by_ecs());
        let Ok(plan) = scene.plan(&release, &Intent::Rollback { to: to.map(td), at_once }) else { return Ok(()) };
        let good = best(&release.previous).map(|good| good.task_definition.clone());
        // While ECS knows both sides, it can only go back to the one that is replaced.
        if way_back(&plan).is_some() && release.canary.is_some() {
            prop_assert_eq!(plan.ends_on(&release), Some(&release.stable.task_definition));
        }
        for call in plan.calls() {
            if let Call::UpdateService { task_definition, .. } = call {
                prop_assert_eq!(task_definition.clone(), to.map(td).or(good.clone()));
                prop_assert!(*task_definition != Some(release.stable.task_definition.clone()), "{plan:#?}");
            }
        }
    }

    /// desiredCount is nobody's business here; a configuration is sent for a reason, and only the one that it is for.
    #[test]
    fn a_configuration_is_sent_for_a_reason(scene in native_scene(), intent in native_intent()) {
        let release = scene.release();
        prop_assume!(release.method.shifted_by_ecs());
        let Ok(plan) = scene.plan(&release, &intent) else { return Ok(()) };
        let own = &scene.configuration;
        for step in &plan.steps {
            let Some(Call::UpdateService { desired, configuration, task_definition, .. }) = &step.call else { continue };
            prop_assert_eq!(*desired, None);
            prop_assert!(scene.under_way.as_ref().is_none_or(|it| !it.read), "it would be superseded: {plan:#?}");
            let sent = configuration.as_deref();
            match &intent {
                Intent::Start { pauses: true, .. } => {
                    let sent = sent.expect("the pauses are sent");
                    let (added, kept): (Vec<_>, Vec<_>) = sent.hooks.iter().cloned().partition(|hook| !own.hooks.contains(hook));
                    prop_assert_eq!(&Configuration { hooks: kept, ..sent.clone() }, own);
                    prop_assert!(added.len() == 1 && added[0].is_pause() && added[0].is_whole(), "{added:?}");
                    prop_assert_eq!(added[0].timeout_action.as_deref(), Some("ROLLBACK"), "nothing ships itself");
                    prop_assert!(own.pauses().next().is_none());
                }
                Intent::Rollback { at_once: true, .. } => {
                    prop_assert_eq!(sent, Some(&own.at_once()));
                    prop_assert!(own.at_once().is_at_once() && !own.is_at_once());
                }
                Intent::Finish => {
                    prop_assert_eq!(sent, release.overridden_config.as_deref());
                    prop_assert!(sent.is_some() && task_definition.is_none(), "it starts no deployment: {plan:#?}");
                    let seen = |expect: &Expect| matches!(expect, Expect::Configured { configuration, .. } if **configuration == *own);
                    prop_assert!(step.before.iter().any(seen), "{plan:#?}");
                }
                _ => prop_assert_eq!(sent, None, "{:#?}", plan),
            }
            if let Some(sent) = sent {
                // What is sent could be put back: nothing in it is a guess.
                prop_assert!(intent == Intent::Finish || own.hooks.iter().all(HookConfiguration::is_whole));
                let read_back = |expect: &Expect| matches!(expect, Expect::Configured { configuration, .. } if **configuration == *sent);
                prop_assert!(step.after.iter().any(read_back), "{plan:#?}");
            }
        }
    }

    /// What F puts back is what an earlier deployment went by, and only where the present one differs for its own sake.
    #[test]
    fn what_is_put_back_was_there(scene in native_scene()) {
        let release = scene.release();
        let Some(before) = release.overridden_config.as_deref() else { return Ok(()) };
        prop_assume!(release.method.shifted_by_ecs());
        let (own, other) = (&scene.configuration, &scene.other);
        prop_assert!(before.same_strategy(other) && !before.same_strategy(own), "{scene:#?}");
        let only_pauses_more = own.strategy == other.strategy
            && other.hooks.iter().all(|hook| own.hooks.contains(hook))
            && own.hooks.iter().filter(|hook| !other.hooks.contains(hook)).all(HookConfiguration::is_pause);
        prop_assert!(own.is_at_once() && other.strategy.shifts_traffic() || only_pauses_more, "{scene:#?}");
        prop_assert_eq!((own.maximum_percent, &own.alarms), (before.maximum_percent, &before.alarms));
    }

    /// The users are where ECS believes that it will bring them before it goes on, and blue has them before it goes back.
    #[test]
    fn weights_of_ours_never_surprise_ecs(scene in native_scene(), intent in native_intent()) {
        let release = scene.release();
        let Some((green, shares)) = ours(&release) else { return Ok(()) };
        let Ok(plan) = scene.plan(&release, &intent) else { return Ok(()) };
        let continues = plan.calls().any(|call| matches!(call, Call::AnswerPause { answer: HookAction::Continue, .. }));
        if continues && release.stage.as_ref() == Some(&WEIGHT_PAUSE_STAGE) {
            prop_assert!(!shares.is_empty() && shares.iter().all(|share| share.is_some_and(Percent::is_full)), "{plan:#?}");
            for route in release.rules.iter().map(|rule| &rule.route) {
                let as_read = |expect: &Expect| matches!(expect, Expect::Weights { route: of, weights }
                    if *of == route.id && *weights == route.forwards);
                prop_assert!(plan.steps[0].before.iter().any(as_read), "{plan:#?}");
                prop_assert_eq!(route.weight(release.stable.target_group.as_ref().unwrap()), Some(Weight::ZERO));
            }
        } else if continues {
            let split = |share: &Option<Percent>| share.is_some_and(|share| !share.is_zero() && !share.is_full());
            prop_assert!(!shares.iter().any(split), "{plan:#?}");
        }
        if let Some(back) = way_back(&plan) {
            let blue = &release.stable;
            let served = shares.iter().any(|share| share.is_none_or(|share| !share.is_zero()));
            if served && blue.healthy.is_some_and(|healthy| healthy > 0) {
                let everything = |call: &Call| matches!(call, Call::SetWeights { weights, reread: Reread::Urgent, .. }
                    if weight(weights, blue) == Weight::new(100).ok() && weight(weights, green) == Some(Weight::ZERO));
                prop_assert!(back > 0, "{plan:#?}");
                for step in &plan.steps[..back] {
                    prop_assert!(step.call.as_ref().is_some_and(everything) && step.before.is_empty(), "{plan:#?}");
                }
            }
        }
    }

    /// Weight only where somebody answers; never both 0; only a service that asks for it, held at its pause or going back.
    #[test]
    fn weight_only_where_somebody_answers(scene in native_scene(), intent in native_intent()) {
        let release = scene.release();
        let Ok(plan) = scene.plan(&release, &intent) else { return Ok(()) };
        for (index, step) in plan.steps.iter().enumerate() {
            let Some(Call::SetWeights { weights, reread, route, seen, .. }) = &step.call else { continue };
            if let Some(repair) = &release.repair {
                // Users who are sent to empty groups are brought to the one group that has tasks.
                prop_assert!(intent.is_rollback() && plan.steps.len() == 1 && unserved(&release), "{plan:#?}");
                prop_assert_eq!((&repair.route.id, &repair.route.forwards), (route, &seen.forwards));
                let served = weights.iter().filter(|to| to.weight > Weight::ZERO).map(|to| &to.target_group);
                prop_assert_eq!(served.collect::<Vec<_>>(), [&repair.to]);
                let healthy = |expect: &Expect| matches!(expect, Expect::Healthy { target_group, at_least: 1 }
                    if *target_group == repair.to);
                prop_assert!(waited_for(&plan, index, healthy), "{plan:#?}");
                continue;
            }
            prop_assert!(scene.native_weighted && release.method == Method::NativeWeighted);
            let held = release.stage.as_ref() == Some(&WEIGHT_PAUSE_STAGE) && !scene.waiting().is_empty();
            prop_assert!(held || intent.is_rollback(), "{plan:#?}");
            prop_assert!(weights.iter().any(|to| to.weight > Weight::ZERO), "both 0: {plan:#?}");
            prop_assert_eq!(*reread == Reread::Urgent, intent.is_rollback());
            let read = release.rules.iter().map(|rule| &rule.route).find(|read| read.id == *route);
            prop_assert_eq!(read.map(|read| &read.forwards), Some(&seen.forwards));
            for side in release.sides() {
                if weight(weights, side).is_none_or(|to| to == Weight::ZERO) {
                    continue;
                }
                let healthy = |expect: &Expect| matches!(expect, Expect::Healthy { target_group, at_least }
                    if side.target_group.as_ref() == Some(target_group) && *at_least >= 1);
                let seen_well = intent.is_rollback() && side.healthy.map_or(side.running > 0, |healthy| healthy > 0);
                prop_assert!(seen_well || waited_for(&plan, index, healthy), "{plan:#?}");
            }
        }
    }
}

/// The worlds of the properties above have what the rules are about: a rule that never applies holds by itself.
#[test]
fn the_worlds_are_rich_enough() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut continued, mut at_full, mut blue_first, mut answered_back, mut stopped) = (0, 0, 0, 0, 0);
    let (mut put_back, mut with_pauses, mut at_once, mut redeployed, mut refused) = (0, 0, 0, 0, 0);
    for _ in 0..4000 {
        let scene = native_scene().new_tree(&mut runner).unwrap().current();
        let intent = native_intent().new_tree(&mut runner).unwrap().current();
        let release = scene.release();
        let Ok(plan) = scene.plan(&release, &intent) else {
            refused += 1;
            continue;
        };
        let configured = plan.calls().any(|call| matches!(call, Call::UpdateService { configuration: Some(_), .. }));
        let continues = plan.calls().any(|call| matches!(call, Call::AnswerPause { answer: HookAction::Continue, .. }));
        let weights = plan.calls().any(|call| matches!(call, Call::SetWeights { .. }));
        continued += u32::from(continues);
        at_full += u32::from(continues && release.method == Method::NativeWeighted);
        blue_first += u32::from(weights && intent.is_rollback());
        match plan.steps.iter().find_map(|step| step.call.as_ref()) {
            Some(Call::AnswerPause { answer: HookAction::Rollback, .. }) => answered_back += 1,
            Some(Call::StopDeployment { .. }) => stopped += 1,
            _ => {}
        }
        match intent {
            Intent::Finish => put_back += u32::from(configured),
            Intent::Start { .. } => with_pauses += u32::from(configured),
            Intent::Rollback { at_once: true, .. } => at_once += u32::from(configured),
            Intent::Rollback { .. } if release.method.shifted_by_ecs() => {
                redeployed += u32::from(way_back(&plan).is_none())
            }
            _ => {}
        }
    }
    let counts = [
        ("continued", continued),
        ("native-weighted, continued", at_full),
        ("blue first", blue_first),
        ("answered with ROLLBACK", answered_back),
        ("stopped", stopped),
        ("put back", put_back),
        ("with pauses", with_pauses),
        ("at once", at_once),
        ("by its own strategy", redeployed),
        ("refused", refused),
    ];
    assert!(counts.iter().all(|(_, count)| *count >= 5), "{counts:?}");
}
