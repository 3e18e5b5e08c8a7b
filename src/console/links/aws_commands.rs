//! The AWS CLI commands that do the same as a plan, for the operator's own shell.

use serde_json::{Map, Value, json};

use super::{Shell, quoted};
use crate::console::state::observed::Observed;
use crate::domain::ecs::deployment::{Configuration, Strategy};
use crate::domain::ecs::names::ServiceKey;
use crate::domain::ecs::route::{Forward, Route, RouteId};
use crate::domain::plan::{Call, Plan, Seen};

/// The jq filter that sets new weights of target groups in the actions of a rule, `$w` by ARN, and keeps everything
/// else.
const REWEIGH: &str = "map(if .ForwardConfig then .ForwardConfig.TargetGroups |= \
    map(.Weight = ($w[.TargetGroupArn] // .Weight)) | del(.TargetGroupArn) else . end \
    | if .AuthenticateOidcConfig then .AuthenticateOidcConfig.UseExistingClientSecret = true else . end)";

/// Returns the commands in order, up to the last one that users depend on. The calls after that one remove tasks, and
/// need waits that no command has. `None`: one of the calls has no command.
pub(crate) fn of(plan: &Plan, observed: &Observed, shell: &Shell) -> Option<Vec<String>> {
    let last = plan.steps.iter().rposition(|step| step.call.as_ref().is_some_and(serves_users));
    let last = last.or(plan.steps.len().checked_sub(1))?;
    let line = Line { reach: shell.words(&observed.place.region), observed };
    let mut commands = Vec::new();
    let mut updated: Option<&ServiceKey> = None;
    for step in plan.steps.iter().take(last + 1) {
        // The conditions of a step hold once the service of the previous write is stable.
        if let Some(ServiceKey { cluster, service }) = updated.take_if(|_| !step.before.is_empty()) {
            commands.push(line.of(&["ecs", "wait", "services-stable", "--cluster", cluster, "--services", service])?);
        }
        let Some(call) = &step.call else { continue };
        commands.push(line.call(call)?);
        if let Call::UpdateService { service, .. } = call {
            updated = Some(service);
        }
    }
    Some(commands).filter(|commands| !commands.is_empty())
}

/// Returns true if a call moves users, or starts tasks of another revision for them. A change of the desired count
/// alone precedes a call that moves users, or follows the users' return.
fn serves_users(call: &Call) -> bool {
    !matches!(call, Call::UpdateService { task_definition: None, configuration: None, .. })
}

/// The data of every command line.
struct Line<'a> {
    /// The options that reach the same account and region.
    reach: Vec<&'a str>,
    observed: &'a Observed,
}

impl Line<'_> {
    fn of(&self, words: &[&str]) -> Option<String> {
        quoted(&[&["aws"], words, &self.reach].concat())
    }

    fn call(&self, call: &Call) -> Option<String> {
        match call {
            Call::SetWeights { route, seen, weights, .. } => self.set_weights(route, seen, weights),
            Call::UpdateService { service, task_definition, desired, configuration, force, .. } => {
                let ServiceKey { cluster, service } = service;
                let mut words = vec!["ecs", "update-service", "--cluster", cluster, "--service", service];
                let count = desired.map(|desired| desired.to_string());
                let configuration = match configuration {
                    Some(configuration) => Some(at_once(configuration)?.to_string()),
                    None => None,
                };
                if let Some(task_definition) = task_definition {
                    words.extend(["--task-definition", task_definition.arn().as_str()]);
                }
                words.extend(count.iter().flat_map(|count| ["--desired-count", count]));
                words.extend(configuration.iter().flat_map(|json| ["--deployment-configuration", json]));
                words.extend(force.then_some("--force-new-deployment"));
                self.of(&words)
            }
            Call::StopDeployment { deployment, .. } => {
                let deployment = ["--service-deployment-arn", deployment.as_str()];
                self.of(&[&["ecs", "stop-service-deployment"], &deployment[..], &["--stop-type", "ROLLBACK"]].concat())
            }
            Call::AnswerPause { deployment, hook, answer, .. } => {
                let deployment = ["--service-deployment-arn", deployment.as_str(), "--hook-id", hook];
                let answer = answer.to_string();
                self.of(&[&["ecs", "continue-service-deployment"], &deployment[..], &["--action", &answer]].concat())
            }
            Call::RegisterCopy { .. } => None,
        }
    }

    /// Returns the command that sets weights. ModifyRule replaces all actions of a rule: if the rule has actions beside
    /// the forward, the command reads its actions first.
    fn set_weights(&self, route: &RouteId, seen: &Seen, weights: &[Forward]) -> Option<String> {
        let arn = route.arn().as_str();
        let (write, actions) = match route {
            RouteId::Rule(_) => (["elbv2", "modify-rule", "--rule-arn", arn], "--actions"),
            RouteId::Default(_) => (["elbv2", "modify-listener", "--listener-arn", arn], "--default-actions"),
        };
        let known = self.observed.snapshot.routes.get().and_then(|routes| routes.get(route));
        if let Some(known) = known.filter(|known| !known.other_actions) {
            return self.of(&[&write[..], &[actions, &forward(known, seen, weights).to_string()]].concat());
        }
        let read = match route {
            RouteId::Rule(_) => ["elbv2", "describe-rules", "--rule-arns", arn, "--query", "Rules[0].Actions"],
            RouteId::Default(_) => {
                ["elbv2", "describe-listeners", "--listener-arns", arn, "--query", "Listeners[0].DefaultActions"]
            }
        };
        let read = self.of(&[&read[..], &["--output", "json"]].concat())?;
        let by_arn: Map<String, Value> =
            weights.iter().map(|to| (to.target_group.to_string(), to.weight.value().into())).collect();
        let reweigh = quoted(&["jq", "-c", "--argjson", "w", &Value::Object(by_arn).to_string(), REWEIGH])?;
        let (write, reach) = (quoted(&[&["aws"], &write[..]].concat())?, quoted(&self.reach)?);
        Some(format!("{write} {actions} \"$({read} | {reweigh})\" {reach}"))
    }
}

/// Returns the strategy of an immediate rollback: everything at once, without hooks.
fn at_once(configuration: &Configuration) -> Option<Value> {
    let plain = configuration.strategy == Strategy::Rolling && configuration.hooks.is_empty();
    plain.then(|| json!({ "strategy": "ROLLING", "bakeTimeInMinutes": 0, "lifecycleHooks": [] }))
}

/// Returns the only action of a rule, with the new weights.
fn forward(route: &Route, seen: &Seen, weights: &[Forward]) -> Value {
    let group = |forward: &Forward| {
        let written = weights.iter().find(|to| to.target_group == forward.target_group).unwrap_or(forward);
        json!({ "TargetGroupArn": forward.target_group.as_str(), "Weight": written.weight.value() })
    };
    let groups: Vec<_> = seen.forwards.iter().map(group).collect();
    let mut config = Map::from_iter([("TargetGroups".to_owned(), Value::Array(groups))]);
    if let Some(seconds) = route.stickiness {
        let sticky = json!({ "Enabled": true, "DurationSeconds": seconds });
        config.insert("TargetGroupStickinessConfig".to_owned(), sticky);
    }
    json!([{ "Type": "forward", "ForwardConfig": config }])
}

#[cfg(test)]
mod tests;
