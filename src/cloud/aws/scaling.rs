//! Auto scaling of services: who else writes a desired count.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget as Raw, ServiceNamespace};

use crate::domain::ecs::auto_scaling::{AutoScaling, ScalableTarget};
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::operation::Operation;
use super::pages::pages;

/// DescribeScalableTargets takes as many resources in one call, and gives as many targets on a page.
const SERVICES_A_CALL: usize = 50;

impl Aws {
    /// The auto scaling of services. Who denies it is not asked again: it stands in nobody's way.
    pub(super) async fn scaling(&self, services: &[ServiceKey]) -> Result<Vec<(ServiceKey, AutoScaling)>, Fault> {
        let mut found = Vec::new();
        for batch in services.chunks(SERVICES_A_CALL) {
            if self.memory.scaling_denied.load(Ordering::Relaxed) {
                found.extend(batch.iter().map(|service| (service.clone(), AutoScaling::Unknown)));
                continue;
            }
            match self.scalable_targets(batch).await {
                Ok(targets) => found.extend(batch.iter().map(|service| {
                    let target = targets.get(&resource_id(service));
                    (service.clone(), target.map_or(AutoScaling::Off, |target| AutoScaling::On(*target)))
                })),
                Err(fault) if matches!(fault.kind, FaultKind::Denied | FaultKind::Unsupported) => {
                    self.memory.scaling_denied.store(true, Ordering::Relaxed);
                    found.extend(batch.iter().map(|service| (service.clone(), AutoScaling::Unknown)));
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(found)
    }

    async fn scalable_targets(&self, services: &[ServiceKey]) -> Result<BTreeMap<String, ScalableTarget>, Fault> {
        let operation = Operation::DescribeScalableTargets;
        let subject = match services {
            [only] => only.to_string(),
            several => format!("{} services", several.len()),
        };
        let ids: Vec<String> = services.iter().map(resource_id).collect();
        let targets = pages(operation, usize::MAX, |token| {
            let call = self.clients.scaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
            let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
            let call = call.set_resource_ids(Some(ids.clone())).set_next_token(token).send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                Ok((answer.scalable_targets.unwrap_or_default(), answer.next_token))
            }
        });
        Ok(targets.await?.iter().map(|raw| (raw.resource_id().to_owned(), target(raw))).collect())
    }
}

/// `service/CLUSTER/SERVICE`.
fn resource_id(service: &ServiceKey) -> String {
    format!("service/{}/{}", Arn::new(service.cluster.as_str()).name(), service.service)
}

fn target(raw: &Raw) -> ScalableTarget {
    let count = |count: i32| u32::try_from(count).unwrap_or(0);
    let suspended = raw.suspended_state();
    ScalableTarget {
        min: count(raw.min_capacity()),
        max: count(raw.max_capacity()),
        scale_in_suspended: suspended.and_then(|it| it.dynamic_scaling_in_suspended()).unwrap_or(false),
        scale_out_suspended: suspended.and_then(|it| it.dynamic_scaling_out_suspended()).unwrap_or(false),
    }
}
