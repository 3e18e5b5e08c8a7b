//! The changes between two revisions.

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

/// A line of the view.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A property of the revisions.
    Change {
        /// The key that identifies the line.
        id: String,
        /// The values of both revisions.
        change: Change,
    },
    /// A line of the raw JSON.
    Json {
        /// The key that identifies the line.
        id: String,
        /// The unchanged text.
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

/// The display name of a section.
pub fn section(section: &Section) -> String {
    match section {
        Section::Container(name) => format!("container {name}"),
        Section::Task => "task".to_owned(),
        Section::Service => "service".to_owned(),
    }
}

/// The state of the view.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// The revision to compare with; `None`: the one that ran before.
    pub from: Option<TaskDefinitionArn>,
    /// The revision to look at; `None`: the newest of the release.
    pub to: Option<TaskDefinitionArn>,
    /// True if values are to be shown; never remembered after the view is closed.
    pub reveal: bool,
    /// The definitions with their values, while values are to be shown.
    pub revealed: Vec<Definition>,
    /// True if equal properties are shown too.
    pub unfolded: bool,
    /// True if the raw JSON of the newer revision is shown.
    pub raw: bool,
    /// True if the view was opened for the raw JSON: `esc` then leads back to the previous screen.
    pub opened_raw: bool,
}

/// The two revisions to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The older revision; `None`: not known.
    pub from: Option<TaskDefinitionArn>,
    /// The older revision's part in the release.
    pub was: &'static str,
    /// The newer revision.
    pub to: TaskDefinitionArn,
    /// The newer revision's part in the release.
    pub is: &'static str,
}

/// The two revisions: the chosen ones, else those between which the release moves, else its rollback target and its
/// present revision.
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

/// The definitions of both sides, if they were read. They have values once those of both sides have arrived, otherwise
/// none: hidden and shown values are never compared with each other.
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

/// Returns true if values are on the screen: they are to be shown, and those of both sides have arrived.
pub fn values_shown(diff: &Diff, sides: &Sides) -> bool {
    let has = |arn: &TaskDefinitionArn| diff.revealed.iter().any(|definition| definition.arn == *arn);
    diff.reveal && has(&sides.to) && sides.from.as_ref().is_none_or(has)
}

/// The newest service revision with a task definition, if ECS's history has one.
pub fn revision<'a>(observed: &'a Observed, release: &Release, of: &TaskDefinitionArn) -> Option<&'a ServiceRevision> {
    let all = observed.deployments(release).into_iter();
    let revisions = all.flat_map(|deployment| deployment.target.iter().chain(&deployment.sources));
    revisions.map(Arc::as_ref).find(|revision| revision.task_definition == *of)
}

/// All properties of both revisions, including equal ones.
pub fn changes(observed: &Observed, diff: &Diff, release: &Release) -> Vec<Change> {
    let sides = sides(diff, release);
    let (Some(from), Some(to)) = definitions(observed, diff, &sides) else { return Vec::new() };
    let mut changes = task_definition::diff(from, to);
    let around = sides.from.as_ref().and_then(|from| revision(observed, release, from));
    let around = around.zip(revision(observed, release, &sides.to));
    changes.extend(around.map(|(from, to)| task_definition::surroundings(from, to)).unwrap_or_default());
    // The changes of a container are listed together, including the pulled image.
    let order: Vec<Section> = changes.iter().map(|change| change.section.clone()).collect();
    changes.sort_by_key(|change| order.iter().position(|section| *section == change.section));
    changes
}

/// All lines, in order.
pub fn rows(observed: &Observed, diff: &Diff, list: &List, release: &Release) -> Vec<Row> {
    if diff.raw {
        let (_, to) = definitions(observed, diff, &sides(diff, release));
        let text = to.map(|definition| task_definition::redacted(&definition.json)).unwrap_or_default();
        let json = |(number, line): (usize, &str)| Row::Json { id: number.to_string(), line: line.to_owned() };
        return text.lines().enumerate().map(json).collect();
    }
    // A search also finds folded lines.
    let unfolded = diff.unfolded || list.find.active();
    let changes = changes(observed, diff, release).into_iter().filter(|change| unfolded || change.differs());
    let row = |change: Change| Row::Change {
        id: format!("{} {}", section(&change.section), change.path.join("\u{1f}")),
        change,
    };
    changes.map(row).collect()
}

/// Queries while the view is open: definitions that were not read yet, and the values again whenever they are to be
/// shown.
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
    /// Shows the values, or hides and drops them.
    pub(crate) fn toggle_values(&mut self) {
        self.reveal = !self.reveal;
        self.revealed.clear();
    }

    /// Takes a definition with its values, as long as they are to be shown, or the failure to read it. Returns a
    /// message for the operator after a failure.
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
