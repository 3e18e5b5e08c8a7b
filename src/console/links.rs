//! Links out of the console: a command for the operator's own shell, and pages of AWS's console.

pub(crate) mod aws_commands;
pub(crate) mod aws_console;

use super::screen::Screen;
use super::screen::View;
use super::screens::{alarms, history, targets, tasks};
use super::state::list::List;
use super::state::observed::Observed;
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::{LogDriver, Task};
use crate::domain::release::{Release, Side};
use crate::domain::text;
use serde::{Deserialize, Serialize};

use self::aws_console::Pages;

/// The menu of texts to copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyMenu {
    /// The items, the most likely first.
    pub items: Vec<CopyItem>,
    /// Index of the marked item.
    pub selected: usize,
}

/// One command or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyItem {
    /// The destination, in words.
    pub title: String,
    /// The text that is copied: a shell command, or an address.
    pub text: String,
    /// The known reason why the text may not work.
    pub remark: Option<String>,
}

/// The options with which the operator's own shell reaches the console's account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shell {
    /// The AWS profile, if one was chosen.
    pub profile: Option<String>,
    /// An endpoint other than AWS's, if one was chosen.
    pub endpoint: Option<String>,
    /// True if the account is simulated: AWS's console does not know such an account.
    pub simulated: bool,
}

impl Shell {
    /// Returns the options that make an `aws` command reach the same account and region.
    pub(crate) fn words<'a>(&'a self, region: &'a str) -> Vec<&'a str> {
        let mut words = vec!["--region", region];
        words.extend(self.profile.iter().flat_map(|profile| ["--profile", profile]));
        words.extend(self.endpoint.iter().flat_map(|endpoint| ["--endpoint-url", endpoint]));
        words
    }
}

/// The subject of the present screen.
struct Subject<'a> {
    observed: &'a Observed,
    shell: &'a Shell,
    screen: &'a Screen,
    list: &'a List,
    side: &'a Side,
    task: Option<&'a Task>,
}

impl CopyMenu {
    /// Makes the menu for the marked line of the present screen. The page of a marked alarm or deployment comes first,
    /// else a shell in the task.
    ///
    /// `list`: the list of the present screen.
    pub fn of(observed: &Observed, shell: &Shell, screen: &Screen, list: &List, release: &Release) -> Self {
        let (side, task) = chosen(observed, screen, list, release);
        let subject = Subject { observed, shell, screen, list, side, task };
        let mut items = Vec::new();
        items.extend(subject.marked(release));
        items.extend(subject.command());
        items.extend(subject.addresses(release));
        let mut seen = std::collections::BTreeSet::new();
        // A text with characters that no AWS name has must not reach a shell or a browser.
        items.retain(|way| way.text.chars().all(text::is_safe) && seen.insert(way.text.clone()));
        Self { items, selected: 0 }
    }
}

/// Returns the marked side and task; else the newest running task of the canary, else of stable.
fn chosen<'a>(
    observed: &'a Observed,
    screen: &Screen,
    list: &List,
    release: &'a Release,
) -> (&'a Side, Option<&'a Task>) {
    let sides = || release.canary.iter().chain([&release.stable]);
    let of = |side: &'a Side| observed.snapshot.tasks.get(&side.service).and_then(|reading| reading.get());
    let side_of = |task: &Task| {
        let mut all = sides().filter(|side| of(side).is_some_and(|tasks| tasks.iter().any(|it| it.arn == task.arn)));
        all.clone().find(|side| side.task_definition == task.task_definition).or_else(|| all.next())
    };
    let marked = match screen {
        Screen::View(View::Tasks, _) => {
            let rows = list.shown(tasks::state::rows(observed, list, release));
            rows.get(list.at(&rows)).map(|row| row.task().arn.clone())
        }
        Screen::View(View::Targets, _) => {
            let rows = list.shown(targets::state::rows(observed, list, release));
            rows.get(list.at(&rows)).and_then(|row| row.task.map(|task| task.arn.clone()))
        }
        _ => None,
    };
    let known = |arn: Arn| sides().filter_map(of).flatten().find(|task| task.arn == arn);
    if let Some(task) = marked.and_then(known) {
        return (side_of(task).unwrap_or(&release.stable), Some(task));
    }
    let newest = |side: &'a Side| {
        let tasks = of(side).into_iter().flatten();
        let running = tasks.filter(|task| task.status == "RUNNING" && task.task_definition == side.task_definition);
        running.max_by_key(|task| task.created_at)
    };
    let running = sides().find_map(|side| Some((side, newest(side)?)));
    running.map_or((release.newest(), None), |(side, task)| (side, Some(task)))
}

impl Subject<'_> {
    fn pages(&self, of: &Arn) -> Pages {
        let region = of.region().unwrap_or(&self.observed.place.region);
        Pages::new(of.partition().or(self.side.arn.partition()).unwrap_or("aws"), region)
    }

    fn page(&self, title: String, text: String) -> CopyItem {
        let simulated = self.shell.simulated;
        let remark = "this account is simulated: AWS's console does not know it".to_owned();
        CopyItem { title, text, remark: simulated.then_some(remark) }
    }

    /// Returns the pages of the marked line, if the line has a page of its own and is no task.
    fn marked(&self, release: &Release) -> Vec<CopyItem> {
        let Screen::View(view, _) = self.screen else { return Vec::new() };
        let list = self.list;
        match view {
            View::Alarms => {
                let rows = list.shown(alarms::state::rows(self.observed, list, release));
                let alarm = rows.get(list.at(&rows)).map(|row| {
                    let text = self.pages(&self.side.arn).alarm(&row.name);
                    self.page(format!("alarm {} in AWS's console", row.name), text)
                });
                alarm.into_iter().collect()
            }
            View::History => {
                let marked = history::state::marked(self.observed, list, release).map(|(_, deployment)| deployment);
                let pages = marked.map(|deployment| {
                    let service = service_of(&deployment.arn).unwrap_or_else(|| self.side.service.clone());
                    let text = self.pages(&deployment.arn).deployment(&service, deployment.arn.name());
                    let page = self.page(format!("deployment {} in AWS's console", deployment.arn.name()), text);
                    let revision = deployment.task_definition().and_then(|revision| self.definition(revision));
                    [Some(page), revision].into_iter().flatten()
                });
                pages.into_iter().flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns the command that opens a shell in the task.
    fn command(&self) -> Option<CopyItem> {
        let task = self.task?;
        let definition = self.observed.snapshot.task_definition(&task.task_definition);
        let first = definition.and_then(|definition| definition.images.first()).map(|(name, _)| name);
        // The first container is the main one; sidecars mostly come after it.
        let container = first.or(task.containers.first().map(|container| &container.name))?;
        let cluster = &self.side.service.cluster;
        let mut words = vec!["aws", "ecs", "execute-command", "--cluster", cluster, "--task", task.id()];
        words.extend(["--container", container, "--interactive", "--command", "/bin/sh"]);
        let text = quoted(&[words, self.reach()].concat())?;
        let title = format!("a shell in {container} of task {} ({})", task.id(), task.task_definition);
        Some(CopyItem { title, text, remark: self.against(task) })
    }

    /// Returns the reason why a command cannot run in a task.
    fn against(&self, task: &Task) -> Option<String> {
        if task.stopped() {
            return Some("it has stopped: ECS takes no command into it; l shows its log".to_owned());
        }
        if !task.execute_command {
            let ServiceKey { cluster, service } = &self.side.service;
            let words = ["aws", "ecs", "update-service", "--cluster", cluster, "--service", service];
            let turn_on = quoted(&[&words[..], &["--enable-execute-command"], &self.reach()].concat())?;
            return Some(format!("execute command is off for this task; for new tasks {turn_on} turns it on"));
        }
        (task.status != "RUNNING").then(|| "it does not run yet".to_owned())
    }

    /// Returns the options that make a shell's AWS CLI reach the same account.
    fn reach(&self) -> Vec<&str> {
        self.shell.words(&self.observed.place.region)
    }

    /// Returns the pages of AWS's console.
    fn addresses(&self, release: &Release) -> Vec<CopyItem> {
        let side = self.side;
        let pages = self.pages(&side.arn);
        let mut items = Vec::new();
        if let Some(task) = self.task {
            items.push(self.page(format!("task {} in AWS's console", task.id()), pages.task(&side.service, task.id())));
        }
        items.push(
            self.page(format!("service {} in AWS's console", side.service.service), pages.service(&side.service)),
        );
        items.extend(self.target_group(release));
        items.extend(self.log());
        items.extend(self.definition(self.task.map_or(&side.task_definition, |task| &task.task_definition)));
        items
    }

    /// Returns the page of the marked target's target group, else of the side's.
    fn target_group(&self, release: &Release) -> Option<CopyItem> {
        let marked = match self.screen {
            Screen::View(View::Targets, _) => {
                let rows = self.list.shown(targets::state::rows(self.observed, self.list, release));
                rows.get(self.list.at(&rows)).map(|row| row.group.clone())
            }
            _ => None,
        };
        let group = marked.or_else(|| self.side.target_group.clone())?;
        let name = crate::domain::ecs::route::target_group_name(&group);
        Some(self.page(format!("target group {name} in AWS's console"), self.pages(&group).target_group(&group)))
    }

    /// Returns the page of the task's log stream, or of the log group if there is no stream.
    fn log(&self) -> Option<CopyItem> {
        let revision = self.task.map_or(&self.side.task_definition, |task| &task.task_definition);
        let definition = self.observed.snapshot.task_definition(revision)?;
        let (container, group, region, prefix) =
            definition.logs.iter().find_map(|(container, driver)| match driver {
                LogDriver::Awslogs { group, region, prefix } => Some((container, group, region, prefix)),
                _ => None,
            })?;
        let mut pages = self.pages(&self.side.arn);
        if let Some(region) = region {
            pages = Pages::new(self.side.arn.partition().unwrap_or("aws"), region);
        }
        let stream = prefix.as_ref().zip(self.task).map(|(prefix, task)| format!("{prefix}/{container}/{}", task.id()));
        let title = match &stream {
            Some(_) => format!("log of {container} in AWS's console"),
            None => format!("log group {group} in AWS's console"),
        };
        Some(self.page(title, pages.log(group, stream.as_deref())))
    }

    fn definition(&self, revision: &TaskDefinitionArn) -> Option<CopyItem> {
        let text = self.pages(revision.arn()).task_definition(revision)?;
        Some(self.page(format!("task definition {revision} in AWS's console"), text))
    }
}

/// Returns the service in `…:service-deployment/CLUSTER/SERVICE/ID`.
fn service_of(deployment: &Arn) -> Option<ServiceKey> {
    let mut parts = deployment.resource().strip_prefix("service-deployment/")?.split('/');
    Some(ServiceKey::new(parts.next()?, parts.next()?))
}

/// Joins words for a shell, each quoted if necessary.
fn quoted(words: &[&str]) -> Option<String> {
    shlex::try_join(words.iter().copied()).ok()
}

#[cfg(test)]
mod tests;
