use jiff::SignedDuration;

use super::tests::World;
use super::*;
use crate::domain::ecs::alarm::AlarmState;
use crate::domain::ecs::deployment::AlarmMonitor;
use crate::domain::fault::FaultKind;
use crate::domain::observe::snapshot::Query;
use crate::testkit::consoles::now;
use Level::{Good, Unknown, Warn};

#[test]
fn alarms_that_ecs_would_not_heed() {
    let unread = || AlarmState::Other("unread".into());
    let mut world = World::steady();
    assert_eq!(world.said("larm"), []);
    world.alarms(&[("5xx", AlarmState::Ok, 60), ("p99", AlarmState::Ok, 60)]);
    world.says(Good, "all 2 alarms are OK");
    world.alarms(&[("5xx", AlarmState::Alarm, 60), ("p99", AlarmState::Ok, 60)]);
    let ignored = (Warn, "alarm 5xx is in ALARM: ECS ignores it for the whole deployment".to_owned());
    assert_eq!(world.said("larm"), [ignored]);
    let mut world = World::steady();
    world.alarms(&[("5xx", unread(), 60), ("p99", AlarmState::Ok, 60)]);
    assert_eq!(world.said("larm"), []);
    world.says(Unknown, "not known whether in ALARM: 5xx");
    // What was read long ago, or fails since, says nothing of now.
    let mut world = World::steady();
    world.alarms(&[("5xx", AlarmState::Ok, 60)]);
    let fault = Fault::new(FaultKind::Denied, "DescribeAlarms", "1 alarm", "no");
    world.snapshot.apply(now(), &Query::Alarms(vec!["5xx".into()]), Err(fault));
    world.says(Unknown, "not known whether in ALARM: 5xx");
    let mut world = World::steady();
    world.alarms(&[("5xx", AlarmState::Ok, 60)]);
    let (release, snapshot) = world.release();
    let later = preflight(&release, &world.orders, &snapshot, &[], now() + SignedDuration::from_mins(6));
    assert!(later.checks.contains(&check(Unknown, "not known whether in ALARM: 5xx")), "{later:?}");
    // Switched off.
    world.orders.configuration.alarms.as_mut().unwrap().enable = false;
    assert_eq!(world.said("larm"), []);
}

#[test]
fn alarms_of_a_deployment_under_way() {
    let mut world = World::under_way();
    world.alarms(&[("old", AlarmState::Alarm, 6_000), ("new", AlarmState::Alarm, 60), ("fine", AlarmState::Ok, 9)]);
    world.says(Warn, "ECS ignores alarm old for this deployment: it was in ALARM when it began");
    world.says(Warn, "alarm new is in ALARM since 09:40Z");
    let names = vec!["new".to_owned()];
    let triggered = names.clone();
    world.history[0].alarms = Some(AlarmMonitor { status: "TRIGGERED".into(), names, triggered });
    world.says(Warn, "an alarm of this deployment was triggered: new");
    assert_eq!(world.said("alarm new"), []);
}
