//! The commands on an AWS that answers what a test wants: what is asked for, what failure costs, what is printed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::config;
use super::config::{Config, Flags};
use super::exit::{Exit, Failure};
use super::history;
use super::lookup;
use super::observe::{Limits, Observation, Observer};
use super::out::Out;
use super::out::tests::Paper;
use super::status;
use crate::cloud::Cloud;
use crate::domain::ecs::deployment::Configuration;
use crate::domain::ecs::names::{Arn, Identity, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Health, Route, RouteId};
use crate::domain::ecs::service::{Controller, Rollout, RolloutState, Service};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::history::History;
use crate::domain::observe::query::{Answer, Query};
use crate::domain::observe::requirements::Scope;
use crate::domain::plan::{Call, Context, Intent, Receipt, plan};
use crate::domain::release::Phase;
use crate::domain::release::condition::Condition;
use crate::domain::release::share::{Percent, Weight};
use crate::testkit::fixed_clock::FixedClock;

pub(super) const NOW: &str = "2026-11-21T09:00:00Z";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn revision(number: u32) -> TaskDefinitionArn {
    TaskDefinitionArn::new(format!("arn:aws:ecs:us-east-1:123456789012:task-definition/checkout:{number}"))
}

pub(super) fn group(name: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/0123456789abcdef"))
}

pub(super) fn service(cluster: &str, name: &str, number: u32, tasks: u32, groups: &[&str]) -> Service {
    let at = Some("2026-11-12T09:00:00Z".parse().unwrap());
    Service {
        key: ServiceKey::new(cluster, name),
        arn: Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}")),
        cluster_arn: Arn::new(format!("arn:aws:ecs:us-east-1:123456789012:cluster/{cluster}")),
        status: "ACTIVE".into(),
        controller: Controller::Ecs,
        configuration: Configuration::rolling(),
        production_rule: None,
        task_definition: revision(number),
        desired: tasks,
        running: tasks,
        pending: 0,
        rollouts: vec![Rollout {
            id: "ecs-svc/1".into(),
            role: "PRIMARY".into(),
            task_definition: revision(number),
            desired: tasks,
            running: tasks,
            pending: 0,
            failed: 0,
            state: Some(RolloutState::Completed),
            reason: None,
            created_at: at,
            updated_at: at,
        }],
        target_groups: groups.iter().map(|name| group(name)).collect(),
        events: Vec::new(),
        tags: BTreeMap::new(),
        current_deployment: None,
        created_at: at,
        grace: None,
        execute_command: false,
        daemon: false,
        managed: None,
    }
}

/// An AWS with a pair at 10 % and a plain service, in which the questions that `fails` picks fail.
struct Fake {
    services: Vec<Service>,
    fails: fn(&Query) -> bool,
    /// How the history fails, where it does.
    history: FaultKind,
}

impl Fake {
    fn new(fails: fn(&Query) -> bool) -> Self {
        let services = vec![
            service("prod", "checkout-stable", 41, 18, &["stable"]),
            service("prod", "checkout-canary", 42, 2, &["canary"]),
            service("prod", "mailer", 7, 1, &[]),
        ];
        Self { services, fails, history: FaultKind::Denied }
    }

    async fn observe(&self, scope: Scope, name: &str, history: History) -> Result<Observation, Failure> {
        let config = config();
        let name = (scope != Scope::Fleet).then_some(name);
        let clock = FixedClock(now());
        let limits = Limits::default();
        let observer = Observer { cloud: self, config: &config, region: "us-east-1", clock: &clock, limits };
        observer.observe(scope, name, |_| history).await
    }
}

pub(super) fn config() -> Config {
    config::demo(&Flags::default()).unwrap()
}

#[async_trait]
impl Cloud for Fake {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        if (self.fails)(query) {
            let kind = if matches!(query, Query::Deployments(_)) { self.history } else { FaultKind::Denied };
            return Err(Fault::new(kind, "Describe", "something", "not authorized"));
        }
        let weigh = |name, weight| Forward { target_group: group(name), weight: Weight::new(weight).unwrap() };
        let load_balancer = Arn::new("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/shop/1");
        let rule = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop/1/2/3";
        Ok(match query {
            Query::Identity => {
                let arn = "arn:aws:sts::123456789012:assumed-role/oncall/ana".into();
                Answer::Identity(Identity { account: "123456789012".into(), arn })
            }
            Query::Services => Answer::Services(self.services.clone()),
            Query::Routes => Answer::Routes(vec![Route {
                id: RouteId::Rule(Arn::new(rule)),
                load_balancer,
                port: Some(443),
                priority: "10".into(),
                conditions: vec!["path /checkout*".into()],
                forwards: vec![weigh("stable", 90), weigh("canary", 10)],
                stickiness: None,
                former_stickiness: None,
                unknown_action: None,
                other_actions: false,
                default_rule: None,
                shape: 7,
            }]),
            Query::Health(groups) => {
                let healthy = |group: &Arn| (group.clone(), Health { healthy: 2, ..Health::default() });
                Answer::Health(groups.iter().map(healthy).collect())
            }
            Query::Metrics(_) => Answer::Metrics(Vec::new()),
            Query::Deployments(_) => Answer::Deployments(Vec::new()),
            _ => Answer::TaskDefinitions(Vec::new()),
        })
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        panic!("a look must not write: {call:?}")
    }
}

fn nothing(_: &Query) -> bool {
    false
}

#[tokio::test]
async fn the_way_back_is_planned_whatever_else_cannot_be_read() {
    let fake = Fake::new(|query| !matches!(query, Query::Services | Query::Routes));
    let seen = fake.observe(Scope::Rollback, "checkout", History::default()).await.unwrap();
    assert_eq!(seen.place.account, "123456789012", "the services' account stands in for STS's answer");
    let release = lookup::find(&seen.releases, "checkout").unwrap();
    let config = config();
    let context = Context { place: &seen.place, settings: &config.settings, now: seen.now };
    let plan = plan(release, &Intent::Rollback { to: None, at_once: false }, &context).unwrap();
    assert_eq!(plan.calls().next().unwrap().operation(), "ModifyRule");
    assert!(!seen.faults.is_empty());
}

/// An AWS that never answers some of the queries.
struct Silent(Fake, fn(&Query) -> bool);

#[async_trait]
impl Cloud for Silent {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        if (self.1)(query) { std::future::pending().await } else { self.0.read(query).await }
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.0.act(call).await
    }
}

#[tokio::test]
async fn a_rollback_waits_for_its_reads_no_longer_than_its_limits() {
    type Never = fn(&Query) -> bool;
    let table: [(Never, &str, bool); 3] = [
        (|query| !matches!(query, Query::Services | Query::Routes), "mailer", true),
        (|query| matches!(query, Query::Identity | Query::Health(_)), "checkout", true),
        (|query| matches!(query, Query::Services), "checkout", false),
    ];
    let millis = std::time::Duration::from_millis;
    // Without the limit of all of them, each round of reads would have its own.
    let limits = Limits { helpful: millis(400), all_helpful: millis(100), essential: millis(300) };
    for (never, name, goes_on) in table {
        let (cloud, config) = (Silent(Fake::new(nothing), never), config());
        let clock = FixedClock(now());
        let observer = Observer { cloud: &cloud, config: &config, region: "us-east-1", clock: &clock, limits };
        let begun = std::time::Instant::now();
        let seen = observer.observe(Scope::Rollback, Some(name), |_| History::default()).await;
        let waited = begun.elapsed();
        match seen {
            Ok(seen) => {
                assert!(goes_on && !seen.faults.is_empty(), "{name}");
                assert!(waited < millis(390), "{name}: {waited:?}");
            }
            Err(failure) => {
                assert!(!goes_on && failure.exit == Exit::Aws && waited < millis(2_000), "{failure:?} {waited:?}");
                assert!(failure.message.contains("DescribeServices"), "{failure:?}");
            }
        }
    }
}

#[tokio::test]
async fn going_forward_needs_to_know_who_and_what() {
    type Fails = fn(&Query) -> bool;
    let cases: [(Fails, &str); 3] = [
        (|query| matches!(query, Query::Identity), "checkout"),
        // Half of a pair, for all that is known.
        (|query| matches!(query, Query::Routes), "checkout-canary"),
        (|query| matches!(query, Query::Services), "checkout"),
    ];
    for (fails, name) in cases {
        let failure = Fake::new(fails).observe(Scope::Forward, name, History::default()).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Aws, "{failure:?}");
    }
    let no_rules = Fake::new(|query| matches!(query, Query::Routes));
    assert!(no_rules.observe(Scope::Forward, "mailer", History::default()).await.is_ok(), "it has no target group");
    let by_stem = no_rules.observe(Scope::Rollback, "checkout", History::default()).await.unwrap_err();
    assert!(by_stem.message.contains("rules could not be read"), "{by_stem:?}");
}

#[tokio::test]
async fn what_was_written_from_here_is_remembered() {
    let at: Timestamp = "2026-11-21T08:45:00Z".parse().unwrap();
    let memory = |share: f64| History {
        requested: BTreeMap::from([("checkout".to_owned(), Percent::new(share).unwrap())]),
        since: BTreeMap::from([("checkout".to_owned(), at)]),
        ..History::default()
    };
    let fake = Fake::new(nothing);
    let seen = fake.observe(Scope::Release, "checkout", memory(10.0)).await.unwrap();
    let release = lookup::find(&seen.releases, "checkout").unwrap();
    // 15 minutes are more than the bake time of 10.
    assert_eq!((release.bake.unwrap().since, release.bake.unwrap().seen), (at, true));
    assert_eq!(release.phase, Phase::Waiting);
    let seen = fake.observe(Scope::Release, "checkout", memory(1.0)).await.unwrap();
    let release = lookup::find(&seen.releases, "checkout").unwrap();
    assert!(!release.bake.unwrap().seen);
    let elsewhere = |condition: &Condition| matches!(condition, Condition::WeightsChangedElsewhere { .. });
    assert!(release.conditions.iter().any(elsewhere), "{:?}", release.conditions);
}

#[tokio::test]
async fn names_find_their_release_or_say_what_there_is() {
    let mut fake = Fake::new(nothing);
    fake.services.push(service("stage", "mailer", 7, 1, &[]));
    let seen = fake.observe(Scope::Fleet, "", History::default()).await.unwrap();
    let find = |name| lookup::find(&seen.releases, name);
    for (name, service) in [
        ("checkout", "prod/checkout-stable"),
        ("checkout-canary", "prod/checkout-stable"),
        ("prod/checkout", "prod/checkout-stable"),
        ("stage/mailer", "stage/mailer"),
    ] {
        assert_eq!(find(name).unwrap().stable.service.to_string(), service, "{name}");
    }
    let ambiguous = find("mailer").unwrap_err();
    assert_eq!(ambiguous.exit, Exit::Usage);
    assert!(ambiguous.message.contains("prod/mailer or stage/mailer"), "{ambiguous:?}");
    let missing = find("check").unwrap_err();
    assert_eq!(missing.exit, Exit::Aws);
    assert!(missing.message.contains("check") && missing.advice.contains("There is checkout"), "{missing:?}");
}

#[tokio::test]
async fn the_table_says_what_is_not_known_and_lets_nothing_through() {
    let mut fake = Fake::new(|query| matches!(query, Query::Health(_) | Query::Metrics(_)));
    fake.services.push(service("prod", "evil\x1b[2J\u{202e}name", 1, 1, &[]));
    let seen = fake.observe(Scope::Fleet, "", History::default()).await.unwrap();
    let settings = config().settings;
    for json in [false, true] {
        let paper = Paper::default();
        let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
        out.json = json;
        status::print(&mut out, &seen, None, &settings).unwrap();
        let text = paper.text();
        assert!(text.chars().all(|c| c == '\n' || crate::domain::text::is_safe(c)), "{text:?}");
        if !json {
            assert!(text.contains("no data") && text.contains("evil·[2J·name"), "{text}");
        }
    }
    let paper = Paper::default();
    let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
    status::print(&mut out, &seen, Some("checkout"), &settings).unwrap();
    insta::assert_snapshot!("one_release", paper.text());
}

#[tokio::test]
async fn no_history_is_said_and_one_that_may_be_there_is_a_failure() {
    let unsupported =
        Fake { history: FaultKind::Unsupported, ..Fake::new(|query| matches!(query, Query::Deployments(_))) };
    let told = |seen: &Observation, json| {
        let paper = Paper::default();
        let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
        out.json = json;
        history::print(&mut out, seen, "mailer", 20).map(|()| paper.text())
    };
    let seen = unsupported.observe(Scope::Past, "mailer", History::default()).await.unwrap();
    assert!(told(&seen, false).unwrap().contains("No history is kept here"));
    let document: serde_json::Value = serde_json::from_str(&told(&seen, true).unwrap()).unwrap();
    assert!(document["services"][0]["none_because"].as_str().unwrap().contains("does not know"), "{document}");
    let seen = Fake::new(nothing).observe(Scope::Past, "mailer", History::default()).await.unwrap();
    assert!(told(&seen, false).unwrap().contains("90 days"), "{:?}", told(&seen, false));
    let denied = Fake::new(|query| matches!(query, Query::Deployments(_)));
    let seen = denied.observe(Scope::Past, "mailer", History::default()).await.unwrap();
    assert_eq!(told(&seen, false).unwrap_err().exit, Exit::Aws);
}
