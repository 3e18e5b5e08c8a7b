//! Daemon services (`schedulingStrategy` DAEMON) run one task per instance. AWS rejects any `desiredCount` for a daemon
//! service, so a plan moves only its traffic.

use super::{Call, Expect, Plan, Step, Warning};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::release::{Release, Side};

/// The same plan without desired counts for daemon services. Steps that only scale a daemon service are dropped; steps
/// that wait for tasks wait for at most as many tasks as the service has.
pub(super) fn without_counts(release: &Release, mut plan: Plan) -> Plan {
    let daemons = Daemons(release.services().filter(|side| side.daemon).collect());
    if daemons.0.is_empty() {
        return plan;
    }
    let mut left_out: Vec<(&Side, u32)> = Vec::new();
    plan.steps.retain_mut(|step| {
        let scaled = daemons.drop_count(step);
        daemons.lower(step);
        left_out.extend(scaled);
        // A step that only scaled has no call left.
        scaled.is_none() || step.call.is_some()
    });
    plan.warnings.extend(left_out.into_iter().map(warning));
    plan
}

/// The daemon services of a release.
struct Daemons<'a>(Vec<&'a Side>);

impl<'a> Daemons<'a> {
    fn service(&self, service: &ServiceKey) -> Option<&'a Side> {
        self.0.iter().copied().find(|side| side.service == *service)
    }

    fn group(&self, group: &Arn) -> Option<&'a Side> {
        self.0.iter().copied().find(|side| side.groups().any(|of| of == group))
    }

    /// Removes the count from a step's call, and the call if it is then empty. Returns the side and the count.
    fn drop_count(&self, step: &mut Step) -> Option<(&'a Side, u32)> {
        let Some(Call::UpdateService { service, task_definition, desired, configuration, .. }) = &mut step.call else {
            return None;
        };
        let side = self.service(service)?;
        let count = desired.take()?;
        if task_definition.is_none() && configuration.is_none() {
            step.call = None;
        }
        Some((side, count))
    }

    /// Removes expectations that a daemon service can never meet, and expects no more tasks than there are instances.
    fn lower(&self, step: &mut Step) {
        for expects in [&mut step.before, &mut step.after] {
            expects.retain(|expect| match expect {
                Expect::Desired { service, .. } => self.service(service).is_none(),
                _ => true,
            });
            for expect in expects {
                let (side, at_least) = match expect {
                    Expect::Running { service, at_least } => (self.service(service), at_least),
                    Expect::Healthy { target_group, at_least } => (self.group(target_group), at_least),
                    _ => continue,
                };
                if let Some(side) = side {
                    *at_least = (*at_least).min(side.desired.max(1));
                }
            }
        }
    }
}

fn warning((side, count): (&Side, u32)) -> Warning {
    let name = &side.service.service;
    if count > side.desired {
        let has = side.desired;
        return format!("{name} is a daemon service: it has {has} tasks, one an instance, where {count} are wanted")
            .into();
    }
    keeps_its_tasks(side)
}

/// The warning about a daemon service that keeps its tasks.
pub(super) fn keeps_its_tasks(side: &Side) -> Warning {
    format!("{} is a daemon service: it keeps its {} tasks", side.service.service, side.desired).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::plan::Intent;
    use crate::domain::release::Phase;
    use crate::testkit::consoles::{Pair, open, percent, planned, td};
    use crate::testkit::worlds::{calm_pair, intent};

    /// `checkout` at a share, its canary a daemon service on two instances.
    fn daemon_at(share: u64, change: impl FnOnce(&mut Pair)) -> Release {
        let mut pair = Pair::at(share, 1_200);
        pair.canary.daemon = true;
        change(&mut pair);
        open((120, 40), pair).release("checkout").unwrap().clone()
    }

    #[test]
    fn a_pair_with_a_daemon_moves_by_weights_alone() {
        let rollback = Intent::Rollback { to: None, at_once: false };
        let warnings = |plan: &Plan| serde_json::to_string(&plan.warnings).unwrap();
        let back = planned(&daemon_at(10, |_| {}), &rollback).unwrap();
        assert_eq!(back.calls().map(Call::operation).collect::<Vec<_>>(), ["ModifyRule"]);
        assert!(warnings(&back).contains("checkout-canary is a daemon service: it keeps its 2 tasks"));
        let step = planned(&daemon_at(10, |_| {}), &Intent::Weight { to: percent(100.0) }).unwrap();
        assert_eq!(step.calls().map(Call::operation).collect::<Vec<_>>(), ["ModifyRule"]);
        assert!(warnings(&step).contains("it has 2 tasks, one an instance, where 18 are wanted"), "{step:#?}");
        let waits: Vec<_> = step.steps.iter().flat_map(|step| &step.before).map(Expect::describe).collect();
        assert!(waits.contains(&"2 tasks of checkout-canary run".to_owned()), "{waits:?}");
        assert!(waits.contains(&"2 healthy in checkout-canary".to_owned()), "{waits:?}");
        // No call is left once all traffic is back on stable.
        let reached = planned(&daemon_at(0, |_| {}), &rollback).unwrap();
        assert!(reached.is_reached() && warnings(&reached).contains("is a daemon service"), "{reached:?}");
        let start = Intent::Start { task_definition: td("checkout", 43), pauses: false };
        let start = planned(&daemon_at(0, |_| {}), &start).unwrap();
        let calls: Vec<_> = start.calls().map(Call::describe).collect();
        assert_eq!(calls, ["UpdateService prod/checkout-canary  taskDefinition=checkout:43"]);
        assert!(!start.steps[0].title.contains("tasks"), "{}", start.steps[0].title);
    }

    #[test]
    fn a_finished_pair_with_a_daemon_is_steady_with_its_tasks() {
        let same = |pair: &mut Pair| {
            pair.canary.rollouts[0].task_definition = td("checkout", 41);
            pair.canary.task_definition = td("checkout", 41);
        };
        assert_eq!(daemon_at(0, same).phase, Phase::Steady);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_plan_writes_the_count_of_a_daemon(scene in calm_pair(), intent in intent(), both in any::<bool>()) {
            let mut release = scene.releases().remove(0);
            release.stable.daemon = both;
            if let Some(canary) = &mut release.state.canary {
                canary.daemon = true;
            }
            let daemon = |key: &ServiceKey| release.services().any(|side| side.daemon && side.service == *key);
            let Ok(plan) = scene.plan(&release, &intent) else { return Ok(()) };
            for call in plan.calls() {
                if let Call::UpdateService { service, desired, .. } = call {
                    prop_assert!(desired.is_none() || !daemon(service), "{}", call.describe());
                }
            }
            for expect in plan.steps.iter().flat_map(|step| step.before.iter().chain(&step.after)) {
                if let Expect::Running { service, at_least } = expect {
                    let side = release.services().find(|side| side.service == *service).unwrap();
                    prop_assert!(!side.daemon || *at_least <= side.desired.max(1), "{}", expect.describe());
                }
            }
        }
    }
}
