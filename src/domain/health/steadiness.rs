//! Whether a release is as one at rest should be: the wanted tasks run, targets are healthy, there is one revision, and
//! its production rule is undivided. `rolloutState` alone tells none of that.

use jiff::{SignedDuration, Timestamp};

use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Route, target_group_name};
use crate::domain::ecs::service::{Controller, Rollout, RolloutRole, Service, ServiceEvent};
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::condition::{Condition, GroupShare, StartTrouble, Subject};
use crate::domain::release::derive::production_rule;
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{ReleaseState, Side};

/// How long tasks may be missing before somebody should look: ECS replaces a task within a minute or two.
const GRACE: SignedDuration = SignedDuration::from_secs(100);
/// The same while ECS has found a place for every missing task: images are pulled, applications start.
const STARTING: SignedDuration = SignedDuration::from_mins(5);
/// An event that is older than this says nothing of now: ECS repeats what goes on being so.
const RECENT: SignedDuration = SignedDuration::from_mins(45);
/// How long old tasks may be seen after a rollout was complete.
const LEAVING: SignedDuration = SignedDuration::from_mins(3);

/// All that keeps a release from being steady, whatever its rollouts say.
pub(crate) fn conditions(release: &ReleaseState, snapshot: &Snapshot, now: Timestamp) -> Vec<Condition> {
    let mut found = Vec::new();
    let pair = release.services().count() > 1;
    for side in release.services() {
        // Of a service alone, how its newest deployment ended says so.
        found.extend(
            side.failure_reason
                .iter()
                .filter(|reason| pair && reason.of_rollback())
                .cloned()
                .map(Condition::RolloutFailure),
        );
        let Some(service) = snapshot.service(&side.service) else { continue };
        let of = Of { release, side, service, snapshot, now };
        found.extend(of.not_active());
        found.extend(of.scaled_to_zero());
        found.extend(of.tasks_do_not_start().or_else(|| of.missing_tasks()));
        found.extend(of.divided_at_rest());
        found.extend(of.targets());
        found.extend(of.several_revisions());
    }
    found
}

/// The target groups of a release to which a production rule sends traffic.
pub(crate) fn served_groups(release: &ReleaseState, snapshot: &Snapshot) -> Vec<Arn> {
    let mut groups: Vec<Arn> = Vec::new();
    for service in release.services().filter_map(|side| snapshot.service(&side.service)) {
        for (_, group, _) in served(release, service, snapshot) {
            if !groups.contains(group) {
                groups.push(group.clone());
            }
        }
    }
    groups
}

/// The rules that say who serves the users of a service: the release's, the one that ECS writes, else all of its groups'.
fn rules<'a>(release: &'a ReleaseState, service: &'a Service, snapshot: &'a Snapshot) -> Vec<&'a Route> {
    if !release.rules.is_empty() {
        return release.rules.iter().map(|rule| &rule.route).collect();
    }
    if release.method.shifted_by_ecs() {
        return production_rule(service, release.under_way(), snapshot).into_iter().collect();
    }
    let routes = snapshot.routes.get().into_iter();
    routes.flat_map(|routes| routes.to_any(&service.target_groups)).collect()
}

/// The service's groups that get traffic, each with its rule and its share.
fn served<'a>(
    release: &'a ReleaseState,
    service: &'a Service,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (&'a Route, &'a Arn, Option<Percent>)> {
    rules(release, service, snapshot).into_iter().flat_map(|route| {
        let ours = |group: &&Arn| service.target_groups.contains(group);
        let weighted = route.forwards.iter().filter(|to| to.weight != Weight::ZERO);
        weighted.map(|to| &to.target_group).filter(ours).map(move |group| (route, group, share(route, group)))
    })
}

fn share(route: &Route, group: &Arn) -> Option<Percent> {
    let weight = |weight: Weight| f64::from(weight.value());
    let all: f64 = route.forwards.iter().map(|to| weight(to.weight)).sum();
    Percent::of(weight(route.weight(group)?), all)
}

/// One service of a release, and what is known around it.
struct Of<'a> {
    release: &'a ReleaseState,
    side: &'a Side,
    service: &'a Service,
    snapshot: &'a Snapshot,
    now: Timestamp,
}

impl Of<'_> {
    fn subject(&self) -> Subject {
        (self.release.services().count() > 1).then(|| self.service.key.service.clone())
    }

    fn serves(&self) -> bool {
        served(self.release, self.service, self.snapshot).next().is_some()
    }

    fn at_rest(&self) -> bool {
        at_rest(self.release, self.side, self.service, self.snapshot)
    }

    fn not_active(&self) -> Option<Condition> {
        let (service, status) = (self.subject(), self.service.status.clone());
        (!self.service.active()).then(|| Condition::NotActive { service, status, serves: self.serves() })
    }

    fn scaled_to_zero(&self) -> Option<Condition> {
        // A service that is being deleted says so itself.
        let zero = self.service.desired == 0 && self.service.active();
        (zero && self.serves()).then(|| Condition::ScaledToZero { service: self.subject() })
    }

    fn history(&self) -> &[ServiceDeployment] {
        let reading = self.snapshot.deployments.get(&self.service.key).and_then(|reading| reading.get());
        reading.map_or(&[][..], Vec::as_slice)
    }

    /// Tasks of a service are missing, or of its newest revision while older tasks hide that.
    fn missing_tasks(&self) -> Option<Condition> {
        self.missing_of_all().or_else(|| self.missing_of_newest())
    }

    /// Fewer tasks of the newest revision than are wanted, beside older ones whose removal is deferred.
    fn missing_of_newest(&self) -> Option<Condition> {
        self.service.cleanup_deferred_until(self.history())?;
        let (primary, desired) = (self.service.primary()?, self.service.desired);
        let lasted = self.now.duration_since(primary.updated_at.or(primary.created_at)?);
        let missing = primary.running < desired && !self.service.rolling() && lasted >= STARTING;
        missing.then(|| Condition::MissingTasks { service: self.subject(), running: primary.running, desired })
    }

    fn missing_of_all(&self) -> Option<Condition> {
        let (running, desired) = (self.service.running, self.service.desired);
        let since = self.snapshot.noticed.short_since(&self.service.key)?;
        // Held against the time of the newest look: while nothing is heard, nothing can be seen to become better.
        let lasted = self.snapshot.services.at()?.duration_since(since.at);
        let placed = running > 0 && running + self.service.pending >= desired;
        let long = lasted >= if placed { STARTING } else { GRACE };
        let missing = running < desired && !self.service.rolling() && long;
        missing.then(|| Condition::MissingTasks { service: self.subject(), running, desired })
    }

    /// What ECS says of tasks that do not start, unless it said later that all is well.
    fn tasks_do_not_start(&self) -> Option<Condition> {
        let trouble = recent_start_trouble(self.service, self.now)?;
        let short = self.service.running < self.service.desired;
        let said = self.service.desired > 0 && (short || trouble == StartTrouble::Fail);
        let down = self.service.running == 0;
        said.then(|| Condition::TasksDoNotStart { service: self.subject(), trouble, down })
    }

    fn targets(&self) -> Vec<Condition> {
        // The first deployment of a service has nobody to be healthy yet.
        let first = self.service.rolling() && self.service.rollouts.len() < 2;
        if first || self.service.desired == 0 {
            return Vec::new();
        }
        let mut found: Vec<Condition> = Vec::new();
        for (_, group, share) in served(self.release, self.service, self.snapshot) {
            let Some(health) = self.snapshot.health_of(group) else { continue };
            let (registered, unhealthy) = (health.registered(), health.unhealthy);
            let name = target_group_name(group).to_owned();
            let condition = match health.healthy {
                0 => Condition::NoHealthyTarget { group: name, share, registered },
                _ if unhealthy > 0 && self.at_rest() => {
                    Condition::UnhealthyTargets { group: name, unhealthy, registered }
                }
                _ => continue,
            };
            if !found.contains(&condition) {
                found.push(condition);
            }
        }
        found
    }

    fn divided_at_rest(&self) -> Option<Condition> {
        if !self.release.method.shifted_by_ecs() || !self.at_rest() {
            return None;
        }
        let route = production_rule(self.service, None, self.snapshot)?;
        if route.forwards.iter().all(|to| to.weight == Weight::ZERO) {
            return Some(Condition::NobodyServed);
        }
        let group = |group: &Arn| {
            let healthy = self.snapshot.health_of(group).map(|health| health.healthy);
            let share = share(route, group).filter(|share| !share.is_zero())?;
            Some(GroupShare { group: target_group_name(group).to_owned(), share, healthy })
        };
        let mut groups: Vec<_> = route.forwards.iter().filter_map(|to| group(&to.target_group)).collect();
        groups.sort_by(|a, b| b.share.value().total_cmp(&a.share.value()));
        (groups.len() > 1).then_some(Condition::DividedAtRest { groups })
    }

    fn several_revisions(&self) -> Option<Condition> {
        let primary = self.service.primary()?;
        let complete = primary.updated_at.or(primary.created_at)?;
        let settled = self.service.controller == Controller::Ecs
            && self.at_rest()
            && self.now.duration_since(complete) >= LEAVING;
        let old: Vec<_> = self
            .service
            .rollouts
            .iter()
            .filter(|rollout| {
                let another = rollout.task_definition != primary.task_definition;
                another && rollout.role != RolloutRole::Primary && rollout.running > 0
            })
            .collect();
        let older: Vec<_> = old.iter().map(|rollout| rollout.task_definition.tag()).collect();
        let service = self.subject();
        // Tasks of what was gone back from are nothing to be patient with.
        let bad = |rollout: &&Rollout| self.release.known_against(&rollout.task_definition).is_some();
        let unwanted = self.release.went_back.is_some() || old.iter().copied().any(|rollout| bad(&rollout));
        let until = self.service.cleanup_deferred_until(self.history()).filter(|until| *until > self.now && !unwanted);
        match until {
            _ if older.is_empty() => None,
            Some(until) if self.at_rest() => Some(Condition::CleanupDeferred { service, older, until }),
            _ => settled.then_some(Condition::SeveralRevisions { service, older }),
        }
    }
}

/// Returns true if nothing of a service is being rolled out, as far as ECS and its history say.
pub(super) fn at_rest(release: &ReleaseState, side: &Side, service: &Service, snapshot: &Snapshot) -> bool {
    let history = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let over = |arn: &Arn| {
        let deployments = history.into_iter().flatten();
        deployments.into_iter().any(|known| known.arn == *arn && known.status.ended())
    };
    !side.rolling && release.under_way().is_none() && service.current_deployment.as_ref().is_none_or(over)
}

/// The reason why ECS finds no room for a task, as far as ECS said: since the last steady state, or when it last tried to start one.
/// `None`: it finds room.
pub(crate) fn unplaced(service: &Service, now: Timestamp) -> Option<Option<String>> {
    // Tasks that start again and again in the place of others need no more room.
    if let Some(StartTrouble::Unplaced(why)) = recent_start_trouble(service, now) {
        return Some(why);
    }
    let mut recent = service.events.iter().filter(|event| now.duration_since(event.at) <= RECENT);
    // A steady state says nothing of room: fewer tasks may be wanted than before.
    let attempt = |event: &ServiceEvent| match start_trouble(event) {
        Some(StartTrouble::Unplaced(why)) => Some(Some(why)),
        _ => event.message.contains(" has started ").then_some(None),
    };
    recent.find_map(attempt).flatten()
}

/// ECS's last report of tasks of a service that do not start, unless ECS said later that all is well.
fn recent_start_trouble(service: &Service, now: Timestamp) -> Option<StartTrouble> {
    let since = service.events.iter().take_while(|event| !event.message.contains("has reached a steady state"));
    since.filter(|event| now.duration_since(event.at) <= RECENT).find_map(start_trouble)
}

/// What an event says of tasks that do not start; `None`: it says something else.
fn start_trouble(event: &ServiceEvent) -> Option<StartTrouble> {
    if event.message.contains("unable to consistently start tasks successfully") {
        return Some(StartTrouble::Fail);
    }
    let (_, after) = event.message.split_once("was unable to place a task")?;
    let after = after.trim_start_matches(['.', ' ']).trim_start_matches("because ").trim_start_matches("Reason: ");
    let why = after.split(". ").next().unwrap_or_default().trim().trim_end_matches('.');
    Some(StartTrouble::Unplaced((!why.is_empty()).then(|| why.to_owned())))
}

#[cfg(test)]
mod tests;
