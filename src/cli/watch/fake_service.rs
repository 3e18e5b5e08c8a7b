//! A fake AWS that goes from one frame to the next with each poll, for the tests of a watch.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::cli::observe::{Limits, Observer};
use crate::cli::out::tests::Paper;
use crate::cli::tests::{config, group, now, revision, service};
use crate::domain::ecs::deployment::{DeploymentStatus, Rollback, ServiceDeployment, ServiceRevision, Strategy};
use crate::domain::ecs::names::{Arn, Identity};
use crate::domain::ecs::route::{Forward, Health, Route, RouteId};
use crate::domain::ecs::service::Service;
use crate::domain::history::History;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt};
use crate::domain::release::share::{Percent, Weight};

/// The state of AWS between two polls.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) services: Vec<Service>,
    pub(super) weights: (u64, u64),
    /// `Err`: the fault of every read of the deployments, and of the service.
    pub(super) deployments: Result<Vec<ServiceDeployment>, FaultKind>,
    /// True if only the history cannot be read.
    pub(super) only_history: bool,
}

/// A sequence of frames; the last one stays. Each sleep moves to the next frame.
pub(super) struct Script {
    pub(super) frames: Vec<Frame>,
    pub(super) at: AtomicUsize,
    /// Times at which an alarm's state was read.
    pub(super) alarms_read: Mutex<Vec<Timestamp>>,
    /// Duration of each sleep.
    pub(super) waited: Mutex<Vec<Duration>>,
}

/// More polls than any of these watches needs: a watch that goes beyond this number does not end.
pub(super) const MOST_LOOKS: usize = 300;

impl Script {
    pub(super) fn new(frames: impl IntoIterator<Item = Frame>) -> Self {
        let frames = frames.into_iter().collect();
        Self { frames, at: AtomicUsize::new(0), alarms_read: Mutex::default(), waited: Mutex::default() }
    }

    fn frame(&self) -> &Frame {
        let at = self.at.load(Ordering::SeqCst);
        self.frames.get(at).or(self.frames.last()).unwrap()
    }

    pub(super) async fn watch(&self, name: &str, timeout: Option<SignedDuration>, json: bool) -> Watched {
        self.watch_until(name, timeout, json, futures::future::pending()).await
    }

    pub(super) async fn watch_until(
        &self,
        name: &str,
        timeout: Option<SignedDuration>,
        json: bool,
        stop: impl Future<Output = Left> + Unpin,
    ) -> Watched {
        let config = config();
        let observer =
            Observer { cloud: self, config: &config, region: "us-east-1", clock: self, limits: Limits::default() };
        let seen = observer.observe(Scope::Release, Some(name), |_| History::default()).await.unwrap();
        let paper = Paper::default();
        let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
        out.json = json;
        let with = Context { cloud: self, settings: &config.settings, clock: self, timeout, until: None };
        let code = Watcher::new(&mut out, with, seen, name).unwrap().follow(stop).await;
        Watched { code: code.map_err(|failure| failure.exit), text: paper.text() }
    }
}

pub(super) struct Watched {
    pub(super) code: Result<u8, Exit>,
    pub(super) text: String,
}

#[async_trait]
impl Clock for Script {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::try_from(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.waited.lock().unwrap().iter().sum()
    }

    async fn sleep(&self, span: Duration) {
        self.waited.lock().unwrap().push(span);
        assert!(self.at.fetch_add(1, Ordering::SeqCst) < MOST_LOOKS, "this watch does not end");
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Cloud for Script {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        let frame = self.frame();
        let fault = |kind| Fault::new(kind, "DescribeServices", "prod/orders", "no");
        let failing = frame.deployments.as_ref().err().copied().filter(|_| !frame.only_history);
        let weigh = |name, weight| Forward { target_group: group(name), weight: Weight::new(weight).unwrap() };
        let route = || Route {
            id: RouteId::Rule(Arn::new(
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop/1/2/3",
            )),
            load_balancer: Arn::new("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/shop/1"),
            port: Some(443),
            priority: "10".into(),
            conditions: Vec::new(),
            forwards: vec![weigh("stable", frame.weights.0), weigh("canary", frame.weights.1)],
            stickiness: None,
            former_stickiness: None,
            unknown_action: None,
            other_actions: false,
            default_rule: None,
            shape: 7,
        };
        Ok(match query {
            Query::Identity => Answer::Identity(Identity {
                account: "123456789012".into(),
                arn: "arn:aws:iam::123456789012:root".into(),
            }),
            Query::Services => Answer::Services(frame.services.clone()),
            Query::Service(key) => match failing {
                Some(kind) => return Err(fault(kind)),
                None => {
                    let found = frame.services.iter().find(|service| service.key == *key);
                    Answer::Service(Box::new(found.ok_or_else(|| fault(FaultKind::NotFound))?.clone()))
                }
            },
            Query::Deployments(_) => Answer::Deployments(frame.deployments.clone().map_err(fault)?),
            Query::Routes => Answer::Routes(vec![route()]),
            Query::Route(_) => Answer::Route(route()),
            Query::Health(groups) => {
                let healthy = |group: &Arn| (group.clone(), Health { healthy: 6, ..Health::default() });
                Answer::Health(groups.iter().map(healthy).collect())
            }
            Query::Metrics(_) => Answer::Metrics(Vec::new()),
            Query::Alarms(_) => {
                self.alarms_read.lock().unwrap().push(self.now());
                Answer::Alarms(Vec::new())
            }
            _ => Answer::TaskDefinitions(Vec::new()),
        })
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        panic!("a watch must not write: {call:?}")
    }
}

pub(super) fn ago(minutes: i64) -> Option<Timestamp> {
    Some(now() - SignedDuration::from_mins(minutes))
}

/// The deployment of a revision that began `begun` minutes ago.
pub(super) fn deployment(number: u32, begun: i64, status: DeploymentStatus) -> ServiceDeployment {
    let arn = |what: &str, name: u32| Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:{what}/prod/orders/{name}"));
    let revised =
        |number| std::sync::Arc::new(ServiceRevision::bare(arn("service-revision", number), revision(number)));
    let back = matches!(status, DeploymentStatus::RollbackSuccessful | DeploymentStatus::RollbackFailed);
    let mut deployment = ServiceDeployment::new(arn("service-deployment", number), status);
    deployment.created_at = ago(begun);
    deployment.finished_at = deployment.status.ended().then(|| ago(begun - 5)).flatten();
    deployment.target = Some(revised(number));
    deployment.sources = vec![revised(number - 1)];
    deployment.configuration.strategy = Strategy::Canary { percent: 10.0, bake_minutes: 5 };
    deployment.rollback = back.then(|| Rollback {
        to: Some(revised(number - 1)),
        reason: Some("an alarm was triggered".into()),
        started_at: ago(begun - 4),
    });
    deployment
}

pub(super) fn orders(number: u32) -> Service {
    let mut service = service("prod", "orders", number, 6, &[]);
    service.configuration.strategy = Strategy::Canary { percent: 10.0, bake_minutes: 5 };
    service
}

/// The one service, on `number`, with these deployments.
pub(super) fn native(number: u32, deployments: Vec<ServiceDeployment>) -> Frame {
    Frame { services: vec![orders(number)], weights: (100, 0), deployments: Ok(deployments), only_history: false }
}

/// Returns the deployment before `number`.
pub(super) fn before(number: u32) -> ServiceDeployment {
    deployment(number - 1, 9_000, DeploymentStatus::Successful)
}

pub(super) fn at(stage: &str, percent: f64) -> ServiceDeployment {
    ServiceDeployment {
        stage: Some(stage.into()),
        requested: Some(Percent::new(percent).unwrap()),
        ..deployment(24, 4, DeploymentStatus::InProgress)
    }
}
