//! The safety rules that a plan can keep or break, over any world and any intent.

use proptest::prelude::*;

use super::{Call, Expect, HookAction, Intent, Plan, Refusal, Remedy, Reread, ways};
use crate::domain::analysis::VerdictStatus;
use crate::domain::ecs::deployment::DeploymentStatus;
use crate::domain::ecs::route::Forward;
use crate::domain::ecs::service::RolloutState;
use crate::domain::release::share::{Percent, Weight, Weights};
use crate::domain::release::{Method, Phase, Release};
use crate::domain::rollback::target::{Evidence, best, candidates};
use crate::domain::wording::Wording;
use crate::testkit::worlds::{ACCOUNT, REGION, Scene, SideScene, forward, intent, now, scene, td};

pub(super) fn weight(weights: &[Forward], side: &crate::domain::release::Side) -> Option<Weight> {
    let group = side.target_group.as_ref()?;
    weights.iter().find(|to| to.target_group == *group).map(|to| to.weight)
}

/// The canary's share in the rule that a call writes, before it and, percent, after it.
fn canarys_share(release: &Release, call: &Call) -> Option<(Option<Percent>, f64)> {
    let Call::SetWeights { route, weights: written, .. } = call else { return None };
    let index = release.rules.iter().position(|it| it.route.id == *route)?;
    let (stable, canary) = (weight(written, &release.stable)?, weight(written, release.newest())?);
    let after = Weights { stable, canary }.canary_share()?;
    Some((release.shares()[index], after.value()))
}

/// What every plan and every refusal must be, whatever it is for.
pub(super) fn check(
    release: &Release,
    intent: &Intent,
    answer: &Result<Plan, Refusal>,
    read_only: bool,
) -> Result<(), TestCaseError> {
    let plan = match answer {
        Err(refusal) => {
            prop_assert!(!refusal.reason.is_empty() && !refusal.remedy.text(Wording::PLAIN).is_empty(), "{refusal:?}");
            return Ok(());
        }
        Ok(plan) => plan,
    };
    prop_assert!(!plan.title.is_empty());
    // A goal that is reached has no steps, and none is left to be sent.
    prop_assert!(!plan.is_reached() || plan.gate.is_none(), "{plan:#?}");
    prop_assert_eq!(plan.intent.verb(), intent.verb());
    prop_assert!(!read_only && release.watch_only.is_none());
    // A gate is of a forward act alone, and of each that gives users to a canary which has some and did not pass.
    // What the calls do says whether there has to be one.
    let passed = release.verdict.outcome == VerdictStatus::Pass;
    let rises = plan.calls().filter_map(|call| canarys_share(release, call)).any(|(before, after)| match before {
        Some(before) if before.is_zero() => after > release.ladder.first().value(),
        before => after > before.map_or(0.0, Percent::value) && !passed,
    });
    let goes_on = plan.calls().any(|call| matches!(call, Call::AnswerPause { answer: HookAction::Continue, .. }));
    let unwatched = release.share.configured.is_none_or(|share| !share.is_zero() && !passed);
    if rises && !plan.intent.is_rollback() || goes_on && release.canary.is_some() && unwatched {
        prop_assert!(plan.gate.is_some(), "{plan:#?}");
    }
    if plan.gate.is_some() {
        let forward = matches!(plan.intent, Intent::Step { .. } | Intent::Weight { .. } | Intent::Finish);
        // A revision that is known to be bad is gated from the start.
        let start = matches!(&plan.intent, Intent::Start { task_definition, .. } if release.known_against(task_definition).is_some());
        prop_assert!(start || forward && release.canary.is_some(), "{plan:#?}");
    }
    for step in &plan.steps {
        // Rule 7: a reply alone never makes a step done.
        prop_assert!(!step.after.is_empty(), "nothing is read back: {step:?}");
        prop_assert!(!step.title.is_empty());
        if step.call.is_some() {
            // Rule 6: what the write itself changes is among it, so that an unanswered one can be looked for.
            prop_assert!(step.after.iter().any(Expect::is_written), "{step:?}");
        }
    }
    // Rule 6: no write is ordered twice.
    let calls: Vec<_> = plan.calls().collect();
    for (index, call) in calls.iter().enumerate() {
        prop_assert!(!calls[index + 1..].contains(call), "twice: {call:?}");
    }
    Ok(())
}

/// A later step may rely on what an earlier one waited for.
pub(super) fn waited_for(plan: &Plan, index: usize, wanted: impl Fn(&Expect) -> bool) -> bool {
    let earlier = plan.steps[..index].iter().flat_map(|step| &step.after);
    earlier.chain(&plan.steps[index].before).any(wanted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every world and every intent has an answer: a plan, or a refusal that says why and what to do.
    #[test]
    fn planning_is_total(scene in scene(), intent in intent()) {
        for release in scene.releases() {
            check(&release, &intent, &scene.plan(&release, &intent), scene.read_only)?;
        }
    }

    /// The start of a revision that failed before and comes already, where perhaps no task of it is wanted.
    #[test]
    fn what_comes_already_is_never_gated_without_a_step(scene in scene(), none_wanted in any::<bool>()) {
        let runs = scene.stable.td;
        let stable = SideScene { desired: if none_wanted { 0 } else { scene.stable.desired }, ..scene.stable.clone() };
        let history = Some(vec![(DeploymentStatus::RollbackInProgress, runs)]);
        let scene = Scene { stable, history, canary: None, ..scene };
        let intent = Intent::Start { task_definition: td(runs), pauses: false };
        for release in scene.releases() {
            check(&release, &intent, &scene.plan(&release, &intent), scene.read_only)?;
        }
    }

    /// 1. Never give weight to a target group with no healthy target; never write both weights 0; never leave the
    /// rule's other actions changed.
    #[test]
    fn rule_1_weight_only_where_somebody_answers(scene in scene(), intent in intent()) {
        for release in scene.releases() {
            let Ok(plan) = scene.plan(&release, &intent) else { continue };
            for (index, step) in plan.steps.iter().enumerate() {
                let Some(Call::SetWeights { weights, seen, reread, route, .. }) = &step.call else { continue };
                prop_assert!(weights.iter().any(|to| to.weight > Weight::ZERO), "both 0: {step:?}");
                // A call can carry nothing but weights; what it is compared with is the rule as it was seen.
                let read = release.rules.iter().map(|rule| &rule.route).find(|read| read.id == *route);
                prop_assert_eq!(read.map(|read| (&read.forwards, read.shape)), Some((&seen.forwards, seen.shape)));
                for side in release.sides() {
                    if weight(weights, side).is_none_or(|to| to == Weight::ZERO) {
                        continue;
                    }
                    let healthy = |expect: &Expect| matches!(expect, Expect::Healthy { target_group, at_least }
                        if side.target_group.as_ref() == Some(target_group) && *at_least >= 1);
                    // On the way back only what is known to be down is waited for.
                    let at_once = matches!(intent, Intent::Rollback { at_once: true, .. });
                    let seen_well = at_once || intent.is_rollback() && side.healthy.map_or(side.running > 0, |healthy| healthy > 0);
                    prop_assert!(seen_well || waited_for(&plan, index, healthy), "{plan:#?}");
                }
                prop_assert_eq!(*reread == Reread::Urgent, intent.is_rollback());
            }
        }
    }

    /// 2. Capacity before traffic on the way up; traffic before capacity on the way down.
    #[test]
    fn rule_2_capacity_before_traffic(scene in scene(), intent in intent()) {
        for release in scene.releases() {
            let (Ok(plan), Some(canary)) = (scene.plan(&release, &intent), &release.canary) else { continue };
            let mut share = release.shares().into_iter().map(|share| share.map_or(0.0, |share| share.value()))
                .fold(0.0, f64::max);
            let mut tasks = canary.desired;
            for (index, step) in plan.steps.iter().enumerate() {
                match &step.call {
                    Some(Call::SetWeights { weights, .. }) => {
                        let to = |side| f64::from(weight(weights, side).map_or(0, Weight::value));
                        let (stable, to_canary) = (to(&release.stable), to(canary));
                        let next = to_canary * 100.0 / (stable + to_canary);
                        if next > share {
                            let full = if release.stable.desired == 0 { canary.desired.max(1) } else { release.stable.desired };
                            let needed = (f64::from(full) * next / 100.0 - 1e-6).ceil() as u32;
                            let there = |expect: &Expect| matches!(expect, Expect::Healthy { target_group, at_least }
                                if canary.target_group.as_ref() == Some(target_group) && *at_least >= needed);
                            let run = |expect: &Expect| matches!(expect, Expect::Running { service, at_least }
                                if *service == canary.service && *at_least >= needed);
                            prop_assert!(tasks >= needed && waited_for(&plan, index, there), "{plan:#?}");
                            prop_assert!(waited_for(&plan, index, run), "{plan:#?}");
                        }
                        if plan.steps[index + 1..].iter().all(|later| !matches!(later.call, Some(Call::SetWeights { .. }))) {
                            share = next;
                        }
                    }
                    Some(Call::UpdateService { service, desired: Some(desired), .. }) if *service == canary.service => {
                        if *desired < tasks {
                            let needed = f64::from(release.stable.desired) * share / 100.0;
                            prop_assert!(f64::from(*desired) >= needed - 1e-6, "{desired} < {needed}: {plan:#?}");
                            // Nobody may have given it traffic in the meantime.
                            prop_assert!(step.before.iter().any(|expect| matches!(expect, Expect::Weights { .. }))
                                || matches!(intent, Intent::Start { .. }), "{plan:#?}");
                        }
                        tasks = *desired;
                    }
                    Some(Call::UpdateService { service, desired: Some(desired), .. }) => {
                        prop_assert!(*service == release.stable.service && *desired >= release.stable.desired, "{plan:#?}");
                    }
                    _ => {}
                }
            }
        }
    }

    /// 3. Rollback is never blocked by a gate, a failed metric source, a lock or a bad verdict.
    #[test]
    fn rule_3_nothing_blocks_the_way_back(scene in scene(), to in proptest::option::of((1u8..6).prop_map(td))) {
        let intent = Intent::Rollback { to: to.clone(), at_once: false };
        for release in scene.releases() {
            let answer = scene.plan(&release, &intent);
            // How long ago the newest release ended is what such an answer is about.
            let too_old = |answer: &Result<Plan, Refusal>| {
                matches!(answer, Err(refusal) if refusal.remedy == Remedy::NameOlderRevision)
                    || answer.as_ref().is_ok_and(Plan::is_reached)
            };
            if too_old(&answer) {
                prop_assert!(to.as_ref().is_none_or(|to| *to == release.stable.task_definition));
                let on_stable = release.canary.is_some() && release.shares().iter().all(|it| it.is_some_and(Percent::is_zero));
                let on_its_way = release.newest().is_rolling_back || release.is_rollback_deployment;
                prop_assert!(release.phase == Phase::Steady || on_stable || on_its_way, "{answer:?}");
                continue;
            }
            // The same world, with metrics, ages and failures taken away or added, has the same answer.
            for (errors, age, failing) in [(None, 0, false), (Some(20.0), 86_400, true)] {
                let other = Scene { errors, age, failing, ..scene.clone() };
                // Witnesses and history keep their order; only their stamps move.
                let same = other.releases().into_iter().find(|other| other.name == release.name).unwrap();
                let again = other.plan(&same, &intent);
                // What is remembered of a revision grows old too, and is said beside the same calls.
                let steps = |answer: &Result<Plan, Refusal>| answer.clone().map(|plan| plan.steps);
                prop_assert!(steps(&again) == steps(&answer) || too_old(&again), "{again:?} {answer:?}");
            }
            let Err(refusal) = answer else { continue };
            let stable = &release.stable;
            let active = std::iter::once(stable).chain(&release.canary).all(|side| side.active);
            let nowhere = match &to {
                Some(to) => *to == stable.task_definition,
                None => best(&release.previous).is_none(),
            };
            let elsewhere = scene.place.account != ACCOUNT || scene.place.region != REGION;
            // ECS takes a deployment back by its name, to what it replaced. Without either there is nothing to order.
            let native = release.method == Method::Native && super::native::under_way(&release);
            let replaced = |to: &crate::domain::ecs::names::TaskDefinitionArn| {
                release.previous.iter().any(|it| it.evidence == Evidence::Replaced && it.task_definition == *to)
            };
            let nothing_replaced = native
                && (stable.deployment.is_none()
                    || release.previous.is_empty()
                    || to.as_ref().is_some_and(|to| !replaced(to)));
            prop_assert!(
                scene.read_only || release.is_rollback_deployment && to.is_none() || release.watch_only.is_some() || !active || elsewhere || nothing_replaced
                    || nowhere || (stable.is_rolling_back && release.canary.is_none()),
                "{refusal:?} {release:#?}"
            );
            // A stable that still is what worked is never out of reach while the canary has users.
            if let Some(canary) = &release.canary
                && active && !elsewhere && !scene.read_only && release.watch_only.is_none() && to.is_none()
            {
                prop_assert!(release.stable_taken() || canary.weight == Some(Weight::ZERO), "{refusal:?} {release:#?}");
            }
        }
    }

    /// 3. …and where stable still is what worked, its first call gives it everything, and nothing is asked before.
    #[test]
    fn rule_3_users_first(scene in scene()) {
        for release in scene.releases() {
            let Ok(plan) = scene.plan(&release, &Intent::Rollback { to: None, at_once: false }) else { continue };
            let Some(canary) = &release.canary else { continue };
            let up = release.stable.desired > 0 && release.stable.healthy.map_or(release.stable.running > 0, |h| h > 0);
            let undoing = release.stable.rolling && release.stable.leaving.contains(&canary.task_definition);
            // Where stable was scaled in there are two ways, and the operator chooses.
            let two_ways = ways(&release, &plan.intent).len() > 1;
            if release.stable_taken() || undoing || canary.weight == Some(Weight::ZERO) || !up || two_ways {
                continue;
            }
            let first = &plan.steps[0];
            prop_assert!(first.before.is_empty(), "{plan:#?}");
            let Some(Call::SetWeights { weights, .. }) = &first.call else { panic!("{plan:#?}") };
            prop_assert_eq!(weight(weights, canary), Some(Weight::ZERO));
        }
    }

    /// 4. A write acts on what the operator saw: forward plans compare the rule with what was seen, and go on only
    /// while the services still go for the revisions that were on screen.
    #[test]
    fn rule_4_acts_on_what_was_seen(scene in scene(), intent in forward()) {
        for release in scene.releases() {
            let Ok(plan) = scene.plan(&release, &intent) else { continue };
            for step in &plan.steps {
                match &step.call {
                    Some(Call::SetWeights { reread, .. }) => prop_assert_eq!(*reread, Reread::Strict),
                    Some(Call::UpdateService { service, .. }) => prop_assert!(
                        step.before.iter().any(|expect| match expect {
                            Expect::Primary { service: seen, .. } => seen == service,
                            Expect::Weights { .. } => true,
                            _ => false,
                        }),
                        "{plan:#?}"
                    ),
                    Some(Call::StopDeployment { .. }) => panic!("only a rollback stops: {plan:#?}"),
                    // A hook takes one answer: what was seen is in the call itself.
                    // It changes nothing that is there.
                    Some(Call::RegisterCopy { .. }) => {}
                    Some(Call::AnswerPause { answer, .. }) => prop_assert_eq!(*answer, HookAction::Continue),
                    None => {}
                }
            }
        }
    }

    /// 9. Before each write, account and region are those of the pane that the operator looks at.
    #[test]
    fn rule_9_only_in_the_place_on_screen(scene in scene(), intent in intent()) {
        for release in scene.releases() {
            let Ok(plan) = scene.plan(&release, &intent) else { continue };
            prop_assert_eq!(&plan.place, &scene.place);
            for call in plan.calls() {
                prop_assert!(!call.arns().is_empty());
                for arn in call.arns() {
                    prop_assert_eq!(arn.region(), Some(scene.place.region.as_str()));
                    // A load balancer's endpoint may be of its own account; see `Call::belongs_to`.
                    if arn.service() == Some("ecs") {
                        prop_assert_eq!(arn.account(), Some(scene.place.account.as_str()));
                    }
                }
            }
        }
    }

    /// 10. "Previous good" is the newest revision with a SUCCESSFUL deployment that nobody went back from, never
    /// "revision − 1".
    #[test]
    fn rule_10_previous_good_has_worked(scene in scene()) {
        let snapshot = scene.snapshot();
        for release in scene.releases() {
            let side = &release.stable;
            let service = snapshot.service(&side.service).unwrap();
            let found = candidates(service, &side.task_definition, &snapshot);
            prop_assert_eq!(&found, &release.previous);
            prop_assert!(found.iter().all(|good| good.task_definition != side.task_definition));
            let history = scene.history.iter().flatten();
            let worked = |revision: &crate::domain::ecs::names::TaskDefinitionArn| {
                let deployed = history.clone().any(|(status, td_)| match status {
                    DeploymentStatus::Successful => td(*td_) == *revision,
                    DeploymentStatus::RollbackSuccessful => td((*td_ % 5) + 1) == *revision,
                    _ => false,
                });
                let replaced = service.rollouts.iter().any(|rollout| {
                    rollout.task_definition == *revision && rollout.state == Some(RolloutState::Completed)
                });
                deployed || replaced || scene.witnesses.iter().any(|witness| td(*witness) == *revision)
            };
            prop_assert!(found.iter().all(|good| worked(&good.task_definition)), "{found:?}");
            // Those that somebody went back from come last.
            prop_assert!(found.is_sorted_by_key(|good| good.rolled_back_from), "{found:?}");
            let told: Vec<_> = history.clone().rev().collect();
            let install = |(status, td_): &(DeploymentStatus, u8)| match status {
                DeploymentStatus::Successful => Some(td(*td_)),
                DeploymentStatus::RollbackSuccessful => Some(td((*td_ % 5) + 1)),
                _ => None,
            };
            // Stopped by a deployment of what had worked before, and not installed since.
            let taken_back = |revision: &crate::domain::ecs::names::TaskDefinitionArn| {
                let stopped = |place: &usize| {
                    let (status, target) = told[*place];
                    let next = told.get(place + 1).map(|(_, next)| td(*next)).filter(|next| next != revision);
                    let worked = |next| told[..*place].iter().any(|it| install(it).as_ref() == Some(&next));
                    let stopped = matches!(status, DeploymentStatus::Stopped | DeploymentStatus::StopRequested);
                    stopped && td(*target) == *revision && next.is_some_and(worked)
                };
                let last = (0..told.len()).rev().find(stopped);
                last.is_some_and(|last| told[last + 1..].iter().all(|it| install(it).as_ref() != Some(revision)))
            };
            // What was installed, oldest first; what runs alone and complete is, read or not.
            let mut installed: Vec<_> = history
                .rev()
                .filter_map(|(status, td_)| match status {
                    DeploymentStatus::Successful => Some(td(*td_)),
                    DeploymentStatus::RollbackSuccessful => Some(td((*td_ % 5) + 1)),
                    _ => None,
                })
                .collect();
            let settled = service.desired > 0 && service.settled_on(&side.task_definition);
            installed.extend(settled.then(|| side.task_definition.clone()));
            installed.dedup();
            for good in found.iter().filter(|good| good.evidence != Evidence::Replaced) {
                let Some(last) = installed.iter().rposition(|revision| *revision == good.task_definition) else { continue };
                let (before, after) = (&installed[..last], &installed[last + 1..]);
                // Somebody went back: what ran before it was installed again after it.
                let back = after.iter().any(|revision| before.contains(revision));
                prop_assert!(!good.rolled_back_from || back || taken_back(&good.task_definition), "{good:?} {installed:?}");
                // New on top of what the very next one brought back.
                let left = before.last().is_some_and(|revision| after.first() == Some(revision));
                let new = !before.contains(&good.task_definition);
                prop_assert!(good.rolled_back_from || !(left && new), "{good:?} {installed:?}");
            }
            // Without a rollout under way the newest in the history that nobody went back from comes first.
            if !side.rolling {
                let current = installed.iter().rposition(|revision| *revision != side.task_definition);
                let before = &installed[..current.map_or(0, |newest| newest + 1)];
                if let Some(newest) = before.last()
                    && (before.len() == installed.len() || !before.contains(&side.task_definition))
                    && !taken_back(newest)
                {
                    prop_assert_eq!((&found[0].task_definition, found[0].rolled_back_from), (newest, false));
                }
            }
            // What a plan goes back to, unless it was named, is one of them.
            let Ok(plan) = scene.plan(&release, &Intent::Rollback { to: None, at_once: false }) else { continue };
            for call in plan.calls() {
                if let Call::UpdateService { task_definition: Some(to), .. } = call {
                    prop_assert_eq!(Some(to), best(&release.previous).map(|good| &good.task_definition));
                }
            }
        }
    }

    /// The same world gives the same answer, and time alone changes no call.
    #[test]
    fn planning_is_a_function(scene in scene(), intent in intent()) {
        let _ = now();
        for (one, other) in scene.releases().iter().zip(&scene.releases()) {
            prop_assert_eq!(scene.plan(one, &intent), scene.plan(other, &intent));
        }
    }
}
