//! A complete task definition, with possible secrets hidden.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::task_definition::{Definition, hide};
use crate::domain::fault::{Fault, FaultKind};

use super::Aws;
use super::operation::Operation;

/// Key for the digests of hidden values. Each process has its own key, so a digest reveals nothing elsewhere.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Aws {
    /// Reads a task definition with every member that AWS sends. Values are hidden unless `reveal` is set.
    pub(super) async fn definition(&self, arn: &TaskDefinitionArn, reveal: bool) -> Result<Definition, Fault> {
        let operation = Operation::DescribeTaskDefinition;
        let description = Description::default();
        let call = self.clients.ecs.describe_task_definition().task_definition(arn.arn().as_str());
        let answer = self.ask(operation, arn.short(), call.customize().interceptor(description.listener()).send());
        if let Err(mut fault) = answer.await {
            // AWS returns this message both for a deleted revision and for a revision that never existed.
            if fault.kind == FaultKind::Refused && fault.message.contains("Unable to describe") {
                fault.kind = FaultKind::NotFound;
                fault.advice = "There is no such revision, or it was deleted: choose another one.".to_owned();
            }
            return Err(fault);
        }
        let garbled = || {
            let message = "the answer has no task definition";
            Fault::new(FaultKind::Garbled, operation.name(), arn.short(), message)
        };
        let mut json = description.get().filter(Value::is_object).ok_or_else(garbled)?;
        // A bare family means its newest revision; the response names the revision.
        let named = json.get("taskDefinitionArn").and_then(Value::as_str).map(TaskDefinitionArn::new);
        if !reveal {
            hide(&mut json, &|text| KEY.hash_one(text));
        }
        Ok(Definition { arn: named.unwrap_or_else(|| arn.clone()), json })
    }
}

/// The response of `DescribeTaskDefinition` as JSON: the SDK drops members that it does not know.
#[derive(Clone, Default)]
pub(super) struct Description(Arc<Mutex<Option<Value>>>);

impl Description {
    /// The interceptor that captures the response.
    pub(super) fn listener(&self) -> impl Intercept + use<> {
        self.clone()
    }

    /// The `taskDefinition` member, once a response has arrived.
    pub(super) fn get(&self) -> Option<Value> {
        self.heard().clone()
    }

    fn heard(&self) -> MutexGuard<'_, Option<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description").finish_non_exhaustive()
    }
}

impl Intercept for Description {
    fn name(&self) -> &'static str {
        "Description"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A response that is not JSON fails in the SDK, which reports it.
        let answer = serde_json::from_slice::<Value>(context.response().body().bytes().unwrap_or_default());
        *self.heard() = answer.ok().and_then(|mut answer| answer.get_mut("taskDefinition").map(Value::take));
        Ok(())
    }
}
