//! Worlds and intents for property tests: everything that a snapshot can say, likely or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::assess::releases;
use crate::domain::ecs::deployment::{Configuration, Rollback, ServiceRevision, Strategy as Shift};
use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::{Arn, Identity, Location, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Health, Route, RouteId};
use crate::domain::ecs::service::{Controller, Rollout, RolloutState, Service, TaskDefinition};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::source::MetricSource;
use crate::domain::metrics::{Minute, Series};
use crate::domain::observe::snapshot::{ObservedHealthy, Reading, Snapshot};
use crate::domain::plan::{Context, Intent, Plan, Refusal, plan};
use crate::domain::release::ladder::Ladder;
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{LocalState, Release};
use crate::domain::settings::Settings;

mod native;
mod strategies;
mod topology;

pub(crate) use self::native::{NativeScene, native_intent, native_scene};
pub(crate) use self::strategies::{calm_pair, forward, intent, scene};
pub(crate) use self::topology::{Missing, Topology, missing, topology};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-1";

/// The tests' now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

pub(crate) fn place() -> Location {
    Location { environment: "prod".into(), account: ACCOUNT.into(), region: REGION.into() }
}

/// `…:task-definition/shop:N`.
pub(crate) fn td(revision: u8) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop:{revision}"))
}

pub(crate) fn group(name: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/0123456789abcdef"))
}

pub(crate) fn balancer() -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/shop/1"))
}

/// Where the requests of a target group are counted.
pub(crate) fn meter(name: &str) -> MetricSource {
    MetricSource::TargetGroup { group: group(name), balancer: balancer() }
}

fn route_id(index: usize) -> RouteId {
    let arn = |kind| Arn::new(format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:{kind}/app/shop/1/2{index}"));
    if index == 0 { RouteId::Rule(arn("listener-rule")) } else { RouteId::Default(arn("listener")) }
}

/// What a service's rollouts look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Going {
    /// One rollout, complete.
    Settled,
    /// From another revision to the present one.
    Rolling(u8),
    /// From another revision, with one between that failed.
    BackFrom(u8),
    /// The rollout failed.
    Failed,
    /// Tasks fail to start, one after the other.
    Looping,
    /// Nothing is said of rollouts at all.
    Unsaid,
}

#[derive(Debug, Clone)]
pub(crate) struct SideScene {
    pub td: u8,
    pub desired: u32,
    /// `None`: could not be read.
    pub healthy: Option<u32>,
    pub going: Going,
    pub status: &'static str,
    /// Whether ECS names the service deployment under way.
    pub named: bool,
}

/// A pair, or a service alone, with everything around it.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub stable: SideScene,
    pub canary: Option<SideScene>,
    pub names: (&'static str, &'static str),
    /// Weights of each rule.
    pub weights: Vec<(u16, u16)>,
    pub controller: Controller,
    pub shift: Shift,
    pub history: Option<Vec<(DeploymentStatus, u8)>>,
    pub witnesses: Vec<u8>,
    pub inactive: Vec<u8>,
    pub errors: Option<f64>,
    /// Seconds since everything was read.
    pub age: i64,
    /// Whether every source fails by now.
    pub failing: bool,
    pub read_only: bool,
    pub place: Location,
    pub doing: Option<Intent>,
    pub requested: Option<Percent>,
}

impl Scene {
    /// The services as ECS would describe them.
    pub(crate) fn services(&self) -> Vec<Service> {
        let mut services = vec![service(self.names.0, &self.stable, self)];
        services.extend(self.canary.as_ref().map(|canary| service(self.names.1, canary, self)));
        services
    }

    /// The rules as ELB would describe them.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let forwards = |(stable, canary): (u16, u16)| {
            let to =
                |name, weight: u16| Forward { target_group: group(name), weight: Weight::new(weight.into()).unwrap() };
            let canary = self.canary.as_ref().map(|_| to(self.names.1, canary));
            std::iter::once(to(self.names.0, stable)).chain(canary).collect()
        };
        let route = |(index, weights): (usize, &(u16, u16))| Route {
            id: route_id(index),
            load_balancer: balancer(),
            port: Some(443),
            priority: index.to_string(),
            conditions: Vec::new(),
            forwards: forwards(*weights),
            stickiness: None,
            former_stickiness: None,
            unknown_action: None,
            other_actions: false,
            default_rule: None,
            shape: 7,
        };
        self.weights.iter().enumerate().map(route).collect()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let at = now() - SignedDuration::from_secs(self.age);
        let mut snapshot = Snapshot::default();
        let services = self.services();
        for (index, witness) in (0i64..).zip(&self.witnesses) {
            for service in &services {
                let at = at - SignedDuration::from_hours(index + 1);
                snapshot.remember(&service.key, ObservedHealthy { task_definition: td(*witness), at });
            }
        }
        for service in &services {
            if let Some(history) = &self.history {
                let history =
                    (0i64..).zip(history).map(|(index, entry)| deployment(service, index, entry, at)).collect();
                snapshot.deployments.insert(service.key.clone(), Reading::fresh(at, history));
            }
        }
        for (name, side) in [(self.names.0, Some(&self.stable)), (self.names.1, self.canary.as_ref())] {
            if let Some(healthy) = side.and_then(|side| side.healthy) {
                let health = Health { healthy, ..Health::default() };
                snapshot.health.insert(group(name), Reading::fresh(at, health));
            }
            if let Some(errors) = self.errors {
                let minute = |minutes: i64| Minute {
                    requests: Some(1000.0),
                    target_5xx: Some(errors * 10.0),
                    p95: Some(100.0 + errors * 50.0),
                    ..Minute::at(now() - SignedDuration::from_mins(minutes))
                };
                let series = Series::from((3..10).rev().map(minute).collect::<Vec<_>>());
                snapshot.metrics.insert(meter(name), Reading::fresh(at, series));
            }
        }
        for revision in &self.inactive {
            let definition = TaskDefinition {
                arn: td(*revision),
                active: false,
                registered_at: None,
                images: Vec::new(),
                cpu: None,
                memory: None,
                logs: Vec::new(),
            };
            snapshot.task_definitions.insert(td(*revision), Reading::fresh(at, definition));
        }
        let by_key: BTreeMap<_, _> = services.into_iter().map(|service| (service.key.clone(), service)).collect();
        snapshot.services = Reading::fresh(at, by_key);
        snapshot.routes =
            Reading::fresh(at, self.routes().into_iter().map(|route| (route.id.clone(), route)).collect());
        snapshot.identity =
            Reading::fresh(at, Identity { account: ACCOUNT.into(), arn: "arn:aws:iam::1:user/a".into() });
        if self.failing {
            let fault = || Some((now(), Fault::new(FaultKind::Unanswered, "Describe", "all", "no answer")));
            snapshot.services.fault = fault();
            snapshot.routes.fault = fault();
            snapshot.identity.fault = fault();
            snapshot.health.values_mut().for_each(|reading| reading.fault = fault());
            snapshot.metrics.values_mut().for_each(|reading| reading.fault = fault());
        }
        snapshot
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { read_only: self.read_only, ladder: Ladder::default(), ..Settings::default() }
    }

    /// Its releases: one for a pair, else one for each service.
    pub(crate) fn releases(&self) -> Vec<Release> {
        let ours = LocalState { doing: self.doing.clone(), requested: self.requested, ..LocalState::default() };
        let ours = ["shop", self.names.0, self.names.1].map(|name| (name.to_owned(), ours.clone())).into();
        releases(&self.snapshot(), &self.settings(), &ours, now())
    }

    pub(crate) fn plan(&self, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        let settings = self.settings();
        plan(release, intent, &Context { place: &self.place, settings: &settings, now: now() })
    }
}

fn rollout(role: &str, revision: u8, running: u32, state: Option<RolloutState>) -> Rollout {
    Rollout {
        id: format!("ecs-svc/{role}{revision}"),
        role: role.into(),
        task_definition: td(revision),
        desired: running,
        running,
        pending: 0,
        failed: 0,
        state,
        reason: None,
        created_at: Some(now() - SignedDuration::from_mins(20)),
        updated_at: None,
    }
}

fn service(name: &str, side: &SideScene, scene: &Scene) -> Service {
    use RolloutState::{Completed, Failed, InProgress};
    let running = side.desired;
    let rollouts = match side.going {
        Going::Settled => vec![rollout("PRIMARY", side.td, running, Some(Completed))],
        Going::Rolling(from) => {
            vec![rollout("PRIMARY", side.td, 0, Some(InProgress)), rollout("ACTIVE", from, running, Some(Completed))]
        }
        Going::BackFrom(failed) => vec![
            rollout("PRIMARY", side.td, running / 2, Some(InProgress)),
            rollout("ACTIVE", failed, running.div_ceil(2), Some(Failed)),
        ],
        Going::Failed => vec![rollout("PRIMARY", side.td, 0, Some(Failed))],
        Going::Looping => vec![Rollout { failed: 9, ..rollout("PRIMARY", side.td, running / 2, Some(InProgress)) }],
        Going::Unsaid => Vec::new(),
    };
    let arn = |kind: &str| Arn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{kind}"));
    let under_way = matches!(side.going, Going::Rolling(_) | Going::BackFrom(_) | Going::Looping);
    Service {
        key: ServiceKey::new("prod", name),
        arn: arn(&format!("service/prod/{name}")),
        cluster_arn: arn("cluster/prod"),
        status: side.status.to_owned(),
        controller: scene.controller.clone(),
        configuration: Configuration { strategy: scene.shift.clone(), ..Configuration::rolling() },
        production_rule: None,
        task_definition: td(side.td),
        desired: side.desired,
        running,
        pending: 0,
        rollouts,
        target_groups: vec![group(name)],
        events: Vec::new(),
        tags: BTreeMap::new(),
        current_deployment: (side.named && under_way).then(|| arn(&format!("service-deployment/prod/{name}/abc"))),
        created_at: None,
        grace: None,
        execute_command: false,
        daemon: false,
        managed: None,
    }
}

fn deployment(
    service: &Service,
    index: i64,
    (status, revision): &(DeploymentStatus, u8),
    at: Timestamp,
) -> ServiceDeployment {
    let created = at - SignedDuration::from_hours(index * 2 + 1);
    let ended = status.ended();
    ServiceDeployment {
        created_at: Some(created),
        finished_at: ended.then(|| created + SignedDuration::from_mins(10)),
        configuration: service.configuration.clone(),
        target: Some(revision_of(*revision)),
        rollback: (*status == DeploymentStatus::RollbackSuccessful).then(|| Rollback {
            to: Some(revision_of((*revision % 5) + 1)),
            reason: None,
            started_at: None,
        }),
        ..ServiceDeployment::new(
            Arn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/{}/{index}", service.key)),
            status.clone(),
        )
    }
}

fn revision_of(revision: u8) -> Arc<ServiceRevision> {
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/prod/shop/{revision}");
    Arc::new(ServiceRevision::bare(Arn::new(arn), td(revision)))
}
