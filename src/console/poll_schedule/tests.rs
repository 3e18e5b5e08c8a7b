//! Poll intervals after success and after failure.

use super::*;
use crate::testkit::consoles;

/// The longest back-off of a source that keeps failing, in seconds.
fn asked_again_after(fault: FaultKind) -> i64 {
    let mut model = consoles::silent((80, 24));
    let at = model.observed.now.at;
    for _ in 0..9 {
        model.polls.ask(&Query::Services, at);
        model.polls.answered(&Query::Services, Some(fault));
    }
    let again = |seconds: &i64| {
        model.observed.now.at = at + SignedDuration::from_secs(*seconds);
        due(&model.watched()).contains(&Query::Services)
    };
    (0..=300).find(again).unwrap()
}

#[test]
fn a_revision_that_just_appeared_does_not_wait_for_the_pace_of_those_that_were_read() {
    let mut model = consoles::silent((80, 24));
    let read = Query::TaskDefinitions(vec![consoles::td("checkout", 41)]);
    model.polls.ask(&read, model.observed.now.at);
    model.polls.answered(&read, None);
    model.observed.now.at += SignedDuration::from_secs(1);
    assert!(!is_due(&model.watched(), &read, true));
    assert!(is_due(&model.watched(), &Query::TaskDefinitions(vec![consoles::td("checkout", 42)]), true));
}

#[test]
fn what_is_mended_is_noticed_soon_and_a_quota_is_spared() {
    for fault in [FaultKind::Unreachable, FaultKind::Expired, FaultKind::NoCredentials] {
        assert!(asked_again_after(fault) <= 15, "{fault:?}");
    }
    for fault in [FaultKind::Throttled, FaultKind::Denied, FaultKind::Server, FaultKind::Unanswered] {
        assert_eq!(asked_again_after(fault), 120, "{fault:?}");
    }
}
