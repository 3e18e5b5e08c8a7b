//! The steps that plans are made of, for every method.

use jiff::SignedDuration;

use super::call::{Call, HookAction, Reread, Seen};
use super::expect::Expect;
use super::refusal::{Refusal, Remedy};
use super::{Context, Step};
use crate::domain::ecs::deployment::{Configuration, Pause};
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Route, RouteId, Stickiness};
use crate::domain::release::production_rule::ProductionRule;
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{Method, Release, Side};

/// Tasks for a share of the traffic, at least one, where all of it needs `full`.
pub(super) fn tasks_for(full: u32, share: Percent) -> u32 {
    if share.is_zero() {
        return 0;
    }
    let full = full.max(1);
    // At most `full`, which is a u32 of at least 1.
    ((f64::from(full) * share.value() / 100.0 - 1e-9).ceil() as u32).clamp(1, full)
}

/// A side has so many healthy targets, in each of its target groups.
pub(super) fn healthy(side: &Side, at_least: u32) -> impl Iterator<Item = Expect> {
    side.groups().map(move |group| Expect::Healthy { target_group: group.clone(), at_least })
}

/// Nothing that the operator saw has changed: neither the service's revision nor the rules.
pub(super) fn still(release: &Release, side: &Side) -> Vec<Expect> {
    std::iter::once(unchanged(side)).chain(as_seen(release)).collect()
}

/// A service has the tasks to carry traffic: they run, and the load balancer finds as many healthy. A target group
/// alone is no proof of tasks: others can be registered in it.
pub(super) fn capacity(side: &Side, at_least: u32) -> impl Iterator<Item = Expect> {
    let running = Expect::Running { service: side.service.clone(), at_least };
    std::iter::once(running).chain(healthy(side, at_least))
}

/// A service still goes for the revision that the operator saw.
pub(super) fn unchanged(side: &Side) -> Expect {
    Expect::Primary { service: side.service.clone(), task_definition: side.task_definition.clone() }
}

/// The rules still read as the operator saw them.
pub(super) fn as_seen(release: &Release) -> Vec<Expect> {
    let as_seen =
        |rule: &ProductionRule| Expect::Weights { route: rule.route.id.clone(), weights: rule.route.forwards.clone() };
    release.rules.iter().map(as_seen).collect()
}

/// No rule that was read sends the canary anything.
pub(super) fn without_traffic(release: &Release, canary: &Side) -> Vec<Expect> {
    let all = release.rules.iter().map(|rule| &rule.route).chain(&release.other_rules);
    all.filter_map(|route| {
        let groups = canary.groups().filter(|group| route.weight(group).is_some());
        let nothing = |group: &Arn| Forward { target_group: group.clone(), weight: Weight::ZERO };
        let weights: Vec<_> = groups.map(nothing).collect();
        (!weights.is_empty()).then(|| Expect::Weights { route: route.id.clone(), weights })
    })
    .collect()
}

pub(super) fn update(side: &Side, task_definition: Option<&TaskDefinitionArn>, desired: Option<u32>) -> Call {
    Call::UpdateService {
        service: side.service.clone(),
        arn: side.arn.clone(),
        cluster_arn: side.cluster_arn.clone(),
        // What runs already is deployed again only where AWS is told to.
        force: task_definition == Some(&side.task_definition),
        task_definition: task_definition.cloned(),
        desired,
        configuration: None,
    }
}

/// A step without a hold time.
pub(super) fn a_step(
    title: String,
    before: Vec<Expect>,
    call: Option<Call>,
    after: Vec<Expect>,
    context: &Context<'_>,
) -> Step {
    Step {
        title,
        before,
        call,
        after,
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }
}

/// More tasks, or fewer. More are waited for until they are healthy.
pub(super) fn scale(side: &Side, desired: u32, before: Vec<Expect>, context: &Context<'_>) -> Step {
    let mut after = vec![Expect::Desired { service: side.service.clone(), count: desired }];
    if desired > side.desired {
        after.extend(capacity(side, desired));
    }
    let title = format!("{} {} → {desired} tasks", side.service.service, side.desired);
    a_step(title, before, Some(update(side, None, Some(desired))), after, context)
}

/// One step for each production rule: the canary gets `share` of it.
///
/// # Errors
/// A rule that this version cannot write back whole, or a share that its weights cannot express.
pub(super) fn set_share(
    release: &Release,
    share: Percent,
    before: &[Expect],
    reread: Reread,
    context: &Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    if release.rules.is_empty() {
        return Err(Refusal::new("The production rule of this release is not known.", Remedy::WaitForRead));
    }
    let step = |(index, rule): (usize, &ProductionRule)| {
        let ProductionRule { route, .. } = rule;
        writable(route)?;
        let weights =
            rule.weights_for(share).map_err(|error| Refusal::new(format!("{error}."), Remedy::NameExactShare))?;
        let title = format!("{} → stable {} canary {}", route.id, weights.stable, weights.canary);
        let mut before = before.to_vec();
        // Each rule is compared as it is written; of several none is written unless all are as they were seen.
        if index == 0 && release.rules.len() > 1 && reread == Reread::Strict {
            before.extend(as_seen(release));
        }
        let to = rule.forwards(weights);
        // A rollback takes everybody back: a cookie outranks weights. A rule that ECS writes keeps its own.
        let whole = share.is_zero() && reread == Reread::Urgent && release.method == Method::Weighted;
        let stickiness = route.stickiness.filter(|_| whole).map(|was| Stickiness::Off { was });
        let (id, seen) = (route.id.clone(), Seen::from(route));
        let call = Call::SetWeights { route: id, seen, weights: to.clone(), stickiness, reread };
        let after = vec![Expect::Weights { route: route.id.clone(), weights: to }];
        Ok(a_step(title, before, Some(call), after, context))
    };
    release.rules.iter().enumerate().map(step).collect()
}

/// One step for each rule whose stickiness this machine switched off: it is as it was before, with the same weights.
pub(super) fn sticky_again(release: &Release, context: &Context<'_>) -> Vec<Step> {
    let step = |(id, seconds): &(RouteId, u32)| {
        let rule = release.rules.iter().find(|rule| rule.route.id == *id)?;
        let seen = Seen::from(&rule.route);
        let weights = seen.forwards.clone();
        let stickiness = Some(Stickiness::On { seconds: *seconds });
        let (route, after) = (id.clone(), vec![Expect::Sticky { route: id.clone(), seconds: *seconds }]);
        let call = Call::SetWeights { route, seen, weights, stickiness, reread: Reread::Strict };
        let title = format!("{id} → stickiness of {seconds} s again");
        writable(&rule.route).ok()?;
        Some(a_step(title, Vec::new(), Some(call), after, context))
    };
    release.stickiness_off.iter().filter_map(step).collect()
}

/// Whether a rule can be written back as it was read.
pub(super) fn writable(route: &Route) -> Result<(), Refusal> {
    match &route.unknown_action {
        None => Ok(()),
        Some(kind) => Err(Refusal::new(
            format!("{} has an action of kind {kind}, which this version cannot write back.", route.describe()),
            Remedy::WriteRuleElsewhere,
        )),
    }
}

/// The same UpdateService with a configuration in it.
pub(super) fn configure(call: Call, to: &Configuration) -> Call {
    match call {
        Call::UpdateService { service, arn, cluster_arn, task_definition, desired, force, .. } => Call::UpdateService {
            service,
            arn,
            cluster_arn,
            task_definition,
            desired,
            configuration: Some(Box::new(to.clone())),
            force,
        },
        other => other,
    }
}

pub(super) fn answer(
    release: &Release,
    deployment: &Arn,
    pause: &Pause,
    answer: HookAction,
    context: &Context<'_>,
) -> Step {
    let service = release.stable.service.clone();
    let (title, after) = match answer {
        HookAction::Continue => (
            "answer the pause: go on",
            Expect::Answered { service: service.clone(), deployment: deployment.clone(), hook: pause.hook.clone() },
        ),
        HookAction::Rollback => (
            "answer the pause: go back",
            Expect::GoingBack { service: service.clone(), deployment: deployment.clone() },
        ),
    };
    Step {
        title: title.to_owned(),
        before: Vec::new(),
        call: Some(Call::AnswerPause { service, deployment: deployment.clone(), hook: pause.hook.clone(), answer }),
        after: vec![after],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }
}

/// A side runs a revision alone, complete.
pub(super) fn alone(side: &Side, task_definition: &TaskDefinitionArn) -> Expect {
    let (service, task_definition) = (side.service.clone(), task_definition.clone());
    Expect::Settled { service, task_definition, older_may_run: false }
}

/// Waits for a revision to be complete and alone. Only where `older_may_run` are older tasks not waited for.
pub(super) fn complete(side: &Side, target: &TaskDefinitionArn, older_may_run: bool, context: &Context<'_>) -> Step {
    let (service, task_definition) = (side.service.clone(), target.clone());
    Step {
        title: format!("wait until {} is complete", target.tag()),
        before: Vec::new(),
        call: None,
        after: vec![Expect::Settled { service, task_definition, older_may_run }],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    }
}

/// Orders a deployment of a revision, with another configuration if given, and waits until ECS shows it where ECS keeps
/// deployments.
pub(super) fn order(
    release: &Release,
    target: &TaskDefinitionArn,
    configuration: Option<Configuration>,
    before: Vec<Expect>,
    context: &Context<'_>,
) -> Vec<Step> {
    let side = &release.stable;
    let service = side.service.clone();
    let call = update(side, Some(target), None);
    let mut after = vec![Expect::Primary { service: service.clone(), task_definition: target.clone() }];
    let call = match configuration {
        Some(configuration) => {
            let call = configure(call, &configuration);
            after.push(Expect::Configured { service: service.clone(), configuration: Box::new(configuration) });
            call
        }
        None => call,
    };
    let again = *target == side.task_definition;
    let order = Step {
        title: format!("{} → {}{}", side.service.service, target.tag(), if again { " again" } else { "" }),
        before,
        call: Some(call),
        after,
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    };
    // ECS may show a deployment that it has only just taken a moment later.
    let seen = (release.method.shifted_by_ecs() || again).then(|| Step {
        title: "wait until ECS shows the deployment".to_owned(),
        before: Vec::new(),
        call: None,
        after: vec![Expect::Deployed {
            service,
            task_definition: target.clone(),
            after: release.deployment.as_ref().map(|newest| newest.arn.clone()),
        }],
        hold: SignedDuration::ZERO,
        optional: false,
        patience: context.settings.patience,
    });
    std::iter::once(order).chain(seen).collect()
}

/// How long a rollback waits to read the rule back before it tells ECS.
const RULE_PATIENCE: SignedDuration = SignedDuration::from_secs(15);

/// Gives blue all traffic before ECS is told to roll back; no steps if blue has it already.
pub(super) fn blue_first(release: &Release, context: &Context<'_>) -> Vec<Step> {
    let blue = &release.stable;
    // Without tasks blue is brought back by ECS before it shifts; until then users are better off where they are.
    let down = blue.healthy.map_or(blue.running == 0, |healthy| healthy == 0);
    if !release.may_be_shared() || down {
        return Vec::new();
    }
    // Whether the rule can be written or not, ECS must be told to go back.
    let steps = set_share(release, Percent::ZERO, &[], Reread::Urgent, context).unwrap_or_default();
    steps.into_iter().map(|step| Step { optional: true, patience: RULE_PATIENCE, ..step }).collect()
}
