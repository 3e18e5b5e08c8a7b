//! Mending a production rule: one write brings the users back to the target group that has the tasks.

use super::call::{Call, Reread, Seen};
use super::expect::Expect;
use super::refusal::Refusal;
use super::steps::{a_step, unchanged, writable};
use super::{Context, Intent, Plan};
use crate::domain::ecs::route::target_group_name;
use crate::domain::release::Release;
use crate::domain::release::rule_repair::RuleRepair;

/// The plan of a repair.
pub(super) fn plan(
    release: &Release,
    repair: &RuleRepair,
    intent: &Intent,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let RuleRepair { route, to, weights } = repair;
    writable(route)?;
    let group = target_group_name(to);
    let before = vec![unchanged(&release.stable), Expect::Healthy { target_group: to.clone(), at_least: 1 }];
    let call = Call::SetWeights {
        route: route.id.clone(),
        seen: Seen::from(route),
        weights: weights.clone(),
        stickiness: None,
        reread: Reread::Urgent,
    };
    let after = vec![Expect::Weights { route: route.id.clone(), weights: weights.clone() }];
    let step = a_step(format!("{} → all to {group}", route.id), before, Some(call), after, context);
    let title = format!("gives all traffic back to {group}, where its tasks are");
    Ok(context.plan(release, intent.clone(), vec![step], None, Vec::new(), title))
}
