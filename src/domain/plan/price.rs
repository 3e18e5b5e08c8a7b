//! The price of a rollback: the time until every user is back.

use jiff::SignedDuration;

use super::{Call, Intent, Plan};
use crate::domain::release::Release;

/// The time until every user is back on the target of a rollback, as far as it is known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// No user has to move: only tasks or settings change.
    UsersStay,
    /// The first call gives the target all of the traffic.
    Seconds,
    /// ECS replaces tasks or shifts traffic, or tasks must start before the traffic moves. The typical duration of
    /// similar deployments, where there were any.
    Minutes(Option<SignedDuration>),
}

impl Plan {
    /// The price of this plan, which is a rollback of `release`.
    pub fn price(&self, release: &Release) -> Price {
        let moves = |call: &Call| match call {
            Call::SetWeights { .. } | Call::AnswerPause { .. } | Call::StopDeployment { .. } => true,
            Call::UpdateService { task_definition, .. } => task_definition.is_some(),
            Call::RegisterCopy { .. } => false,
        };
        let first = self.steps.iter().position(|step| step.call.as_ref().is_some_and(moves));
        let Some((at, step)) = first.and_then(|at| Some((at, self.steps.get(at)?))) else { return Price::UsersStay };
        match &step.call {
            Some(Call::SetWeights { .. }) if at == 0 => Price::Seconds,
            Some(Call::SetWeights { .. }) => Price::Minutes(None),
            // The durations of past deployments say nothing about a rollback that sets the strategy aside.
            _ if matches!(self.intent, Intent::Rollback { at_once: true, .. }) => Price::Minutes(None),
            _ => Price::Minutes(release.preflight.estimate.as_ref().map(|estimate| estimate.typical)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles;
    use crate::testkit::consoles::planned;

    fn price(model: &crate::console::state::Model) -> Price {
        let release = model.focus().unwrap();
        planned(release, &Intent::Rollback { to: None, at_once: false }).unwrap().price(release)
    }

    #[test]
    fn a_rollback_costs_what_its_first_move_of_users_costs() {
        let size = (80, 24);
        assert_eq!(price(&consoles::bad(size)), Price::Seconds);
        assert_eq!(price(&consoles::failed(size)), Price::UsersStay);
        let minutes = Some(SignedDuration::from_mins(6));
        assert_eq!(price(&consoles::native_paused(size)), Price::Minutes(minutes));
    }
}
