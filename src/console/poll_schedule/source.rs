//! Sources of data, and their poll intervals.

use jiff::SignedDuration;

use crate::domain::metrics::source::MetricSource;
use crate::domain::observe::query::Query;
use crate::domain::observe::requirements::SMALL_FLEET;

/// ECS services that steady polling reads in a second: a third of AWS's 20 calls, each for ten services, with a call
/// that lists for every hundred.
const SERVICES_A_SECOND: usize = 60;

/// Returns true if a fleet of this size is swept within the budget, and read in part only.
pub(crate) fn is_large(releases: usize) -> bool {
    releases > SMALL_FLEET
}

/// Returns the time that a sweep over this many services takes within the budget.
pub(crate) fn sweep_time(services: usize) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(services / SERVICES_A_SECOND).unwrap_or(i64::MAX))
}

/// A source of data, with one age on the screen and one poll interval.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Source {
    /// STS.
    Identity,
    /// ECS services.
    Services,
    /// ELB rules.
    Routes,
    /// ELB target health.
    Health,
    /// ECS tasks of the open release.
    Tasks,
    /// ECS deployment history.
    Deployments,
    /// Metrics of CloudWatch, by the minute.
    Metrics,
    /// Metrics of Prometheus, by the minute.
    Prometheus,
    /// CloudWatch's alarms.
    Alarms,
    /// Task definitions.
    Revisions,
    /// Settings of ELB target groups.
    Groups,
    /// Auto scaling of services.
    Scaling,
    /// Task definitions in full.
    Definitions,
    /// CloudWatch Logs.
    Logs,
}

/// Seconds between two queries.
pub(super) struct Pace {
    pub(super) calm: i64,
    pub(super) busy: i64,
}

impl Source {
    pub(super) fn answering(query: &Query) -> Self {
        match query {
            Query::Identity => Self::Identity,
            Query::Services | Query::Named(_) | Query::Service(_) => Self::Services,
            Query::Routes | Query::Route(_) => Self::Routes,
            Query::Health(_) => Self::Health,
            Query::Tasks(_) => Self::Tasks,
            Query::Deployments(_) => Self::Deployments,
            Query::Metrics(metrics) if metrics.of_prometheus() => Self::Prometheus,
            Query::Metrics(_) => Self::Metrics,
            Query::Alarms(_) => Self::Alarms,
            Query::TaskDefinitions(_) | Query::Family(_) => Self::Revisions,
            Query::TargetGroups(_) => Self::Groups,
            Query::Scaling(_) => Self::Scaling,
            Query::Definition { .. } => Self::Definitions,
            Query::Logs(_) => Self::Logs,
        }
    }

    /// The source of a service's or target group's metrics.
    pub fn of(meter: &MetricSource) -> Self {
        if meter.of_prometheus() { Self::Prometheus } else { Self::Metrics }
    }

    /// The poll interval while queries succeed; the age of the source is compared with it.
    pub fn every(&self, busy: bool) -> SignedDuration {
        let pace = self.pace();
        SignedDuration::from_secs(if busy { pace.busy } else { pace.calm })
    }

    pub(super) fn pace(&self) -> Pace {
        match self {
            Self::Identity => Pace { calm: 300, busy: 300 },
            Self::Services => Pace { calm: 15, busy: 5 },
            Self::Routes => Pace { calm: 30, busy: 5 },
            Self::Health => Pace { calm: 30, busy: 8 },
            Self::Tasks => Pace { calm: 30, busy: 8 },
            Self::Deployments => Pace { calm: 60, busy: 8 },
            Self::Metrics => Pace { calm: 60, busy: 30 },
            // Prometheus is the team's own server: for the open release it is queried more often, see [`super::pace`].
            Self::Prometheus => Pace { calm: 30, busy: 30 },
            // ECS watches a deployment's alarms with the same quota: at most two calls a minute.
            Self::Alarms => Pace { calm: 60, busy: 30 },
            Self::Revisions => Pace { calm: 300, busy: 120 },
            Self::Groups | Self::Scaling => Pace { calm: 300, busy: 120 },
            // A registered task definition never changes: only unread ones are queried.
            Self::Definitions => Pace { calm: 10, busy: 10 },
            // `screens::logs::state` decides which log queries are due; this is the interval that failures back off
            // from.
            Self::Logs => Pace { calm: 3, busy: 3 },
        }
    }
}
