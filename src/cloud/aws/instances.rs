//! Container instances: the EC2 instances on which tasks without a network interface of their own run.

use std::collections::BTreeSet;

use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::service::Task;
use crate::domain::fault::FaultKind;

use super::Aws;
use super::operation::Operation;

/// DescribeContainerInstances takes as many container instances in one call.
const INSTANCES_A_CALL: usize = 100;

impl Aws {
    /// Tasks with their EC2 instances, each given with its `containerInstanceArn`. A container instance is asked for
    /// once: its EC2 instance does not change. Without an answer the instance of a task stays unknown.
    pub(super) async fn with_instances(&self, key: &ServiceKey, tasks: Vec<(Task, Option<String>)>) -> Vec<Task> {
        let named: BTreeSet<&String> = tasks.iter().filter_map(|(_, arn)| arn.as_ref()).collect();
        let unknown = named.into_iter().filter(|arn| self.memory.instance(arn).is_none());
        let unknown: Vec<String> = unknown.cloned().collect();
        for batch in unknown.chunks(INSTANCES_A_CALL) {
            self.learn_instances(key, batch.to_vec()).await;
        }
        let with = |(task, arn): (Task, Option<String>)| Task {
            instance: arn.and_then(|arn| self.memory.instance(&arn).flatten()),
            ..task
        };
        tasks.into_iter().map(with).collect()
    }

    /// An instance that AWS does not show, or does not let this identity see, is not asked for again.
    async fn learn_instances(&self, key: &ServiceKey, arns: Vec<String>) {
        let operation = Operation::DescribeContainerInstances;
        let call = self.clients.ecs.describe_container_instances().cluster(&key.cluster);
        let call = call.set_container_instances(Some(arns.clone()));
        match self.ask(operation, &key.to_string(), call.send()).await {
            Ok(answer) => {
                let of = |arn: &str| {
                    let mut all = answer.container_instances().iter();
                    let found = all.find(|instance| instance.container_instance_arn() == Some(arn))?;
                    found.ec2_instance_id().map(str::to_owned)
                };
                arns.iter().for_each(|arn| self.memory.keep_instance(Arn::new(arn.as_str()), of(arn)));
            }
            Err(fault) if fault.kind == FaultKind::Denied => {
                arns.iter().for_each(|arn| self.memory.keep_instance(Arn::new(arn.as_str()), None));
            }
            Err(fault) => tracing::debug!(%fault, "the instances of tasks are not known"),
        }
    }
}
