//! Consoles for tests, made as the real one is: answers go through the snapshot, releases are derived.

use jiff::{SignedDuration, Timestamp};

use crate::app::model::{Model, Screen};
use crate::app::msg::Now;
use crate::app::operation::{Operation, OperationId, Progress};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::{MetricsQuery, Minute, Series};
use crate::domain::names::{Arn, Identity, Place, ServiceKey, TaskDefinitionArn};
use crate::domain::plan::{self, Context, Intent, Receipt};
use crate::domain::release::Ours;
use crate::domain::route::{Forward, Health, Route, RouteId};
use crate::domain::service::{
    Controller, DeploymentStatus, Rollout, RolloutState, Service, ServiceDeployment, ServiceEvent, Strategy, Task,
    TaskDefinition,
};
use crate::domain::settings::Settings;
use crate::domain::share::{Percent, Weight};
use crate::domain::snapshot::{Facts, Query};

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

/// A service that has run this revision, complete, since so many seconds.
pub(crate) fn service(name: &str, family: &str, revision: u32, tasks: u32, since: i64) -> Service {
    let task_definition = td(family, revision);
    Service {
        key: key(name),
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service/prod/{name}")),
        cluster_arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/prod")),
        status: "ACTIVE".into(),
        controller: Controller::Ecs,
        strategy: Strategy::Rolling,
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
        started_at: Some(ago(580)),
        stopped_at: None,
        stop_code: None,
        stopped_reason: None,
        exit_code: None,
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
    Series { minutes: (0..from).rev().map(minute).collect() }
}

/// Lets an answer arrive so many seconds ago.
pub(crate) fn hear(model: &mut Model, seconds: i64, query: Query, answer: Result<Facts, Fault>) {
    model.snapshot.apply(ago(seconds), &query, answer);
    model.derive();
}

pub(crate) fn learn(model: &mut Model, seconds: i64, query: Query, facts: Facts) {
    hear(model, seconds, query, Ok(facts));
}

/// A console that has heard nothing yet.
pub(crate) fn silent(size: (u16, u16)) -> Model {
    let place = Place { environment: "prod".into(), account: String::new(), region: "us-east-1".into() };
    Model::new(Settings { protected: true, ..Settings::default() }, place, Now { at: now(), speed: 1.0 }, size)
}

/// A console that knows who asks.
pub(crate) fn known(size: (u16, u16)) -> Model {
    let mut model = silent(size);
    model.place.account = ACCOUNT.into();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/oncall/ana");
    learn(&mut model, 40, Query::Identity, Facts::Identity(Identity { account: ACCOUNT.into(), arn }));
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
        shape: 7,
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
        strategy: Strategy::Canary { percent: 10.0, bake_minutes: 5 },
        ..service("ledger", "ledger", 5, 4, 30 * 86_400)
    };
    learn(&mut model, 3_000, Query::Routes, Facts::Routes(vec![route(100, 0)]));
    if share != 1 && share != 0 {
        learn(&mut model, since + 900, Query::Routes, Facts::Routes(vec![route(99, 1)]));
    }
    learn(&mut model, since, Query::Routes, Facts::Routes(vec![route(100 - share, share)]));
    learn(&mut model, 2, Query::Routes, Facts::Routes(vec![route(100 - share, share)]));
    let all = vec![stable.clone(), canary.clone(), search.clone(), payments, ledger, worker];
    learn(&mut model, 1, Query::Services, Facts::Services(all));
    let mut definitions: Vec<_> = [("checkout", 41, "1.8.2"), ("checkout", 42, "1.9.0"), ("search", 88, "2.0.0")]
        .map(|(family, revision, version)| definition(td(family, revision), version))
        .into();
    definitions.push(definition(td("payments", 18), "4.2.1"));
    let arns = definitions.iter().map(|definition| definition.arn.clone()).collect();
    learn(&mut model, 60, Query::TaskDefinitions(arns), Facts::TaskDefinitions(definitions));
    let health = |name: &str, healthy| (group(name), Health { healthy, ..Health::default() });
    let health = vec![
        health("checkout-stable", stable.running),
        health("checkout-canary", canary.running),
        health("search", 12),
    ];
    learn(&mut model, 4, Query::Health(Vec::new()), Facts::Health(health));
    for service in [&stable, &canary] {
        learn(&mut model, 3, Query::Tasks(service.key.clone()), Facts::Tasks(tasks(service)));
        learn(&mut model, 15, Query::Deployments(service.key.clone()), Facts::Deployments(Vec::new()));
    }
    measure(&mut model, share, 0.2, 205.0);
    model.screen = Screen::Release("checkout".into());
    let ours = Ours { doing: None, requested: Some(percent(share as f64)) };
    model.ours.insert("checkout".into(), ours);
    model.derive();
    model
}

/// Metrics of the pair and of `search`; the canary's errors and p95 are as given from when it got its share.
pub(crate) fn measure(model: &mut Model, share: u64, errors: f64, p95: f64) {
    let query = Query::Metrics(MetricsQuery { targets: Vec::new(), from: ago(10_000), to: now() });
    let mut stable = minutes(170, 5_200.0, |_| 0.19, |_| 208.0);
    // CloudWatch had nothing for these two.
    stable.minutes.retain(|minute| ![17, 18].contains(&((now().as_second() - minute.at.as_second()) / 60)));
    let canary = minutes(24, 52.0 * share.max(1) as f64, |_| errors, |_| p95);
    let series = [("checkout-stable", stable), ("search", minutes(170, 900.0, |_| 0.02, |_| 41.0))];
    let mut metrics: Vec<_> = series.map(|(name, series)| (group(name), series)).into();
    metrics.push((group("checkout-canary"), if share == 0 { Series::default() } else { canary }));
    learn(model, 12, query, Facts::Metrics(metrics));
}

/// The canary at 10 %, a third of its bake time over.
pub(crate) fn baking(size: (u16, u16)) -> Model {
    open(size, Pair::at(10, 192))
}

/// The same with enough seen of it: the next move is the operator's.
pub(crate) fn waiting(size: (u16, u16)) -> Model {
    open(size, Pair::at(10, 900))
}

/// The canary fails beyond doubt.
pub(crate) fn bad(size: (u16, u16)) -> Model {
    let mut model = open(size, Pair::at(10, 600));
    measure(&mut model, 10, 6.0, 420.0);
    model
}

/// Orders something, and lets it go on as the reports say, each a tenth of a second after the other.
pub(crate) fn order(model: &mut Model, intent: Intent, reports: Vec<Progress>) {
    let release = model.release("checkout").unwrap().clone();
    let context = Context { place: &model.place, settings: &model.settings, now: ago(8) };
    let plan = plan::plan(&release, &intent, &context).unwrap();
    let mut operation = Operation::new(OperationId(1), plan, ago(8));
    for (index, report) in (1..).zip(reports) {
        operation.report(ago(8) + SignedDuration::from_millis(140 * index), report);
    }
    if operation.in_flight() {
        model.ours.get_mut("checkout").unwrap().doing = Some(intent);
    }
    model.operations.insert("checkout".into(), operation);
    model.derive();
}

pub(crate) fn receipt() -> Receipt {
    Receipt { request_id: Some("3f1c2a60-77aa-4c0e".into()), answer: "stable 100 canary 0".into() }
}

/// A rollback whose first call is answered and being read back.
pub(crate) fn rolling_back(size: (u16, u16)) -> Model {
    let mut model = bad(size);
    let reports = vec![Progress::Sent { step: 0 }, Progress::Answered { step: 0, receipt: receipt() }];
    order(&mut model, Intent::Rollback { to: None }, reports);
    model
}

/// A finish that waits for the stable service's rollout.
pub(crate) fn finishing(size: (u16, u16)) -> Model {
    let mut pair = Pair::at(100, 1_300);
    (pair.canary.desired, pair.canary.running, pair.canary.rollouts[0].running) = (18, 18, 18);
    let mut model = open(size, pair);
    let reports = vec![
        Progress::Verified { step: 0 },
        Progress::Sent { step: 1 },
        Progress::Answered { step: 1, receipt: receipt() },
        Progress::Verified { step: 1 },
        Progress::Waiting { step: 2, what: "11 of 18 running".into() },
    ];
    order(&mut model, Intent::Finish, reports);
    model
}

/// The canary's tasks do not start.
pub(crate) fn failed(size: (u16, u16)) -> Model {
    let mut pair = Pair::at(0, 900);
    let rollout = &mut pair.canary.rollouts[0];
    (rollout.failed, rollout.running, rollout.state) = (6, 0, Some(RolloutState::InProgress));
    (pair.canary.running, pair.canary.pending) = (0, 1);
    let canary = pair.canary.clone();
    let mut model = open(size, pair);
    let pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref \
                registry.example/checkout:1.9.0: not found";
    let mut seen = tasks(&canary);
    seen.extend((0..4).map(|_| stopped(&canary, pull)));
    seen.extend(
        (0..2).map(|_| Task { exit_code: Some(137), ..stopped(&canary, "OutOfMemoryError: container killed") }),
    );
    learn(&mut model, 3, Query::Tasks(canary.key), Facts::Tasks(seen));
    model
}

/// Traffic is divided, and CloudWatch has nothing yet.
pub(crate) fn no_data(size: (u16, u16)) -> Model {
    let mut model = open(size, Pair::at(1, 40));
    model.snapshot.metrics.clear();
    model.derive();
    model
}

/// The metrics are denied, the rest is two minutes old because the credentials ran out.
pub(crate) fn faulty(size: (u16, u16)) -> Model {
    let mut model = baking(size);
    let groups = ["checkout-stable", "checkout-canary", "search"];
    let query = MetricsQuery {
        targets: groups.iter().map(|name| (group(name), balancer())).collect(),
        from: ago(600),
        to: now(),
    };
    let denied = Fault {
        code: Some("AccessDeniedException".into()),
        request_id: Some("9c1e77aa".into()),
        ..Fault::new(
            FaultKind::Denied,
            "GetMetricData",
            "CloudWatch",
            "User: arn:aws:sts::123456789012:assumed-role/oncall/ana is not authorized to perform: cloudwatch:GetMetricData",
        )
    };
    hear(&mut model, 6, Query::Metrics(query), Err(denied));
    model.now.at = now() + SignedDuration::from_secs(130);
    let expired = Fault::new(FaultKind::Expired, "DescribeServices", "prod", "The security token has expired");
    hear(&mut model, -125, Query::Services, Err(expired));
    model
}

/// A rolling service that ECS is taking forward, with a history to go back to.
pub(crate) fn rolling(size: (u16, u16)) -> Model {
    let mut model = waiting(size);
    let deployment = |status, revision, began: i64| ServiceDeployment {
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service-deployment/prod/payments/{revision}")),
        status,
        reason: None,
        created_at: Some(ago(began)),
        finished_at: Some(ago(began - 300)),
        target: Some(td("payments", revision)),
        sources: Vec::new(),
        rolled_back_to: None,
        rollback_reason: None,
        stage: None,
    };
    let history = vec![
        deployment(DeploymentStatus::InProgress, 18, 90),
        deployment(DeploymentStatus::Successful, 17, 6 * 86_400),
    ];
    learn(&mut model, 10, Query::Deployments(key("payments")), Facts::Deployments(history));
    model.screen = Screen::Release("payments".into());
    model
}

/// Every text from AWS means harm.
pub(crate) fn hostile(size: (u16, u16), text: &str) -> Model {
    let mut pair = Pair::at(10, 192);
    for service in [&mut pair.stable, &mut pair.canary] {
        for event in &mut service.events {
            event.message = text.into();
        }
        service.rollouts[0].reason = Some(text.into());
    }
    pair.canary.rollouts[0].state = Some(RolloutState::Failed);
    let canary = pair.canary.clone();
    let mut model = open(size, pair);
    model.place.environment = text.into();
    let mut odd = service("odd", "odd", 1, 1, 50);
    odd.key = ServiceKey::new(text, text);
    odd.task_definition = TaskDefinitionArn::new(text);
    odd.rollouts[0].task_definition = TaskDefinitionArn::new(text);
    odd.events[0].message = text.into();
    let mut all: Vec<_> = model.snapshot.services.get().unwrap().values().cloned().collect();
    all.push(odd);
    learn(&mut model, 0, Query::Services, Facts::Services(all));
    let mut tasks: Vec<_> = (0..3).map(|_| stopped(&canary, text)).collect();
    tasks.push(Task { status: text.into(), stopped_at: None, ..tasks[0].clone() });
    learn(&mut model, 0, Query::Tasks(canary.key.clone()), Facts::Tasks(tasks));
    let odd = definition(canary.task_definition.clone(), text);
    learn(&mut model, 0, Query::TaskDefinitions(Vec::new()), Facts::TaskDefinitions(vec![odd]));
    let health = Health { healthy: 1, reasons: vec![(text.into(), 3)], ..Health::default() };
    learn(&mut model, 0, Query::Health(Vec::new()), Facts::Health(vec![(group("checkout-canary"), health)]));
    let fault = Fault {
        code: Some(text.into()),
        request_id: Some(text.into()),
        advice: text.into(),
        ..Fault::new(FaultKind::Refused, text, text, text)
    };
    hear(&mut model, 0, Query::Deployments(canary.key), Err(fault));
    let identity = Identity { account: text.into(), arn: text.into() };
    learn(&mut model, 0, Query::Identity, Facts::Identity(identity));
    model
}
