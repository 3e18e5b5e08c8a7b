//! Plays a scenario's events.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::account::Account;
use super::api;
use super::clock::Ms;
use super::ecs::placement;
use super::ecs::revision_settings::RevisionSettings;
use crate::sim::api::{Call, Service as AwsService};
use crate::sim::scenario::{Event, UpdateService};

/// The events to come, in order of time.
#[derive(Debug)]
pub(super) struct Timeline {
    events: VecDeque<(Ms, Event)>,
}

impl Timeline {
    pub(super) fn new(events: &[Event], started: Ms) -> Self {
        let mut events: Vec<_> = events.iter().map(|e| (started + e.at.ms, e.clone())).collect();
        events.sort_by_key(|(at, _)| *at);
        Self { events: events.into() }
    }

    /// Plays the events that are due.
    pub(super) fn play_due(&mut self, account: &mut Account) {
        while let Some((_, event)) = self.events.pop_front_if(|(at, _)| *at <= account.tick) {
            play(&event, account);
        }
    }
}

fn play(event: &Event, account: &mut Account) {
    if let Some(update) = &event.update_service {
        update_service(update, account);
    }
    if let Some(stop) = &event.stop_deployment {
        stop_deployment(&stop.service, account);
    }
    if let Some(retag) = &event.retag
        && let Some(definition) = account.catalog.find(&retag.task_definition)
    {
        account.catalog.retag(definition, account.tick, &mut account.ids);
    }
    if let Some(interrupt) = &event.interrupt
        && let Some(service) = account.services.iter_mut().find(|s| s.name == interrupt.service)
    {
        let groups = &account.load_balancer.groups;
        placement::interrupt(service, interrupt.tasks as usize, groups, account.tick, &mut account.ids);
    }
    if let Some(set) = &event.set_weights {
        let weights: Vec<_> = set.weights.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
        account.set_rule_weights(&set.rule, &weights);
    }
    if let Some(traffic) = &event.traffic {
        for rule in account.load_balancer.rules.iter_mut().filter(|r| r.name == traffic.rule) {
            rule.rps = traffic.rps;
        }
    }
    if let Some(answer) = &event.continue_deployment {
        continue_deployment(&answer.service, &answer.action, account);
    }
}

fn update_service(update: &UpdateService, account: &mut Account) {
    let service = account.service_named(&update.service);
    let cluster = service.map(|s| s.cluster.as_str()).unwrap_or_default();
    let mut input = json!({"cluster": cluster, "service": update.service});
    if let Some(name) = &update.task_definition {
        set(&mut input, "taskDefinition", json!(name));
    }
    if let Some(desired) = update.desired {
        set(&mut input, "desiredCount", json!(desired));
    }
    if update.force {
        set(&mut input, "forceNewDeployment", json!(true));
    }
    if let Some(revision) = service.and_then(|s| s.current_revision()) {
        let desired = RevisionSettings::new(&update.setting, Some(&revision.settings));
        revision.settings.add_changes(&desired, &mut input);
    }
    call_ecs("UpdateService", input, account);
}

/// The ARN of the newest deployment of a service.
fn latest_deployment(name: &str, account: &Account) -> Option<String> {
    let service = account.service_named(name)?;
    let deployment = service.latest_deployment()?;
    Some(account.arns.service_deployment(&service.cluster, &service.name, &deployment.id))
}

/// Rolls back the deployment in progress.
fn stop_deployment(service: &str, account: &mut Account) {
    if let Some(arn) = latest_deployment(service, account) {
        let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
        call_ecs("StopServiceDeployment", input, account);
    }
}

/// Answers every hook of a service that awaits an action.
fn continue_deployment(name: &str, action: &str, account: &mut Account) {
    let Some(arn) = latest_deployment(name, account) else {
        return;
    };
    let deployment = account.service_named(name).and_then(|s| s.latest_deployment());
    let lifecycle = deployment.and_then(|d| d.lifecycle.as_ref());
    let hooks: Vec<String> = lifecycle.iter().flat_map(|l| l.awaiting_action()).map(str::to_owned).collect();
    for hook in hooks {
        let input = json!({"serviceDeploymentArn": arn, "hookId": hook, "action": action});
        call_ecs("ContinueServiceDeployment", input, account);
    }
}

/// Calls ECS. A refused call has no effect.
fn call_ecs(operation: &str, input: Value, account: &mut Account) {
    let region = account.arns.region.clone();
    let call = Call { service: AwsService::Ecs, operation: operation.into(), input, region };
    if let Err(error) = api::answer(account, &call) {
        tracing::debug!(operation, code = error.code, message = error.message, "AWS refused a call of the timeline");
    }
}

fn set(input: &mut Value, name: &str, value: Value) {
    if let Some(map) = input.as_object_mut() {
        map.insert(name.into(), value);
    }
}
