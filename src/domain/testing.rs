//! Worlds and intents for property tests: everything that a snapshot can say, likely or not.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use super::fault::{Fault, FaultKind};
use super::ladder::Ladder;
use super::metrics::{Minute, Series};
use super::names::{Arn, Identity, Place, ServiceKey, TaskDefinitionArn};
use super::plan::{Context, Intent, Plan, Refusal, plan};
use super::release::{Ours, Release, releases};
use super::route::{Forward, Health, Route, RouteId};
use super::service::{
    Controller, DeploymentStatus, Rollout, RolloutState, Service, ServiceDeployment, Strategy as Shift, TaskDefinition,
};
use super::settings::Settings;
use super::share::{Percent, Weight};
use super::snapshot::{Reading, Snapshot, Witness};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-1";

/// The tests' now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

pub(crate) fn place() -> Place {
    Place { environment: "prod".into(), account: ACCOUNT.into(), region: REGION.into() }
}

/// `…:task-definition/shop:N`.
pub(crate) fn td(revision: u8) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/shop:{revision}"))
}

pub(crate) fn group(name: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/0123456789abcdef"))
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
    pub place: Place,
    pub doing: Option<Intent>,
    pub requested: Option<Percent>,
}

fn side() -> impl Strategy<Value = SideScene> {
    let going = prop_oneof![
        6 => Just(Going::Settled),
        2 => (1u8..5).prop_map(Going::Rolling),
        1 => (1u8..5).prop_map(Going::BackFrom),
        1 => Just(Going::Failed),
        1 => Just(Going::Looping),
        1 => Just(Going::Unsaid),
    ];
    let status = prop_oneof![19 => Just("ACTIVE"), 1 => Just("DRAINING"), 1 => Just("INACTIVE")];
    let healthy = prop_oneof![1 => Just(None), 1 => Just(Some(0)), 6 => (0u32..24).prop_map(Some)];
    let desired = prop_oneof![1 => Just(0u32), 6 => 1u32..20];
    (1u8..5, desired, healthy, going, status, any::<bool>()).prop_map(|(td, desired, healthy, going, status, named)| {
        SideScene { td, desired, healthy, going, status, named }
    })
}

fn weights() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        select(vec![(100, 0), (99, 1), (90, 10), (0, 100), (0, 0), (1, 0), (0, 1), (500, 500), (999, 999)]),
        (0u16..=999, 0u16..=999),
    ]
}

pub(crate) fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![
        select(vec![0.0, 0.1, 1.0, 10.0, 50.0, 99.9, 100.0]),
        (0u32..=1000).prop_map(|tenths| f64::from(tenths) / 10.0),
        0.0f64..=100.0,
    ]
    .prop_map(|value| Percent::new(value).unwrap())
}

/// Everything that an operator can ask for.
pub(crate) fn intent() -> impl Strategy<Value = Intent> {
    prop_oneof![
        proptest::option::of(percent()).prop_map(|to| Intent::Step { to }),
        percent().prop_map(|to| Intent::Weight { to }),
        (1u8..6).prop_map(|revision| Intent::Start { task_definition: td(revision) }),
        Just(Intent::Finish),
        proptest::option::of((1u8..6).prop_map(td)).prop_map(|to| Intent::Rollback { to }),
    ]
}

pub(crate) fn forward() -> impl Strategy<Value = Intent> {
    intent().prop_filter("forward", |intent| !intent.is_rollback())
}

fn history() -> impl Strategy<Value = Option<Vec<(DeploymentStatus, u8)>>> {
    use DeploymentStatus::{
        InProgress, Pending, RollbackFailed, RollbackInProgress, RollbackSuccessful, StopRequested, Stopped, Successful,
    };
    let ended = select(vec![Successful, Successful, Successful, Stopped, RollbackSuccessful, RollbackFailed]);
    let newest = select(vec![Successful, InProgress, Pending, StopRequested, RollbackInProgress]);
    let list = (newest, 1u8..6, proptest::collection::vec((ended, 1u8..6), 0..4));
    proptest::option::of(list.prop_map(|(status, td, older)| std::iter::once((status, td)).chain(older).collect()))
}

/// A pair or a single service, in any state.
pub(crate) fn scene() -> impl Strategy<Value = Scene> {
    let names = select(vec![
        ("shop-stable", "shop-canary"),
        ("shop-stable", "shop-canary"),
        ("shop-stable", "shop-canary"),
        ("shop", "shop-next"),
        ("blue", "green"),
    ]);
    let controller = prop_oneof![
        12 => Just(Controller::Ecs),
        1 => select(vec![Controller::CodeDeploy, Controller::External, Controller::Other("NEW".into())]),
    ];
    let shift = prop_oneof![
        8 => Just(Shift::Rolling),
        1 => select(vec![Shift::BlueGreen, Shift::Canary { percent: 5.0, bake_minutes: 1 }, Shift::Other { name: "X".into() }]),
    ];
    let place = prop_oneof![
        12 => Just(place()),
        1 => Just(Place { account: "999999999999".into(), ..place() }),
        1 => Just(Place { region: "eu-west-1".into(), ..place() }),
    ];
    let world = (
        side(),
        proptest::option::weighted(0.8, side()),
        names,
        proptest::collection::vec(weights(), 1..3),
        controller,
        shift,
        history(),
    );
    let around = (
        proptest::collection::vec(1u8..6, 0..3),
        proptest::collection::vec(1u8..6, 0..2),
        proptest::option::of(0.0f64..20.0),
        select(vec![0i64, 5, 600, 86_400]),
        any::<bool>(),
        proptest::bool::weighted(0.05),
        place,
        proptest::option::weighted(0.1, intent()),
        proptest::option::of(percent()),
    );
    (world, around).prop_map(|(world, around)| {
        let (stable, canary, names, weights, controller, shift, history) = world;
        let (witnesses, inactive, errors, age, failing, read_only, place, doing, requested) = around;
        Scene {
            stable,
            canary,
            names,
            weights,
            controller,
            shift,
            history,
            witnesses,
            inactive,
            errors,
            age,
            failing,
            read_only,
            place,
            doing,
            requested,
        }
    })
}

/// A pair at rest but for its release: what a plan can be carried out on.
pub(crate) fn calm_pair() -> impl Strategy<Value = Scene> {
    let side = || {
        let going = prop_oneof![5 => Just(Going::Settled), 1 => (1u8..5).prop_map(Going::Rolling)];
        (1u8..4, 0u32..8, going, any::<bool>()).prop_map(|(td, desired, going, named)| SideScene {
            td,
            desired,
            healthy: Some(desired),
            going,
            status: "ACTIVE",
            named,
        })
    };
    (scene(), side(), side()).prop_map(|(scene, stable, canary)| Scene {
        stable,
        canary: Some(canary),
        names: ("shop-stable", "shop-canary"),
        controller: Controller::Ecs,
        shift: Shift::Rolling,
        history: scene.history.filter(|history| history.iter().all(|(status, _)| status.ended())),
        read_only: false,
        place: place(),
        doing: None,
        ..scene
    })
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
            load_balancer: Arn::new(format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/shop/1")),
            port: Some(443),
            priority: index.to_string(),
            conditions: Vec::new(),
            forwards: forwards(*weights),
            stickiness: None,
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
                snapshot.remember(&service.key, Witness { task_definition: td(*witness), at });
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
                let series = Series { minutes: (3..10).rev().map(minute).collect() };
                snapshot.metrics.insert(group(name), Reading::fresh(at, series));
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
        let ours = Ours { doing: self.doing.clone(), requested: self.requested, since: None };
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
        role: role.to_owned(),
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
        strategy: scene.shift.clone(),
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
        arn: Arn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/{}/{index}", service.key)),
        status: status.clone(),
        reason: None,
        created_at: Some(created),
        finished_at: ended.then(|| created + SignedDuration::from_mins(10)),
        target: Some(td(*revision)),
        sources: Vec::new(),
        rolled_back_to: (*status == DeploymentStatus::RollbackSuccessful).then(|| td((*revision % 5) + 1)),
        rollback_reason: None,
        stage: None,
        pauses: Vec::new(),
    }
}
