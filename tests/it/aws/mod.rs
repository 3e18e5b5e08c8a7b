//! The SDK side against a server whose answers each test writes itself: what goes over the wire, and what is made
//! of what comes back.

mod acting;
mod alarms;
mod configuring;
mod definitions;
mod faults;
mod groups;
mod logs;
mod metrics;
mod reach;
mod reading;
mod registering;
mod revisions;
mod world;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::cloud::aws::{Budget, ClientPools, Connect, connect};
use tidegate::sim::api::{Answer as ApiAnswer, ApiError, Call};
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Backend, Server, SimClock};
use tidegate::sim::world::World;

const ELB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012";
const ECS: &str = "arn:aws:ecs:us-east-1:123456789012";

/// Answers each call by a function of it; an empty answer where that has none.
struct Scripted<F>(F);

impl<F: FnMut(&Call) -> Option<ApiAnswer> + Send> Backend for Scripted<F> {
    fn advance(&mut self, _: Timestamp) {}

    fn call(&mut self, call: &Call) -> ApiAnswer {
        (self.0)(call).unwrap_or_else(|| Ok(json!({})))
    }
}

/// A server and the console's two lanes to it.
struct Stage {
    server: Server,
    lanes: ClientPools,
}

impl Stage {
    async fn new(script: impl FnMut(&Call) -> Option<ApiAnswer> + Send + 'static) -> Self {
        Self::of_clusters(&[], script).await
    }

    async fn of_clusters(clusters: &[&str], script: impl FnMut(&Call) -> Option<ApiAnswer> + Send + 'static) -> Self {
        let start: Timestamp = "2026-11-21T04:32:00Z".parse().unwrap();
        let server = Server::start(Scripted(script), SimClock::manual(start), None).unwrap();
        let options = Connect {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(server.endpoint()),
            keys: Some(("AKIDTEST".to_owned(), "secret".to_owned())),
            budget: Budget::unlimited(),
            clusters: clusters.iter().map(|cluster| (*cluster).to_owned()).collect(),
            ..Connect::default()
        };
        Self { server, lanes: connect(&options).await.unwrap() }
    }

    /// The inputs of all calls of an operation so far.
    fn inputs(&self, operation: &str) -> Vec<Value> {
        self.server.log().select(|call| call.operation == operation).into_iter().map(|call| call.input).collect()
    }

    fn count(&self, operation: &str) -> usize {
        self.inputs(operation).len()
    }
}

fn refuse(status: u16, code: &str, message: &str) -> Option<ApiAnswer> {
    Some(Err(ApiError { status, code: code.to_owned(), message: message.to_owned() }))
}

fn group(name: &str) -> String {
    format!("{ELB}:targetgroup/{name}/01")
}

fn forward(stable: u32, canary: u32) -> Value {
    let tuple = |name: &str, weight: u32| json!({"TargetGroupArn": group(name), "Weight": weight});
    json!({
        "Type": "forward",
        "Order": 1,
        "ForwardConfig": {
            "TargetGroups": [tuple("stable", stable), tuple("canary", canary)],
            "TargetGroupStickinessConfig": {"Enabled": false},
        },
    })
}

fn rule_arn() -> String {
    format!("{ELB}:listener-rule/app/shop/01/02/03")
}

fn listener_arn() -> String {
    format!("{ELB}:listener/app/shop/01/02")
}

fn balancer_arn() -> String {
    format!("{ELB}:loadbalancer/app/shop/01")
}

fn rule(stable: u32, canary: u32) -> Value {
    json!({
        "RuleArn": rule_arn(),
        "Priority": "10",
        "Conditions": [{"Field": "path-pattern", "Values": ["/checkout*"], "PathPatternConfig": {"Values": ["/checkout*"]}}],
        "Actions": [forward(stable, canary)],
        "IsDefault": false,
    })
}

fn listener(actions: Value) -> Value {
    json!({
        "ListenerArn": listener_arn(),
        "LoadBalancerArn": balancer_arn(),
        "Port": 80,
        "Protocol": "HTTP",
        "DefaultActions": actions,
    })
}

/// One load balancer with one rule, which takes the weights that are written.
fn balanced(stable: u32, canary: u32) -> impl FnMut(&Call) -> Option<ApiAnswer> + Send + 'static {
    let now = Arc::new(Mutex::new(rule(stable, canary)));
    move |call| {
        let mut now = now.lock().unwrap();
        Some(Ok(match call.operation.as_str() {
            "DescribeLoadBalancers" => json!({"LoadBalancers": [{"LoadBalancerArn": balancer_arn()}]}),
            "DescribeListeners" => json!({"Listeners": [listener(json!([{"Type": "fixed-response", "Order": 1,
                "FixedResponseConfig": {"StatusCode": "404"}}]))]}),
            "DescribeRules" => json!({"Rules": [now.clone()]}),
            "ModifyRule" => {
                now["Actions"] = call.input["Actions"].clone();
                json!({"Rules": [now.clone()]})
            }
            _ => return None,
        }))
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn last_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap()
}

/// A page of numbered names: those after `token`, `size` of them, and the next token.
fn page(all: usize, size: usize, token: &Value) -> (std::ops::Range<usize>, Option<String>) {
    let from: usize = token.as_str().map_or(0, |token| token.parse().unwrap());
    let to = (from + size).min(all);
    (from..to, (to < all).then(|| to.to_string()))
}

/// The embedded AWS at a standstill, and the SDK's clients of it.
async fn embedded(scenario: &Scenario) -> (Server, SimClock, ClientPools) {
    let start = "2026-11-21T04:32:00Z".parse().unwrap();
    let clock = SimClock::manual(start);
    let world = Arc::new(Mutex::new(World::new(scenario, 7, start)));
    let server = Server::start(world, clock.clone(), None).unwrap();
    let lanes = clients_of(&server).await;
    (server, clock, lanes)
}

/// The SDK's clients of an embedded AWS.
async fn clients_of(server: &Server) -> ClientPools {
    let options = Connect {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(server.endpoint()),
        keys: Some(("test".to_owned(), "test".to_owned())),
        budget: Budget::unlimited(),
        ..Connect::default()
    };
    connect(&options).await.unwrap()
}
