//! Service revisions: digests, network, capacity.

use serde_json::{Value, json};

use super::Sim;
use crate::sim::scenario::Scenario;

impl Sim {
    pub(super) fn target(&mut self, service: &str) -> Value {
        let arn = self.deployment(service)["targetServiceRevision"]["arn"].clone();
        self.revision(&arn)
    }

    pub(super) fn tasks(&mut self, service: &str) -> Vec<Value> {
        let tasks = self.ecs("ListTasks", json!({"serviceName": service}));
        self.ecs("DescribeTasks", json!({"tasks": tasks["taskArns"]}))["tasks"].as_array().unwrap().clone()
    }
}

pub(super) fn digests(tasks: &[Value]) -> Vec<&str> {
    let mut all: Vec<_> = tasks.iter().filter_map(|t| t["containers"][0]["imageDigest"].as_str()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn a_revision_has_a_digest_once_its_first_task_has_pulled() {
    let mut sim = Sim::new("shop");
    sim.ecs("UpdateService", json!({"service": "orders", "taskDefinition": "orders:24"}));
    let arn = sim.deployment("orders")["targetServiceRevision"]["arn"].clone();
    let mut before = 0;
    sim.until(120, "pulled", |sim| {
        let pulled = sim.tasks("orders").iter().any(|t| {
            t["taskDefinitionArn"].as_str().unwrap().ends_with(":24") && t["containers"][0].get("imageDigest").is_some()
        });
        let revision = sim.revision(&arn);
        assert_eq!(revision["containerImages"][0].get("imageDigest").is_some(), pulled);
        assert!(revision["containerImages"][0]["image"].as_str().unwrap().ends_with(":5.1.1"));
        before += usize::from(!pulled);
        pulled
    });
    assert!(before > 10, "{before}");
}

#[test]
fn network_and_capacity_are_settings_of_the_revision() {
    let mut sim = Sim::new("finished-native");
    let old = sim.service("users");
    let source = sim.deployment("users")["targetServiceRevision"]["arn"].clone();
    let network = json!({"awsvpcConfiguration": {
        "subnets": ["subnet-0aaaaaaaaaaaaaaaa"], "securityGroups": ["sg-0bbbbbbbbbbbbbbbb"], "assignPublicIp": "ENABLED",
    }});
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 3}, {"capacityProvider": "FARGATE", "weight": 1, "base": 1}]);
    let out = sim.ecs(
        "UpdateService",
        json!({"service": "users", "networkConfiguration": network, "capacityProviderStrategy": strategy, "platformVersion": "1.3.0"}),
    );
    for service in [&out["service"], &sim.service("users")] {
        assert_eq!((&service["networkConfiguration"], &service["capacityProviderStrategy"]), (&network, &strategy));
        assert!(service.get("launchType").is_none());
        assert_eq!(service["platformVersion"], "1.3.0");
        let entries = service["deployments"].as_array().unwrap();
        assert_eq!(
            (&entries[0]["networkConfiguration"], &entries[0]["capacityProviderStrategy"]),
            (&network, &strategy)
        );
        assert_eq!(entries[1]["networkConfiguration"], old["networkConfiguration"]);
        assert_eq!((&entries[1]["launchType"], &entries[1]["platformVersion"]), (&json!("FARGATE"), &json!("1.4.0")));
    }
    let (target, before) = (sim.target("users"), sim.revision(&source));
    assert_ne!(target["serviceRevisionArn"], before["serviceRevisionArn"]);
    assert_eq!((&target["networkConfiguration"], &target["capacityProviderStrategy"]), (&network, &strategy));
    assert_eq!(
        (&before["networkConfiguration"], &before["launchType"]),
        (&old["networkConfiguration"], &json!("FARGATE"))
    );
    assert_eq!(target["taskDefinition"], before["taskDefinition"]);
    sim.until(120, "new tasks", |sim| sim.tasks("users").len() == 8);
    let tasks = sim.tasks("users");
    let new: Vec<_> = tasks.iter().filter(|t| t["capacityProviderName"] == "FARGATE_SPOT").collect();
    assert_eq!(new.len(), 4);
    assert!(new.iter().all(|t| t["attachments"][0]["details"][0]["value"] == "subnet-0aaaaaaaaaaaaaaaa"));
    // A rollback restores all settings of the old revision.
    let arn = sim.deployment("users")["serviceDeploymentArn"].clone();
    sim.ecs("StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
    sim.until(200, "back", |sim| sim.deployment("users")["status"] == "ROLLBACK_SUCCESSFUL");
    let back = sim.service("users");
    assert_eq!((&back["networkConfiguration"], &back["launchType"]), (&old["networkConfiguration"], &json!("FARGATE")));
    let (code, _) = sim.refused(
        "UpdateService",
        json!({"service": "users", "networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}}),
    );
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn only_installed_revisions_have_a_resolved_configuration() {
    let mut sim = Sim::new("paused-native");
    let deployment = sim.deployment("payments");
    let rule = sim.rule("/api/payments*");
    let groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"].clone();
    let of = |sim: &mut Sim, arn: &Value| sim.revision(arn)["resolvedConfiguration"]["loadBalancers"].clone();
    let target = of(&mut sim, &deployment["targetServiceRevision"]["arn"]);
    let source = of(&mut sim, &deployment["sourceServiceRevisions"][0]["arn"]);
    let binding = |at: usize| json!([{"targetGroupArn": groups[at]["TargetGroupArn"], "productionListenerRule": rule["RuleArn"]}]);
    assert_eq!((source, target), (binding(0), binding(1)));
    let all = sim.ecs("ListServiceDeployments", json!({"service": "payments"}));
    let oldest = all["serviceDeployments"].as_array().unwrap().last().unwrap()["targetServiceRevisionArn"].clone();
    assert!(sim.revision(&oldest).get("resolvedConfiguration").is_none());
}

#[test]
fn a_moved_tag_gives_the_next_deployment_another_digest() {
    let base = "name = 'x'\nsummary = 'x'\nextends = 'shop'\n";
    let event = "[[event]]\nat = '30s'\nretag = { task_definition = 'users:53' }\n";
    let mut sim = Sim::of(&Scenario::parse(&format!("{base}{event}")).unwrap());
    let first = sim.target("users");
    let was = first["containerImages"][0]["imageDigest"].as_str().unwrap().to_owned();
    assert_eq!(digests(&sim.tasks("users")), [was.as_str()]);
    sim.run(31);
    assert_eq!(sim.target("users"), first, "a push changes nothing that runs");
    sim.ecs("UpdateService", json!({"service": "users", "forceNewDeployment": true}));
    sim.until(400, "deployed", |sim| sim.deployment("users")["status"] == "SUCCESSFUL");
    let second = sim.target("users");
    let is = second["containerImages"][0]["imageDigest"].as_str().unwrap().to_owned();
    assert_ne!(is, was);
    assert_eq!(second["containerImages"][0]["image"], first["containerImages"][0]["image"]);
    assert_eq!(digests(&sim.tasks("users")), [is.as_str()]);
    assert_eq!(sim.revision(&first["serviceRevisionArn"])["containerImages"], first["containerImages"]);
}

#[test]
fn without_version_consistency_a_replaced_task_pulls_the_current_digest() {
    let mut sim = Sim::new("preflight");
    let source = sim.deployment("payments")["sourceServiceRevisions"][0]["arn"].clone();
    let source = sim.revision(&source);
    let tasks = sim.tasks("payments");
    let blue: Vec<_> = tasks.iter().filter(|t| t["taskDefinitionArn"] == source["taskDefinition"]).cloned().collect();
    let pulled = digests(&blue);
    assert_eq!(pulled.len(), 2, "{pulled:?}");
    assert!(pulled.contains(&source["containerImages"][0]["imageDigest"].as_str().unwrap()));
}
