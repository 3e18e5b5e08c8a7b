//! Checks that the names in a scenario refer to something and that its values are in range.

use super::event::Event;
use super::file::Scenario;
use super::load_balancer::{Action, Rule, TargetType};
use super::service::{PastOutcome, Service, Strategy};
use super::task_definition::NetworkMode;

/// Checks a scenario. The error names the first mistake.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    let names = Names { scenario };
    if scenario.clusters.is_empty() {
        return Err("clusters: at least one is needed".into());
    }
    if scenario.propagation_seconds.is_some_and(|seconds| seconds > 90) {
        return Err("propagation_seconds: it is not within 0–90".into());
    }
    if scenario.network && !scenario.rule.is_empty() {
        return Err("network: a Network Load Balancer has no rules".into());
    }
    for (name, listener) in &scenario.listener {
        names.action(&format!("listener.{name}"), &listener.default)?;
    }
    for (name, rule) in &scenario.rule {
        let at = format!("rule.{name}");
        names.action(&at, &rule.action)?;
        if !scenario.listener.contains_key(&rule.listener) {
            return Err(format!("{at}: no [listener.{}]", rule.listener));
        }
    }
    for (name, service) in &scenario.service {
        check_service(&names, &format!("service.{name}"), service)?;
    }
    check_alarms(&names)?;
    let reserved = |namespace: &str| namespace.starts_with("AWS/");
    if let Some(custom) = scenario.custom.iter().find(|it| reserved(&it.namespace) || it.service == it.revision) {
        return Err(format!("custom {}: it needs a namespace of its own and two dimensions", custom.namespace));
    }
    scenario.event.iter().try_for_each(|event| check_event(&names, event))
}

/// Looks up the names that a scenario defines. `at` is the place in the file that an error names.
struct Names<'a> {
    scenario: &'a Scenario,
}

impl<'a> Names<'a> {
    fn revision(&self, at: &str, name: &str) -> Result<(), String> {
        let known = name.split_once(':').is_some_and(|(family, number)| {
            let family = self.scenario.family.get(family);
            family.is_some_and(|f| f.revision.iter().any(|r| r.number.to_string() == number))
        });
        if known { Ok(()) } else { Err(format!("{at}: no revision {name}; define it under [[family.…revision]]")) }
    }

    fn target_group(&self, at: &str, name: &str) -> Result<(), String> {
        if self.scenario.target_group.contains_key(name) {
            Ok(())
        } else {
            Err(format!("{at}: no [target_group.{name}]"))
        }
    }

    /// Checks that tasks on instances register in target groups of instances, and others in groups of addresses.
    fn targets(&self, at: &str, service: &Service) -> Result<(), String> {
        let family = service.task_definition.split(':').next().and_then(|name| self.scenario.family.get(name));
        let on_instances = family.is_some_and(|family| family.network_mode == NetworkMode::Bridge);
        let groups = service.target_group.iter().chain(&service.more_target_groups);
        let odd = groups.chain(&service.alternate_target_group).find(|name| {
            let group = self.scenario.target_group.get(*name);
            group.is_some_and(|group| (group.target_type == TargetType::Instance) != on_instances)
        });
        match odd {
            Some(name) => Err(format!("{at}: target_type of {name} does not fit the network_mode of its tasks")),
            None => Ok(()),
        }
    }

    fn service(&self, at: &str, name: &str) -> Result<(), String> {
        if self.scenario.service.contains_key(name) { Ok(()) } else { Err(format!("{at}: no [service.{name}]")) }
    }

    fn rule(&self, at: &str, name: &str) -> Result<&'a Rule, String> {
        self.scenario.rule.get(name).ok_or_else(|| format!("{at}: no [rule.{name}]"))
    }

    /// The action of a rule, or of the listener of this name.
    fn divider(&self, at: &str, name: &str) -> Result<&'a Action, String> {
        match self.scenario.listener.get(name) {
            Some(listener) if !self.scenario.rule.contains_key(name) => Ok(&listener.default),
            _ => self.rule(at, name).map(|rule| &rule.action),
        }
    }

    fn any_alarm(&self, at: &str, name: &str) -> Result<(), String> {
        let known = self.scenario.alarm.contains_key(name) || self.scenario.composite_alarm.contains_key(name);
        if known { Ok(()) } else { Err(format!("{at}: no [alarm.{name}]")) }
    }

    fn action(&self, at: &str, action: &Action) -> Result<(), String> {
        let kinds = [!action.forward.is_empty(), action.fixed_response.is_some(), action.redirect_host.is_some()];
        if kinds.iter().filter(|k| **k).count() != 1 {
            return Err(format!("{at}: give exactly one of forward, fixed_response, redirect_host"));
        }
        for (name, weight) in &action.forward {
            self.target_group(at, name)?;
            if *weight > 999 {
                return Err(format!("{at}: weight {weight} of {name} is not within 0–999"));
            }
        }
        Ok(())
    }
}

fn check_service(names: &Names<'_>, at: &str, service: &Service) -> Result<(), String> {
    names.revision(at, &service.task_definition)?;
    check_tasks(at, "desired", service.desired)?;
    for past in &service.past {
        names.revision(at, &past.task_definition)?;
        if past.outcome == PastOutcome::Successful && past.ago.ms < service.deployed.ms {
            return Err(format!("{at}: a successful past deployment is newer than the deployed one"));
        }
    }
    let groups = service.target_group.iter().chain(&service.more_target_groups);
    for group in groups.chain(&service.alternate_target_group) {
        names.target_group(at, group)?;
    }
    names.targets(at, service)?;
    if let Some(cluster) = service.cluster.as_ref().filter(|c| !names.scenario.clusters.contains(c)) {
        return Err(format!("{at}: cluster {cluster} is not in clusters"));
    }
    if !service.more_target_groups.is_empty() && service.target_group.is_none() {
        return Err(format!("{at}: more_target_groups needs a target_group"));
    }
    if let Some(name) = &service.production_rule {
        check_forwards(at, "production_rule", names.divider(at, name)?, service)?;
    }
    if service.deployment.strategy != Strategy::Rolling
        && (service.production_rule.is_none() || service.alternate_target_group.is_none())
    {
        return Err(format!("{at}: this strategy needs production_rule and alternate_target_group"));
    }
    if let Some(name) = &service.test_rule {
        check_forwards(at, "test_rule", names.divider(at, name)?, service)?;
    }
    if service.on_alternate && service.alternate_target_group.is_none() {
        return Err(format!("{at}: on_alternate needs an alternate_target_group"));
    }
    let triggered = service.past.iter().flat_map(|past| &past.triggered);
    triggered.chain(&service.deployment.alarms).try_for_each(|alarm| names.any_alarm(at, alarm))
}

/// Tasks of a service, at the most; ECS's own quota is 5,000.
const MOST_TASKS: u32 = 5_000;

fn check_tasks(at: &str, member: &str, tasks: u32) -> Result<(), String> {
    if tasks <= MOST_TASKS { Ok(()) } else { Err(format!("{at}: {member} = {tasks} is not within 0–{MOST_TASKS}")) }
}

/// Checks that an action forwards to both target groups of a service.
fn check_forwards(at: &str, member: &str, action: &Action, service: &Service) -> Result<(), String> {
    let groups = [&service.target_group, &service.alternate_target_group];
    if groups.iter().all(|g| g.as_ref().is_some_and(|g| action.forward.contains_key(g))) {
        return Ok(());
    }
    Err(format!("{at}: its {member} must forward to both of its target groups"))
}

fn check_alarms(names: &Names<'_>) -> Result<(), String> {
    let scenario = names.scenario;
    for (name, alarm) in &scenario.alarm {
        let at = format!("alarm.{name}");
        match (&alarm.target_group, &alarm.service) {
            (Some(group), None) => names.target_group(&at, group)?,
            (None, Some(service)) if scenario.service.contains_key(service) => {}
            _ => return Err(format!("{at}: give a target_group or a service that exists")),
        }
    }
    for (name, alarm) in &scenario.composite_alarm {
        let at = format!("composite_alarm.{name}");
        if scenario.alarm.contains_key(name) || alarm.any.is_empty() {
            return Err(format!("{at}: give it a unique name and at least one alarm"));
        }
        if let Some(unknown) = alarm.any.iter().find(|a| !scenario.alarm.contains_key(*a)) {
            return Err(format!("{at}: no [alarm.{unknown}]"));
        }
    }
    Ok(())
}

fn check_event(names: &Names<'_>, event: &Event) -> Result<(), String> {
    let at = format!("event at {}s", event.at.ms / 1000);
    let warmup = names.scenario.warmup.ms;
    if event.at.ms < -warmup {
        return Err(format!("{at}: before the warm-up of {}s", warmup / 1000));
    }
    let mut actions = 0;
    if let Some(update) = &event.update_service {
        actions += 1;
        names.service(&at, &update.service)?;
        check_tasks(&at, "desired", update.desired.unwrap_or_default())?;
        if let Some(name) = &update.task_definition {
            names.revision(&at, name)?;
        }
    }
    if let Some(set) = &event.set_weights {
        actions += 1;
        let action = names.divider(&at, &set.rule)?;
        if let Some(group) = set.weights.keys().find(|g| !action.forward.contains_key(*g)) {
            return Err(format!("{at}: rule {} does not forward to {group}", set.rule));
        }
    }
    if let Some(traffic) = &event.traffic {
        actions += 1;
        names.rule(&at, &traffic.rule)?;
    }
    if let Some(retag) = &event.retag {
        actions += 1;
        names.revision(&at, &retag.task_definition)?;
    }
    check_tasks(&at, "tasks", event.interrupt.as_ref().map_or(0, |it| it.tasks))?;
    let services = [
        event.continue_deployment.as_ref().map(|it| &it.service),
        event.stop_deployment.as_ref().map(|it| &it.service),
        event.interrupt.as_ref().map(|it| &it.service),
    ];
    for service in services.into_iter().flatten() {
        actions += 1;
        names.service(&at, service)?;
    }
    if actions == 1 { Ok(()) } else { Err(format!("{at}: give exactly one action")) }
}
