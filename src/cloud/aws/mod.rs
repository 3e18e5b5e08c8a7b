//! The real AWS, and whatever speaks like it: the only code that names an SDK crate.
//!
//! A file a service for reading, `act` for the writes, `rule` for what a listener rule is, `fault` for what
//! can go wrong. Every list is read to its end, every batch keeps to its API's limit, every call has a timeout.

mod alarms;
mod bounded;
pub(crate) mod budget;
pub(crate) mod cache;
mod clients;
mod cloudwatch;
mod deployments;
mod discovery;
mod ecs;
mod elbv2;
mod fault;
mod found;
mod instances;
mod logs;
mod managed;
mod operation;
mod pages;
mod protection;
mod register;
mod revisions;
mod rule;
mod scaling;
mod settings;
mod sts;
mod target_groups;
pub(crate) mod task_definition;
mod time;
mod told;
pub(crate) mod writes;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use tracing::Instrument;

use super::{Cloud, MetricProvider, Parts};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::{Call, Receipt};

pub use self::budget::Budget;
pub use self::clients::{ClientPool, Connect, Limits};

use self::budget::{Spending, Urgency};
use self::cache::Memory;
use self::clients::{Clients, Endpoints};
use self::fault::ConnectionInfo;
use self::operation::Operation;

/// An account and region, through one lane.
#[derive(Debug, Clone)]
pub struct Aws {
    clients: Clients,
    clusters: Arc<[String]>,
    limits: Limits,
    place: Arc<ConnectionInfo>,
    memory: Arc<Memory>,
    budget: Budget,
    urgency: Urgency,
    /// True for a command, which spends more than steady polling does.
    once: bool,
}

/// The same account and region twice, with connections of their own; what one learns the other knows.
#[derive(Debug, Clone)]
pub struct ClientPools {
    /// For polling.
    pub poll: Aws,
    /// For writes and the reads right before and after them.
    pub act: Aws,
    /// The region that was found to be meant.
    pub region: String,
    /// The profile that is in use, where one is named.
    pub profile: Option<String>,
}

/// Finds region and credentials' source, and calls nobody: whether the credentials are good shows with the first
/// call. Fails without a region, and where a setting of this machine cannot be what it is.
pub async fn connect(options: &Connect) -> Result<ClientPools, Fault> {
    let files = settings::check(&options.chosen()).await?;
    let (config, region) = clients::configure(options).await?;
    let endpoints = Endpoints::of(&config, files.as_ref())?;
    let profile =
        options.profile.clone().or_else(|| settings::variable("AWS_PROFILE")).filter(|_| options.keys.is_none());
    let place = Arc::new(ConnectionInfo { profile: profile.clone(), region: region.clone() });
    let memory = Arc::new(Memory::default());
    let lane = |lane| Aws {
        clients: Clients::new(&config, &endpoints, lane),
        clusters: options.clusters.clone().into(),
        limits: options.limits,
        place: place.clone(),
        memory: memory.clone(),
        budget: options.budget.clone(),
        urgency: if lane == ClientPool::Act { Urgency::Act } else { Urgency::Rest },
        once: options.once,
    };
    Ok(ClientPools { poll: lane(ClientPool::Poll), act: lane(ClientPool::Act), region, profile })
}

#[async_trait]
impl Cloud for Aws {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        self.read_in_parts(query, &|_| {}).await
    }

    async fn read_in_parts(&self, query: &Query, tell: Parts<'_>) -> Result<Answer, Fault> {
        self.about(query).answer(query, tell).await
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.write(call).await
    }
}

impl Aws {
    /// The same account and region, with the urgency of a query.
    fn about(&self, query: &Query) -> Self {
        let urgency = match query {
            _ if self.urgency == Urgency::Act => Urgency::Act,
            Query::Services | Query::Routes => Urgency::Rest,
            _ => Urgency::Watched,
        };
        Self { urgency, ..self.clone() }
    }

    async fn answer(&self, query: &Query, tell: Parts<'_>) -> Result<Answer, Fault> {
        Ok(match query {
            Query::Identity => Answer::Identity(self.identity().await?),
            Query::Services => Answer::Services(Box::pin(self.services(tell)).await?),
            Query::Named(names) => Answer::Services(Box::pin(self.named_services(names)).await?),
            Query::Service(key) => Answer::Service(Box::new(self.service(key).await?)),
            Query::Routes => Answer::Routes(Box::pin(self.routes()).await?),
            Query::Route(id) => Answer::Route(self.rule(id).await?.route),
            Query::Health(target_groups) => Answer::Health(self.health(target_groups).await?),
            Query::Tasks(key) => Answer::Tasks(self.tasks(key).await?),
            Query::TaskDefinitions(arns) => Answer::TaskDefinitions(self.task_definitions(arns).await?),
            Query::Family(family) => Answer::Family(self.family(family).await?),
            Query::Deployments(key) => Answer::Deployments(self.deployments(key).await?),
            Query::Alarms(names) => Answer::Alarms(self.alarms(names).await?),
            Query::Metrics(query) => Answer::Metrics(self.minutes(query).await?),
            Query::Scaling(services) => Answer::Scaling(self.scaling(services).await?),
            Query::TargetGroups(groups) => Answer::TargetGroups(self.target_groups(groups).await?),
            Query::Definition { arn, reveal } => Answer::Definition(Box::new(self.definition(arn, *reveal).await?)),
            Query::Logs(page) => Answer::Logs(self.log(page).await?),
        })
    }

    /// Sends one call once the budget admits it: its span in the log, its failure as a [`Fault`].
    async fn ask<T, E>(
        &self,
        operation: Operation,
        subject: &str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Fault>
    where
        T: RequestId,
        E: ProvideErrorMetadata + Error + 'static,
    {
        // The SDK's futures are large, and every reader above this one would hold them in its own.
        let call = Box::pin(call);
        let once = self.once || self.memory.is_first_look();
        self.budget.admit(operation, self.urgency, if once { Spending::Once } else { Spending::Steady }).await;
        // How long it took is in the span's own times.
        let span = tracing::debug_span!("aws", %operation, subject, request_id = tracing::field::Empty);
        let answer = async {
            let answer = call.await;
            let request_id = match &answer {
                Ok(answer) => answer.request_id(),
                Err(error) => error.request_id(),
            };
            if let Some(request_id) = request_id {
                tracing::Span::current().record("request_id", request_id);
            }
            answer.map_err(|error| {
                tracing::debug!(error = %DisplayErrorContext(&error), "failed");
                let account = self.memory.account.get().map(String::as_str);
                fault::fault(operation, subject, &error, &self.place, account)
            })
        }
        .instrument(span);
        let answer = match operation {
            Operation::DescribeRules | Operation::DescribeListeners => self.memory.watch(answer).await,
            _ => answer.await,
        };
        if answer.as_ref().is_err_and(|fault| fault.kind == FaultKind::Throttled) {
            self.budget.throttled(operation);
        }
        answer
    }
}
