//! What changed between two revisions.

use std::sync::Arc;

use crate::console::state::list::{List, Listed};
use crate::console::state::observed::Observed;
use crate::domain::ecs::deployment::ServiceRevision;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::task_definition;
use crate::domain::ecs::task_definition::{Change, Definition, Section};
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::Query;
use crate::domain::release::Release;
use crate::domain::rollback::target;

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// One thing that the revisions say.
    Change {
        /// By which it is known again.
        id: String,
        /// How they differ in it.
        change: Change,
    },
    /// A line of the raw JSON.
    Json {
        /// By which it is known again.
        id: String,
        /// As it is.
        line: String,
    },
}

impl Listed for Row {
    fn id(&self) -> &str {
        match self {
            Self::Change { id, .. } | Self::Json { id, .. } => id,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Change { change, .. } => {
                format!("{} {} {}: {}", section(&change.section), change.name, change.kind, change.values())
            }
            Self::Json { line, .. } => line.clone(),
        }
    }
}

/// What a section is called.
pub fn section(section: &Section) -> String {
    match section {
        Section::Container(name) => format!("container {name}"),
        Section::Task => "task".to_owned(),
        Section::Service => "service".to_owned(),
    }
}

/// The view's own state.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// The revision that is compared with; `None`: the one that was there before.
    pub from: Option<TaskDefinitionArn>,
    /// The revision that is looked at; `None`: the newest of the release.
    pub to: Option<TaskDefinitionArn>,
    /// Whether values are shown; never remembered from one opening to the next.
    pub reveal: bool,
    /// The definitions with their values, while they are shown.
    pub revealed: Vec<Definition>,
    /// Whether what is the same on both sides is shown too.
    pub unfolded: bool,
    /// Whether the raw JSON of the newer one is shown.
    pub raw: bool,
    /// Whether the view was opened for that: `esc` then leads back to where one came from.
    pub opened_raw: bool,
}

/// Which two revisions are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The older one; `None`: none is known.
    pub from: Option<TaskDefinitionArn>,
    /// What the older one is to the release.
    pub was: &'static str,
    /// The newer one.
    pub to: TaskDefinitionArn,
    /// What that is.
    pub is: &'static str,
}

/// The two revisions: those that were chosen, else what the release goes between, else what it would go back to and
/// what it is.
pub fn sides(diff: &Diff, release: &Release) -> Sides {
    let current = &release.stable.task_definition;
    let good = |than: &TaskDefinitionArn| {
        let other = release.previous.iter().find(|good| good.task_definition != *than);
        let best = target::best(&release.previous).filter(|good| good.task_definition != *than);
        best.or(other).map(|good| good.task_definition.clone())
    };
    if let Some(to) = &diff.to {
        let (from, was) = match &diff.from {
            Some(from) => (Some(from.clone()), "from"),
            None => (good(to), "previous good"),
        };
        return Sides { from, was, to: to.clone(), is: "to" };
    }
    let canary = release.canary.as_ref().map(|canary| &canary.task_definition).filter(|it| *it != current);
    if let (true, Some(canary)) = (release.in_flight(), canary) {
        return Sides { from: Some(current.clone()), was: "stable", to: canary.clone(), is: "canary" };
    }
    let under_way = release.under_way().and_then(|deployment| {
        let to = deployment.task_definition()?;
        let from = deployment.sources.iter().map(|source| &source.task_definition).find(|from| *from != to)?;
        Some(Sides { from: Some(from.clone()), was: "source", to: to.clone(), is: "target" })
    });
    under_way.unwrap_or_else(|| match release.stable.leaving.iter().find(|leaving| *leaving != current) {
        Some(leaving) => Sides { from: Some(leaving.clone()), was: "leaving", to: current.clone(), is: "coming" },
        None => Sides { from: good(current), was: "previous good", to: current.clone(), is: "current" },
    })
}

/// The definitions of both sides, where they were read: with values while they are shown and both have come, else with
/// none. Hidden and shown values are never compared with each other.
pub fn definitions<'a>(
    observed: &'a Observed,
    diff: &'a Diff,
    sides: &Sides,
) -> (Option<&'a Definition>, Option<&'a Definition>) {
    let revealed = |arn: &TaskDefinitionArn| diff.revealed.iter().find(|definition| definition.arn == *arn);
    let hidden = |arn: &TaskDefinitionArn| observed.snapshot.definitions.get(arn)?.get();
    if values_shown(diff, sides) {
        (sides.from.as_ref().and_then(revealed), revealed(&sides.to))
    } else {
        (sides.from.as_ref().and_then(hidden), hidden(&sides.to))
    }
}

/// Whether values are on the screen: they are to be, and those of both sides have come.
pub fn values_shown(diff: &Diff, sides: &Sides) -> bool {
    let has = |arn: &TaskDefinitionArn| diff.revealed.iter().any(|definition| definition.arn == *arn);
    diff.reveal && has(&sides.to) && sides.from.as_ref().is_none_or(has)
}

/// The service revision that carried a task definition last, where ECS's history has one.
pub fn revision<'a>(observed: &'a Observed, release: &Release, of: &TaskDefinitionArn) -> Option<&'a ServiceRevision> {
    let all = observed.deployments(release).into_iter();
    let revisions = all.flat_map(|deployment| deployment.target.iter().chain(&deployment.sources));
    revisions.map(Arc::as_ref).find(|revision| revision.task_definition == *of)
}

/// Everything that is compared, what is the same among it.
pub fn changes(observed: &Observed, diff: &Diff, release: &Release) -> Vec<Change> {
    let sides = sides(diff, release);
    let (Some(from), Some(to)) = definitions(observed, diff, &sides) else { return Vec::new() };
    let mut changes = task_definition::diff(from, to);
    let around = sides.from.as_ref().and_then(|from| revision(observed, release, from));
    let around = around.zip(revision(observed, release, &sides.to));
    changes.extend(around.map(|(from, to)| task_definition::surroundings(from, to)).unwrap_or_default());
    // What was pulled for a container stands with it.
    let order: Vec<Section> = changes.iter().map(|change| change.section.clone()).collect();
    changes.sort_by_key(|change| order.iter().position(|section| *section == change.section));
    changes
}

/// Every line, in the order of its place.
pub fn rows(observed: &Observed, diff: &Diff, list: &List, release: &Release) -> Vec<Row> {
    if diff.raw {
        let (_, to) = definitions(observed, diff, &sides(diff, release));
        let text = to.map(|definition| task_definition::redacted(&definition.json)).unwrap_or_default();
        let json = |(number, line): (usize, &str)| Row::Json { id: number.to_string(), line: line.to_owned() };
        return text.lines().enumerate().map(json).collect();
    }
    // What is looked for is found even where it is folded.
    let unfolded = diff.unfolded || list.find.active();
    let changes = changes(observed, diff, release).into_iter().filter(|change| unfolded || change.differs());
    let row = |change: Change| Row::Change {
        id: format!("{} {}", section(&change.section), change.path.join("\u{1f}")),
        change,
    };
    changes.map(row).collect()
}

/// What is asked of AWS while it is open: what was not read yet, and values anew whenever they are to be shown.
pub(crate) fn wanted(observed: &Observed, diff: &Diff, release: &Release) -> Vec<Query> {
    let sides = sides(diff, release);
    let mut wanted = Vec::new();
    for arn in sides.from.iter().chain([&sides.to]) {
        if observed.snapshot.definitions.get(arn).and_then(|reading| reading.get()).is_none() {
            wanted.push(Query::Definition { arn: arn.clone(), reveal: false });
        }
        if diff.reveal && !diff.revealed.iter().any(|definition| definition.arn == *arn) {
            wanted.push(Query::Definition { arn: arn.clone(), reveal: true });
        }
    }
    wanted
}

impl Diff {
    /// Shows the values, or hides them again and forgets them.
    pub(crate) fn toggle_values(&mut self) {
        self.reveal = !self.reveal;
        self.revealed.clear();
    }

    /// Takes in a definition with its values, as long as they are to be shown; or why it could not be read. Returns
    /// what to tell the operator then.
    pub(crate) fn take_values(&mut self, answer: Result<Definition, Fault>) -> Option<String> {
        match answer {
            _ if !self.reveal => None,
            Ok(definition) => {
                self.revealed.retain(|had| had.arn != definition.arn);
                self.revealed.push(definition);
                None
            }
            Err(fault) => {
                (self.reveal, self.revealed) = (false, Vec::new());
                Some(format!("the values stay hidden: {}. {}", fault.headline(), fault.advice))
            }
        }
    }
}
