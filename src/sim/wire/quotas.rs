//! AWS's request quotas: a token bucket for each group of operations of an account and region.
//!
//! The figures are those that AWS publishes for ECS and Elastic Load Balancing, with CloudWatch's default for
//! DescribeAlarms and GetMetricData. An operation without a published quota is not limited.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::sim::api::{ApiError, Service};

/// The operations that AWS limits together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bucket {
    EcsServiceRead,
    EcsServiceDeploymentRead,
    EcsServiceRevisionRead,
    EcsTaskRead,
    EcsTaskDefinitionRead,
    EcsClusterRead,
    EcsServiceWrite,
    ElbRead,
    ElbWrite,
    /// All operations of Elastic Load Balancing together.
    Elb,
    CloudWatchMetricData,
    CloudWatchAlarms,
}

impl Bucket {
    /// The largest number of calls at once, and the calls a second that are added again.
    fn limits(self) -> (f64, f64) {
        match self {
            Self::EcsServiceRead | Self::EcsTaskRead => (100.0, 20.0),
            Self::EcsServiceDeploymentRead
            | Self::EcsServiceRevisionRead
            | Self::EcsTaskDefinitionRead
            | Self::EcsClusterRead => (50.0, 20.0),
            Self::EcsServiceWrite => (50.0, 5.0),
            Self::ElbRead | Self::Elb => (40.0, 10.0),
            Self::ElbWrite => (20.0, 3.0),
            Self::CloudWatchMetricData => (500.0, 500.0),
            Self::CloudWatchAlarms => (9.0, 9.0),
        }
    }

    /// The buckets that a call takes a token of.
    fn of(service: Service, operation: &str) -> &'static [Self] {
        match (service, operation) {
            (Service::Ecs, "DescribeServices" | "ListServices" | "ListServicesByNamespace") => &[Self::EcsServiceRead],
            (Service::Ecs, "DescribeServiceDeployments" | "ListServiceDeployments") => {
                &[Self::EcsServiceDeploymentRead]
            }
            (Service::Ecs, "DescribeServiceRevisions") => &[Self::EcsServiceRevisionRead],
            (Service::Ecs, "DescribeTasks" | "ListTasks") => &[Self::EcsTaskRead],
            (Service::Ecs, "DescribeTaskDefinition" | "ListTaskDefinitions" | "ListTaskDefinitionFamilies") => {
                &[Self::EcsTaskDefinitionRead]
            }
            (Service::Ecs, "DescribeClusters" | "ListClusters") => &[Self::EcsClusterRead],
            (Service::Ecs, "CreateService" | "UpdateService" | "DeleteService") => &[Self::EcsServiceWrite],
            (Service::Elbv2, name) if name.starts_with("Describe") => &[Self::ElbRead, Self::Elb],
            (Service::Elbv2, _) => &[Self::ElbWrite, Self::Elb],
            (Service::CloudWatch, "GetMetricData") => &[Self::CloudWatchMetricData],
            (Service::CloudWatch, "DescribeAlarms") => &[Self::CloudWatchAlarms],
            _ => &[],
        }
    }
}

/// The tokens that are left in a bucket.
#[derive(Debug, Clone, Copy)]
struct Level {
    at: Timestamp,
    tokens: f64,
}

/// The quotas of an account and region.
#[derive(Debug, Default)]
pub(super) struct Quotas(Mutex<HashMap<Bucket, Level>>);

impl Quotas {
    /// Takes a call's tokens at a time. Returns the service's throttling error if a bucket is empty.
    pub(super) fn take(&self, service: Service, operation: &str, now: Timestamp) -> Result<(), ApiError> {
        let buckets = Bucket::of(service, operation);
        let mut levels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut missing = false;
        for bucket in buckets {
            let (burst, per_second) = bucket.limits();
            let level = levels.entry(*bucket).or_insert(Level { at: now, tokens: burst });
            let seconds = now.duration_since(level.at).as_secs_f64().max(0.0);
            *level = Level { at: level.at.max(now), tokens: (level.tokens + seconds * per_second).min(burst) };
            missing |= level.tokens < 1.0;
        }
        if missing {
            return Err(throttled(service));
        }
        for bucket in buckets {
            if let Some(level) = levels.get_mut(bucket) {
                level.tokens -= 1.0;
            }
        }
        Ok(())
    }
}

/// The error of a call beyond a quota, as the service spells it.
pub(super) fn throttled(service: Service) -> ApiError {
    let code = match service {
        Service::Ecs | Service::Logs | Service::Scaling => "ThrottlingException",
        Service::Elbv2 | Service::CloudWatch | Service::Sts => "Throttling",
    };
    ApiError { status: 400, code: code.to_owned(), message: "Rate exceeded".to_owned() }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn answered(quotas: &Quotas, operation: (Service, &str), calls: usize, at: Timestamp) -> usize {
        (0..calls).filter(|_| quotas.take(operation.0, operation.1, at).is_ok()).count()
    }

    #[test]
    fn a_bucket_has_a_burst_and_fills_again() {
        let (quotas, start) = (Quotas::default(), Timestamp::UNIX_EPOCH);
        let services = (Service::Ecs, "DescribeServices");
        assert_eq!(answered(&quotas, services, 300, start), 100);
        assert_eq!(answered(&quotas, (Service::Ecs, "ListServices"), 1, start), 0, "they share a bucket");
        assert_eq!(answered(&quotas, (Service::Ecs, "DescribeTasks"), 300, start), 100, "a bucket of its own");
        let later = |seconds| start + SignedDuration::from_secs(seconds);
        assert_eq!(answered(&quotas, services, 300, later(2)), 40);
        assert_eq!(answered(&quotas, services, 300, later(1_000)), 100, "never more than the burst");
        assert_eq!(answered(&quotas, services, 300, later(3)), 0, "a clock that goes back adds nothing");
    }

    #[test]
    fn writes_and_reads_of_load_balancers_have_one_more_bucket_together() {
        let (quotas, start) = (Quotas::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(answered(&quotas, (Service::Elbv2, "DescribeRules"), 30, start), 30);
        assert_eq!(answered(&quotas, (Service::Elbv2, "ModifyRule"), 30, start), 10);
        assert_eq!(answered(&quotas, (Service::Elbv2, "DescribeRules"), 30, start), 0);
        assert_eq!(answered(&quotas, (Service::Sts, "GetCallerIdentity"), 1_000, start), 1_000);
    }

    #[test]
    fn each_protocol_has_its_own_spelling() {
        let codes = [Service::Ecs, Service::Elbv2, Service::CloudWatch].map(|service| throttled(service).code);
        assert_eq!(codes, ["ThrottlingException", "Throttling", "Throttling"]);
    }
}
