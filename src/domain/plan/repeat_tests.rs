//! Acts whose goal is reached already: nothing is planned.

use crate::domain::plan::{Intent, Plan, Refusal};
use crate::testkit::consoles::{Pair, open, planned, td};

fn start(model: &crate::console::state::Model, name: &str, family: &str, revision: u32) -> Result<Plan, Refusal> {
    let intent = Intent::Start { task_definition: td(family, revision), pauses: false };
    planned(model.release(name).unwrap(), &intent)
}

#[test]
fn a_start_of_what_runs_or_comes_already_sends_nothing() {
    let at = |share: u64, desired: u32, rolling: bool| {
        let mut pair = Pair::at(share, 1_200);
        (pair.canary.desired, pair.canary.running) = (desired, if rolling { 0 } else { desired });
        pair.canary.rollouts[0].desired = desired;
        pair.canary.rollouts[0].running = pair.canary.running;
        if rolling {
            pair.canary.rollouts[0].state = Some(crate::domain::ecs::service::RolloutState::InProgress);
        }
        open((120, 40), pair)
    };
    // Steps and calls of the plan; `None`: refused.
    let table = [
        ("the canary has traffic", at(10, 2, false), 42, Some((0, 0))),
        ("it waits without traffic", at(0, 2, false), 42, Some((0, 0))),
        ("it comes up", at(0, 2, true), 42, Some((1, 0))),
        ("another one comes up", at(0, 2, true), 43, None),
        ("stable runs it", at(0, 0, false), 41, Some((0, 0))),
        ("a new one", at(0, 0, false), 43, Some((2, 1))),
        ("another one has traffic", at(10, 2, false), 43, None),
    ];
    for (name, model, revision, expected) in table {
        let plan = start(&model, "checkout", "checkout", revision);
        let found = plan.as_ref().ok().map(|plan| (plan.steps.len(), plan.calls().count()));
        assert_eq!(found, expected, "{name}: {plan:?}");
    }
    let model = at(0, 0, false);
    let rolling = start(&model, "payments", "payments", 18).unwrap();
    assert_eq!((rolling.steps.len(), rolling.calls().count()), (1, 0), "only the wait is left: {rolling:?}");
    assert!(start(&model, "payments", "payments", 19).is_err());
    assert!(start(&model, "search", "search", 88).unwrap().is_reached());
}
