use jiff::SignedDuration;

use super::*;
use crate::console::message::{Effect, Msg, Now};
use crate::console::poll_schedule::due;
use crate::console::state::Model;
use crate::console::update;
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{AlarmConfiguration, DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::service::{Service, TaskDefinition};
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::Answer;
use crate::testkit::consoles::{ago, hear, key, known, learn, now, revision_of, service, td};

fn alarmed(name: &str, revision: u32, names: Vec<String>) -> Service {
    let mut service = service(name, name, revision, 4, 86_400);
    service.configuration.alarms = Some(AlarmConfiguration { names, enable: true, rollback: true });
    service
}

/// A console with the first of these services open, which has run since yesterday.
fn watching(services: Vec<Service>) -> Model {
    let mut model = known((120, 40));
    let first = services[0].key.service.clone();
    learn(&mut model, 1, Query::Services, Answer::Services(services));
    model.screen.fleet.selected = Some(first);
    model
}

fn alarms_of(model: &Model) -> Option<Query> {
    alarms(&model.watched(), &Required::of(&model.watched()), model.focus())
}

/// The queries sent within `seconds`, each with its second, if every query succeeds at once.
fn asked(model: &mut Model, seconds: i64) -> Vec<(i64, Query)> {
    let mut all = Vec::new();
    for second in 0..seconds {
        let at = now() + SignedDuration::from_secs(second);
        for effect in update(model, Now::new(at), Msg::Tick) {
            let Effect::Read(query) = effect else { continue };
            let answer = match &query {
                Query::Alarms(names) => names.iter().map(|name| ok(name)).collect(),
                _ => Vec::new(),
            };
            model.polls.answered(&query, None);
            model.observed.snapshot.apply(at, &query, Ok(Answer::Alarms(answer)));
            all.push((second, query));
        }
    }
    all
}

fn ok(name: &str) -> Alarm {
    Alarm { name: name.to_owned(), state: AlarmState::Ok, reason: None, since: None }
}

fn definition(family: &str, revision: u32, active: bool) -> TaskDefinition {
    let arn = td(family, revision);
    TaskDefinition { arn, active, registered_at: None, images: Vec::new(), cpu: None, memory: None, logs: Vec::new() }
}

/// `orders` at `:42` after `:40` and `:41`, all of them read `read` seconds ago.
fn orders(read: i64) -> Model {
    let mut model = watching(vec![service("orders", "orders", 42, 4, 86_400)]);
    let deployment = |target: u32, hours: i64| ServiceDeployment {
        created_at: Some(ago(hours * 3_600 + 600)),
        finished_at: Some(ago(hours * 3_600)),
        target: Some(revision_of("orders", target)),
        ..ServiceDeployment::new(Arn::new(format!("deployment/{target}")), DeploymentStatus::Successful)
    };
    let history = Answer::Deployments(vec![deployment(42, 24), deployment(41, 48), deployment(40, 72)]);
    learn(&mut model, 1, Query::Deployments(key("orders")), history);
    let all = (40..=42).map(|revision| definition("orders", revision, true)).collect();
    learn(&mut model, read, Query::TaskDefinitions(Vec::new()), Answer::TaskDefinitions(all));
    model
}

fn definitions(queries: &[Query]) -> Vec<Vec<String>> {
    let arns = queries.iter().filter_map(|query| match query {
        Query::TaskDefinitions(arns) => Some(arns.iter().map(|arn| arn.tag()).collect()),
        _ => None,
    });
    arns.collect()
}

#[test]
fn no_more_than_two_questions_a_minute_are_about_alarms() {
    for names in [vec!["5xx".to_owned()], (0..150).map(|index| format!("alarm-{index:03}")).collect()] {
        let mut model = watching(vec![alarmed("orders", 5, names.clone())]);
        let mut hurried = model.clone();
        let alarms = |asked: Vec<(i64, Query)>| -> Vec<(i64, usize)> {
            let of_alarms = asked.into_iter().filter_map(|(at, query)| match query {
                Query::Alarms(names) => Some((at, names.len())),
                _ => None,
            });
            of_alarms.collect()
        };
        let asked_for = alarms(asked(&mut model, 180));
        assert!((3..=6).contains(&asked_for.len()), "{asked_for:?}");
        assert!(asked_for.windows(2).all(|two| two[1].0 - two[0].0 >= 30), "{asked_for:?}");
        assert!(asked_for.iter().all(|(_, names)| *names <= 100));
        assert!(names.iter().all(|name| model.observed.snapshot.alarms.contains_key(name)), "some were never read");
        // The interval also holds when the poll is expedited.
        let first = asked(&mut hurried, 1);
        assert!(first.iter().any(|(_, query)| matches!(query, Query::Alarms(_))));
        hurried.polls.all_due();
        hurried.observed.now.at = now() + SignedDuration::from_secs(29);
        assert!(!due(&hurried.watched()).iter().any(|query| matches!(query, Query::Alarms(_))));
        hurried.observed.now.at = now() + SignedDuration::from_secs(30);
        assert!(due(&hurried.watched()).iter().any(|query| matches!(query, Query::Alarms(_))));
    }
}

#[test]
fn the_alarms_of_what_is_looked_at_come_first_and_switched_off_ones_not_at_all() {
    let many = (0..150).map(|index| format!("alarm-{index:03}")).collect();
    let mut off = alarmed("quiet", 5, vec!["off".to_owned()]);
    off.configuration.alarms.as_mut().unwrap().enable = false;
    let mut theirs = alarmed("theirs", 5, vec!["theirs".to_owned()]);
    theirs.controller = crate::domain::ecs::service::Controller::CodeDeploy;
    let model = watching(vec![alarmed("z", 5, vec!["zebra".to_owned()]), alarmed("a", 5, many), off, theirs]);
    let Some(Query::Alarms(names)) = alarms_of(&model) else { panic!("no question") };
    assert_eq!((names.len(), names[0].as_str()), (100, "zebra"));
    assert!(names[1..].iter().all(|name| name.starts_with("alarm-")));
    let none = watching(vec![service("orders", "orders", 5, 4, 60)]);
    assert_eq!(alarms_of(&none), None);
}

#[test]
fn what_may_be_gone_back_to_is_read_again_before_long() {
    assert_eq!(definitions(&due(&orders(200).watched())), [[""; 0]; 0]);
    // Each revision has its own query: a failure for one leaves the other known.
    assert_eq!(definitions(&due(&orders(301).watched())), [[":41"], [":40"]]);
    // A revision is not queried again and again.
    let mut model = orders(301);
    let asked = asked(&mut model, 100).into_iter().map(|(_, query)| query).collect::<Vec<_>>();
    assert_eq!(definitions(&asked).len(), 2, "{asked:?}");
}

#[test]
fn another_target_is_read_at_once() {
    let mut model = orders(1);
    assert_eq!(definitions(&due(&model.watched())), [[""; 0]; 0]);
    // :43 is being rolled out, and :42, read long ago, is the rollback target of `R`.
    let stale = vec![definition("orders", 42, true), definition("orders", 43, true)];
    model.observed.snapshot.task_definitions.remove(&td("orders", 42));
    learn(&mut model, 1_000, Query::TaskDefinitions(Vec::new()), Answer::TaskDefinitions(stale));
    learn(&mut model, 0, Query::Services, Answer::Services(vec![service("orders", "orders", 43, 4, 0)]));
    assert_eq!(definitions(&due(&model.watched())), [[":42"]]);
}

#[test]
fn one_that_cannot_be_described_leaves_the_others_known() {
    let mut model = orders(1);
    model.observed.snapshot.task_definitions.clear();
    model.derive();
    let all = Query::TaskDefinitions((40..=42).map(|revision| td("orders", revision)).collect());
    assert!(due(&model.watched()).contains(&all));
    let fault = |kind| Err(Fault::new(kind, "DescribeTaskDefinition", "orders:40", "Unable to describe it"));
    hear(&mut model, 0, all.clone(), fault(FaultKind::Throttled));
    assert!(due(&model.watched()).contains(&all));
    hear(&mut model, 0, all.clone(), fault(FaultKind::Refused));
    assert_eq!(definitions(&due(&model.watched())), [[":40"], [":41"], [":42"]]);
}

#[test]
fn where_the_best_was_deregistered_the_family_is_asked_for() {
    let mut model = orders(1);
    let family = Query::Family("orders".to_owned());
    assert!(!due(&model.watched()).contains(&family));
    let gone = Answer::TaskDefinitions(vec![definition("orders", 41, false)]);
    learn(&mut model, 0, Query::TaskDefinitions(Vec::new()), gone);
    assert!(due(&model.watched()).contains(&family));
}
