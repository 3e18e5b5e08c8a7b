//! The expected duration of a rollback, from similar deployments.

use std::cmp::Reverse;

use jiff::SignedDuration;
use statrs::statistics::{Data, Median};

use super::{Estimate, Look, Past, Way};
use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, ServiceDeployment};

/// Number of deployments in the estimate; older ones are poor predictors.
const NEWEST: usize = 20;

impl Look<'_> {
    pub(super) fn estimate(&self) -> Option<Estimate> {
        match self.way {
            Way::Undo(_) => self.past(Past::Rollbacks, rollback_took),
            Way::Redeploy => {
                let next = &self.service.configuration;
                let alike = |past: &ServiceDeployment| {
                    let succeeded = past.status == DeploymentStatus::Successful;
                    succeeded && alike(&past.configuration, next)
                };
                self.past(Past::Deployments, |past| past.took().filter(|_| alike(past)))
            }
            Way::Weights | Way::None => None,
        }
    }

    fn past(&self, from: Past, took: impl Fn(&ServiceDeployment) -> Option<SignedDuration>) -> Option<Estimate> {
        let mut past: Vec<_> = self.history.iter().filter_map(|past| Some((past.finished_at, took(past)?))).collect();
        past.retain(|(_, took)| !took.is_negative());
        past.sort_by_key(|(finished, _)| Reverse(*finished));
        past.truncate(NEWEST);
        let longest = past.iter().map(|(_, took)| *took).max()?;
        let seconds: Vec<f64> = past.iter().map(|(_, took)| took.as_secs_f64()).collect();
        let typical = SignedDuration::try_from_secs_f64(Data::new(seconds).median()).ok()?;
        Some(Estimate { typical, longest, of: past.len(), from })
    }
}

fn rollback_took(past: &ServiceDeployment) -> Option<SignedDuration> {
    let began = past.rollback.as_ref()?.started_at?;
    let finished = past.finished_at.filter(|_| past.status == DeploymentStatus::RollbackSuccessful)?;
    Some(finished.duration_since(began))
}

/// Returns true if two deployments are similar: the same strategy with the same numbers, and the same number of hooks.
/// AWS does not always show the hooks in full, so only their number counts.
fn alike(past: &Configuration, next: &Configuration) -> bool {
    let way = |it: &Configuration| (it.strategy.clone(), it.bake(), it.hooks.len());
    way(past) == way(next)
}
