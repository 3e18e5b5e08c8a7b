//! Services that ECS shifts, for property tests: any strategy, any history, any deployment under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ACCOUNT, REGION, balancer, forward, group, now, place, revision_of, rollout, route_id, td};
use crate::domain::assess::releases;
use crate::domain::ecs::deployment::{
    Configuration, DeploymentStatus, Hook, HookConfiguration, PAUSE, Rollback, ServiceDeployment, ServiceRevision,
    Strategy as Shift,
};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::{Arn, Identity, Location, ServiceKey};
use crate::domain::ecs::route::{Forward, Health, Route};
use crate::domain::ecs::service::{Controller, Rollout, RolloutState, Service, TaskDefinition};
use crate::domain::observe::snapshot::{ObservedHealthy, Reading, Snapshot};
use crate::domain::plan::{Context, Intent, Plan, Refusal, plan};
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{LocalState, Release};
use crate::domain::settings::{ServiceSettings, Settings};

const NAME: &str = "search";

/// The revision that an ended deployment was rolled back to.
pub(crate) fn taken_back_to(revision: u8) -> u8 {
    revision % 5 + 1
}

/// A deployment that has not ended.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub status: DeploymentStatus,
    pub stage: Option<&'static str>,
    /// `targetType` and `status` of each hook.
    pub hooks: Vec<(&'static str, &'static str)>,
    /// `None`: not resolved.
    pub target: Option<u8>,
    pub sources: Vec<u8>,
    pub requested: Option<Percent>,
    /// Whether ECS names the target groups of what is replaced, and of what replaces it.
    pub resolved: (bool, bool),
    /// What it was started with, where that is not what the service goes by now.
    pub started_with: Option<Shift>,
    /// Whether its history was read, and whether the service names it.
    pub read: bool,
    pub named: bool,
}

/// One service of its own, with everything around it.
#[derive(Debug, Clone)]
pub(crate) struct NativeScene {
    pub configuration: Configuration,
    /// What some of its earlier deployments went by.
    pub other: Configuration,
    pub runs: u8,
    /// Whether ECS shows rollouts; how many tasks run on the side that is replaced, and on the one that replaces it.
    pub rollouts: bool,
    pub running: (u32, u32),
    pub states: (Option<RolloutState>, Option<RolloutState>),
    pub status: &'static str,
    pub under_way: Option<UnderWay>,
    /// Ended deployments, newest first: status, revision, and whether by the other configuration.
    pub history: Option<Vec<(DeploymentStatus, u8, bool)>>,
    /// Weights of blue and green; `None`: the rule was not read.
    pub weights: Option<(u16, u16)>,
    /// Healthy targets of blue and green.
    pub healthy: (Option<u32>, Option<u32>),
    pub inactive: Vec<u8>,
    pub witnesses: Vec<u8>,
    pub family_read: bool,
    pub native_weighted: bool,
    pub read_only: bool,
    pub place: Location,
    pub requested: Option<Percent>,
}

impl NativeScene {
    /// The deployment under way, as ECS names it.
    pub(crate) fn deployment_arn() -> Arn {
        Arn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/prod/{NAME}/now"))
    }

    /// `hookId` of each hook that waits for a person.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let hooks = self.under_way.iter().filter(|it| it.read).flat_map(|it| it.hooks.iter().enumerate());
        let waits = hooks.filter(|(_, hook)| **hook == (PAUSE, "AWAITING_ACTION"));
        waits.map(|(index, _)| format!("ecs-pause-{index}")).collect()
    }

    fn deployment(&self, it: &UnderWay) -> ServiceDeployment {
        let hook = |(index, (kind, status)): (usize, &(&str, &str))| Hook {
            id: format!("ecs-pause-{index}"),
            kind: (*kind).to_owned(),
            status: (*status).to_owned(),
            until: Some(now() + SignedDuration::from_mins(30)),
            then: Some("ROLLBACK".to_owned()),
        };
        let revision = |number: u8, role: &str, group_named: bool| {
            let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/prod/{NAME}/{role}{number}");
            Arc::new(ServiceRevision {
                target_groups: if group_named { vec![group(role)] } else { Vec::new() },
                production_rule: group_named.then(|| route_id(0).arn().clone()),
                ..ServiceRevision::bare(Arn::new(arn), td(number))
            })
        };
        let strategy = it.started_with.clone().unwrap_or_else(|| self.configuration.strategy.clone());
        ServiceDeployment {
            created_at: Some(now() - SignedDuration::from_mins(5)),
            configuration: Configuration { strategy, ..self.configuration.clone() },
            target: it.target.map(|target| revision(target, "green", it.resolved.1)),
            sources: it.sources.iter().map(|source| revision(*source, "blue", it.resolved.0)).collect(),
            requested: it.requested,
            stage: it.stage.map(LifecycleStage::from),
            hooks: it.hooks.iter().enumerate().map(hook).collect(),
            ..ServiceDeployment::new(Self::deployment_arn(), it.status.clone())
        }
    }

    /// What ECS tells of its deployments, newest first; `None`: not read.
    fn deployments(&self) -> Option<Vec<ServiceDeployment>> {
        let of = |(index, (status, revision, other)): (i64, &(DeploymentStatus, u8, bool))| {
            let created = now() - SignedDuration::from_hours(index * 2 + 1);
            let back = *status == DeploymentStatus::RollbackSuccessful;
            let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/prod/{NAME}/{index}");
            ServiceDeployment {
                created_at: Some(created),
                finished_at: Some(created + SignedDuration::from_mins(10)),
                configuration: if *other { self.other.clone() } else { self.configuration.clone() },
                target: Some(revision_of(*revision)),
                rollback: back.then(|| Rollback {
                    to: Some(revision_of(taken_back_to(*revision))),
                    reason: None,
                    started_at: None,
                }),
                ..ServiceDeployment::new(Arn::new(arn), status.clone())
            }
        };
        let under_way = self.under_way.iter().filter(|it| it.read).map(|it| self.deployment(it));
        let ended = self.history.as_ref().map(|history| (0..).zip(history).map(of));
        match ended {
            Some(ended) => Some(under_way.chain(ended).collect()),
            None => Some(under_way.collect::<Vec<_>>()).filter(|deployments| !deployments.is_empty()),
        }
    }

    pub(crate) fn service(&self) -> Service {
        let arn = |kind: &str| Arn::new(format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{kind}"));
        let one = |role: &str, revision: u8, running: u32, state: &Option<RolloutState>| Rollout {
            ..rollout(role, revision, running, state.clone())
        };
        let back = self.under_way.as_ref().is_some_and(|it| it.status.rolling_back());
        let rollouts = match self.under_way.as_ref().map(|it| it.target) {
            _ if !self.rollouts => Vec::new(),
            Some(Some(target)) => vec![
                one(if back { "ACTIVE" } else { "PRIMARY" }, target, self.running.1, &self.states.0),
                one(if back { "PRIMARY" } else { "ACTIVE" }, self.runs, self.running.0, &self.states.1),
            ],
            _ => vec![one("PRIMARY", self.runs, self.running.0, &self.states.0)],
        };
        let named = self.under_way.as_ref().is_some_and(|it| it.named);
        Service {
            key: ServiceKey::new("prod", NAME),
            arn: arn("service/prod/search"),
            cluster_arn: arn("cluster/prod"),
            status: self.status.to_owned(),
            controller: Controller::Ecs,
            configuration: self.configuration.clone(),
            production_rule: Some(route_id(0).arn().clone()),
            task_definition: rollouts.first().map_or(td(self.runs), |first| first.task_definition.clone()),
            desired: self.running.0.max(1),
            running: self.running.0 + self.running.1,
            pending: 0,
            rollouts,
            target_groups: vec![group("blue"), group("green")],
            events: Vec::new(),
            tags: BTreeMap::new(),
            current_deployment: named.then(Self::deployment_arn),
            created_at: None,
            grace: None,
            execute_command: false,
            daemon: false,
            managed: None,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let service = self.service();
        for (index, witness) in (0i64..).zip(&self.witnesses) {
            let at = now() - SignedDuration::from_hours(index + 1);
            snapshot.remember(&service.key, ObservedHealthy { task_definition: td(*witness), at });
        }
        if let Some(deployments) = self.deployments() {
            snapshot.deployments.insert(service.key.clone(), Reading::fresh(now(), deployments));
        }
        for (name, healthy) in [("blue", self.healthy.0), ("green", self.healthy.1)] {
            if let Some(healthy) = healthy {
                let health = Health { healthy, ..Health::default() };
                snapshot.health.insert(group(name), Reading::fresh(now(), health));
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
            snapshot.task_definitions.insert(td(*revision), Reading::fresh(now(), definition));
        }
        if self.family_read {
            snapshot.families.insert("shop".to_owned(), Reading::fresh(now(), (1..6).rev().map(td).collect()));
        }
        let routes = self.weights.map(|(blue, green)| {
            let to =
                |name, weight: u16| Forward { target_group: group(name), weight: Weight::new(weight.into()).unwrap() };
            Route {
                id: route_id(0),
                load_balancer: balancer(),
                port: Some(443),
                priority: "1".to_owned(),
                conditions: Vec::new(),
                forwards: vec![to("blue", blue), to("green", green)],
                stickiness: None,
                former_stickiness: None,
                unknown_action: None,
                other_actions: false,
                default_rule: None,
                shape: 7,
            }
        });
        snapshot.routes = Reading::fresh(now(), routes.into_iter().map(|route| (route.id.clone(), route)).collect());
        snapshot.services = Reading::fresh(now(), BTreeMap::from([(service.key.clone(), service)]));
        snapshot.identity =
            Reading::fresh(now(), Identity { account: ACCOUNT.into(), arn: "arn:aws:iam::1:user/a".into() });
        snapshot
    }

    fn settings(&self) -> Settings {
        let own = ServiceSettings { native_weighted: self.native_weighted, ..ServiceSettings::default() };
        Settings {
            read_only: self.read_only,
            services: BTreeMap::from([(NAME.to_owned(), own)]),
            ..Settings::default()
        }
    }

    pub(crate) fn release(&self) -> Release {
        let ours = LocalState { requested: self.requested, ..LocalState::default() };
        let ours = BTreeMap::from([(NAME.to_owned(), ours)]);
        let mut releases = releases(&self.snapshot(), &self.settings(), &ours, now());
        assert_eq!(releases.len(), 1);
        releases.remove(0)
    }

    pub(crate) fn plan(&self, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        let settings = self.settings();
        plan(release, intent, &Context { place: &self.place, settings: &settings, now: now() })
    }
}

fn shift() -> impl Strategy<Value = Shift> {
    let step = (select(vec![5.0, 10.0, 33.0]), 0..20);
    prop_oneof![
        3 => Just(Shift::BlueGreen),
        2 => step.clone().prop_map(|(percent, bake_minutes)| Shift::Canary { percent, bake_minutes }),
        2 => step.prop_map(|(percent, bake_minutes)| Shift::Linear { percent, bake_minutes }),
        1 => Just(Shift::Rolling),
        1 => Just(Shift::Other { name: "SPIRAL".into() }),
    ]
}

/// A hook as it is configured, whole or with what an answer leaves out.
fn configured_hook() -> impl Strategy<Value = HookConfiguration> {
    let stage = select(vec!["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"]);
    let kind = prop_oneof![3 => Just(Some(PAUSE)), 1 => Just(Some("AWS_LAMBDA")), 1 => Just(None)];
    (kind, stage, any::<bool>(), proptest::option::weighted(0.8, 1..1440)).prop_map(
        |(kind, stage, target, timeout_minutes)| HookConfiguration {
            kind: kind.map(str::to_owned),
            target: (target && kind != Some(PAUSE)).then(|| "arn:aws:lambda:us-east-1:1:function:a".to_owned()),
            role: None,
            stages: vec![stage.into()],
            details: None,
            timeout_minutes,
            timeout_action: timeout_minutes.map(|_| "ROLLBACK".to_owned()),
        },
    )
}

fn configuration() -> impl Strategy<Value = Configuration> {
    let hooks = prop_oneof![1 => Just(Vec::new()), 1 => proptest::collection::vec(configured_hook(), 0..3)];
    (shift(), proptest::option::of(0..30), hooks).prop_map(|(strategy, bake_minutes, hooks)| Configuration {
        strategy,
        bake_minutes,
        hooks,
        ..Configuration::rolling()
    })
}

fn under_way() -> impl Strategy<Value = UnderWay> {
    use DeploymentStatus::{InProgress, Other, Pending, RollbackInProgress, RollbackRequested, StopRequested};
    let status = prop_oneof![
        8 => Just(InProgress),
        1 => Just(Pending),
        1 => Just(StopRequested),
        2 => select(vec![RollbackRequested, RollbackInProgress]),
        1 => Just(Other("HALF_WAY".into())),
    ];
    let stage = prop_oneof![
        1 => Just(None),
        4 => Just(Some("POST_TEST_TRAFFIC_SHIFT")),
        4 => select(vec![
            "RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME", "CLEAN_UP", "A_STAGE_OF_NEXT_YEAR",
        ]).prop_map(Some),
    ];
    let hook = prop_oneof![
        4 => Just((PAUSE, "AWAITING_ACTION")),
        1 => select(vec![(PAUSE, "SUCCEEDED"), (PAUSE, "TIMED_OUT"), (PAUSE, "FAILED"), (PAUSE, "A_NEW_STATUS")]),
        1 => select(vec![("AWS_LAMBDA", "IN_PROGRESS"), ("AWS_LAMBDA", "AWAITING_ACTION"), ("A_NEW_KIND", "AWAITING_ACTION")]),
    ];
    let revisions = (proptest::option::weighted(0.9, 1u8..6), proptest::collection::vec(1u8..6, 0..3));
    let hooks = proptest::collection::vec(hook, 0..4);
    let known = (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.9), any::<bool>());
    (status, stage, hooks, revisions, proptest::option::of(percent()), known, proptest::option::weighted(0.2, shift()))
        .prop_map(|(status, stage, hooks, (target, sources), requested, known, started_with)| UnderWay {
            status,
            stage,
            hooks,
            target,
            sources,
            requested,
            resolved: (known.0, known.1),
            started_with,
            read: known.2,
            named: known.3,
        })
}

fn percent() -> impl Strategy<Value = Percent> {
    select(vec![0.0, 1.0, 10.0, 99.9, 100.0]).prop_map(|value| Percent::new(value).unwrap())
}

/// What an operator can ask for, the shares of the ladder most.
pub(crate) fn native_intent() -> impl Strategy<Value = Intent> {
    let back = (proptest::option::of((1u8..6).prop_map(td)), any::<bool>())
        .prop_map(|(to, at_once)| Intent::Rollback { to, at_once });
    let start =
        (1u8..6, any::<bool>()).prop_map(|(revision, pauses)| Intent::Start { task_definition: td(revision), pauses });
    prop_oneof![
        5 => proptest::option::weighted(0.3, percent()).prop_map(|to| Intent::Step { to }),
        1 => percent().prop_map(|to| Intent::Weight { to }),
        4 => back,
        3 => start,
        3 => Just(Intent::Finish),
        1 => forward(),
    ]
}

/// How the present configuration came of the earlier one.
#[derive(Debug, Clone, Copy)]
enum Made {
    Apart,
    AtOnce,
    Paused,
}

/// A service alone, in any state that ECS has words for, and some that it has not.
#[expect(clippy::too_many_lines, reason = "a strategy lists all of its parts")]
pub(crate) fn native_scene() -> impl Strategy<Value = NativeScene> {
    use DeploymentStatus::{RollbackFailed, RollbackSuccessful, Stopped, Successful};
    let ended = select(vec![Successful, Successful, Successful, Stopped, RollbackSuccessful, RollbackFailed]);
    let history = proptest::collection::vec((ended, 1u8..6, proptest::bool::weighted(0.4)), 0..5);
    let weights = prop_oneof![
        8 => select(vec![(100, 0), (99, 1), (90, 10), (0, 100), (0, 0), (0, 1), (999, 999)]),
        2 => (0u16..=999, 0u16..=999),
    ];
    let healthy = || prop_oneof![1 => Just(None), 1 => Just(Some(0)), 4 => (1u32..9).prop_map(Some)];
    let state = || {
        prop_oneof![
            4 => Just(None),
            1 => select(vec![
                Some(RolloutState::Completed), Some(RolloutState::InProgress), Some(RolloutState::Failed),
            ]),
        ]
    };
    let place = prop_oneof![
        14 => Just(place()),
        1 => Just(Location { account: "999999999999".into(), ..place() }),
        1 => Just(Location { region: "eu-west-1".into(), ..place() }),
    ];
    let service = (
        configuration(),
        configuration(),
        1u8..6,
        proptest::bool::weighted(0.95),
        (0u32..9, 0u32..9),
        (state(), state()),
        prop_oneof![19 => Just("ACTIVE"), 1 => Just("DRAINING"), 1 => Just("INACTIVE")],
        proptest::option::weighted(0.6, under_way()),
    );
    let around = (
        proptest::option::weighted(0.9, history),
        proptest::option::weighted(0.9, weights),
        (healthy(), healthy()),
        proptest::collection::vec(1u8..6, 0..3),
        proptest::collection::vec(1u8..6, 0..2),
        any::<bool>(),
        any::<bool>(),
        proptest::bool::weighted(0.05),
        place,
        proptest::option::of(percent()),
        (any::<bool>(), select(vec![Made::Apart, Made::AtOnce, Made::Paused])),
    );
    (service, around).prop_map(|(service, around)| {
        let (configuration, other, runs, rollouts, running, states, status, mut under_way) = service;
        let (
            history,
            weights,
            healthy,
            inactive,
            witnesses,
            family_read,
            native_weighted,
            read_only,
            place,
            requested,
            likely,
        ) = around;
        // Mostly it is what runs that is replaced.
        let (replaced_is_known, made) = likely;
        if let Some(it) = under_way.as_mut().filter(|_| replaced_is_known) {
            it.sources.insert(0, runs);
        }
        // The present configuration is often what an earlier one was made into, for one release only.
        let pause = HookConfiguration::added_pause(LifecycleStage::PreProductionTrafficShift);
        let (configuration, other) = match made {
            Made::Apart => (configuration, other),
            Made::AtOnce => (other.at_once(), other),
            Made::Paused => {
                let hooks: Vec<_> = other.hooks.iter().filter(|hook| !hook.is_pause()).cloned().collect();
                let with_pause = hooks.iter().cloned().chain([pause]).collect();
                (Configuration { hooks: with_pause, ..other.clone() }, Configuration { hooks, ..other })
            }
        };
        NativeScene {
            configuration,
            other,
            runs,
            rollouts,
            running,
            states,
            status,
            under_way,
            history,
            weights,
            healthy,
            inactive,
            witnesses,
            family_read,
            native_weighted,
            read_only,
            place,
            requested,
        }
    })
}
