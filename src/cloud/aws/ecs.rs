//! ECS: clusters, services, tasks, task definitions.

pub(super) mod configuration;
mod convert;
pub(super) mod revision;
mod text;

use std::collections::HashSet;

use aws_sdk_ecs::types::{DesiredStatus, Failure, ServiceField, SortOrder, TaskDefinitionStatus};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::{Service, Task, TaskDefinition};
use crate::domain::fault::{Fault, FaultKind};

use super::found::Listed;
use super::managed;
use super::operation::Operation;
use super::pages::pages;
use super::told::Told;
use super::{Aws, Parts};

/// The largest page of ECS's lists.
const PAGE: i32 = 100;
/// DescribeServices takes as many services in one call.
const SERVICES_A_CALL: usize = 10;
/// Services that are read together: DescribeServiceRevisions takes as many revisions in one call.
const SERVICES_AT_ONCE: usize = 20;
/// DescribeTasks takes as many tasks in one call.
const TASKS_A_CALL: usize = 100;

/// ECS lets a cluster have half as many.
const MOST_SERVICES: usize = 10_000;

/// A page of a list of services: the cluster, and the ARNs.
type Page = (String, Vec<String>);

/// Services, each with its current revisions; and the services of which an answer says nothing.
type Described = (Vec<(Service, Vec<String>)>, Vec<String>);

/// Each once, where it was first.
fn distinct(mut listed: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    listed.retain(|arn| seen.insert(arn.clone()));
    listed
}

impl Aws {
    /// Every service of the environment's clusters; those that are known already are told as they come. One call that
    /// fails fails the whole: a list with holes would show services as gone.
    pub(super) async fn services(&self, tell: Parts<'_>) -> Result<Vec<Service>, Fault> {
        let sweep = self.memory.found.begin();
        let (page, pages) = unbounded_channel();
        let listing = self.list_services(page);
        let pages = stream::unfold(pages, |mut pages| async move { Some((pages.recv().await?, pages)) });
        let told = Told::new(tell, &self.budget);
        let describing = self.describe_pages(pages, &told);
        let (listed, mut services) = futures::try_join!(listing, describing)?;
        let mut listed = listed;
        for (cluster, arn, service) in self.not_listed_any_more(&listed).await? {
            listed.insert((cluster, arn));
            services.push(service);
        }
        let groups = services.iter().flat_map(|service| &service.target_groups).cloned().collect();
        sweep.complete(listed, groups);
        Ok(services)
    }

    /// Lists the services of each cluster, and sends each page on.
    async fn list_services(&self, page: UnboundedSender<Page>) -> Result<Listed, Fault> {
        let clusters = self.clusters().await?;
        let listed: Vec<Listed> = stream::iter(clusters)
            .map(|cluster| {
                let page = page.clone();
                async move {
                    let arns = self.service_arns(&cluster, &page).await?;
                    if arns.is_empty() && !self.clusters.is_empty() {
                        self.must_exist(&cluster).await?;
                    }
                    Ok(arns.into_iter().map(|arn| (cluster.clone(), arn)).collect())
                }
            })
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        Ok(listed.into_iter().flatten().collect())
    }

    async fn describe_pages(&self, pages: impl Stream<Item = Page>, told: &Told<'_>) -> Result<Vec<Service>, Fault> {
        let mut seen = HashSet::new();
        let batches = pages.flat_map(|(cluster, mut arns)| {
            arns.retain(|arn| seen.insert(arn.clone()));
            let batches: Vec<_> =
                arns.chunks(SERVICES_AT_ONCE).map(|batch| (cluster.clone(), batch.to_vec())).collect();
            stream::iter(batches)
        });
        let described = batches.map(|(cluster, batch)| self.describe_batch(cluster, batch));
        let described = described.buffered(self.limits.concurrency).inspect_ok(|services| {
            self.memory.found.add(services.iter().flat_map(|service| &service.target_groups));
            told.add(services);
        });
        Ok(described.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    /// Services that were there at the last sweep, and that the list lacks now, but AWS describes: a list that shrinks
    /// makes no service vanish.
    async fn not_listed_any_more(&self, listed: &Listed) -> Result<Vec<(String, String, Service)>, Fault> {
        let known = self.memory.found.now().listed.unwrap_or_default();
        let mut there = Vec::new();
        for (cluster, arn) in known.difference(listed) {
            match self.describe_batch(cluster.clone(), vec![arn.clone()]).await {
                Ok(services) => {
                    let active = services.into_iter().filter(|service| service.status == "ACTIVE");
                    there.extend(active.map(|service| (cluster.clone(), arn.clone(), service)));
                }
                // The whole cluster is gone.
                Err(fault) if fault.kind == FaultKind::NotFound => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(there)
    }

    /// As many services as share one call for their revisions.
    async fn describe_batch(&self, cluster: String, arns: Vec<String>) -> Result<Vec<Service>, Fault> {
        let calls = arns.chunks(SERVICES_A_CALL).map(|call| self.describe_services(&cluster, call.to_vec()));
        let described = futures::future::try_join_all(calls).await?;
        Ok(self.with_managed_resources(described.into_iter().flatten().collect()).await)
    }

    /// The services of these names, in every cluster of the environment.
    pub(super) async fn named_services(&self, names: &[String]) -> Result<Vec<Service>, Fault> {
        let names: Vec<String> = names.iter().take(SERVICES_A_CALL).cloned().collect();
        let described: Vec<Vec<Service>> = stream::iter(self.clusters().await?)
            .map(|cluster| {
                let names = names.clone();
                async move {
                    let (described, _) = self.describe_once(&cluster, names).await?;
                    Ok(self.with_managed_resources(described).await)
                }
            })
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        let services: Vec<Service> = described.into_iter().flatten().collect();
        self.memory.found.add(services.iter().flat_map(|service| &service.target_groups));
        Ok(services)
    }

    /// One service by its names.
    pub(super) async fn service(&self, key: &ServiceKey) -> Result<Service, Fault> {
        let (described, _) = self.describe_once(&key.cluster, vec![key.service.clone()]).await?;
        let found = self.with_managed_resources(described).await;
        let service = found.into_iter().next().ok_or_else(|| {
            let message = format!("there is no service {} in cluster {}", key.service, key.cluster);
            let operation = Operation::DescribeServices.name();
            let mut fault = Fault::new(FaultKind::NotFound, operation, key.to_string(), message);
            fault.code = Some("MISSING".to_owned());
            fault
        })?;
        self.memory.found.add(&service.target_groups);
        Ok(service)
    }

    async fn clusters(&self) -> Result<Vec<String>, Fault> {
        if !self.clusters.is_empty() {
            return Ok(self.clusters.to_vec());
        }
        let listed = pages(Operation::ListClusters, usize::MAX, |token| async {
            let call = self.clients.ecs.list_clusters().max_results(PAGE).set_next_token(token);
            let answer = self.ask(Operation::ListClusters, "all clusters", call.send()).await?;
            Ok((answer.cluster_arns.unwrap_or_default(), answer.next_token))
        });
        Ok(distinct(listed.await?))
    }

    /// A cluster that was deleted, or was never there, can have an empty list of services too: whoever named it
    /// should hear of it. Where that cannot be found out, the empty list stands.
    async fn must_exist(&self, cluster: &str) -> Result<(), Fault> {
        let operation = Operation::DescribeClusters;
        let subject = cluster_subject(cluster);
        let Ok(answer) =
            self.ask(operation, &subject, self.clients.ecs.describe_clusters().clusters(cluster).send()).await
        else {
            return Ok(());
        };
        let active = answer.clusters().iter().any(|cluster| cluster.status.as_deref() != Some("INACTIVE"));
        let missing = answer.failures().iter().any(|failure| failure.reason.as_deref() == Some("MISSING"));
        if active || (!missing && answer.clusters().is_empty()) {
            return Ok(());
        }
        let message = "there is no such cluster, or it was deleted";
        let mut fault = Fault::new(FaultKind::NotFound, operation.name(), subject, message);
        fault.advice = format!("Check --cluster, --region ({}) and --profile.", self.place.region);
        Err(fault)
    }

    async fn service_arns(&self, cluster: &str, page: &UnboundedSender<Page>) -> Result<Vec<String>, Fault> {
        let subject = cluster_subject(cluster);
        let listed = pages(Operation::ListServices, usize::MAX, |token| {
            let call = self.clients.ecs.list_services().cluster(cluster).max_results(PAGE).set_next_token(token).send();
            async {
                let answer = self.ask(Operation::ListServices, &subject, call).await?;
                let arns = answer.service_arns.unwrap_or_default();
                // Whoever describes them has failed if nobody takes the page.
                let _ = page.send((cluster.to_owned(), arns.clone()));
                Ok((arns, answer.next_token))
            }
        });
        let listed = distinct(listed.await?);
        if listed.len() > MOST_SERVICES {
            let message = format!("the list has {} services, more than a cluster can have", listed.len());
            return Err(Fault::new(FaultKind::Garbled, Operation::ListServices.name(), subject, message));
        }
        Ok(listed)
    }

    /// Describes the services that exist, each with the revisions to ask for what AWS manages. An answer that lacks
    /// some without a reason is asked for once more.
    async fn describe_services(
        &self,
        cluster: &str,
        services: Vec<String>,
    ) -> Result<Vec<(Service, Vec<String>)>, Fault> {
        let (mut described, lacking) = self.describe_once(cluster, services).await?;
        if lacking.is_empty() {
            return Ok(described);
        }
        let (again, lacking) = self.describe_once(cluster, lacking).await?;
        described.extend(again);
        match lacking.first() {
            None => Ok(described),
            Some(first) => {
                let message = format!("the answer lacks {} of the services, and says nothing of them", lacking.len());
                let subject = ServiceKey::new(Arn::new(cluster).name(), Arn::new(first).name()).to_string();
                Err(Fault::new(FaultKind::Garbled, Operation::DescribeServices.name(), subject, message))
            }
        }
    }

    /// Describes the services that exist, and lists the services that the answer leaves out.
    async fn describe_once(&self, cluster: &str, services: Vec<String>) -> Result<Described, Fault> {
        let operation = Operation::DescribeServices;
        let subject = match services.as_slice() {
            [only] => ServiceKey::new(Arn::new(cluster).name(), Arn::new(only).name()).to_string(),
            several => format!("{} services of {}", several.len(), cluster_subject(cluster)),
        };
        let call = self.clients.ecs.describe_services().cluster(cluster).set_services(Some(services.clone()));
        let answer = self.ask(operation, &subject, call.include(ServiceField::Tags).send()).await?;
        only_missing(operation, &subject, answer.failures())?;
        let missing = answer.failures().iter().filter_map(|failure| failure.arn.as_deref());
        let named = |arn: &str| Arn::new(arn).name().to_owned();
        let mut answered: HashSet<String> = missing.map(named).collect();
        let described = answer.services.unwrap_or_default().into_iter().map(|service| {
            let revisions = managed::revisions_of(&service);
            let service = convert::service(service, cluster).ok_or_else(|| {
                let message = "the answer has a service without a name";
                Fault::new(FaultKind::Garbled, operation.name(), &subject, message)
            })?;
            answered.insert(service.key.service.clone());
            Ok((service, revisions))
        });
        let described = described.collect::<Result<Vec<_>, Fault>>()?;
        let lacking = services.into_iter().filter(|service| !answered.contains(&named(service))).collect();
        Ok((described, lacking))
    }

    /// The tasks of a service, running and lately stopped.
    pub(super) async fn tasks(&self, key: &ServiceKey) -> Result<Vec<Task>, Fault> {
        let running = self.task_arns(key, DesiredStatus::Running);
        let stopped = self.task_arns(key, DesiredStatus::Stopped);
        let (running, stopped) = futures::try_join!(running, stopped)?;
        // A task that stops between the two lists is on both.
        let mut seen = HashSet::new();
        let arns: Vec<String> = running.into_iter().chain(stopped).filter(|arn| seen.insert(arn.clone())).collect();
        let batches: Vec<Vec<String>> = arns.chunks(TASKS_A_CALL).map(<[String]>::to_vec).collect();
        let described: Vec<Vec<(Task, Option<String>)>> = stream::iter(batches)
            .map(|batch| async {
                let operation = Operation::DescribeTasks;
                let subject = key.to_string();
                let call = self.clients.ecs.describe_tasks().cluster(&key.cluster).set_tasks(Some(batch));
                let answer = self.ask(operation, &subject, call.send()).await?;
                only_missing(operation, &subject, answer.failures())?;
                let with_instance = |raw: aws_sdk_ecs::types::Task| {
                    let instance = raw.container_instance_arn.clone();
                    Some((convert::task(raw)?, instance))
                };
                Ok(answer.tasks.unwrap_or_default().into_iter().filter_map(with_instance).collect())
            })
            .buffered(self.limits.concurrency)
            .try_collect()
            .await?;
        let tasks = self.with_instances(key, described.into_iter().flatten().collect()).await;
        Ok(self.with_protection(key, tasks).await)
    }

    async fn task_arns(&self, key: &ServiceKey, status: DesiredStatus) -> Result<Vec<String>, Fault> {
        let subject = key.to_string();
        pages(Operation::ListTasks, self.limits.tasks, |token| {
            let call = self.clients.ecs.list_tasks().cluster(&key.cluster).service_name(&key.service);
            let call = call.desired_status(status.clone()).max_results(PAGE).set_next_token(token).send();
            async {
                let answer = self.ask(Operation::ListTasks, &subject, call).await?;
                Ok((answer.task_arns.unwrap_or_default(), answer.next_token))
            }
        })
        .await
    }

    /// These task definitions. One that AWS no longer has is left out, unless it is the only one.
    pub(super) async fn task_definitions(&self, arns: &[TaskDefinitionArn]) -> Result<Vec<TaskDefinition>, Fault> {
        let answers: Vec<Result<TaskDefinition, Fault>> = stream::iter(arns.to_vec())
            .map(|arn| async move { self.task_definition(&arn).await })
            .buffered(self.limits.concurrency)
            .collect()
            .await;
        let mut found = Vec::new();
        let mut gone = None;
        for answer in answers {
            match answer {
                Ok(definition) => found.push(definition),
                Err(fault) if matches!(fault.kind, FaultKind::Refused | FaultKind::NotFound) => gone = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        match gone {
            Some(fault) if found.is_empty() => Err(fault),
            _ => Ok(found),
        }
    }

    async fn task_definition(&self, arn: &TaskDefinitionArn) -> Result<TaskDefinition, Fault> {
        let operation = Operation::DescribeTaskDefinition;
        let call = self.clients.ecs.describe_task_definition().task_definition(arn.arn().as_str());
        let answer = self.ask(operation, arn.short(), call.send()).await?;
        answer.task_definition.map(|definition| convert::task_definition(definition, arn)).ok_or_else(|| {
            Fault::new(FaultKind::Garbled, operation.name(), arn.short(), "the answer has no task definition")
        })
    }

    /// The active revisions of a family, newest first.
    pub(super) async fn family(&self, family: &str) -> Result<Vec<TaskDefinitionArn>, Fault> {
        let operation = Operation::ListTaskDefinitions;
        let subject = format!("family {family}");
        let revisions = pages(operation, self.limits.family, |token| {
            let call = self.clients.ecs.list_task_definitions().family_prefix(family).sort(SortOrder::Desc);
            let call = call.status(TaskDefinitionStatus::Active).max_results(PAGE).set_next_token(token).send();
            async {
                let answer = self.ask(operation, &subject, call).await?;
                let revisions = answer.task_definition_arns.unwrap_or_default().into_iter().map(TaskDefinitionArn::new);
                // AWS takes the prefix for the whole name; not every endpoint does.
                Ok((revisions.filter(|revision| revision.family() == family).collect(), answer.next_token))
            }
        });
        let mut revisions = revisions.await?;
        revisions.sort_by_key(|revision| std::cmp::Reverse(revision.revision()));
        Ok(revisions)
    }
}

pub(super) fn cluster_subject(cluster: &str) -> String {
    format!("cluster {}", Arn::new(cluster).name())
}

/// ECS answers 200 for what it could not describe. What is missing was deleted meanwhile; anything else is a failure.
pub(super) fn only_missing(operation: Operation, subject: &str, failures: &[Failure]) -> Result<(), Fault> {
    let Some(failure) = failures.iter().find(|failure| failure.reason.as_deref() != Some("MISSING")) else {
        return Ok(());
    };
    let reason = failure.reason.as_deref().unwrap_or("without a reason");
    let what = [failure.arn.as_deref(), failure.detail.as_deref()];
    let message = what.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let kind = if reason.contains("ACCESS") { FaultKind::Denied } else { FaultKind::Refused };
    let mut fault = Fault::new(kind, operation.name(), subject, message);
    fault.code = Some(reason.to_owned());
    Err(fault)
}
