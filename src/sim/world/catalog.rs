//! Registered task definitions and how their revisions behave.

use indexmap::IndexMap;
use serde_json::Value;

use super::clock::{Ms, secs};
use super::definition::{self, TaskDef};
use super::ids::{Ids, mix};
use super::logs::Voice;
use super::registered::of_scenario;
use super::registry::Registry;
use crate::sim::fuzz_text;
use crate::sim::scenario::{Degradation, Family, HealthCheckFailure, Scenario, Traits};

/// An index into the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DefId(usize);

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
    pub oom_after: Option<Ms>,
    pub unpullable: bool,
    pub unhealthy: bool,
    /// What a health check gets that does not pass once the task is ready.
    pub health_answer: HealthCheckFailure,
    pub degrade: Option<Degradation>,
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
            oom_after: own.oom_after_seconds.or(family.oom_after_seconds).map(secs),
            unpullable: own.unpullable.or(family.unpullable).unwrap_or(false),
            unhealthy: own.unhealthy.or(family.unhealthy).unwrap_or(false),
            health_answer: own.health_answer.or(family.health_answer).unwrap_or(HealthCheckFailure::Status(503)),
            degrade: own.degrade.or(family.degrade),
        }
    }
}

/// All task definitions, in the order of their registration within a family, and the images that they name.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    defs: Vec<TaskDef>,
    /// What a family's revisions do unless they say otherwise.
    families: IndexMap<String, Traits>,
    registry: Registry,
}

impl Catalog {
    pub fn new(scenario: &Scenario, start: Ms, ids: &mut Ids) -> Self {
        let mut families: Vec<(&String, &Family)> = scenario.family.iter().collect();
        families.sort_by_key(|(name, _)| *name);
        let mut catalog = Self::default();
        for (name, family) in families {
            catalog.families.insert(name.clone(), family.traits.clone());
            let mut revisions: Vec<_> = family.revision.iter().collect();
            revisions.sort_by_key(|r| r.number);
            for revision in revisions {
                let registered = start - revision.age.ms;
                let mut body = of_scenario(&ids.place, name, family, revision);
                if scenario.hostile {
                    fuzz_text::for_each(&mut body, &mut fuzz_text::make_hostile);
                }
                let behaviour = Behaviour::new(&revision.traits, &family.traits);
                let mut def = TaskDef::new(name, revision.number, body, registered, behaviour);
                def.voice = Voice::new(&revision.traits, &family.traits);
                def.deregistered = revision.inactive.then_some(registered + (start - registered) / 2);
                catalog.add(def, ids);
                if let Some(ago) = revision.retagged {
                    catalog.retag(DefId(catalog.defs.len() - 1), start - ago.ms, ids);
                }
            }
        }
        catalog
    }

    /// Adds a definition, and what images of it are new.
    fn add(&mut self, def: TaskDef, ids: &mut Ids) -> DefId {
        for container in &def.containers {
            if !self.registry.knows(&container.image) {
                let digest = if container.router { digest_of(&container.image) } else { ids.hex(64) };
                self.registry.push(&container.image, def.registered, format!("sha256:{digest}"));
            }
        }
        self.defs.push(def);
        DefId(self.defs.len() - 1)
    }

    /// Makes the next revision of a family out of a checked body. It does what the family's newest revision with
    /// the same image does, otherwise what the family does.
    pub fn register(&mut self, family: &str, body: Value, tags: Value, now: Ms, ids: &mut Ids) -> DefId {
        let image = definition::main_image(family, &body);
        let own = || self.defs.iter().filter(|d| d.family == family);
        let same = own().rev().find(|d| d.main().map(|c| &c.image) == image.as_ref());
        let plain = Traits::default();
        let traits = self.families.get(family).unwrap_or(&plain);
        let behaviour = same.map_or_else(|| Behaviour::new(&plain, traits), |d| d.behaviour);
        let voice = same.map_or_else(|| Voice::new(&plain, traits), |d| d.voice.clone());
        let revision = own().map(|d| d.revision).max().unwrap_or(0) + 1;
        let mut def = TaskDef::new(family, revision, body, now, behaviour);
        (def.tags, def.voice) = (tags, voice);
        self.add(def, ids)
    }

    /// Deregisters a definition; one that already is stays as it is.
    pub fn deregister(&mut self, id: DefId, now: Ms) {
        if let Some(def) = self.defs.get_mut(id.0) {
            def.deregistered.get_or_insert(now);
        }
    }

    /// Somebody pushes another image under the tag of this definition's main container.
    pub fn retag(&mut self, id: DefId, at: Ms, ids: &mut Ids) {
        if let Some(image) = self.get(id).main().map(|c| c.image.clone()) {
            self.registry.push(&image, at, format!("sha256:{}", ids.hex(64)));
        }
    }

    /// The digests of a definition's images at an instant, in the order of its containers.
    pub fn digests(&self, id: DefId, at: Ms) -> Vec<String> {
        self.get(id).containers.iter().map(|c| self.registry.digest(&c.image, at)).collect()
    }

    /// The definition; ids come from this catalog only, and nothing is ever removed.
    #[allow(clippy::indexing_slicing, reason = "a DefId is made by this catalog, which only grows")]
    pub fn get(&self, id: DefId) -> &TaskDef {
        &self.defs[id.0]
    }

    /// By family and then by revision.
    pub fn all(&self) -> impl Iterator<Item = &TaskDef> {
        let mut all: Vec<_> = self.defs.iter().collect();
        all.sort_by_key(|d| (&d.family, d.revision));
        all.into_iter()
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

/// The digest of an image that is the same in every world: the log router, which is nobody's release.
fn digest_of(image: &str) -> String {
    let part = |salt: u64| image.bytes().fold(salt, |hash, byte| mix(hash ^ u64::from(byte)));
    [1, 2, 3, 4].map(|salt| format!("{:016x}", part(salt))).concat()
}
