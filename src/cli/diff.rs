//! `diff`: the changes between two revisions. Values are hidden unless the operator asks for them.

use serde_json::{Value, json};

use super::args::Diff;
use super::exit::{Exit, Failure};
use super::format::columns;
use super::lookup;
use super::observe::Observation;
use super::out::Out;
use super::session::Session;
use crate::cloud::Cloud;
use crate::domain::ecs::deployment::ServiceRevision;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::task_definition::{Change, Definition, Kind, Section, diff as compare, readable, surroundings};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::query::{Answer, Query};
use crate::domain::observe::requirements::Scope;
use crate::domain::release::Release;
use crate::domain::rollback::target;

/// Two revisions side by side.
struct Sides {
    from: Definition,
    to: Definition,
    changes: Vec<Change>,
}

/// Reads two revisions, compares them and prints the changes.
pub(super) async fn diff(out: &mut Out, session: &Session, wish: &Diff) -> Result<(), Failure> {
    let seen = session.observe(Scope::Past, Some(&wish.service)).await?;
    out.remark_unread(&seen.faults);
    let release = lookup::find(&seen.releases, &wish.service)?;
    let (from, to) = sides(release, wish)?;
    let cloud = &*session.reader;
    if wish.raw {
        let to = definition(cloud, to, wish.reveal).await?;
        return out.document(&readable(&to.json));
    }
    let (from, to) = futures::try_join!(definition(cloud, from, wish.reveal), definition(cloud, to, wish.reveal))?;
    let mut changes = compare(&from, &to);
    if let (Some(before), Some(after)) = (revision(&seen, release, &from.arn), revision(&seen, release, &to.arn)) {
        changes.extend(surroundings(before, after));
    }
    let sides = Sides { from, to, changes };
    if out.json {
        out.document(&document(&seen, release, &sides, wish))
    } else {
        out.say(&text(&seen, release, &sides, wish))
    }
}

/// The two revisions to compare.
fn sides(release: &Release, wish: &Diff) -> Result<(TaskDefinitionArn, TaskDefinitionArn), Failure> {
    let stable = &release.stable.task_definition;
    let newest = if release.in_flight() { &release.newest().task_definition } else { stable };
    let to = wish.to.as_ref().map_or_else(|| Ok(newest.clone()), |text| lookup::revision(text, newest.family()))?;
    if let Some(from) = &wish.from {
        return Ok((lookup::revision(from, stable.family())?, to));
    }
    if *stable != *newest {
        return Ok((stable.clone(), to));
    }
    // A revision that can no longer be deployed can still be compared.
    let before = target::best(&release.previous).or(release.previous.first());
    match before {
        Some(good) => Ok((good.task_definition.clone(), to)),
        None => Err(Failure::new(
            Exit::Refused,
            format!("{} runs {}, and no other revision is known to have worked.", release.name, stable.tag()),
            format!("Name the one to compare with: tidegate diff {} :41", release.name),
        )),
    }
}

async fn definition(cloud: &dyn Cloud, arn: TaskDefinitionArn, reveal: bool) -> Result<Definition, Failure> {
    let subject = arn.to_string();
    match cloud.read(&Query::Definition { arn, reveal }).await? {
        Answer::Definition(definition) => Ok(*definition),
        _ => {
            Err(Fault::new(FaultKind::Garbled, "DescribeTaskDefinition", subject, "the answer is of something else")
                .into())
        }
    }
}

/// The newest service revision of a task definition in the release's deployments.
fn revision<'a>(seen: &'a Observation, release: &Release, arn: &TaskDefinitionArn) -> Option<&'a ServiceRevision> {
    let sides = release.sides();
    let deployments = sides.filter_map(|side| seen.snapshot.deployments.get(&side.service)?.get()).flatten();
    let mut revisions = deployments.flat_map(|deployment| deployment.target.iter().chain(&deployment.sources));
    revisions.find(|revision| revision.task_definition == *arn).map(|revision| &**revision)
}

/// The sections in the order of their first changes; a container's image digest comes late but belongs to its section.
fn sections(changes: &[Change]) -> Vec<&Section> {
    let mut sections: Vec<&Section> = Vec::new();
    for change in changes {
        if !sections.contains(&&change.section) {
            sections.push(&change.section);
        }
    }
    sections
}

fn text(seen: &Observation, release: &Release, sides: &Sides, wish: &Diff) -> String {
    let mut lines = vec![format!("{} · {}  {} → {}", seen.place, release.name, sides.from.arn, sides.to.arn)];
    for section in sections(&sides.changes) {
        let of = || sides.changes.iter().filter(|change| change.section == *section);
        let same = of().filter(|change| !change.differs()).count();
        lines.push(String::new());
        lines.push(match section {
            Section::Container(name) => format!("container {name}"),
            Section::Task => "task".to_owned(),
            Section::Service => "service".to_owned(),
        });
        let rows: Vec<_> = of().filter(|change| wish.all || change.differs()).map(row).collect();
        lines.extend(columns(&rows));
        if same > 0 && !wish.all {
            lines.push(format!("    {same} the same (--all)"));
        }
    }
    let changed = sides.changes.iter().filter(|change| change.differs());
    if changed.clone().count() == 0 {
        lines.extend([String::new(), "No difference.".to_owned()]);
    }
    if changed.clone().any(|change| change.hidden) {
        lines.extend([String::new(), "Values are hidden; --reveal shows them.".to_owned()]);
    }
    lines.join("\n")
}

fn row(change: &Change) -> Vec<String> {
    let mark = match change.kind {
        Kind::Added => "  + ",
        Kind::Removed => "  - ",
        Kind::Changed => "  ~ ",
        Kind::Same => "    ",
    };
    vec![format!("{mark}{}", change.name), change.values()]
}

/// `tidegate.diff/1`.
fn document(seen: &Observation, release: &Release, sides: &Sides, wish: &Diff) -> Value {
    let side = |arn: &TaskDefinitionArn| json!({"task_definition": arn, "revision": arn.short()});
    let same = sides.changes.iter().filter(|change| !change.differs()).count();
    json!({
        "schema": "tidegate.diff/1",
        "at": seen.now,
        "environment": seen.place.environment,
        "account": seen.place.account,
        "region": seen.place.region,
        "name": release.name,
        "from": side(&sides.from.arn),
        "to": side(&sides.to.arn),
        "revealed": wish.reveal,
        "same": same,
        "changes": sides.changes.iter().filter(|change| wish.all || change.differs()).collect::<Vec<_>>(),
        "faults": seen.faults,
    })
}
