//! A small AWS for the executor's tests: it applies calls, takes time over them, loses answers, and is edited by
//! somebody else. It writes down every moment in which users would have been hurt by a call of ours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::worlds::{ACCOUNT, Scene, now};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::domain::ecs::names::{Arn, Identity, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Health, Route, RouteId, Stickiness};
use crate::domain::ecs::service::{Rollout, RolloutRole, RolloutState, Service};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::Series;
use crate::domain::metrics::source::MetricSource;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt, Reread};
use crate::domain::release::share::Weight;

/// What becomes of a call on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It arrives and is answered.
    None,
    /// It arrives; the answer is lost.
    AnswerLost,
    /// It is lost; nobody answers.
    CallLost,
    /// AWS says no.
    Denied,
    /// AWS says that it took it, and nothing comes of it.
    Ignored,
    /// Nobody ever answers, and nothing says so.
    Hangs,
}

/// What somebody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Writes other weights, stable and canary, into every rule.
    Weights(u16, u16),
    /// Changes something else in the rule.
    Shape,
    /// Begins another deployment on stable (`false`) or canary (`true`).
    Deploys(bool, u8),
}

#[derive(Debug)]
pub(crate) struct State {
    pub now: Duration,
    pub services: BTreeMap<ServiceKey, Service>,
    pub routes: BTreeMap<RouteId, Route>,
    pub health: BTreeMap<Arn, u32>,
    ready: BTreeMap<ServiceKey, Duration>,
    /// One for each call, then none.
    pub mishaps: Vec<Mishap>,
    /// Reads fail while this says so: one for each read, round and round.
    pub unread: Vec<bool>,
    reads: usize,
    pub edits: Vec<(Duration, Edit)>,
    pub account: String,
    /// Every call that was sent, and whether it was applied.
    pub sent: Vec<(Call, bool)>,
    /// What hurt users.
    pub harm: Vec<String>,
    /// Whether the way back is being carried out.
    pub rollback: bool,
    startup: Duration,
}

/// The world, shared by those who act on it and those who look.
#[derive(Debug, Clone)]
pub(crate) struct World(pub Arc<Mutex<State>>);

impl World {
    pub(crate) fn new(scene: &Scene) -> Self {
        let services: BTreeMap<_, _> =
            scene.services().into_iter().map(|service| (service.key.clone(), service)).collect();
        let health = services.values().map(|service| (service.target_groups[0].clone(), service.running)).collect();
        let ready = services
            .values()
            .filter(|service| service.rolling())
            .map(|service| (service.key.clone(), Duration::from_secs(40)))
            .collect();
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            routes: scene.routes().into_iter().map(|route| (route.id.clone(), route)).collect(),
            services,
            health,
            ready,
            mishaps: Vec::new(),
            unread: Vec::new(),
            reads: 0,
            edits: Vec::new(),
            account: ACCOUNT.to_owned(),
            sent: Vec::new(),
            harm: Vec::new(),
            rollback: false,
            startup: Duration::from_secs(45),
        })))
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }
}

impl State {
    fn pass(&mut self, span: Duration) {
        self.now += span;
        while let Some(index) = self.edits.iter().position(|(at, _)| *at <= self.now) {
            let (_, edit) = self.edits.remove(index);
            self.edit(edit);
        }
        let done: Vec<_> = self.ready.iter().filter(|(_, at)| **at <= self.now).map(|(key, _)| key.clone()).collect();
        for key in done {
            self.ready.remove(&key);
            let service = self.services.get_mut(&key).unwrap();
            service.running = service.desired;
            service.rollouts.retain(|rollout| rollout.role == RolloutRole::Primary);
            service.current_deployment = None;
            if let Some(primary) = service.rollouts.first_mut() {
                (primary.running, primary.state) = (service.desired, Some(RolloutState::Completed));
            }
            self.health.insert(service.target_groups[0].clone(), service.running);
        }
    }

    fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Weights(stable, canary) => {
                for route in self.routes.values_mut() {
                    for (forward, weight) in route.forwards.iter_mut().zip([stable, canary]) {
                        forward.weight = Weight::new(weight.into()).unwrap();
                    }
                }
            }
            Edit::Shape => self.routes.values_mut().for_each(|route| route.shape += 1),
            Edit::Deploys(canary, revision) => {
                let name = if canary { "shop-canary" } else { "shop-stable" };
                self.deploy(&ServiceKey::new("prod", name), &super::worlds::td(revision));
            }
        }
    }

    fn deploy(&mut self, key: &ServiceKey, to: &TaskDefinitionArn) {
        let (now, startup) = (self.now, self.startup);
        let service = self.services.get_mut(key).unwrap();
        if service.primary().is_some_and(|primary| primary.task_definition == *to) {
            return;
        }
        for rollout in &mut service.rollouts {
            rollout.role = RolloutRole::Active;
        }
        let primary = Rollout {
            id: format!("ecs-svc/{}", now.as_millis()),
            role: RolloutRole::Primary,
            task_definition: to.clone(),
            desired: service.desired,
            running: 0,
            pending: service.desired,
            failed: 0,
            state: Some(RolloutState::InProgress),
            reason: None,
            created_at: None,
            updated_at: None,
        };
        service.rollouts.insert(0, primary);
        service.task_definition = to.clone();
        self.ready.insert(key.clone(), now + startup);
    }

    fn weights_of(&self, group: &Arn) -> u16 {
        self.routes.values().filter_map(|route| route.weight(group)).map(Weight::value).max().unwrap_or(0)
    }

    #[expect(clippy::too_many_lines, reason = "a case for each call")]
    fn apply(&mut self, call: &Call) -> Result<(), Fault> {
        let changed = |message: &str| Err(Fault::new(FaultKind::Changed, call.operation(), call.subject(), message));
        match call {
            Call::SetWeights { route: id, seen, weights, reread, stickiness } => {
                let route = self.routes.get_mut(id).unwrap();
                match stickiness {
                    Some(Stickiness::Off { .. }) => route.stickiness = None,
                    Some(Stickiness::On { seconds }) => route.stickiness = Some(*seconds),
                    None => {}
                }
                if *reread == Reread::Strict && (route.forwards != seen.forwards || route.shape != seen.shape) {
                    return changed("the rule is not as it was seen");
                }
                for to in weights {
                    let forward = route.forwards.iter_mut().find(|had| had.target_group == to.target_group).unwrap();
                    forward.weight = to.weight;
                    if to.weight > Weight::ZERO && self.health[&to.target_group] == 0 {
                        self.harm.push(format!("weight for nobody: {}", call.describe()));
                    }
                }
                if weights.iter().all(|to| to.weight == Weight::ZERO) {
                    self.harm.push("both weights 0".to_owned());
                }
            }
            Call::RegisterCopy { .. } => {}
            Call::UpdateService { service: key, task_definition, desired, .. } => {
                let group = self.services[key].target_groups[0].clone();
                if let Some(desired) = desired {
                    let now = self.now + self.startup;
                    let service = self.services.get_mut(key).unwrap();
                    if *desired < service.desired {
                        let at_least = if *desired == 0 { 0 } else { *desired };
                        (service.running, service.desired) = (service.running.min(at_least), *desired);
                        if let Some(primary) = service.rollouts.first_mut() {
                            primary.running = primary.running.min(*desired);
                        }
                        let healthy = self.health[&group].min(*desired);
                        self.health.insert(group.clone(), healthy);
                        if healthy == 0 && self.weights_of(&group) > 0 {
                            self.harm.push(format!("its tasks taken away under traffic: {}", call.describe()));
                        }
                    } else if *desired > service.desired {
                        service.desired = *desired;
                        self.ready.insert(key.clone(), now);
                    }
                }
                if let Some(to) = task_definition {
                    let in_place = self.services[key].primary().is_some_and(|primary| primary.task_definition != *to);
                    if in_place && self.weights_of(&group) > 0 && !self.rollback {
                        self.harm.push(format!("another revision under traffic: {}", call.describe()));
                    }
                    self.deploy(key, to);
                }
            }
            Call::StopDeployment { service: key, .. } => {
                let replaced = self.services[key]
                    .rollouts
                    .iter()
                    .find(|rollout| {
                        rollout.role != RolloutRole::Primary && rollout.state == Some(RolloutState::Completed)
                    })
                    .map(|rollout| rollout.task_definition.clone());
                let Some(replaced) = replaced else {
                    return Err(Fault::new(FaultKind::Refused, call.operation(), call.subject(), "nothing to stop"));
                };
                self.deploy(key, &replaced);
            }
            Call::AnswerPause { .. } => {
                return Err(Fault::new(FaultKind::Refused, call.operation(), call.subject(), "nothing waits here"));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::try_from(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.with(|state| state.now)
    }

    async fn sleep(&self, span: Duration) {
        self.with(|state| state.pass(span));
    }
}

#[async_trait]
impl Cloud for World {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        self.with(|state| {
            state.reads += 1;
            if !state.unread.is_empty() && state.unread[state.reads % state.unread.len()] {
                return Err(Fault::new(FaultKind::Throttled, "Describe", "it", "slow down"));
            }
            Ok(match query {
                Query::Identity => {
                    Answer::Identity(Identity { account: state.account.clone(), arn: "arn:aws:iam::1:user/a".into() })
                }
                Query::Service(key) => Answer::Service(Box::new(state.services[key].clone())),
                Query::Route(id) => Answer::Route(state.routes[id].clone()),
                Query::Health(groups) => {
                    let health = |group: &Arn| Health { healthy: state.health[group], ..Health::default() };
                    Answer::Health(groups.iter().map(|group| (group.clone(), health(group))).collect())
                }
                Query::Metrics(asked) => {
                    let nothing = |(meter, _): &(MetricSource, _)| (meter.clone(), Series::default());
                    Answer::Metrics(asked.meters.iter().map(nothing).collect())
                }
                other => panic!("the executor does not ask {other:?}"),
            })
        })
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        let fault = |kind| Fault::new(kind, call.operation(), call.subject(), "as arranged");
        let mishap = self.with(|state| state.mishaps.get(state.sent.len()).copied().unwrap_or(Mishap::None));
        let answer = self.with(|state| {
            let arrives = matches!(mishap, Mishap::None | Mishap::AnswerLost);
            let answer = if arrives { state.apply(call) } else { Ok(()) };
            state.sent.push((call.clone(), arrives && answer.is_ok()));
            answer
        });
        match mishap {
            Mishap::None | Mishap::Ignored => {
                answer.map(|()| Receipt { request_id: Some("1".into()), answer: "taken".into() })
            }
            Mishap::AnswerLost | Mishap::CallLost => Err(fault(FaultKind::Unanswered)),
            Mishap::Denied => Err(fault(FaultKind::Denied)),
            Mishap::Hangs => std::future::pending().await,
        }
    }
}
