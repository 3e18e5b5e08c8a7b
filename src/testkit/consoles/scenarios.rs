//! Consoles in typical situations of an operator.

use super::*;
use crate::console::message::Order;
use crate::domain::metrics::{Trouble, TroubleKind};

/// The canary at 10 %, a third of its bake time over.
pub(crate) fn baking(size: (u16, u16)) -> Model {
    open(size, Pair::at(10, 192))
}

/// The canary at 10 % with its bake time over: the next step is up to the operator.
pub(crate) fn waiting(size: (u16, u16)) -> Model {
    open(size, Pair::at(10, 900))
}

/// The canary clearly fails.
pub(crate) fn bad(size: (u16, u16)) -> Model {
    let mut model = open(size, Pair::at(10, 600));
    measure(&mut model, 10, 6.0, 420.0);
    model
}

/// Starts an operation for `intent` and applies the reports, 140 ms apart.
pub(crate) fn order(model: &mut Model, intent: Intent, reports: Vec<Progress>) {
    let release = model.release("checkout").unwrap().clone();
    let context = Context { place: &model.observed.place, settings: &model.observed.settings, now: ago(8) };
    let plan = plan::plan(&release, &intent, &context).unwrap();
    model.operations.acts.order(OperationId(1), &plan, &Order::default(), ago(8));
    let mut operation = Operation::new(OperationId(1), plan, ago(8));
    for (index, report) in (1..).zip(reports) {
        let at = ago(8) + SignedDuration::from_millis(140 * index);
        model.operations.acts.report(OperationId(1), &operation.plan, at, &report);
        operation.report(at, report);
    }
    if operation.in_flight() {
        model.operations.local.get_mut("checkout").unwrap().doing = Some(intent);
    }
    model.operations.latest.insert("checkout".into(), operation);
    model.derive();
}

pub(crate) fn receipt() -> Receipt {
    Receipt { request_id: Some("3f1c2a60-77aa-4c0e".into()), answer: "stable 100 canary 0".into() }
}

/// A rollback with its first call accepted; the read-back is under way.
pub(crate) fn rolling_back(size: (u16, u16)) -> Model {
    let mut model = bad(size);
    let reports = vec![Progress::Sent { step: 0 }, Progress::Answered { step: 0, receipt: receipt() }];
    order(&mut model, Intent::Rollback { to: None, at_once: false }, reports);
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

/// A canary whose tasks do not start.
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
    learn(&mut model, 3, Query::Tasks(canary.key), Answer::Tasks(seen));
    model
}

/// A release with divided traffic, and no data from CloudWatch yet.
pub(crate) fn no_data(size: (u16, u16)) -> Model {
    let mut model = open(size, Pair::at(1, 40));
    model.observed.snapshot.metrics.clear();
    model.derive();
    model
}

/// A canary with missing minutes, failed connections, and an unhealthy host.
pub(crate) fn holes(size: (u16, u16)) -> Model {
    let mut model = open(size, Pair::at(10, 900));
    let newest = now().as_second().div_euclid(60);
    let at = |back: i64| Timestamp::from_second((newest - back) * 60).unwrap();
    change(&mut model, "checkout-canary", |series| {
        series.minutes.retain(|minute| ![at(6), at(7), at(12)].contains(&minute.at));
        for minute in series.minutes.iter_mut().filter(|minute| minute.at < at(8) && minute.at > at(11)) {
            minute.connection_errors = Some(9.0);
        }
        series.gauges.insert(Gauge::UnhealthyHosts, (1..20).map(|back| (at(back), f64::from(back < 9))).collect());
        series.gauges.insert(Gauge::FailedOpen, BTreeMap::from([(at(4), 31.0)]));
    });
    change(&mut model, "checkout-stable", |series| {
        series.gauges.insert(Gauge::UnhealthyHosts, (1..170).map(|back| (at(back), 0.0)).collect());
    });
    model
}

/// A release for which CloudWatch denies some metrics and returns others only in part.
pub(crate) fn troubled(size: (u16, u16)) -> Model {
    let mut model = open(size, Pair::at(10, 900));
    let trouble = |metric: &str, kind, message: &str| Trouble { metric: metric.into(), kind, message: message.into() };
    for name in ["checkout-stable", "checkout-canary"] {
        change(&mut model, name, |series| {
            series.troubles = vec![
                trouble("HTTPCode_Target_5XX_Count", TroubleKind::Forbidden, "not authorized to read this metric"),
                trouble("TargetResponseTime p95", TroubleKind::Partial, "a part of the datapoints was not returned"),
            ];
            for minute in &mut series.minutes {
                (minute.target_5xx, minute.uncounted) = (None, true);
            }
        });
    }
    let balancer = MetricSource::Balancer(balancer());
    let failed = Series {
        troubles: vec![trouble("HTTPCode_ELB_5XX_Count", TroubleKind::Failed, "an internal error")],
        ..Series::default()
    };
    let query = Query::Metrics(MetricsQuery { meters: Vec::new(), from: ago(600), to: now() });
    model.observed.snapshot.metrics.remove(&balancer);
    learn(&mut model, 11, query, Answer::Metrics(vec![(balancer, failed)]));
    model
}

/// Replaces a target group's metrics with a changed copy.
fn change(model: &mut Model, name: &str, with: impl FnOnce(&mut Series)) {
    let mut series = model.observed.snapshot.metrics[&meter(name)].get().unwrap().clone();
    with(&mut series);
    model.observed.snapshot.metrics.remove(&meter(name));
    let query = Query::Metrics(MetricsQuery { meters: Vec::new(), from: ago(10_000), to: now() });
    learn(model, 11, query, Answer::Metrics(vec![(meter(name), series)]));
}

/// Metrics are denied; all other data is two minutes old because the credentials have expired.
pub(crate) fn faulty(size: (u16, u16)) -> Model {
    let mut model = baking(size);
    let groups = ["checkout-stable", "checkout-canary", "search"];
    let query = MetricsQuery {
        meters: groups.iter().map(|name| (meter(name), Resolution::Full)).collect(),
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
    model.observed.now.at = now() + SignedDuration::from_secs(130);
    let expired = Fault::new(FaultKind::Expired, "DescribeServices", "prod", "The security token has expired");
    hear(&mut model, -125, Query::Services, Err(expired));
    model
}

/// A rolling service with an ECS deployment under way and an earlier revision to roll back to.
pub(crate) fn rolling(size: (u16, u16)) -> Model {
    let mut model = waiting(size);
    let deployment = |status, revision, began: i64| ServiceDeployment {
        created_at: Some(ago(began)),
        finished_at: Some(ago(began - 300)),
        target: Some(revision_of("payments", revision)),
        ..ServiceDeployment::new(
            Arn::new(format!("arn:aws:ecs:us-east-1:{ACCOUNT}:service-deployment/prod/payments/{revision}")),
            status,
        )
    };
    let history = vec![
        deployment(DeploymentStatus::InProgress, 18, 90),
        deployment(DeploymentStatus::Successful, 17, 6 * 86_400),
    ];
    learn(&mut model, 10, Query::Deployments(key("payments")), Answer::Deployments(history));
    model.screen.current = Screen::Release("payments".into());
    model
}

/// A console in which every text from AWS is hostile.
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
    model.observed.place.environment = text.into();
    let mut odd = service("odd", "odd", 1, 1, 50);
    odd.key = ServiceKey::new(text, text);
    odd.task_definition = TaskDefinitionArn::new(text);
    odd.rollouts[0].task_definition = TaskDefinitionArn::new(text);
    odd.events[0].message = text.into();
    let mut all: Vec<_> = model.observed.snapshot.services.get().unwrap().values().cloned().collect();
    all.push(odd);
    learn(&mut model, 0, Query::Services, Answer::Services(all));
    let mut tasks: Vec<_> = (0..3).map(|_| stopped(&canary, text)).collect();
    tasks.push(Task { status: text.into(), stopped_at: None, ..tasks[0].clone() });
    learn(&mut model, 0, Query::Tasks(canary.key.clone()), Answer::Tasks(tasks));
    let odd = definition(canary.task_definition.clone(), text);
    learn(&mut model, 0, Query::TaskDefinitions(Vec::new()), Answer::TaskDefinitions(vec![odd]));
    let health = Health { healthy: 1, reasons: vec![(text.into(), 3)], ..Health::default() };
    learn(&mut model, 0, Query::Health(Vec::new()), Answer::Health(vec![(group("checkout-canary"), health)]));
    let fault = Fault {
        code: Some(text.into()),
        request_id: Some(text.into()),
        advice: text.into(),
        ..Fault::new(FaultKind::Refused, text, text, text)
    };
    hear(&mut model, 0, Query::Deployments(canary.key), Err(fault));
    let identity = Identity { account: text.into(), arn: text.into() };
    learn(&mut model, 0, Query::Identity, Answer::Identity(identity));
    model
}
