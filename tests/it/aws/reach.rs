//! The calls in an account of any size: from the services outward, in as few calls as there can be, within
//! AWS's quotas, and without losing what was known.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate::clock::SystemClock;
use tidegate::cloud::Cloud;
use tidegate::domain::ecs::names::ServiceKey;
use tidegate::domain::ecs::route::Route;
use tidegate::domain::fault::{Fault, FaultKind};
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::sim::wire::Conditions;

use super::*;

/// A large account of the embedded AWS.
async fn account(services: usize, balancers: usize) -> (Server, ClientPools) {
    let scenario = Scenario::named("good-release").unwrap().enlarged(services, balancers);
    let (server, _, lanes) = embedded(&scenario).await;
    (server, lanes)
}

async fn both(lanes: &ClientPools) -> (Result<Answer, Fault>, Result<Answer, Fault>) {
    tokio::join!(lanes.poll.read(&Query::Services), lanes.poll.read(&Query::Routes))
}

fn routes(answer: Result<Answer, Fault>) -> Vec<Route> {
    match answer.unwrap() {
        Answer::Routes(routes) => routes,
        other => panic!("{other:?}"),
    }
}

fn keys(answer: &Result<Answer, Fault>) -> Vec<ServiceKey> {
    match answer {
        Ok(Answer::Services(services)) => services.iter().map(|service| service.key.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

/// The calls since the last time, by operation.
fn calls(server: &Server, before: &mut u64) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for record in server.log().since(*before) {
        *calls.entry(record.operation).or_default() += 1;
    }
    *before = server.log().last_sequence();
    calls
}

#[tokio::test]
async fn other_load_balancers_cost_nothing() {
    let mut few = None;
    for balancers in [0, 20, 200] {
        let (server, lanes) = account(0, balancers).await;
        let (services, rules) = both(&lanes).await;
        assert_eq!(keys(&services).len(), 10);
        let rules: Vec<_> = routes(rules).into_iter().map(|route| route.priority).collect();
        let seen = (rules, calls(&server, &mut 0));
        assert_eq!(few.get_or_insert(seen.clone()), &seen, "{balancers}");
    }
}

#[tokio::test]
async fn a_first_look_at_many_services_takes_few_calls() {
    let (server, lanes) = account(420, 20).await;
    let mut before = 0;
    let (services, rules) = both(&lanes).await;
    assert_eq!(keys(&services).len(), 420);
    let rules = routes(rules);
    assert_eq!(rules.iter().filter(|route| route.conditions.iter().any(|it| it.contains("/svc-"))).count(), 410);
    let first = calls(&server, &mut before);
    assert!(first["ListServices"] == 5 && first["DescribeServices"] <= 45, "{first:?}");
    assert!(first["DescribeTargetGroups"] <= 2, "the whole account's are 400 a call: {first:?}");
    assert_eq!((first["DescribeListeners"], first["DescribeRules"]), (21, 42));
    let again = routes(lanes.poll.read(&Query::Routes).await);
    assert_eq!(again.len(), rules.len());
    let again = calls(&server, &mut before);
    assert!(
        again["DescribeRules"] <= 5 && again.get("DescribeListeners").is_none_or(|calls| *calls <= 2),
        "by ARN, many a call: {again:?}"
    );
    assert!(!again.contains_key("DescribeTargetGroups"), "{again:?}");
}

#[tokio::test]
async fn services_are_told_while_the_rest_is_read() {
    let (server, lanes) = account(300, 0).await;
    let told = Mutex::new(Vec::new());
    let tell = |answer| match answer {
        Answer::SomeServices(services) => told.lock().unwrap().push((server.log().last_sequence(), services.len())),
        other => panic!("{other:?}"),
    };
    let answer = lanes.poll.read_in_parts(&Query::Services, &tell).await;
    assert_eq!(keys(&answer).len(), 300);
    let (at, first) = told.lock().unwrap()[0];
    assert!((1..=20).contains(&first) && at < 30, "{first} services after {at} calls");
}

#[tokio::test]
async fn quotas_hold_for_a_first_look_and_an_act_waits_for_nothing() {
    let scenario = Scenario::named("good-release").unwrap().enlarged(1_100, 0);
    let start = Timestamp::now();
    let clock = SimClock::running(start, 1.0);
    let conditions = Conditions { quotas: true, ..Conditions::default() };
    let server = Server::start_under(conditions, World::new(&scenario, 7, start), clock, None).unwrap();
    let options = Connect {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(server.endpoint()),
        keys: Some(("test".to_owned(), "test".to_owned())),
        budget: Budget::new(0.33, Arc::new(SystemClock::default())),
        ..Connect::default()
    };
    let lanes = connect(&options).await.unwrap();
    let sweep = lanes.poll.read(&Query::Services);
    let act = async {
        server.log().wait_for(|record| record.sequence > 85).await;
        let begun = std::time::Instant::now();
        lanes.act.read(&Query::Service(ServiceKey::new("prod", "search"))).await.unwrap();
        begun.elapsed()
    };
    let (services, waited) = tokio::join!(sweep, act);
    assert_eq!(keys(&services).len(), 1_100);
    assert!(waited < std::time::Duration::from_millis(500), "{waited:?}");
    assert_eq!(server.counts().total().throttled, 0);
}

/// An account whose answers can be made to lack things.
#[derive(Clone, Default)]
struct Lacking {
    listed: Arc<AtomicBool>,
    described: Arc<AtomicBool>,
    balancers: Arc<AtomicBool>,
}

impl Lacking {
    fn wrap(&self, world: World) -> impl Backend + use<> {
        Lossy { world, lacking: self.clone() }
    }
}

struct Lossy {
    world: World,
    lacking: Lacking,
}

impl Backend for Lossy {
    fn advance(&mut self, to: Timestamp) {
        self.world.advance(to);
    }

    fn call(&mut self, call: &Call) -> ApiAnswer {
        let mut answer = self.world.call(call)?;
        let lacks = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        match call.operation.as_str() {
            "ListServices" if lacks(&self.lacking.listed) => answer["serviceArns"].as_array_mut().unwrap().truncate(2),
            "DescribeServices" if lacks(&self.lacking.described) => {
                answer["services"].as_array_mut().unwrap().retain(|it| it["serviceName"] != "search");
            }
            "DescribeTargetGroups" if lacks(&self.lacking.balancers) => {
                answer["TargetGroups"]
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .for_each(|it| it["LoadBalancerArns"] = json!([]));
            }
            _ => {}
        }
        Ok(answer)
    }
}

async fn lossy(lacking: &Lacking) -> (Server, ClientPools) {
    let start = "2026-11-21T04:32:00Z".parse().unwrap();
    let world = World::new(&Scenario::named("good-release").unwrap(), 7, start);
    let server = Server::start(lacking.wrap(world), SimClock::manual(start), None).unwrap();
    let clients = clients_of(&server).await;
    (server, clients)
}

#[tokio::test]
async fn a_list_that_shrinks_makes_no_service_vanish() {
    let lacking = Lacking::default();
    let (_server, lanes) = lossy(&lacking).await;
    let (services, rules) = both(&lanes).await;
    let (mut all, rules) = (keys(&services), routes(rules).len());
    lacking.listed.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        let (services, again) = both(&lanes).await;
        let mut again_all = keys(&services);
        all.sort();
        again_all.sort();
        assert_eq!(all, again_all);
        assert_eq!(routes(again).len(), rules);
    }
}

#[tokio::test]
async fn an_answer_that_lacks_a_service_fails_instead_of_showing_it_as_gone() {
    let lacking = Lacking::default();
    let (_server, lanes) = lossy(&lacking).await;
    lacking.described.store(true, Ordering::Relaxed);
    let (services, rules) = both(&lanes).await;
    let (fault, rules) = (services.unwrap_err(), rules.unwrap_err());
    assert_eq!(fault.kind, FaultKind::Garbled, "{fault}");
    assert_eq!(rules.kind, FaultKind::Unanswered, "rules before services that were never read are unknown: {rules}");
    lacking.described.store(false, Ordering::Relaxed);
    assert_eq!(keys(&lanes.poll.read(&Query::Services).await).len(), 10);
    assert!(!routes(lanes.poll.read(&Query::Routes).await).is_empty());
}

#[tokio::test]
async fn a_release_does_not_vanish_for_a_load_balancer_that_is_left_out() {
    for from_the_start in [true, false] {
        let lacking = Lacking::default();
        let (_server, lanes) = lossy(&lacking).await;
        lacking.balancers.store(from_the_start, Ordering::Relaxed);
        let (_, first) = both(&lanes).await;
        lacking.balancers.store(true, Ordering::Relaxed);
        let (_, second) = both(&lanes).await;
        let (first, second) = (routes(first), routes(second));
        assert!(first.iter().any(|route| route.forwards.len() == 2), "{first:?}");
        assert_eq!(first, second);
    }
}
