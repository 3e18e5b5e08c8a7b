//! Registered task definitions and how their revisions behave.

use super::clock::{Ms, secs};
use super::ids::{Ids, Place};
use crate::sim::scenario::{Degrade, Family, Scenario, Traits};

/// An index into the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DefId(usize);

/// One registered task definition.
#[derive(Debug, Clone)]
pub(super) struct TaskDef {
    pub family: String,
    pub revision: u32,
    pub image: String,
    pub digest: String,
    pub cpu: u32,
    pub memory: u32,
    pub registered: Ms,
    /// When it was deregistered; INACTIVE since.
    pub deregistered: Option<Ms>,
    pub behaviour: Behaviour,
}

impl TaskDef {
    pub fn arn(&self, place: &Place) -> String {
        place.task_definition(&self.family, self.revision)
    }
}

/// What a revision does once it runs; a [`Traits`] without gaps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behaviour {
    /// Fraction of requests.
    pub error: f64,
    /// Fraction of requests.
    pub client_error: f64,
    /// Natural logarithm of the median latency in seconds.
    pub log_latency: f64,
    pub log_spread: f64,
    /// Requests a second a task.
    pub capacity: f64,
    pub pull: Ms,
    pub start: Ms,
    pub crash_after: Option<Ms>,
    pub exit_code: i64,
    pub unpullable: bool,
    pub unhealthy: bool,
    pub degrade: Option<Degrade>,
}

impl Behaviour {
    fn new(own: &Traits, family: &Traits) -> Self {
        let percent = |own: Option<f64>, family: Option<f64>, default: f64| own.or(family).unwrap_or(default) / 100.0;
        Self {
            error: percent(own.error_percent, family.error_percent, 0.02),
            client_error: percent(own.client_error_percent, family.client_error_percent, 0.6),
            log_latency: (own.latency_ms.or(family.latency_ms).unwrap_or(45.0) / 1000.0).ln(),
            log_spread: own.latency_spread.or(family.latency_spread).unwrap_or(0.45),
            capacity: own.capacity_rps.or(family.capacity_rps).unwrap_or(60.0).max(0.1),
            pull: secs(own.pull_seconds.or(family.pull_seconds).unwrap_or(9.0)),
            start: secs(own.start_seconds.or(family.start_seconds).unwrap_or(6.0)),
            crash_after: own.crash_after_seconds.or(family.crash_after_seconds).map(secs),
            exit_code: own.exit_code.or(family.exit_code).unwrap_or(1),
            unpullable: own.unpullable.or(family.unpullable).unwrap_or(false),
            unhealthy: own.unhealthy.or(family.unhealthy).unwrap_or(false),
            degrade: own.degrade.or(family.degrade),
        }
    }
}

/// All task definitions, by family and then by revision.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    defs: Vec<TaskDef>,
}

impl Catalog {
    pub fn new(scenario: &Scenario, start: Ms, ids: &mut Ids) -> Self {
        let mut families: Vec<(&String, &Family)> = scenario.family.iter().collect();
        families.sort_by_key(|(name, _)| *name);
        let mut defs = Vec::new();
        for (name, family) in families {
            let mut revisions: Vec<_> = family.revision.iter().collect();
            revisions.sort_by_key(|r| r.number);
            for revision in revisions {
                let registered = start - revision.age.ms;
                defs.push(TaskDef {
                    family: name.clone(),
                    revision: revision.number,
                    image: ids.place.image(&format!("shop/{name}"), &revision.tag),
                    digest: format!("sha256:{}", ids.hex(64)),
                    cpu: family.cpu,
                    memory: family.memory,
                    registered,
                    deregistered: revision.inactive.then_some(registered + (start - registered) / 2),
                    behaviour: Behaviour::new(&revision.traits, &family.traits),
                });
            }
        }
        Self { defs }
    }

    /// The definition; ids come from this catalog only, and nothing is ever removed.
    #[allow(clippy::indexing_slicing, reason = "a DefId is made by this catalog, which only grows")]
    pub fn get(&self, id: DefId) -> &TaskDef {
        &self.defs[id.0]
    }

    pub fn all(&self) -> impl Iterator<Item = &TaskDef> {
        self.defs.iter()
    }

    /// `family`, `family:revision` or an ARN of one; a family alone means its newest ACTIVE revision.
    pub fn find(&self, name: &str) -> Option<DefId> {
        let name = name.rsplit_once("task-definition/").map_or(name, |(_, rest)| rest);
        let at = match name.split_once(':') {
            Some((family, revision)) => {
                let revision: u32 = revision.parse().ok()?;
                self.defs.iter().position(|d| d.family == family && d.revision == revision)
            }
            None => self.defs.iter().rposition(|d| d.family == name && d.deregistered.is_none()),
        };
        at.map(DefId)
    }
}
