//! Reports and ends of watched releases.

use super::fake_service::{Frame, Script, ago, at, before, deployment, native, orders};
use super::*;
use crate::cli::tests::{now, revision, service};
use crate::domain::ecs::deployment::{AlarmConfiguration, DeploymentStatus, Hook, ServiceDeployment};
use crate::domain::ecs::service::{Rollout, RolloutState};

#[tokio::test]
async fn every_change_is_a_line_and_success_ends_with_0() {
    let paused = ServiceDeployment {
        hooks: vec![Hook {
            id: "ecs-pause-1".into(),
            kind: "PAUSE".into(),
            status: "AWAITING_ACTION".into(),
            until: Some(now() + SignedDuration::from_mins(30)),
            then: Some("ROLLBACK".into()),
        }],
        ..at("PRE_PRODUCTION_TRAFFIC_SHIFT", 0.0)
    };
    let script = Script::new([
        native(24, vec![at("SCALE_UP", 0.0), before(24)]),
        native(24, vec![at("SCALE_UP", 0.0), before(24)]),
        native(24, vec![paused.clone(), before(24)]),
        native(24, vec![paused, before(24)]),
        native(24, vec![at("PRODUCTION_TRAFFIC_SHIFT", 10.0), before(24)]),
        native(24, vec![deployment(24, 4, DeploymentStatus::Successful), before(24)]),
    ]);
    let watched = script.watch("orders", None, false).await;
    assert_eq!(watched.code, Ok(0));
    insta::assert_snapshot!("a_watch", watched.text);
}

#[tokio::test]
async fn what_alarms_say_is_asked_again_while_it_is_watched() {
    let mut frames = vec![native(24, vec![at("BAKE_TIME", 100.0), before(24)]); 40];
    frames.push(native(24, vec![deployment(24, 4, DeploymentStatus::Successful), before(24)]));
    for frame in &mut frames {
        let alarms = AlarmConfiguration { names: vec!["orders-5xx".into()], enable: true, rollback: true };
        frame.services[0].configuration.alarms = Some(alarms);
    }
    let script = Script::new(frames);
    assert_eq!(script.watch("orders", None, false).await.code, Ok(0));
    let read = script.alarms_read.lock().unwrap();
    let took = script.now().duration_since(now());
    assert!(read.len() as i64 > took.as_mins() / 2, "{} times in {took:#}", read.len());
    // At most twice a minute: ECS reads alarms within the same quota.
    assert!(read.len() as i64 <= took.as_mins() * 2 + 2, "{} times in {took:#}", read.len());
}

#[tokio::test]
async fn what_was_pinned_and_nothing_else_decides() {
    use DeploymentStatus::{InProgress, RollbackFailed, RollbackSuccessful, Stopped, Successful};
    let newer = |status| deployment(25, 0, status);
    let stopped = || ServiceDeployment { finished_at: ago(0), ..deployment(24, 4, Stopped) };
    // The last list of AWS, and the revision on which the service is steady then.
    let table = [
        (vec![deployment(24, 4, Successful)], 24, 0, "SUCCEEDED"),
        (vec![deployment(24, 4, RollbackSuccessful)], 23, 6, "ROLLED BACK to :23"),
        (vec![deployment(24, 4, RollbackFailed)], 24, 6, "ROLLBACK FAILED"),
        (vec![stopped()], 23, 6, "STOPPED"),
        (vec![newer(InProgress), stopped()], 25, 6, "superseded by that of :25"),
        (vec![newer(Successful), stopped()], 25, 6, "superseded by that of :25"),
        (vec![newer(Successful), deployment(24, 4, RollbackSuccessful)], 25, 6, "ROLLED BACK to :23"),
        // A deployment missing from the list has an unknown end.
        (vec![newer(Successful)], 25, 5, "not known"),
    ];
    for (last, runs, code, words) in table {
        let script = Script::new([native(24, vec![at("BAKE_TIME", 100.0), before(24)]), native(runs, last.clone())]);
        let watched = script.watch("orders", None, false).await;
        assert_eq!(watched.code, Ok(code), "{last:?}\n{}", watched.text);
        assert!(watched.text.lines().last().unwrap().contains(words), "{words}: {}", watched.text);
    }
}

#[tokio::test]
async fn who_superseded_it_is_asked_for_once_more() {
    let stopped = ServiceDeployment { finished_at: ago(0), ..deployment(24, 4, DeploymentStatus::Stopped) };
    let script = Script::new([
        native(24, vec![at("BAKE_TIME", 100.0), before(24)]),
        native(24, vec![stopped.clone(), before(24)]),
        native(25, vec![deployment(25, 0, DeploymentStatus::InProgress), stopped, before(24)]),
    ]);
    let watched = script.watch("orders", None, false).await;
    assert_eq!(watched.code, Ok(6));
    assert!(watched.text.contains("superseded by that of :25"), "{}", watched.text);
}

#[tokio::test]
async fn with_nothing_under_way_the_newest_decides_at_once() {
    use DeploymentStatus::{RollbackFailed, RollbackSuccessful, Stopped, Successful};
    for (status, runs, code) in
        [(Successful, 24, 0), (RollbackSuccessful, 23, 6), (RollbackFailed, 24, 6), (Stopped, 23, 6)]
    {
        let script = Script::new([native(runs, vec![deployment(24, 40, status.clone()), before(24)])]);
        let watched = script.watch("orders", None, false).await;
        assert_eq!(watched.code, Ok(code), "{status:?}: {}", watched.text);
        assert!(watched.text.contains("nothing is under way"), "{}", watched.text);
        assert!(script.waited.lock().unwrap().is_empty(), "{status:?}");
    }
}

#[tokio::test]
async fn what_has_just_begun_is_waited_for_until_aws_lists_it() {
    let rolling = || {
        let mut frame = native(24, vec![before(24)]);
        let primary = &mut frame.services[0].rollouts[0];
        (primary.state, primary.created_at) = (Some(RolloutState::InProgress), ago(0));
        frame
    };
    let listed = native(24, vec![at("SCALE_UP", 0.0), before(24)]);
    let back = native(23, vec![deployment(24, 4, DeploymentStatus::RollbackSuccessful), before(24)]);
    let watched = Script::new([rolling(), rolling(), listed, back]).watch("orders", None, false).await;
    assert_eq!(watched.code, Ok(6), "{}", watched.text);
    assert_eq!(watched.text.matches("does not list yet").count(), 1, "{}", watched.text);
    // The service may run a revision that no listed deployment left behind: then the newest one listed is not the
    // target.
    let watched = Script::new([native(24, vec![before(24)])]).watch("orders", None, false).await;
    assert_eq!(watched.code, Ok(5), "{}", watched.text);
}

/// A rolling service on an endpoint that keeps no deployments: its primary rollout, and the previous one.
fn rolling(primary: (u32, RolloutState), old: Option<(u32, RolloutState)>) -> Frame {
    let mut service = service("prod", "orders", primary.0, 6, &[]);
    service.rollouts[0].state = Some(primary.1);
    service.rollouts[0].reason = Some("tasks failed to start".into());
    let rollout = service.rollouts[0].clone();
    service.rollouts.extend(old.map(|(number, state)| Rollout {
        role: "ACTIVE".into(),
        task_definition: revision(number),
        state: Some(state),
        running: 0,
        ..rollout
    }));
    Frame { services: vec![service], weights: (100, 0), deployments: Err(FaultKind::Unsupported), only_history: true }
}

#[tokio::test]
async fn without_a_history_the_rollout_decides() {
    use RolloutState::{Completed, Failed, InProgress};
    let table = [
        (rolling((24, Completed), Some((23, Completed))), 0),
        (rolling((24, Failed), Some((23, Completed))), 6),
        // The circuit breaker restored the old revision: its rollout is complete, but no success.
        (rolling((23, Completed), Some((24, Failed))), 6),
        (rolling((25, Completed), None), 6),
    ];
    for (last, code) in table {
        let script = Script::new([rolling((24, InProgress), Some((23, Completed))), last]);
        let watched = script.watch("orders", None, false).await;
        assert_eq!(watched.code, Ok(code), "{}", watched.text);
    }
    for (only, code) in [(rolling((24, Completed), None), 5), (rolling((24, Failed), None), 6)] {
        let watched = Script::new([only]).watch("orders", None, false).await;
        assert_eq!(watched.code, Ok(code), "{}", watched.text);
        assert!(watched.text.contains("nothing is under way"), "{}", watched.text);
    }
}

/// A pair: each side's revision and tasks, and the weights.
fn pair(stable: u32, canary: (u32, u32), weights: (u64, u64)) -> Frame {
    let services = vec![
        service("prod", "orders-stable", stable, 6, &["stable"]),
        service("prod", "orders-canary", canary.0, canary.1, &["canary"]),
    ];
    Frame { services, weights, deployments: Ok(Vec::new()), only_history: false }
}

#[tokio::test]
async fn a_pair_is_over_when_the_canary_became_stable_or_is_gone() {
    let begun = || pair(23, (24, 2), (90, 10));
    let table = [
        (vec![pair(24, (24, 6), (0, 100)), pair(24, (24, 6), (100, 0)), pair(24, (24, 0), (100, 0))], 0),
        (vec![pair(23, (24, 2), (100, 0)), pair(23, (24, 0), (100, 0))], 6),
        // No side has traffic for a moment: the release has not ended.
        (vec![pair(23, (24, 0), (0, 0)), pair(23, (24, 0), (100, 0))], 6),
        (vec![pair(23, (25, 2), (90, 10))], 6),
        // The next release began before the end of this one was polled.
        (vec![pair(24, (25, 2), (100, 0))], 0),
    ];
    for (then, code) in table {
        let looks = then.len();
        let script = Script::new(std::iter::once(begun()).chain(then));
        let watched = script.watch("orders", None, false).await;
        assert_eq!(watched.code, Ok(code), "{}", watched.text);
        assert_eq!(script.waited.lock().unwrap().len(), looks, "only the last ends it\n{}", watched.text);
    }
}

#[tokio::test]
async fn a_finish_that_swaps_the_roles_is_a_success_all_the_same() {
    let named = |mut frame: Frame, begun: (i64, i64)| {
        for ((service, name), begun) in frame.services.iter_mut().zip(["orders-a", "orders-b"]).zip([begun.0, begun.1])
        {
            service.key.service = name.to_owned();
            service.rollouts[0].created_at = ago(begun);
        }
        frame
    };
    // The service with the older rollout counts as stable.
    let begun = || named(pair(23, (24, 2), (90, 10)), (9_000, 30));
    for (then, code) in
        [(named(pair(24, (24, 0), (100, 0)), (1, 30)), 0), (named(pair(23, (24, 0), (100, 0)), (1, 30)), 6)]
    {
        let watched = Script::new([begun(), then]).watch("orders-a", None, false).await;
        assert_eq!(watched.code, Ok(code), "{}", watched.text);
    }
}

#[tokio::test]
async fn a_pair_whose_roles_are_not_certain_is_not_judged() {
    let mut frame = pair(23, (24, 2), (90, 10));
    for (service, name) in frame.services.iter_mut().zip(["orders-a", "orders-b"]) {
        service.key.service = name.to_owned();
    }
    let watched = Script::new([frame]).watch("orders-a", None, false).await;
    assert_eq!(watched.code, Err(Exit::Refused), "{}", watched.text);
}

#[tokio::test]
async fn a_pair_at_rest_says_what_became_of_its_newest_release() {
    let mut back = pair(23, (24, 0), (100, 0));
    back.deployments = Ok(vec![deployment(23, 9_000, DeploymentStatus::Successful)]);
    let mut older = back.clone();
    back.services[1].rollouts[0].created_at = ago(30);
    older.services[0].rollouts[0].created_at = ago(30);
    for (frame, code) in [(back, 6), (older, 0)] {
        let watched = Script::new([frame]).watch("orders", None, false).await;
        assert_eq!(watched.code, Ok(code), "{}", watched.text);
    }
}

#[tokio::test]
async fn silence_is_said_once_backed_off_from_and_never_a_success() {
    let silent =
        |kind| Frame { services: vec![orders(24)], weights: (100, 0), deployments: Err(kind), only_history: false };
    let begun = || native(24, vec![at("BAKE_TIME", 100.0), before(24)]);
    let quiet = || std::iter::repeat_with(move || silent(FaultKind::Throttled)).take(8);
    let end = native(24, vec![deployment(24, 4, DeploymentStatus::Successful), before(24)]);
    let script = Script::new(std::iter::once(begun()).chain(quiet()).chain([end]));
    let watched = script.watch("orders", None, false).await;
    assert_eq!(watched.code, Ok(0), "{}", watched.text);
    assert_eq!(watched.text.matches("no answer").count(), 1, "{}", watched.text);
    assert!(watched.text.contains("5s old") && watched.text.contains("AWS answers again"), "{}", watched.text);
    let waited: Vec<_> = script.waited.lock().unwrap().iter().map(Duration::as_secs).collect();
    assert_eq!(waited, [5, 10, 20, 40, 80, 120, 120, 120, 120]);

    let minutes = SignedDuration::from_mins(10);
    let script = Script::new(std::iter::once(begun()).chain(quiet()));
    let watched = script.watch("orders", Some(minutes), false).await;
    assert_eq!(watched.code, Ok(5), "{}", watched.text);
    assert_eq!(script.now(), now() + minutes, "not a second longer");
    // From the first poll on.
    let watched = Script::new([silent(FaultKind::Throttled)]).watch("orders", Some(minutes), false).await;
    assert_eq!(watched.code, Ok(5), "{}", watched.text);
    // Deleted.
    let watched = Script::new([begun(), silent(FaultKind::NotFound)]).watch("orders", None, false).await;
    assert_eq!(watched.code, Err(Exit::Aws), "{}", watched.text);
}

#[tokio::test]
async fn documents_have_every_member_in_every_line() {
    let script = Script::new([
        native(24, vec![at("SCALE_UP", 0.0), before(24)]),
        native(24, vec![at("BAKE_TIME", 100.0), before(24)]),
        native(23, vec![deployment(24, 4, DeploymentStatus::RollbackSuccessful), before(24)]),
    ]);
    let watched = script.watch("orders", None, true).await;
    let lines: Vec<serde_json::Value> = watched.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["watching", "changed", "changed", "ended"]);
    let members = |line: &serde_json::Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for line in &lines {
        assert_eq!(line["schema"], "tidegate.watch/1");
        assert_eq!(members(line), members(&lines[0]));
        assert!(line["watched"]["arn"].as_str().unwrap().ends_with("/24"), "{line}");
        assert_eq!(line["release"]["name"], "orders");
    }
    assert_eq!(lines[1]["release"]["deployment"]["requested_percent"], 100.0);
    let last = lines.last().unwrap();
    assert_eq!((&last["outcome"], &last["exit"]), (&"rolled_back".into(), &6.into()));
    assert_eq!(last["reason"], "an alarm was triggered");
    assert_eq!(lines[0]["exit"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_signal_ends_the_watch_and_not_the_release() {
    let script = Script::new([native(24, vec![at("SCALE_UP", 0.0), before(24)])]);
    let stop = futures::future::ready(Left::Interrupted);
    let watched = script.watch_until("orders", None, false, stop).await;
    assert_eq!(watched.code, Ok(130));
    assert!(watched.text.contains("goes on at AWS"), "{}", watched.text);
}
