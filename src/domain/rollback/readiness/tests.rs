use jiff::SignedDuration;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::domain::assess::releases;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{
    AlarmConfiguration, DeploymentStatus, HookConfiguration, PAUSE, RevisionImage, Rollback, Strategy,
};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::service::{RolloutState, Task, TaskDefinition};
use crate::domain::fault::FaultKind;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::release::Release;
use crate::domain::settings::Settings;
use crate::testkit::consoles::{ago, now, revision_of, service, tasks, td};
use DeploymentStatus::{InProgress, RollbackInProgress, RollbackSuccessful, Stopped, Successful};
use Level::{Blocks, Good, Unknown, Warn};

/// A service with everything read about it.
pub(super) struct World {
    pub(super) orders: Service,
    pub(super) snapshot: Snapshot,
    pub(super) history: Vec<ServiceDeployment>,
    pub(super) denied: Vec<Fault>,
}

pub(super) fn definition(revision: u32, active: bool) -> TaskDefinition {
    TaskDefinition {
        arn: td("orders", revision),
        active,
        registered_at: None,
        images: vec![("app".into(), format!("registry.example/orders:1.{revision}"))],
        cpu: None,
        memory: None,
        logs: Vec::new(),
    }
}

/// A service revision that ran `image` with a digest of 64 times `digest`.
fn ran(revision: u32, image: &str, digest: char) -> Arc<ServiceRevision> {
    let digest = format!("sha256:{}", digest.to_string().repeat(64));
    let image = RevisionImage { container: "app".into(), image: image.into(), digest: Some(digest) };
    Arc::new(ServiceRevision { images: vec![image], ..(*revision_of("orders", revision)).clone() })
}

fn deployment(target: u32, status: DeploymentStatus, hours: i64) -> ServiceDeployment {
    let began = ago(hours * 3_600);
    ServiceDeployment {
        created_at: Some(began),
        finished_at: status.ended().then(|| began + SignedDuration::from_mins(10)),
        target: Some(revision_of("orders", target)),
        ..ServiceDeployment::new(Arn::new(format!("arn:aws:ecs:::service-deployment/prod/orders/{hours}")), status)
    }
}

impl World {
    /// `:42`, complete, after `:40` and `:41`.
    pub(super) fn steady() -> Self {
        let mut world = Self {
            orders: service("orders", "orders", 42, 6, 60),
            snapshot: Snapshot::default(),
            history: [(42, 1), (41, 5), (40, 9)].map(|(target, hours)| deployment(target, Successful, hours)).into(),
            denied: Vec::new(),
        };
        for revision in 40..=43 {
            world.define(revision, true);
        }
        world
    }

    /// `:43` under way over `:42`, which still runs, an hour and ten minutes after the deployment of `:42`.
    pub(super) fn under_way() -> Self {
        let mut world = Self::steady();
        let mut old = world.orders.rollouts.remove(0);
        old.role = "ACTIVE".into();
        world.orders = service("orders", "orders", 43, 6, 60);
        world.orders.rollouts[0].state = Some(RolloutState::InProgress);
        world.orders.rollouts.push(old);
        let created_at = Some(ago(600));
        let sources = vec![revision_of("orders", 42)];
        let newest = ServiceDeployment { created_at, sources, ..deployment(43, InProgress, 0) };
        world.orders.current_deployment = Some(newest.arn.clone());
        world.history.insert(0, newest);
        world
    }

    fn define(&mut self, revision: u32, active: bool) {
        self.hear(Query::TaskDefinitions(Vec::new()), Answer::TaskDefinitions(vec![definition(revision, active)]));
    }

    pub(super) fn hear(&mut self, query: Query, facts: Answer) {
        self.snapshot.apply(now(), &query, Ok(facts));
    }

    pub(super) fn alarms(&mut self, alarms: &[(&str, AlarmState, i64)]) {
        let names = alarms.iter().map(|(name, ..)| (*name).to_owned()).collect();
        self.orders.configuration.alarms = Some(AlarmConfiguration { names, enable: true, rollback: true });
        let read = alarms.iter().filter(|(_, state, _)| *state != AlarmState::Other("unread".into()));
        let read = read.map(|(name, state, since)| Alarm {
            name: (*name).to_owned(),
            state: state.clone(),
            reason: None,
            since: Some(ago(*since)),
        });
        self.hear(Query::Alarms(Vec::new()), Answer::Alarms(read.collect()));
    }

    pub(super) fn release(&self) -> (Release, Snapshot) {
        let mut snapshot = self.snapshot.clone();
        let history = Answer::Deployments(self.history.clone());
        snapshot.apply(now(), &Query::Services, Ok(Answer::Services(vec![self.orders.clone()])));
        snapshot.apply(now(), &Query::Deployments(self.orders.key.clone()), Ok(history));
        let release = releases(&snapshot, &Settings::default(), &BTreeMap::new(), now()).remove(0);
        (release, snapshot)
    }

    pub(super) fn look(&self) -> Readiness {
        let (release, snapshot) = self.release();
        preflight(&release, &self.orders, &snapshot, &self.denied, now())
    }

    /// The checks that contain this word, with their levels.
    pub(super) fn said(&self, word: &str) -> Vec<(Level, String)> {
        let checks = self.look().checks.into_iter().filter(|check| check.what.contains(word));
        checks.map(|check| (check.level, check.what)).collect()
    }

    pub(super) fn says(&self, level: Level, what: &str) {
        let checks = self.look().checks;
        assert!(checks.contains(&check(level, what)), "{level:?} {what}\nis not among {checks:#?}");
    }
}

#[test]
fn whether_the_target_can_be_deployed() {
    let mut world = World::steady();
    world.says(Good, "orders:41 is ACTIVE: it can be deployed");
    world.snapshot.task_definitions.clear();
    world.says(Unknown, "whether orders:41 can still be deployed was not read yet");
    let mut world = World::steady();
    let fault = Fault::new(FaultKind::Throttled, "DescribeTaskDefinition", "orders:41", "slow down");
    world.snapshot.apply(now(), &Query::TaskDefinitions(vec![td("orders", 41)]), Err(fault));
    world.says(Unknown, "whether orders:41 can still be deployed cannot be read: throttled");
    // The only good revision left is deregistered.
    let mut world = World::steady();
    world.history.truncate(2);
    world.define(41, false);
    world.says(Blocks, "orders:41 was deregistered, and nothing else worked");
    world.history.truncate(1);
    world.says(Blocks, "no other revision is known to have worked");
}

#[test]
fn what_is_passed_over_is_named() {
    let mut world = World::steady();
    assert_eq!(world.said("newer than"), []);
    world.define(41, false);
    world.says(Good, "orders:40 is ACTIVE: it can be deployed");
    world.says(Warn, "newer than :40 but deregistered: :41");
    let mut world = World::steady();
    world.orders = service("orders", "orders", 41, 6, 60);
    world.history.insert(0, ServiceDeployment { created_at: Some(ago(900)), ..deployment(41, Successful, 0) });
    world.says(Good, "orders:40 is ACTIVE: it can be deployed");
    world.says(Warn, "newer than :40 but gone back from: :42");
    world.history.truncate(3);
    world.says(Warn, "only orders:42 is left, which was gone back from");
}

#[test]
fn a_deployment_under_way_is_taken_back_to_what_it_replaces_whatever_became_of_that() {
    let mut world = World::under_way();
    world.says(Good, "orders:42 is ACTIVE: it can be deployed");
    world.define(42, false);
    world.says(Warn, "orders:42 was deregistered: once this deployment is over, nobody can deploy it");
    // The rollback has begun, and reports its own target.
    world.history[0].status = RollbackInProgress;
    let to = Some(revision_of("orders", 40));
    world.history[0].rollback = Some(Rollback { to, reason: None, started_at: Some(ago(60)) });
    world.says(Good, "orders:40 is ACTIVE: it can be deployed");
    // The first deployment ever.
    let mut world = World::under_way();
    world.orders.rollouts.truncate(1);
    world.history.truncate(1);
    world.history[0].sources.clear();
    world.says(Warn, "nothing that worked is known before this deployment: ECS may only stop it");
}

#[test]
fn a_native_deployment_is_under_way_while_its_record_says_so() {
    let mut world = World::steady();
    world.orders.configuration.strategy = Strategy::BlueGreen;
    // During the bake all tasks run, and no rollout is under way.
    world.history[0].status = InProgress;
    world.history[0].sources = vec![revision_of("orders", 40)];
    world.says(Good, "orders:40 is ACTIVE: it can be deployed");
    world.history[0].status = Successful;
    world.says(Good, "orders:41 is ACTIVE: it can be deployed");
}

#[test]
fn a_tag_is_not_an_image() {
    let with = |make: fn() -> World, target: u32, image: &str| {
        let mut world = make();
        for deployment in &mut world.history {
            if deployment.task_definition() == Some(&td("orders", target)) {
                deployment.target = Some(ran(target, image, 'a'));
            }
        }
        world
    };
    let tagged = "registry.example/orders:1.8";
    with(World::steady, 41, tagged).says(Unknown, ":41 ran sha256:aaaaaaaa…; the tag orders:1.8 is resolved again");
    with(World::under_way, 42, tagged).says(Good, ":42 ran sha256:aaaaaaaa…, and ECS brings that back");
    let pinned = format!("{tagged}@sha256:{}", "a".repeat(64));
    for (make, target) in [(World::steady as fn() -> World, 41), (World::under_way, 42)] {
        let says = format!(":{target} names its image by digest, sha256:aaaaaaaa…");
        with(make, target, &pinned).says(Good, &says);
    }
    // No service revision has the digest; the running tasks may report one.
    let world = World::under_way();
    world.says(Unknown, "which image orders:1.42 of :42 was is not known");
    World::steady().says(Unknown, "which image :41 ran is not known; the tag orders:1.41 is resolved again");
    let mut world = World::under_way();
    let running = tasks(&service("orders", "orders", 42, 6, 60));
    world.hear(Query::Tasks(world.orders.key.clone()), Answer::Tasks(running));
    world.says(Good, ":42 ran sha256:4f1c9a2b…, and ECS brings that back");
}

#[test]
fn a_tag_that_has_moved_is_told() {
    let tagged = "registry.example/orders:1.8";
    let mut world = World::steady();
    let again = ServiceRevision {
        arn: Arn::new("arn:aws:ecs:::service-revision/prod/orders/again"),
        created_at: Some(ago(60)),
        ..(*ran(41, tagged, 'b')).clone()
    };
    world.history[1].target = Some(ran(41, tagged, 'a'));
    world.history[0].sources = vec![Arc::new(again)];
    let both = "the tag orders:1.8 has moved: :41 was deployed with sha256:aaaaaaaa… and later with sha256:bbbbbbbb…";
    world.says(Warn, both);
    assert_eq!(world.said("resolved again"), []);

    let mut world = World::under_way();
    world.history[1].target = Some(ran(42, tagged, 'a'));
    world.history[0].sources.clear();
    let running = |digests: &[char]| Task {
        image_digests: digests.iter().map(|it| format!("sha256:{}", it.to_string().repeat(64))).collect(),
        ..tasks(&service("orders", "orders", 42, 6, 60)).remove(0)
    };
    let table: [(&[char], usize); 4] = [(&['a'], 0), (&['f', 'a'], 0), (&['b'], 1), (&[], 0)];
    for (digests, moved) in table {
        world.hear(Query::Tasks(world.orders.key.clone()), Answer::Tasks(vec![running(digests)]));
        assert_eq!(world.said("has moved").len(), moved, "{digests:?}");
    }
    // Tasks of another revision and stopped tasks are not evidence.
    let other = Task { task_definition: td("orders", 43), ..running(&['b']) };
    let over = Task { status: "STOPPED".into(), ..running(&['b']) };
    world.hear(Query::Tasks(world.orders.key.clone()), Answer::Tasks(vec![other, over]));
    assert_eq!(world.said("has moved"), []);
}

#[test]
fn what_a_redeployment_does_not_bring_back_is_told_one_by_one() {
    let set_up = |revision: u32, lines: &[(&str, &str)]| {
        let surroundings = lines.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())).collect();
        Some(Arc::new(ServiceRevision { surroundings, ..(*revision_of("orders", revision)).clone() }))
    };
    let old = set_up(41, &[("subnets", "subnet-a"), ("platform", "1.4.0"), ("volumes", "data")]);
    let mut world = World::steady();
    world.history[1].target = old.clone();
    assert_eq!(world.said("present"), []);
    world.history[0].target = set_up(42, &[("subnets", "subnet-b"), ("platform", "1.4.0")]);
    let expected = [
        (Warn, "going back keeps the present subnets: subnet-a → subnet-b".to_owned()),
        (Warn, "going back keeps the present volumes: data → none".to_owned()),
    ];
    assert_eq!(world.said("present"), expected);
    world.history[0].target = set_up(42, &[("subnets", "subnet-a"), ("platform", "1.4.0"), ("volumes", "data")]);
    world.says(Good, "the service is set up as it was with :41");
    // A rollback by ECS restores all of these settings.
    let mut world = World::under_way();
    world.history[1].target = set_up(42, &[("subnets", "subnet-a")]);
    world.history[0].target = set_up(43, &[("subnets", "subnet-b")]);
    assert_eq!(world.said("present"), []);
}

#[test]
fn what_aws_has_refused_before_it_refuses_again() {
    let denied = |operation: &str| Fault::new(FaultKind::Denied, operation, "prod/orders", "not authorized");
    let all = ["StopServiceDeployment", "ContinueServiceDeployment", "UpdateService", "ModifyRule"].map(denied);
    let mut world = World::steady();
    world.denied = all.into();
    assert_eq!(world.said("AWS denied"), [(Blocks, "AWS denied UpdateService, which the way back needs".to_owned())]);
    world.denied.retain(|fault| fault.operation != "UpdateService");
    assert_eq!(world.said("AWS denied"), []);
    let mut stopped = World::under_way();
    stopped.denied = world.denied.clone();
    let stop = (Blocks, "AWS denied StopServiceDeployment, which the way back needs".to_owned());
    assert_eq!(stopped.look().checks.first().map(|it| (it.level, it.what.clone())), Some(stop));
    let hook = crate::domain::ecs::deployment::Hook {
        id: "ecs-pause-1".into(),
        kind: PAUSE.into(),
        status: "AWAITING_ACTION".into(),
        until: None,
        then: None,
    };
    stopped.history[0].hooks = vec![hook];
    let answer = (Blocks, "AWS denied ContinueServiceDeployment, which the way back needs".to_owned());
    assert_eq!(stopped.said("AWS denied"), [answer]);
    stopped.history[0].status = RollbackInProgress;
    stopped.history[0].hooks.clear();
    assert_eq!(stopped.said("AWS denied"), []);
}

#[test]
fn a_history_that_is_not_there() {
    let world = World::steady();
    let (release, mut snapshot) = world.release();
    let mut look = |fault: Option<FaultKind>| {
        snapshot.deployments.clear();
        if let Some(kind) = fault {
            let fault = Fault::new(kind, "ListServiceDeployments", "prod/orders", "no");
            snapshot.apply(now(), &Query::Deployments(world.orders.key.clone()), Err(fault));
        }
        preflight(&release, &world.orders, &snapshot, &[], now()).checks
    };
    let denied = check(Warn, "AWS denies ListServiceDeployments: what worked is known only from here");
    assert!(look(Some(FaultKind::Denied)).contains(&denied));
    assert!(
        look(Some(FaultKind::Server)).contains(&check(Unknown, "the deployment history cannot be read: AWS error"))
    );
    assert!(look(None).contains(&check(Unknown, "the deployment history was not read yet")));
}

#[test]
fn how_long_the_like_has_taken() {
    let mut world = World::under_way();
    assert_eq!(world.look().estimate, None);
    let rollback = |hours: i64, minutes: i64, status: DeploymentStatus| {
        let past = deployment(43, status, hours);
        let finished_at = past.created_at.map(|began| began + SignedDuration::from_mins(30 + minutes));
        let started_at = past.created_at.map(|began| began + SignedDuration::from_mins(30));
        let to = Some(revision_of("orders", 42));
        ServiceDeployment { finished_at, rollback: Some(Rollback { to, reason: None, started_at }), ..past }
    };
    world.history.extend([rollback(20, 1, RollbackSuccessful), rollback(30, 2, RollbackSuccessful)]);
    world.history.extend([rollback(40, 9, RollbackSuccessful), rollback(50, 90, Stopped)]);
    let minutes = SignedDuration::from_mins;
    let past = Past::Rollbacks;
    let estimate = Estimate { typical: minutes(2), longest: minutes(9), of: 3, from: past };
    assert_eq!(world.look().estimate, Some(estimate));
    // The estimate uses the newest twenty only.
    world.history.extend((100..130).map(|hours| rollback(hours, 600, RollbackSuccessful)));
    world.history.extend((60..80).map(|hours| rollback(hours, 4, RollbackSuccessful)));
    let estimate = Estimate { typical: minutes(4), longest: minutes(9), of: 20, from: past };
    assert_eq!(world.look().estimate, Some(estimate));
}

#[test]
fn only_deployments_of_the_same_make_tell_how_long_one_takes() {
    let canary = |percent: f64| Strategy::Canary { percent, bake_minutes: 5 };
    let mut world = World::steady();
    world.orders.configuration.strategy = canary(10.0);
    assert_eq!(world.look().estimate, None);
    let took = |world: &mut World, index: usize, minutes: i64| {
        let past = &mut world.history[index];
        past.configuration = world.orders.configuration.clone();
        past.finished_at = past.created_at.map(|began| began + SignedDuration::from_mins(minutes));
    };
    for (index, minutes) in [(0, 20), (1, 30), (2, 50)] {
        took(&mut world, index, minutes);
    }
    let typical = |world: &World| world.look().estimate.map(|it| (it.typical.as_mins(), it.longest.as_mins(), it.of));
    assert_eq!(typical(&world), Some((30, 50, 3)));
    assert_eq!(world.look().estimate.map(|it| it.from), Some(Past::Deployments));
    world.history[0].configuration.strategy = canary(20.0);
    assert_eq!(typical(&world), Some((40, 50, 2)));
    world.history[1].configuration.bake_minutes = Some(60);
    assert_eq!(typical(&world), Some((50, 50, 1)));
    let pause = HookConfiguration {
        kind: Some(PAUSE.into()),
        target: None,
        role: None,
        stages: Vec::new(),
        details: None,
        timeout_minutes: None,
        timeout_action: None,
    };
    world.history[2].configuration.hooks = vec![pause];
    assert_eq!(typical(&world), None);
}
