//! Consoles with a service whose traffic ECS shifts: `payments`, from :17 to :18.

use std::collections::BTreeMap;

use super::*;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{
    AlarmConfiguration, AlarmMonitor, Breaker, Hook, HookConfiguration, PAUSE, RevisionImage, Rollback,
};
use crate::domain::observe::snapshot::Reading;
use crate::domain::rollback::readiness::{Check, Estimate, Level, Past, Readiness};

const STAGE: &str = "PRE_PRODUCTION_TRAFFIC_SHIFT";

fn rule_of_payments() -> RouteId {
    RouteId::Rule(Arn::new(format!(
        "arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:listener-rule/app/shop/50dc6c495c0c9188/0467ef3c8400ae65/9a4411"
    )))
}

fn route_of_payments(green: u64) -> Route {
    let to = |name: &str, weight| Forward { target_group: group(name), weight: Weight::new(weight).unwrap() };
    Route {
        id: rule_of_payments(),
        priority: "20".into(),
        conditions: vec!["path /payments*".into()],
        forwards: vec![to("payments-blue", 100 - green), to("payments-green", green)],
        ..route(100, 0)
    }
}

fn revision(number: u32, version: &str, group_name: &str) -> Arc<ServiceRevision> {
    let image = format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/payments:{version}");
    Arc::new(ServiceRevision {
        target_groups: vec![group(group_name)],
        images: vec![RevisionImage { container: "app".into(), image, digest: None }],
        ..ServiceRevision::clone(&revision_of("payments", number))
    })
}

pub(crate) fn pause_at(stage: &str) -> HookConfiguration {
    HookConfiguration {
        kind: Some(PAUSE.into()),
        target: None,
        role: None,
        stages: vec![stage.into()],
        details: None,
        timeout_minutes: Some(1_440),
        timeout_action: Some("ROLLBACK".into()),
    }
}

/// A pause that waits for an operator, with `left` seconds until its deadline.
pub(crate) fn paused(left: i64, then: &str) -> Hook {
    Hook {
        id: "ecs-pause-4f1c9a2b".into(),
        kind: PAUSE.into(),
        status: "AWAITING_ACTION".into(),
        until: Some(ago(-left)),
        then: Some(then.into()),
    }
}

/// The state of a native deployment in a scenario.
pub(crate) struct Native {
    pub(crate) configuration: Configuration,
    pub(crate) stage: &'static str,
    /// Requested share of the new revision, in percent; `written` is its weight in the rule, in effect for `since`
    /// seconds.
    pub(crate) requested: f64,
    pub(crate) written: u64,
    pub(crate) since: i64,
    /// Running tasks of the new revision, out of six.
    pub(crate) running: u32,
    /// Further changes to the deployment.
    pub(crate) more: fn(&mut ServiceDeployment),
}

pub(crate) fn configuration(strategy: Strategy) -> Configuration {
    Configuration {
        strategy,
        bake_minutes: Some(5),
        hooks: vec![pause_at(STAGE)],
        alarms: Some(AlarmConfiguration {
            names: vec!["payments-5xx".into(), "payments-p95".into()],
            enable: true,
            rollback: true,
        }),
        ..Configuration::rolling()
    }
}

fn deployment_arn(number: u32) -> Arn {
    Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service-deployment/prod/payments/{number}"))
}

fn under_way(native: &Native) -> ServiceDeployment {
    let mut deployment = ServiceDeployment {
        created_at: Some(ago(1_560)),
        started_at: Some(ago(1_555)),
        configuration: native.configuration.clone(),
        target: Some(revision(18, "4.2.1", "payments-green")),
        sources: vec![revision(17, "4.2.0", "payments-blue")],
        requested: Some(percent(native.requested)),
        stage: Some(native.stage.into()),
        alarms: Some(AlarmMonitor {
            status: "MONITORING".into(),
            names: vec!["payments-5xx".into(), "payments-p95".into()],
            triggered: Vec::new(),
        }),
        ..ServiceDeployment::new(deployment_arn(18), DeploymentStatus::InProgress)
    };
    (native.more)(&mut deployment);
    deployment
}

/// Ended deployments, newest first: one success, one rolled back, another success, one stopped.
pub(crate) fn past(configuration: &Configuration) -> Vec<ServiceDeployment> {
    let ended = |number: u32, version: &str, from: (u32, &str), began: i64, took: i64, status| ServiceDeployment {
        created_at: Some(ago(began)),
        started_at: Some(ago(began - 4)),
        finished_at: Some(ago(began - took)),
        configuration: configuration.clone(),
        target: Some(revision(number, version, "payments-blue")),
        sources: vec![revision(from.0, from.1, "payments-green")],
        requested: Some(percent(100.0)),
        ..ServiceDeployment::new(deployment_arn(number + 100), status)
    };
    let day = 86_400;
    let mut taken_back = ended(16, "4.1.9", (15, "4.1.8"), 9 * day, 2_220, DeploymentStatus::RollbackSuccessful);
    let alarm = "Service deployment rolled back because the CloudWatch alarm payments-5xx went into the ALARM state.";
    taken_back.requested = Some(percent(0.0));
    taken_back.rollback = Some(Rollback {
        to: Some(revision(15, "4.1.8", "payments-green")),
        reason: Some(alarm.into()),
        started_at: Some(ago(9 * day - 1_860)),
    });
    taken_back.alarms = Some(AlarmMonitor {
        status: "TRIGGERED".into(),
        names: vec!["payments-5xx".into(), "payments-p95".into()],
        triggered: vec!["payments-5xx".into()],
    });
    let mut stopped = ended(14, "4.1.7", (13, "4.1.6"), 30 * day, 95, DeploymentStatus::Stopped);
    stopped.reason = Some("Service deployment was superseded by a newer one.".into());
    vec![
        ended(17, "4.2.0", (15, "4.1.8"), 6 * day, 3_120, DeploymentStatus::Successful),
        taken_back,
        ended(15, "4.1.8", (13, "4.1.6"), 29 * day, 2_940, DeploymentStatus::Successful),
        stopped,
    ]
}

/// A fleet with a deployment of `payments` under way and its screen open; all data is recent.
pub(crate) fn native(size: (u16, u16), native: Native) -> Model {
    let mut history = vec![under_way(&native)];
    history.extend(past(&native.configuration));
    let mut service = service("payments", "payments", 18, 6, 1_500);
    let mut blue = service.rollouts[0].clone();
    (blue.id, blue.role, blue.task_definition) = ("ecs-svc/17".into(), "ACTIVE".into(), td("payments", 17));
    (blue.state, blue.running) = (None, 6);
    let green = &mut service.rollouts[0];
    (green.state, green.running, green.pending) = (None, native.running, 6 - native.running);
    if native.stage == "CLEAN_UP" || history[0].status.rolling_back() {
        let back = history[0].status.rolling_back();
        (green.role, blue.role) =
            if back { ("ACTIVE".into(), "PRIMARY".into()) } else { ("PRIMARY".into(), "ACTIVE".into()) };
    }
    service.rollouts.push(blue);
    service.running = 6 + native.running;
    service.target_groups = vec![group("payments-blue"), group("payments-green")];
    service.configuration = native.configuration.clone();
    service.current_deployment = Some(history[0].arn.clone());
    let mut model = quiet(size);
    // The rules read so far are newer than the first weights of this deployment, so they are dropped.
    model.observed.snapshot.routes = Reading::default();
    let weights = |seconds: i64, green: u64, model: &mut Model| {
        learn(
            model,
            seconds,
            Query::Routes,
            Answer::Routes(vec![route(100, 0), route_of_payments(green), route_of_search()]),
        );
    };
    weights(1_600, 0, &mut model);
    weights(native.since, native.written, &mut model);
    weights(2, native.written, &mut model);
    put(&mut model, service, history, [6, native.running]);
    let query = Query::Metrics(MetricsQuery { meters: Vec::new(), from: ago(10_000), to: now() });
    let mut metrics = vec![(meter("payments-blue"), minutes(170, 3_100.0, |_| 0.12, |_| 164.0))];
    let green = minutes(native.since / 60 + 1, 31.0 * native.written as f64, |_| 0.15, |_| 171.0);
    metrics.push((meter("payments-green"), if native.written > 0 { green } else { Series::default() }));
    learn(&mut model, 12, query, Answer::Metrics(metrics));
    model
}

/// The fleet with `checkout` at rest and the screen of `payments` open.
fn quiet(size: (u16, u16)) -> Model {
    let mut pair = Pair::at(0, 900);
    (pair.canary.desired, pair.canary.running, pair.canary.rollouts[0].running) = (0, 0, 0);
    pair.canary.rollouts[0].desired = 0;
    let mut model = open(size, pair);
    model.screen.current = Screen::Release("payments".into());
    model
}

/// Replaces `payments`: its service, deployments, tasks and targets. `tasks_of`: running tasks of :17 and :18.
fn put(model: &mut Model, service: Service, history: Vec<ServiceDeployment>, tasks_of: [u32; 2]) {
    let services: &BTreeMap<_, _> = model.observed.snapshot.services.get().unwrap();
    let mut all: Vec<_> = services.values().filter(|other| other.key != service.key).cloned().collect();
    all.push(service.clone());
    learn(model, 1, Query::Services, Answer::Services(all));
    learn(model, 8, Query::Deployments(service.key.clone()), Answer::Deployments(history));
    let mut seen = Vec::new();
    for (number, running) in [17, 18].into_iter().zip(tasks_of) {
        let task_definition = td("payments", number);
        let started_by = Some(format!("ecs-svc/{number}"));
        let own = Service {
            running,
            pending: if running == 0 { 0 } else { 6 - running },
            task_definition,
            ..service.clone()
        };
        seen.extend(tasks(&own).into_iter().map(|task| Task { started_by: started_by.clone(), ..task }));
    }
    learn(model, 3, Query::Tasks(service.key.clone()), Answer::Tasks(seen));
    let healthy = |name: &str, healthy| (group(name), Health { healthy, ..Health::default() });
    let health = vec![healthy("payments-blue", tasks_of[0]), healthy("payments-green", tasks_of[1])];
    learn(model, 4, Query::Health(Vec::new()), Answer::Health(health));
    let definitions = vec![definition(td("payments", 17), "4.2.0"), definition(td("payments", 18), "4.2.1")];
    learn(model, 60, Query::TaskDefinitions(Vec::new()), Answer::TaskDefinitions(definitions));
    let fine = |name: &str| Alarm { name: name.into(), state: AlarmState::Ok, reason: None, since: Some(ago(9_000)) };
    let alarms = vec![fine("payments-5xx"), fine("payments-p95")];
    learn(model, 20, Query::Alarms(Vec::new()), Answer::Alarms(alarms));
}

fn canary() -> Configuration {
    configuration(Strategy::Canary { percent: 10.0, bake_minutes: 10 })
}

/// A canary at 10 % that waits for an operator before it takes the rest.
pub(crate) fn native_paused(size: (u16, u16)) -> Model {
    native_paused_for(size, 83_404, "ROLLBACK")
}

/// The same canary with `left` seconds until its deadline, and `then` as the action at the deadline.
pub(crate) fn native_paused_for(size: (u16, u16), left: i64, then: &str) -> Model {
    let more: fn(&mut ServiceDeployment) = |deployment| deployment.hooks = vec![paused(83_404, "ROLLBACK")];
    let at =
        Native { configuration: canary(), stage: STAGE, requested: 10.0, written: 10, since: 700, running: 6, more };
    let mut model = native(size, at);
    let key = key("payments");
    let mut history = model.observed.snapshot.deployments.get(&key).unwrap().get().unwrap().clone();
    history[0].hooks = vec![paused(left, then)];
    learn(&mut model, 7, Query::Deployments(key), Answer::Deployments(history));
    model
}

/// New tasks are starting and have no traffic yet.
pub(crate) fn native_starting(size: (u16, u16)) -> Model {
    let at = Native {
        configuration: configuration(Strategy::BlueGreen),
        stage: "SCALE_UP",
        requested: 0.0,
        written: 0,
        since: 1_500,
        running: 2,
        more: |_| {},
    };
    native(size, at)
}

/// A linear deployment that ECS bakes at 40 %, without a pause.
pub(crate) fn native_baking(size: (u16, u16)) -> Model {
    let strategy = Strategy::Linear { percent: 20.0, bake_minutes: 6 };
    let at = Native {
        configuration: Configuration { hooks: Vec::new(), ..configuration(strategy) },
        stage: "PRODUCTION_TRAFFIC_SHIFT",
        requested: 40.0,
        written: 40,
        since: 252,
        running: 6,
        more: |_| {},
    };
    native(size, at)
}

/// A blue/green deployment that pauses while this console writes the rule's weights.
pub(crate) fn native_weighted(size: (u16, u16)) -> Model {
    let at = Native {
        configuration: configuration(Strategy::BlueGreen),
        stage: STAGE,
        requested: 0.0,
        written: 10,
        since: 760,
        running: 6,
        more: |deployment| deployment.hooks = vec![paused(6_400, "ROLLBACK")],
    };
    let mut model = native(size, at);
    model.observed.settings.services.entry("payments".into()).or_default().native_weighted = true;
    model
        .operations
        .local
        .insert("payments".into(), LocalState { requested: Some(percent(10.0)), ..LocalState::default() });
    model.derive();
    model
}

/// A rollback by ECS after an alarm.
pub(crate) fn native_back(size: (u16, u16)) -> Model {
    let more: fn(&mut ServiceDeployment) = |deployment| {
        deployment.status = DeploymentStatus::RollbackInProgress;
        deployment.rollback = Some(Rollback {
            to: Some(revision(17, "4.2.0", "payments-blue")),
            reason: Some(
                "Service deployment rolled back because the CloudWatch alarm payments-5xx went into the ALARM state."
                    .into(),
            ),
            started_at: Some(ago(25)),
        });
        deployment.alarms = Some(AlarmMonitor {
            status: "TRIGGERED".into(),
            names: vec!["payments-5xx".into(), "payments-p95".into()],
            triggered: vec!["payments-5xx".into()],
        });
    };
    let at = Native {
        configuration: canary(),
        stage: "PRODUCTION_TRAFFIC_SHIFT",
        requested: 0.0,
        written: 0,
        since: 20,
        running: 6,
        more,
    };
    native(size, at)
}

/// An ended deployment, with a history and with doubts about a rollback.
pub(crate) fn native_over(size: (u16, u16)) -> Model {
    let mut model = quiet(size);
    let configuration = canary();
    let mut service = service("payments", "payments", 17, 6, 6 * 86_400);
    service.rollouts[0].state = None;
    service.target_groups = vec![group("payments-blue"), group("payments-green")];
    service.configuration = configuration.clone();
    learn(&mut model, 2, Query::Routes, Answer::Routes(vec![route(100, 0), route_of_payments(0), route_of_search()]));
    put(&mut model, service, past(&configuration), [6, 0]);
    let query = Query::Metrics(MetricsQuery { meters: Vec::new(), from: ago(10_000), to: now() });
    let metrics = vec![(meter("payments-blue"), minutes(170, 3_100.0, |_| 0.12, |_| 164.0))];
    learn(&mut model, 12, query, Answer::Metrics(metrics));
    doubts(&mut model);
    model
}

/// A paused deployment, with doubts about a rollback.
pub(crate) fn native_doubtful(size: (u16, u16)) -> Model {
    let mut model = native_paused(size);
    doubts(&mut model);
    model
}

/// A paused deployment in which every text from AWS is hostile.
pub(crate) fn native_hostile(size: (u16, u16), text: &str) -> Model {
    let mut model = native_paused(size);
    let key = key("payments");
    let mut history = model.observed.snapshot.deployments.get(&key).unwrap().get().unwrap().clone();
    for (index, deployment) in history.iter_mut().enumerate() {
        let harmful = || Some(text.to_owned());
        (deployment.stage, deployment.reason) = (Some(text.into()), harmful());
        deployment.configuration.hooks = vec![pause_at(text)];
        deployment.hooks.iter_mut().for_each(|hook| hook.then = harmful());
        deployment.alarms = Some(AlarmMonitor {
            status: text.into(),
            names: vec![text.into()],
            triggered: vec![text.into(); index % 2],
        });
        deployment.breaker = Some(Breaker { status: text.into(), failures: 2, threshold: 3 });
        if index > 0 {
            deployment.rollback = Some(Rollback { to: None, reason: harmful(), started_at: None });
            deployment.arn = Arn::new(format!("{text}/{index}"));
            deployment.configuration.strategy = Strategy::Other { name: text.into() };
        }
    }
    history.push(ServiceDeployment::new(Arn::new(text), DeploymentStatus::Other(text.into())));
    learn(&mut model, 1, Query::Deployments(key), Answer::Deployments(history));
    doubts(&mut model);
    for check in model.observed.releases.iter_mut().flat_map(|release| &mut release.preflight.checks) {
        check.what = text.into();
    }
    model
}

/// The pair `checkout`; each of its services has its own deployments.
pub(crate) fn pair_with_history(size: (u16, u16)) -> Model {
    let mut model = baking(size);
    let ended = |service: &str, number: u32, began: i64, status| ServiceDeployment {
        created_at: Some(ago(began)),
        finished_at: Some(ago(began - 240)),
        target: Some(revision_of("checkout", number)),
        sources: vec![revision_of("checkout", number - 1)],
        ..ServiceDeployment::new(
            Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service-deployment/prod/{service}/{number}")),
            status,
        )
    };
    let mut failed = ended("checkout-canary", 40, 12 * 86_400, DeploymentStatus::RollbackFailed);
    failed.reason = Some("Service deployment rolled back because of the circuit breaker.".into());
    let canary = vec![ended("checkout-canary", 42, 1_800, DeploymentStatus::Successful), failed];
    let stable = vec![ended("checkout-stable", 41, 9 * 86_400, DeploymentStatus::Successful)];
    for (name, history) in [("checkout-stable", stable), ("checkout-canary", canary)] {
        learn(&mut model, 9, Query::Deployments(key(name)), Answer::Deployments(history));
    }
    model
}

/// Sets the preflight of `payments`, with doubts about a rollback.
pub(crate) fn doubts(model: &mut Model) {
    let check = |level, what: &str| Check { level, what: what.into() };
    let preflight = Readiness {
        checks: vec![
            check(Level::Warn, "alarm payments-5xx is in ALARM already: ECS would not watch it during this deployment"),
            check(Level::Warn, "security groups differ: the service keeps sg-0a11, :15 ran with sg-0b22"),
            check(Level::Unknown, "whether the image of :15 is still in its registry could not be read"),
            check(Level::Good, ":15 is active"),
        ],
        estimate: Some(Estimate {
            typical: SignedDuration::from_mins(6),
            longest: SignedDuration::from_mins(9),
            of: 4,
            from: Past::Rollbacks,
        }),
    };
    for release in model.observed.releases.iter_mut().filter(|release| release.name == "payments") {
        release.preflight = preflight.clone();
    }
}
