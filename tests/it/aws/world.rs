//! The same against the embedded AWS, which keeps to AWS's models by itself.

use std::time::Duration;

use tidegate::cloud::Cloud;
use tidegate::cloud::aws::ClientPools;
use tidegate::domain::ecs::alarm::AlarmState;
use tidegate::domain::ecs::deployment::{Configuration, ServiceDeployment, Strategy};
use tidegate::domain::ecs::names::{ServiceKey, TaskDefinitionArn};
use tidegate::domain::ecs::service::{Service, TaskDefinition};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::plan::Call;
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Server, SimClock};

struct Place {
    _server: Server,
    clock: SimClock,
    lanes: ClientPools,
}

impl Place {
    async fn new(scenario: &str) -> Self {
        let (_server, clock, lanes) = super::embedded(&Scenario::named(scenario).unwrap()).await;
        Self { _server, clock, lanes }
    }

    async fn service(&self, name: &str) -> Service {
        match self.lanes.poll.read(&Query::Service(ServiceKey::new("prod", name))).await.unwrap() {
            Answer::Service(service) => *service,
            other => panic!("{other:?}"),
        }
    }

    async fn deployments(&self, name: &str) -> Vec<ServiceDeployment> {
        match self.lanes.poll.read(&Query::Deployments(ServiceKey::new("prod", name))).await.unwrap() {
            Answer::Deployments(deployments) => deployments,
            other => panic!("{other:?}"),
        }
    }

    async fn definition(&self, arn: TaskDefinitionArn) -> TaskDefinition {
        match self.lanes.poll.read(&Query::TaskDefinitions(vec![arn])).await.unwrap() {
            Answer::TaskDefinitions(mut definitions) => definitions.remove(0),
            other => panic!("{other:?}"),
        }
    }
}

fn update(service: &Service, task_definition: Option<&TaskDefinitionArn>, configuration: &Configuration) -> Call {
    Call::UpdateService {
        service: service.key.clone(),
        arn: service.arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        task_definition: task_definition.cloned(),
        desired: None,
        configuration: Some(Box::new(configuration.clone())),
        force: false,
    }
}

#[tokio::test]
async fn a_canary_that_waits_is_known_whole() {
    let place = Place::new("paused-native").await;
    let service = place.service("payments").await;
    assert!(service.production_rule.is_some());
    assert_eq!(service.configuration.strategy, Strategy::Canary { percent: 10.0, bake_minutes: 0 });
    assert_eq!(service.configuration.bake_minutes, Some(5));
    let pause = service.configuration.pauses().next().unwrap();
    assert_eq!((pause.timeout_minutes, pause.timeout_action.as_deref()), (Some(1440), Some("ROLLBACK")));
    let deployment = place.deployments("payments").await.remove(0);
    assert!(deployment.outcome().is_none() && deployment.started_at.is_some());
    assert_eq!(deployment.configuration, service.configuration);
    assert_eq!(deployment.requested.map(|percent| percent.value()), Some(10.0));
    let (target, source) = (deployment.target.as_ref().unwrap(), &deployment.sources[0]);
    assert!(target.images.iter().all(|image| image.digest.is_some()) && !target.images.is_empty());
    assert_eq!(target.production_rule, service.production_rule);
    assert_eq!(target.target_groups.len(), 1);
    assert!(service.target_groups.contains(&target.target_groups[0]));
    assert_ne!(target.target_groups, source.target_groups);
    assert!(!target.surroundings.is_empty());
    assert_eq!(target.surroundings, source.surroundings);

    let names = service.configuration.alarms.unwrap().names;
    assert_eq!(deployment.alarms.unwrap().names, names);
    let Answer::Alarms(alarms) = place.lanes.poll.read(&Query::Alarms(names.clone())).await.unwrap() else { panic!() };
    assert_eq!(alarms.len(), names.len());
    assert!(alarms.iter().all(|alarm| alarm.state == AlarmState::Ok && alarm.since.is_some()));
}

#[tokio::test]
async fn another_configuration_goes_with_a_copy_and_is_read_back() {
    let place = Place::new("finished-native").await;
    let service = place.service("search").await;
    let of = service.task_definition.clone();
    let copy = Call::RegisterCopy { service: service.key.clone(), of: of.clone() };
    let answer = place.lanes.act.act(&copy).await.unwrap().answer;
    let short = answer.strip_prefix("registered as ").unwrap();
    let copied = TaskDefinitionArn::new(of.arn().as_str().replace(of.short(), short));
    let (was, is) = (place.definition(of.clone()).await, place.definition(copied.clone()).await);
    assert_ne!(copied, of);
    assert_eq!((is.images, is.cpu, is.memory, is.active), (was.images, was.cpu, was.memory, true));

    let mut wanted = service.configuration.clone();
    wanted.strategy = Strategy::Linear { percent: 25.0, bake_minutes: 2 };
    wanted.hooks.clear();
    let answer = place.lanes.act.act(&update(&service, Some(&copied), &wanted)).await.unwrap().answer;
    assert!(answer.ends_with(&wanted.describe()), "{answer}");
    assert_eq!(place.service("search").await.configuration, wanted);

    // Nothing of it runs at first, so nobody knows what its image is; later it is known by itself.
    let young = place.deployments("search").await.remove(0);
    assert_eq!((young.task_definition(), &young.configuration), (Some(&copied), &wanted));
    let mut target = young.target.unwrap();
    assert!(target.images.iter().any(|image| image.digest.is_none()), "{target:?}");
    for _ in 0..60 {
        if target.images.iter().all(|image| image.digest.is_some()) && !target.target_groups.is_empty() {
            return;
        }
        place.clock.advance(Duration::from_secs(30));
        target = place.deployments("search").await.remove(0).target.unwrap();
    }
    panic!("{target:?}");
}
