//! The writes. Each is sent once; see [`super::clients`] for what the SDK may repeat by itself.

use std::time::Duration;

use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, StopServiceDeploymentStopType};
use aws_sdk_elasticloadbalancingv2::types::Action;
use aws_types::request_id::RequestId;

use crate::domain::ecs::deployment::Configuration;
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Route, RouteId, Stickiness, target_group_name};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::{Call, HookAction, Receipt, Reread, Seen};

use super::Aws;
use super::ecs::configuration::{configuration as read_back, written};
use super::operation::Operation;
use super::rule::{Rule, forwards};

/// What a rollback waits for a fresh reading of its rule, where reads are being answered.
const URGENT_WAIT: Duration = Duration::from_millis(250);

/// The members that UpdateService is to write; what is `None` is left alone.
struct Wanted<'a> {
    task_definition: Option<&'a TaskDefinitionArn>,
    desired: Option<u32>,
    configuration: Option<&'a Configuration>,
    force: bool,
}

impl Aws {
    pub(super) async fn write(&self, call: &Call) -> Result<Receipt, Fault> {
        match call {
            Call::SetWeights { route, seen, weights, stickiness, reread } => {
                let rule = match reread {
                    Reread::Strict => self.rule_as_seen(route, seen).await?,
                    Reread::Urgent => self.rule_at_once(route).await?,
                };
                let written = self.set_weights(&rule, weights, *stickiness).await;
                // AWS keeps a rule sticky whose target groups are. A refused write changed nothing: users go first.
                match written {
                    Err(fault)
                        if fault.kind == FaultKind::Refused && matches!(stickiness, Some(Stickiness::Off { .. })) =>
                    {
                        let receipt = self.set_weights(&rule, weights, None).await?;
                        let answer = format!("{}; stickiness stays: {}", receipt.answer, fault.message);
                        Ok(Receipt { answer, ..receipt })
                    }
                    written => written,
                }
            }
            Call::RegisterCopy { of, .. } => self.register_copy(&call.subject(), of).await,
            Call::UpdateService { arn, cluster_arn, task_definition, desired, configuration, force, .. } => {
                let now = Wanted {
                    task_definition: task_definition.as_ref(),
                    desired: *desired,
                    configuration: configuration.as_deref(),
                    force: *force,
                };
                self.update_service(&call.subject(), arn, cluster_arn, now).await
            }
            Call::StopDeployment { deployment, .. } => self.stop_deployment(&call.subject(), deployment).await,
            Call::AnswerPause { deployment, hook, answer, .. } => {
                self.answer_pause(&call.subject(), deployment, hook, *answer).await
            }
        }
    }

    /// Reads the rule again; a fault if it is not as it was seen.
    async fn rule_as_seen(&self, id: &RouteId, seen: &Seen) -> Result<Rule, Fault> {
        let rule = self.rule(id).await?;
        match difference(seen, &rule.route) {
            None => Ok(rule),
            Some(difference) => Err(changed(id, difference)),
        }
    }

    /// The rule as it is now, if that can be had within [`URGENT_WAIT`]; else as it was last read. Without either
    /// there is nothing to write, and it is waited for.
    async fn rule_at_once(&self, id: &RouteId) -> Result<Rule, Fault> {
        let Some(known) = self.memory.rule(id) else { return self.rule(id).await };
        if !self.memory.reads_are_live() {
            tracing::debug!(rule = %id, "reads hang: written from the last one");
            return Ok(known);
        }
        match tokio::time::timeout(URGENT_WAIT, self.rule(id)).await {
            Ok(Ok(rule)) => Ok(rule),
            // A write tells as well as a read what is the matter, and may work where the read does not.
            Ok(Err(_)) | Err(_) => Ok(known),
        }
    }

    async fn set_weights(
        &self,
        rule: &Rule,
        weights: &[Forward],
        stickiness: Option<Stickiness>,
    ) -> Result<Receipt, Fault> {
        let id = &rule.route.id;
        if let Some(kind) = &rule.route.unknown_action {
            let message = format!("the rule has an action of a kind that this version cannot write back: {kind}");
            return Err(Fault::new(FaultKind::Refused, id.operation(), id.to_string(), message));
        }
        let Some(actions) = rule.reweighted(weights, stickiness) else {
            let missing = weights.iter().find(|to| rule.route.weight(&to.target_group).is_none());
            let missing = missing.map_or("", |to| target_group_name(&to.target_group));
            return Err(changed(id, format!("the rule does not forward to {missing} any more")));
        };
        let (request_id, now) = match id {
            RouteId::Rule(arn) => self.modify_rule(id, arn, actions).await?,
            RouteId::Default(arn) => self.modify_listener(id, arn, actions).await?,
        };
        let answer = if now.is_empty() { "taken; the answer shows no weights".to_owned() } else { weights_of(&now) };
        Ok(Receipt { request_id, answer })
    }

    async fn modify_rule(
        &self,
        id: &RouteId,
        arn: &Arn,
        actions: Vec<Action>,
    ) -> Result<(Option<String>, Vec<Forward>), Fault> {
        let call = self.clients.elbv2.modify_rule().rule_arn(arn.as_str()).set_actions(Some(actions));
        let answer = self.ask(Operation::ModifyRule, &id.to_string(), call.send()).await?;
        let now = answer.rules().iter().flat_map(|rule| forwards(rule.actions())).collect();
        Ok((answer.request_id().map(str::to_owned), now))
    }

    async fn modify_listener(
        &self,
        id: &RouteId,
        arn: &Arn,
        actions: Vec<Action>,
    ) -> Result<(Option<String>, Vec<Forward>), Fault> {
        let call = self.clients.elbv2.modify_listener().listener_arn(arn.as_str()).set_default_actions(Some(actions));
        let answer = self.ask(Operation::ModifyListener, &id.to_string(), call.send()).await?;
        let now = answer.listeners().iter().flat_map(|listener| forwards(listener.default_actions())).collect();
        Ok((answer.request_id().map(str::to_owned), now))
    }

    async fn update_service(
        &self,
        subject: &str,
        arn: &Arn,
        cluster: &Arn,
        wanted: Wanted<'_>,
    ) -> Result<Receipt, Fault> {
        let Wanted { task_definition, desired, configuration, force } = wanted;
        let call = self.clients.ecs.update_service().cluster(cluster.as_str()).service(arn.as_str());
        let call = call.set_task_definition(task_definition.map(|it| it.arn().as_str().to_owned()));
        let written = configuration.map(written).transpose().map_err(|error| {
            Fault::new(FaultKind::Refused, Operation::UpdateService.name(), subject, error.to_string())
        })?;
        let call = call.set_deployment_configuration(written).set_force_new_deployment(force.then_some(true));
        let desired = desired.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        let answer = self.ask(Operation::UpdateService, subject, call.set_desired_count(desired).send()).await?;
        let request_id = answer.request_id().map(str::to_owned);
        let Some(service) = answer.service else {
            return Ok(Receipt { request_id, answer: "taken; the answer shows no service".to_owned() });
        };
        let primary = service.deployments().iter().find(|it| it.status.as_deref() == Some("PRIMARY"));
        let mut now = Vec::new();
        if let (Some(_), Some(primary)) = (task_definition, primary) {
            let state = primary.rollout_state.as_ref().map_or("PRIMARY", |state| state.as_str());
            now.push(format!("deployment {} {state}", primary.id.as_deref().unwrap_or_default()));
        }
        if configuration.is_some() {
            let is = service.deployment_configuration().map(|is| read_back(Some(is)));
            now.extend(is.map(|is| is.describe()));
        }
        if now.is_empty() || desired.is_some() {
            now.push(format!("desired {}, running {}", service.desired_count, service.running_count));
        }
        Ok(Receipt { request_id, answer: now.join(", ") })
    }

    async fn stop_deployment(&self, subject: &str, deployment: &Arn) -> Result<Receipt, Fault> {
        let call = self.clients.ecs.stop_service_deployment().service_deployment_arn(deployment.as_str());
        let call = call.stop_type(StopServiceDeploymentStopType::Rollback);
        let answer = self.ask(Operation::StopServiceDeployment, subject, call.send()).await?;
        let stopped = answer.service_deployment_arn.as_deref().unwrap_or(deployment.as_str());
        let name = Arn::new(stopped).name().to_owned();
        Ok(Receipt {
            request_id: answer.request_id().map(str::to_owned),
            answer: format!("deployment {name} is being rolled back"),
        })
    }
}

impl Aws {
    async fn answer_pause(
        &self,
        subject: &str,
        deployment: &Arn,
        hook: &str,
        answer: HookAction,
    ) -> Result<Receipt, Fault> {
        let action = match answer {
            HookAction::Continue => DeploymentLifecycleHookAction::Continue,
            HookAction::Rollback => DeploymentLifecycleHookAction::Rollback,
        };
        let call = self.clients.ecs.continue_service_deployment().service_deployment_arn(deployment.as_str());
        let call = call.hook_id(hook).action(action);
        let taken = self.ask(Operation::ContinueServiceDeployment, subject, call.send()).await?;
        Ok(Receipt {
            request_id: taken.request_id().map(str::to_owned),
            answer: format!("the pause is answered {answer}"),
        })
    }
}

fn changed(id: &RouteId, what: String) -> Fault {
    Fault::new(FaultKind::Changed, id.operation(), id.to_string(), format!("{what}; nothing was sent"))
}

/// What is not as it was seen, in words.
fn difference(seen: &Seen, now: &Route) -> Option<String> {
    let sorted = |forwards: &[Forward]| {
        let mut sorted: Vec<_> = forwards.iter().map(|it| (it.target_group.clone(), it.weight)).collect();
        sorted.sort();
        sorted
    };
    let (was, is) = (sorted(&seen.forwards), sorted(&now.forwards));
    if !was.iter().map(|(group, _)| group).eq(is.iter().map(|(group, _)| group)) {
        return Some(format!("the rule now forwards to {}; you saw {}", named(&now.forwards), named(&seen.forwards)));
    }
    if was != is {
        // In the order in which they were seen, so that the two can be compared.
        let now: Vec<_> = seen.forwards.iter().filter_map(|it| now.weight(&it.target_group)).collect();
        let was: Vec<_> = seen.forwards.iter().map(|it| it.weight).collect();
        return Some(format!("the weights are now {}, you saw {}", slashed(&now), slashed(&was)));
    }
    (seen.shape != now.shape).then(|| "the rule's other actions, conditions or stickiness were changed".to_owned())
}

fn slashed(weights: &[crate::domain::release::share::Weight]) -> String {
    weights.iter().map(ToString::to_string).collect::<Vec<_>>().join("/")
}

fn weights_of(forwards: &[Forward]) -> String {
    format!("weights {}", slashed(&forwards.iter().map(|it| it.weight).collect::<Vec<_>>()))
}

fn named(forwards: &[Forward]) -> String {
    let one = |it: &Forward| format!("{}={}", target_group_name(&it.target_group), it.weight);
    forwards.iter().map(one).collect::<Vec<_>>().join(" ")
}
