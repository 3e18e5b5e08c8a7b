//! Consoles for tests, made as the real one is: answers go through the snapshot, releases are derived.

mod failing;
mod logs;
mod native;
mod scenarios;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::failing::*;
pub(crate) use self::logs::*;
pub(crate) use self::native::*;
pub(crate) use self::scenarios::*;

use crate::console::dialogs::Dialog;
use crate::console::keymap::Key;
use crate::console::message::{Effect, Msg, Now};
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::console::update;
use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, ServiceDeployment, ServiceRevision, Strategy};
use crate::domain::ecs::names::{Arn, Identity, Location, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Health, Route, RouteId};
use crate::domain::ecs::service::{
    Container, Controller, Rollout, RolloutState, Service, ServiceEvent, Task, TaskDefinition,
};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::metrics::{Gauge, MetricsQuery, Minute, Series};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::operation::{Operation, OperationId, Progress};
use crate::domain::plan;
use crate::domain::plan::{Context, Intent, Plan, Receipt, Refusal};
use crate::domain::release::share::{Percent, Weight};
use crate::domain::release::{LocalState, Release};
use crate::domain::settings::Settings;

const ACCOUNT: &str = "123456789012";

pub(crate) fn now() -> Timestamp {
    "2026-11-20T09:41:07Z".parse().unwrap()
}

pub(crate) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(crate) fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

pub(crate) fn td(family: &str, revision: u32) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/{family}:{revision}"))
}

pub(crate) fn group(name: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:targetgroup/{name}/0123456789abcdef"))
}

/// Where the requests of a target group are counted.
pub(crate) fn meter(name: &str) -> MetricSource {
    MetricSource::TargetGroup { group: group(name), balancer: balancer() }
}

fn rule() -> RouteId {
    RouteId::Rule(Arn::new(format!(
        "arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:listener-rule/app/shop/50dc6c495c0c9188/0467ef3c8400ae65/7f3c01"
    )))
}

fn balancer() -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/shop/50dc6c495c0c9188"))
}

pub(crate) fn key(name: &str) -> ServiceKey {
    ServiceKey::new("prod", name)
}

/// Tells of the first frame of a question, as the loop does.
pub(crate) fn draw(model: &mut Model) {
    if model.screen.dialog.as_mut().is_some_and(Dialog::awaits_drawing) {
        let now = model.observed.now;
        update(model, now, Msg::Drawn);
    }
}

/// Presses keys, a second apart; what is to be done of each.
pub(crate) fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys {
        let at = model.observed.now.at + SignedDuration::from_secs(1);
        effects.extend(update(model, Now::new(at), Msg::Key(*key)));
        draw(model);
    }
    effects
}

/// A service that has run this revision, complete, since so many seconds.
pub(crate) fn service(name: &str, family: &str, revision: u32, tasks: u32, since: i64) -> Service {
    let task_definition = td(family, revision);
    Service {
        key: key(name),
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service/prod/{name}")),
        cluster_arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/prod")),
        status: "ACTIVE".into(),
        controller: Controller::Ecs,
        configuration: Configuration::rolling(),
        production_rule: None,
        task_definition: task_definition.clone(),
        desired: tasks,
        running: tasks,
        pending: 0,
        rollouts: vec![Rollout {
            id: format!("ecs-svc/{revision}"),
            role: "PRIMARY".into(),
            task_definition,
            desired: tasks,
            running: tasks,
            pending: 0,
            failed: 0,
            state: Some(RolloutState::Completed),
            reason: None,
            created_at: Some(ago(since + 300)),
            updated_at: Some(ago(since)),
        }],
        target_groups: vec![group(name)],
        events: vec![
            ServiceEvent {
                id: format!("{name}-2"),
                at: ago(since.min(200)),
                message: format!("(service {name}) has reached a steady state."),
            },
            ServiceEvent {
                id: format!("{name}-1"),
                at: ago(since.min(200) + 45),
                message: format!("(service {name}) registered 1 targets in (target-group {name})"),
            },
        ],
        tags: Default::default(),
        current_deployment: None,
        created_at: Some(ago(90 * 86_400)),
        grace: Some(60),
        execute_command: false,
        daemon: false,
        managed: None,
    }
}

pub(crate) fn tasks(service: &Service) -> Vec<Task> {
    let task = |index: u32| Task {
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/{index:08x}")),
        task_definition: service.task_definition.clone(),
        started_by: None,
        status: if index < service.running { "RUNNING" } else { "PENDING" }.into(),
        desired_status: "RUNNING".into(),
        health: Some("HEALTHY".into()),
        created_at: Some(ago(600)),
        pulled: (Some(ago(595)), Some(ago(588))),
        started_at: Some(ago(580)),
        stopped_at: None,
        stop_code: None,
        stopped_reason: None,
        exit_code: None,
        stopping_at: None,
        zone: Some(if index.is_multiple_of(2) { "us-east-1a" } else { "us-east-1b" }.into()),
        address: Some(format!("10.0.{}.{}", index % 2 * 16, 10 + index)),
        ipv6: None,
        instance: None,
        host_ports: Vec::new(),
        execute_command: service.execute_command,
        protected_until: None,
        containers: vec![Container { name: "app".into(), status: "RUNNING".into(), ..Container::default() }],
        image_digests: vec![format!(
            "sha256:{:012x}",
            0x4f1c_9a2b_77e0_u64 + service.task_definition.revision().unwrap_or(0) as u64
        )],
    };
    (0..service.running + service.pending).map(task).collect()
}

pub(crate) fn stopped(service: &Service, reason: &str) -> Task {
    Task {
        status: "STOPPED".into(),
        stopped_at: Some(ago(30)),
        stop_code: Some("TaskFailedToStart".into()),
        stopped_reason: Some(reason.into()),
        health: None,
        ..tasks(&Service { running: 1, ..service.clone() }).remove(0)
    }
}

fn definition(arn: TaskDefinitionArn, version: &str) -> TaskDefinition {
    let image = format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{}:{version}", arn.family());
    TaskDefinition {
        active: true,
        registered_at: Some(ago(86_400)),
        images: vec![("app".into(), image)],
        cpu: Some("512".into()),
        memory: Some("1024".into()),
        logs: Vec::new(),
        arn,
    }
}

/// Minutes that wobble as real ones do, always the same.
pub(crate) fn minutes(from: i64, requests: f64, errors: impl Fn(i64) -> f64, p95: impl Fn(i64) -> f64) -> Series {
    let newest = now().as_second().div_euclid(60);
    let wobble = |minute: i64, salt: i64| {
        let mixed = (minute * 7_919 + salt * 104_729).wrapping_mul(2_654_435_761) % 1_000;
        mixed.rem_euclid(1_000) as f64 / 1_000.0 - 0.5
    };
    let minute = |back: i64| {
        let at = Timestamp::from_second((newest - back) * 60).unwrap();
        let requests = (requests * (1.0 + 0.2 * wobble(back, 1))).round();
        let p95 = p95(back) * (1.0 + 0.12 * wobble(back, 2));
        let failed = (requests * errors(back) / 100.0 * (1.0 + wobble(back, 3))).round();
        Minute {
            requests: Some(requests),
            target_5xx: (failed > 0.0).then_some(failed),
            p50: Some(p95 * 0.4),
            p95: Some(p95),
            p99: Some(p95 * 1.9),
            ..Minute::at(at)
        }
    };
    Series::from((0..from).rev().map(minute).collect::<Vec<_>>())
}

/// Lets an answer arrive so many seconds ago.
pub(crate) fn hear(model: &mut Model, seconds: i64, query: Query, answer: Result<Answer, Fault>) {
    model.observed.snapshot.apply(ago(seconds), &query, answer);
    model.derive();
}

pub(crate) fn learn(model: &mut Model, seconds: i64, query: Query, facts: Answer) {
    hear(model, seconds, query, Ok(facts));
}

/// As if rules, tasks and histories had last been read so many seconds ago: what is heard of them since then counts.
pub(crate) fn rewind(model: &mut Model, seconds: i64) {
    if let Some((at, _)) = &mut model.observed.snapshot.routes.value {
        *at = ago(seconds);
    }
    model.observed.snapshot.weight_changes.clear();
    model.observed.snapshot.tasks.clear();
    model.observed.snapshot.deployments.clear();
}

/// A console that has heard nothing yet.
pub(crate) fn silent(size: (u16, u16)) -> Model {
    let place = Location { environment: "prod".into(), account: String::new(), region: "us-east-1".into() };
    Model::new(Settings { protected: true, ..Settings::default() }, place, Now::new(now()), size)
}

/// A console that knows who asks.
pub(crate) fn known(size: (u16, u16)) -> Model {
    let mut model = silent(size);
    model.observed.place.account = ACCOUNT.into();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/oncall/ana");
    learn(&mut model, 40, Query::Identity, Answer::Identity(Identity { account: ACCOUNT.into(), arn }));
    model
}

pub(crate) fn route(stable: u64, canary: u64) -> Route {
    let to = |name: &str, weight| Forward { target_group: group(name), weight: Weight::new(weight).unwrap() };
    Route {
        id: rule(),
        load_balancer: balancer(),
        port: Some(443),
        priority: "10".into(),
        conditions: vec!["path /checkout*".into()],
        forwards: vec![to("checkout-stable", stable), to("checkout-canary", canary)],
        stickiness: None,
        former_stickiness: None,
        unknown_action: None,
        other_actions: false,
        default_rule: None,
        shape: 7,
    }
}

/// The listener's default action, which serves `search` alone.
pub(crate) fn route_of_search() -> Route {
    Route {
        id: RouteId::Default(Arn::new(format!("{}/50dc6c495c0c9188", balancer()))),
        priority: "default".into(),
        conditions: Vec::new(),
        forwards: vec![Forward { target_group: group("search"), weight: Weight::new(1).unwrap() }],
        ..route(1, 0)
    }
}

/// What the pair is, for a scenario.
pub(crate) struct Pair {
    pub(crate) stable: Service,
    pub(crate) canary: Service,
    /// The share now, and since how many seconds; earlier ones were 1 % and, before, nothing.
    pub(crate) share: u64,
    pub(crate) since: i64,
}

impl Pair {
    pub(crate) fn at(share: u64, since: i64) -> Self {
        let stable = service("checkout-stable", "checkout", 41, 18, 9 * 86_400);
        let canary = service("checkout-canary", "checkout", 42, 2, 1_500);
        Self { stable, canary, share, since }
    }
}

/// A service revision that carries a task definition's revision.
pub(crate) fn revision_of(family: &str, revision: u32) -> Arc<ServiceRevision> {
    let arn = format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service-revision/prod/{family}/{revision}");
    Arc::new(ServiceRevision::bare(Arn::new(arn), td(family, revision)))
}

/// The plan of an intent with the default settings, in the consoles' own place.
pub(crate) fn planned(release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
    let place = Location { environment: "prod".into(), account: "123456789012".into(), region: "us-east-1".into() };
    let settings = Settings::default();
    plan::plan(release, intent, &Context { place: &place, settings: &settings, now: now() })
}

/// A fleet with the pair `checkout` in it, everything read a moment ago, the release's screen open.
pub(crate) fn open(size: (u16, u16), pair: Pair) -> Model {
    let mut model = known(size);
    let Pair { stable, canary, share, since } = pair;
    let mut search = service("search", "search", 88, 12, 3 * 86_400);
    search.target_groups = vec![group("search")];
    let mut worker = service("mail-worker", "mail-worker", 7, 3, 40 * 86_400);
    worker.target_groups.clear();
    let mut payments = service("payments", "payments", 18, 6, 90);
    let mut old = payments.rollouts[0].clone();
    (old.role, old.task_definition, old.running) = ("ACTIVE".into(), td("payments", 17), 4);
    payments.rollouts[0].state = Some(RolloutState::InProgress);
    payments.rollouts[0].running = 2;
    payments.rollouts.push(old);
    let ledger = Service {
        configuration: Configuration {
            strategy: Strategy::Canary { percent: 10.0, bake_minutes: 5 },
            ..Configuration::rolling()
        },
        ..service("ledger", "ledger", 5, 4, 30 * 86_400)
    };
    learn(&mut model, 3_000, Query::Routes, Answer::Routes(vec![route(100, 0), route_of_search()]));
    if share != 1 && share != 0 {
        learn(&mut model, since + 900, Query::Routes, Answer::Routes(vec![route(99, 1), route_of_search()]));
    }
    learn(&mut model, since, Query::Routes, Answer::Routes(vec![route(100 - share, share), route_of_search()]));
    learn(&mut model, 2, Query::Routes, Answer::Routes(vec![route(100 - share, share), route_of_search()]));
    let all = vec![stable.clone(), canary.clone(), search.clone(), payments, ledger, worker];
    learn(&mut model, 1, Query::Services, Answer::Services(all));
    let mut definitions: Vec<_> = [("checkout", 41, "1.8.2"), ("checkout", 42, "1.9.0"), ("search", 88, "2.0.0")]
        .map(|(family, revision, version)| definition(td(family, revision), version))
        .into();
    definitions.push(definition(td("payments", 18), "4.2.1"));
    let arns = definitions.iter().map(|definition| definition.arn.clone()).collect();
    learn(&mut model, 60, Query::TaskDefinitions(arns), Answer::TaskDefinitions(definitions));
    let health = |name: &str, healthy| (group(name), Health { healthy, ..Health::default() });
    let health = vec![
        health("checkout-stable", stable.running),
        health("checkout-canary", canary.running),
        health("search", 12),
    ];
    learn(&mut model, 4, Query::Health(Vec::new()), Answer::Health(health));
    for service in [&stable, &canary] {
        learn(&mut model, 3, Query::Tasks(service.key.clone()), Answer::Tasks(tasks(service)));
        learn(&mut model, 15, Query::Deployments(service.key.clone()), Answer::Deployments(Vec::new()));
    }
    measure(&mut model, share, 0.2, 205.0);
    model.screen.current = Screen::Release("checkout".into());
    let ours = LocalState { requested: Some(percent(share as f64)), ..LocalState::default() };
    model.operations.local.insert("checkout".into(), ours);
    model.derive();
    model
}

/// Metrics of the pair and of `search`; the canary's errors and p95 are as given from when it got its share.
pub(crate) fn measure(model: &mut Model, share: u64, errors: f64, p95: f64) {
    let query = Query::Metrics(MetricsQuery { meters: Vec::new(), from: ago(10_000), to: now() });
    let mut stable = minutes(170, 5_200.0, |_| 0.19, |_| 208.0);
    // CloudWatch had nothing for these two.
    stable.minutes.retain(|minute| ![17, 18].contains(&((now().as_second() - minute.at.as_second()) / 60)));
    let canary = minutes(24, 52.0 * share.max(1) as f64, |_| errors, |_| p95);
    let series = [("checkout-stable", stable), ("search", minutes(170, 900.0, |_| 0.02, |_| 41.0))];
    let mut metrics: Vec<_> = series.map(|(name, series)| (meter(name), series)).into();
    metrics.push((meter("checkout-canary"), if share == 0 { Series::default() } else { canary }));
    metrics.extend(around());
    learn(model, 12, query, Answer::Metrics(metrics));
}

/// What is known around the pair: a load balancer that fails now and then, two services that work.
fn around() -> Vec<(MetricSource, Series)> {
    let newest = now().as_second().div_euclid(60);
    let gauge = |gauge: Gauge, from: i64, value: &dyn Fn(i64) -> Option<f64>| {
        let at = |back: i64| Timestamp::from_second((newest - back) * 60).unwrap();
        (gauge, (1..from).filter_map(|back| Some((at(back), value(back)?))).collect::<BTreeMap<_, _>>())
    };
    let series = |gauges: Vec<(Gauge, BTreeMap<Timestamp, f64>)>| Series {
        gauges: gauges.into_iter().collect(),
        ..Series::default()
    };
    let balancer = series(vec![gauge(Gauge::BalancerErrors, 170, &|back| (back % 13 == 3).then_some(4.0))]);
    let service = |from: i64, cpu: f64| {
        series(vec![
            gauge(Gauge::Cpu, from, &|back| Some(cpu + (back % 7) as f64)),
            gauge(Gauge::Memory, from, &|back| Some(52.0 + (back % 3) as f64)),
            gauge(Gauge::CpuUnits, from, &|_| Some(cpu * 92.0)),
        ])
    };
    vec![
        (MetricSource::Balancer(self::balancer()), balancer),
        (MetricSource::Service(key("checkout-stable")), service(170, 41.0)),
        (MetricSource::Service(key("checkout-canary")), service(24, 36.0)),
    ]
}
