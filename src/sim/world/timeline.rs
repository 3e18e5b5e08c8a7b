//! What the scenario says that happens.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::World;
use super::clock::Ms;
use super::scheduler;
use super::settings::Settings;
use crate::sim::api::{Call, Service as Api};
use crate::sim::scenario::Event;

/// Events in order of time.
#[derive(Debug)]
pub(super) struct Timeline {
    coming: VecDeque<(Ms, Event)>,
}

impl Timeline {
    pub fn new(events: &[Event], started: Ms) -> Self {
        let mut coming: Vec<_> = events.iter().map(|e| (started + e.at.ms, e.clone())).collect();
        coming.sort_by_key(|(at, _)| *at);
        Self { coming: coming.into() }
    }
}

impl World {
    /// Plays the events that are due.
    pub(super) fn play_timeline(&mut self) {
        while self.timeline.coming.front().is_some_and(|(at, _)| *at <= self.tick) {
            let Some((_, event)) = self.timeline.coming.pop_front() else {
                return;
            };
            self.play(&event);
        }
    }

    fn play(&mut self, event: &Event) {
        if let Some(update) = &event.update_service {
            let mut input = json!({"cluster": self.cluster_of(&update.service), "service": update.service});
            if let Some(name) = &update.task_definition {
                set(&mut input, "taskDefinition", json!(name));
            }
            if let Some(desired) = update.desired {
                set(&mut input, "desiredCount", json!(desired));
            }
            if update.force {
                set(&mut input, "forceNewDeployment", json!(true));
            }
            if let Some(revision) =
                self.services.iter().find(|s| s.name == update.service).and_then(|s| s.current_revision())
            {
                revision.settings.changed(&Settings::new(&update.setting, Some(&revision.settings)), &mut input);
            }
            self.ecs("UpdateService", input);
        }
        if let Some(stop) = &event.stop_deployment {
            self.stop_deployment(&stop.service);
        }
        if let Some(retag) = &event.retag
            && let Some(def) = self.catalog.find(&retag.task_definition)
        {
            self.catalog.retag(def, self.tick, &mut self.ids);
        }
        if let Some(interrupt) = &event.interrupt
            && let Some(service) = self.services.iter_mut().find(|s| s.name == interrupt.service)
        {
            scheduler::interrupt(service, interrupt.tasks as usize, &self.balancer, self.tick, &mut self.ids);
        }
        if let Some(edit) = &event.set_weights {
            let weights: Vec<_> = edit.weights.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
            self.edit_rule_weights(&edit.rule, &weights);
        }
        if let Some(traffic) = &event.traffic {
            for rule in self.balancer.rules.iter_mut().filter(|r| r.name == traffic.rule) {
                rule.rps = traffic.rps;
            }
        }
        if let Some(answer) = &event.continue_deployment {
            self.answer_hooks(&answer.service, &answer.action);
        }
    }

    /// Rolls back what is under way at a service.
    fn stop_deployment(&mut self, name: &str) {
        let place = &self.ids.place;
        let found = self.services.iter().find(|s| s.name == name).and_then(|s| s.last().map(|d| (s, d)));
        if let Some((service, deployment)) = found {
            let arn = place.service_deployment(&service.cluster, &service.name, &deployment.id);
            self.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}));
        }
    }

    /// Answers every hook of a service that waits now.
    fn answer_hooks(&mut self, name: &str, action: &str) {
        let place = &self.ids.place;
        let found = self.services.iter().find(|s| s.name == name).and_then(|s| s.last().map(|d| (s, d)));
        let Some((service, deployment)) = found else {
            return;
        };
        let arn = place.service_deployment(&service.cluster, &service.name, &deployment.id);
        let waiting = deployment.native.iter().flat_map(|n| n.waiting());
        let hooks: Vec<String> = waiting.map(str::to_owned).collect();
        for hook in hooks {
            let input = json!({"serviceDeploymentArn": arn, "hookId": hook, "action": action});
            self.ecs("ContinueServiceDeployment", input);
        }
    }

    fn cluster_of(&self, service: &str) -> String {
        self.services.iter().find(|s| s.name == service).map(|s| s.cluster.clone()).unwrap_or_default()
    }

    /// A call by the timeline; one that AWS refuses simply does not happen.
    fn ecs(&mut self, operation: &str, input: Value) {
        let region = self.ids.place.region.clone();
        let call = Call { service: Api::Ecs, operation: operation.into(), input, region };
        if let Err(error) = super::api::answer(self, &call) {
            tracing::debug!(operation, code = error.code, message = error.message, "a timeline event was refused");
        }
    }
}

fn set(input: &mut Value, name: &str, value: Value) {
    if let Some(map) = input.as_object_mut() {
        map.insert(name.into(), value);
    }
}
