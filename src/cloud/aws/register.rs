//! A task definition once more: what a revision was registered with, as a new revision of its family.

pub(crate) mod clone_request;

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{Tag, TaskDefinition, TaskDefinitionField};
use aws_types::request_id::RequestId;

use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::plan::Receipt;

use self::clone_request::Whole;
use super::Aws;
use super::operation::Operation;

impl Aws {
    /// Registers a copy of `of`, which may be inactive. Environment and secrets pass through and are kept nowhere.
    pub(super) async fn register_copy(&self, subject: &str, of: &TaskDefinitionArn) -> Result<Receipt, Fault> {
        let read = Operation::DescribeTaskDefinition;
        // Not `Garbled`, after which it would not be known whether something was registered.
        let refused = |message: &str| Fault::new(FaultKind::Refused, read.name(), of.short(), message);
        let call = self.clients.ecs.describe_task_definition().task_definition(of.arn().as_str());
        let whole = Whole::default();
        let call = call.include(TaskDefinitionField::Tags).customize().interceptor(whole.described());
        let answer = self.ask(read, of.short(), call.send()).await?;
        let definition = answer
            .task_definition
            .ok_or_else(|| refused("the answer has no task definition: nothing was registered"))?;
        if definition.family().is_none() || definition.container_definitions().is_empty() {
            return Err(refused("the answer has no family or no containers: nothing was registered"));
        }
        let call = copied(self.clients.ecs.register_task_definition(), definition);
        let tags = own(answer.tags.unwrap_or_default());
        let call = call.set_tags((!tags.is_empty()).then_some(tags));
        let call = call.customize().interceptor(whole.registered());
        let answer = self.ask(Operation::RegisterTaskDefinition, subject, call.send()).await;
        if let Some(member) = whole.lost() {
            let message = format!("{} has {member}, which this version cannot register; nothing was sent", of.short());
            let mut fault = Fault::new(FaultKind::Refused, Operation::RegisterTaskDefinition.name(), subject, message);
            fault.advice = "Register it with a tool that knows this member, or deploy another revision.".to_owned();
            return Err(fault);
        }
        let answer = answer?;
        let request_id = answer.request_id().map(str::to_owned);
        let arn = answer.task_definition.and_then(|definition| definition.task_definition_arn);
        let answer = match arn.map(TaskDefinitionArn::new) {
            Some(registered) => format!("registered as {}", registered.short()),
            None => "taken; the answer shows no task definition".to_owned(),
        };
        Ok(Receipt { request_id, answer })
    }
}

/// Every member that a registration takes; [`Whole`] knows what is left out of a description.
fn copied(
    call: RegisterTaskDefinitionFluentBuilder,
    definition: TaskDefinition,
) -> RegisterTaskDefinitionFluentBuilder {
    let call = call
        .set_family(definition.family)
        .set_task_role_arn(definition.task_role_arn)
        .set_execution_role_arn(definition.execution_role_arn)
        .set_network_mode(definition.network_mode)
        .set_container_definitions(definition.container_definitions)
        .set_volumes(definition.volumes)
        .set_placement_constraints(definition.placement_constraints)
        .set_requires_compatibilities(definition.requires_compatibilities)
        .set_cpu(definition.cpu)
        .set_memory(definition.memory)
        .set_pid_mode(definition.pid_mode)
        .set_ipc_mode(definition.ipc_mode)
        .set_proxy_configuration(definition.proxy_configuration)
        .set_ephemeral_storage(definition.ephemeral_storage)
        .set_runtime_platform(definition.runtime_platform)
        .set_enable_fault_injection(definition.enable_fault_injection);
    #[expect(deprecated, reason = "old revisions still have them, and AWS must say that it takes them no more")]
    call.set_inference_accelerators(definition.inference_accelerators)
}

/// AWS's own tags (`aws:cloudformation:stack-name`) cannot be given by anybody else.
fn own(tags: Vec<Tag>) -> Vec<Tag> {
    let reserved = |tag: &Tag| {
        let key = tag.key().unwrap_or_default();
        key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
    };
    tags.into_iter().filter(|tag| !reserved(tag)).collect()
}
