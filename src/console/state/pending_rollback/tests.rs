use super::*;
use crate::domain::fault::Fault;
use crate::domain::plan::Intent;
use crate::testkit::consoles::{Pair, ago, now, open, planned, td};

fn plan() -> Plan {
    let model = open((120, 40), Pair::at(10, 1_200));
    planned(model.release("checkout").unwrap(), &Intent::Rollback { to: None, at_once: false }).unwrap()
}

fn goal(from: u32, to: Option<u32>) -> Goal {
    Goal { from: Some(td("checkout", from)), to: to.map(|to| td("checkout", to)) }
}

/// Ordered a minute ago; its first attempt is on the wire.
fn pending() -> PendingRollback {
    let (plan, goal) = (plan(), goal(42, Some(41)));
    let stage = Stage::Sending(OperationId(1));
    PendingRollback { ordered: ago(60), plan, goal, why: String::new(), failed: 0, stage }
}

fn ended(ago_seconds: i64, ending: Ending) -> Event {
    Event::Ended { at: ago(ago_seconds), ending, rate: ClockRate::default() }
}

fn unanswered(ago_seconds: i64) -> Event {
    ended(ago_seconds, Ending::Unanswered("ModifyRule: unreachable".into()))
}

fn read(ago_seconds: i64, replanned: Replanned) -> Event {
    Event::Read { now: now(), read: ago(ago_seconds), replanned }
}

fn replanned(from: u32, to: Option<u32>) -> Replanned {
    Replanned::Plan(Box::new(plan()), goal(from, to))
}

#[test]
fn an_outcome_tells_whether_aws_answered() {
    let refused = |kind| OperationOutcome::Refused { step: 0, fault: Fault::new(kind, "ModifyRule", "", "") };
    let unknown = |kind| OperationOutcome::Unknown { step: 0, fault: Fault::new(kind, "ModifyRule", "", "") };
    let late = || OperationOutcome::Failed { step: 0, reason: "waited 60 s".into() };
    let unanswered = |why: &str| Ending::Unanswered(why.into());
    let no = |why: &str| Ending::Refused(why.into());
    for (outcome, answers, expected) in [
        (OperationOutcome::Done, false, Ending::Done),
        (OperationOutcome::Superseded, true, Ending::Superseded),
        (refused(FaultKind::Unreachable), true, unanswered("ModifyRule: unreachable")),
        (refused(FaultKind::Expired), false, unanswered("ModifyRule: credentials expired")),
        (refused(FaultKind::NoCredentials), true, unanswered("ModifyRule: no credentials")),
        (refused(FaultKind::Throttled), true, unanswered("ModifyRule: throttled")),
        (unknown(FaultKind::Unanswered), true, unanswered("ModifyRule: no answer")),
        (unknown(FaultKind::Server), false, unanswered("ModifyRule: AWS error")),
        (refused(FaultKind::Denied), true, no("ModifyRule: denied")),
        (refused(FaultKind::Changed), true, no("ModifyRule: changed")),
        (late(), true, no("waited 60 s")),
        (late(), false, unanswered("waited 60 s")),
    ] {
        assert_eq!(Ending::of(&outcome, answers), expected, "{outcome:?}");
    }
}

/// What follows from events, in order, and the stage afterwards.
#[test]
fn it_is_sent_again_once_aws_answers_and_never_on_an_older_answer() {
    let send = || Next::Send(Box::new(plan()));
    let armed = |stage: &Stage| matches!(stage, Stage::Armed { .. });
    let stopped = |stage: &Stage| matches!(stage, Stage::Stopped { .. });
    let changed = |stage: &Stage| matches!(stage, Stage::Changed { .. });
    let sending = |stage: &Stage| matches!(stage, Stage::Sending(_));
    type Row = (&'static str, Vec<Event>, Next, fn(&Stage) -> bool);
    let refused = || ended(10, Ending::Refused("denied".into()));
    let table: Vec<Row> = vec![
        ("no answer", vec![unanswered(10)], Next::Stay, armed),
        ("an answer from before", vec![unanswered(10), read(11, replanned(42, Some(41)))], Next::Stay, armed),
        ("an answer", vec![unanswered(10), read(10, replanned(42, Some(41)))], send(), armed),
        ("only ECS knows the target", vec![unanswered(10), read(9, replanned(42, None))], send(), armed),
        ("no plan yet", vec![unanswered(10), read(9, Replanned::Refused)], Next::Stay, armed),
        ("done meanwhile", vec![unanswered(10), read(9, Replanned::Reached)], Next::Done, armed),
        ("another target", vec![unanswered(10), read(9, replanned(42, Some(40)))], Next::Stay, changed),
        ("another release", vec![unanswered(10), read(9, replanned(43, Some(41)))], Next::Stay, changed),
        (
            "changed, then done",
            vec![unanswered(10), read(9, replanned(43, Some(41))), read(8, Replanned::Reached)],
            Next::Done,
            changed,
        ),
        (
            "changed is never sent",
            { vec![unanswered(10), read(9, replanned(43, Some(41))), read(8, replanned(42, Some(41)))] },
            Next::Stay,
            changed,
        ),
        ("refused", vec![refused(), read(9, replanned(42, Some(41)))], Next::Stay, stopped),
        ("refused, and done by another hand", vec![refused(), read(9, Replanned::Reached)], Next::Done, stopped),
        ("on the wire", vec![read(0, replanned(42, Some(41)))], Next::Stay, sending),
        ("the attempt succeeds", vec![ended(9, Ending::Done)], Next::Done, sending),
        ("another operation took over", vec![ended(9, Ending::Superseded)], Next::Stay, sending),
        ("a second attempt fails", vec![unanswered(30), Event::Sent(OperationId(2)), unanswered(4)], Next::Stay, armed),
        (
            "the third attempt waits 5 s",
            vec![unanswered(30), Event::Sent(OperationId(2)), unanswered(4), read(3, replanned(42, Some(41)))],
            Next::Stay,
            armed,
        ),
        (
            "and no longer",
            vec![unanswered(30), Event::Sent(OperationId(2)), unanswered(5), read(3, replanned(42, Some(41)))],
            send(),
            armed,
        ),
    ];
    for (name, events, expected, stage) in table {
        let mut pending = pending();
        let next = events.into_iter().fold(Next::Stay, |_, event| pending.advance(event));
        assert_eq!(next, expected, "{name}");
        assert!(stage(&pending.stage), "{name}: {:?}", pending.stage);
    }
}

#[test]
fn pauses_between_attempts_grow_to_a_minute() {
    let pauses: Vec<_> = (0..9).map(|failed| pause_before(failed).as_secs()).collect();
    assert_eq!(pauses, [0, 0, 5, 10, 20, 40, 60, 60, 60]);
    assert_eq!(pause_before(u32::MAX), LONGEST_PAUSE);
}

#[test]
fn only_the_confirmed_goal_needs_no_second_yes() {
    let mut this = pending();
    this.advance(unanswered(10));
    assert!(this.confirms(&goal(42, Some(41))) && this.confirms(&goal(42, None)));
    assert!(!this.confirms(&goal(42, Some(40))) && !this.confirms(&goal(43, Some(41))));
    this.advance(read(9, replanned(43, Some(41))));
    assert!(!this.confirms(&goal(42, Some(41))), "a changed release is asked about");
}
