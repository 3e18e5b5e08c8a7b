//! All registered task definitions and the images that they name.

use indexmap::IndexMap;
use serde_json::Value;

use super::behaviour::Behaviour;
use super::definition::{self, TaskDefinition};
use super::from_scenario;
use super::image_registry::ImageRegistry;
use super::log_templates::LogTemplates;
use super::registration::Registration;
use crate::sim::fuzz_text;
use crate::sim::scenario::{Family, Scenario, Traits};
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::Ms;
use crate::sim::world::hash::mix;
use crate::sim::world::ids::Ids;

/// An index into the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DefinitionId(usize);

/// All task definitions, within a family in order of registration.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    definitions: Vec<TaskDefinition>,
    /// The behaviour of a family's revisions that do not override it.
    families: IndexMap<String, Traits>,
    images: ImageRegistry,
}

impl Catalog {
    pub(crate) fn new(scenario: &Scenario, arns: &Arns, start: Ms, ids: &mut Ids) -> Self {
        let mut families: Vec<(&String, &Family)> = scenario.family.iter().collect();
        families.sort_by_key(|(name, _)| *name);
        let mut catalog = Self::default();
        for (name, family) in families {
            catalog.families.insert(name.clone(), family.traits.clone());
            let mut revisions: Vec<_> = family.revision.iter().collect();
            revisions.sort_by_key(|r| r.number);
            for revision in revisions {
                let registered = start - revision.age.ms;
                let mut body: Value = from_scenario::body(arns, name, family, revision);
                if scenario.hostile {
                    fuzz_text::for_each(&mut body, &mut fuzz_text::make_hostile);
                }
                let behaviour = Behaviour::new(&revision.traits, &family.traits);
                let mut definition = TaskDefinition::new(name, revision.number, body, registered, behaviour);
                definition.log_templates = LogTemplates::new(&revision.traits, &family.traits);
                definition.deregistered = revision.inactive.then_some(registered + (start - registered) / 2);
                let id = catalog.add(definition, ids);
                if let Some(ago) = revision.retagged {
                    catalog.retag(id, start - ago.ms, ids);
                }
            }
        }
        catalog
    }

    /// Adds a definition and a digest for each of its images that is new.
    fn add(&mut self, definition: TaskDefinition, ids: &mut Ids) -> DefinitionId {
        for container in &definition.containers {
            if !self.images.contains(&container.image) {
                let digest = if container.is_log_router { fixed_digest(&container.image) } else { ids.hex(64) };
                self.images.push(&container.image, definition.registered, format!("sha256:{digest}"));
            }
        }
        self.definitions.push(definition);
        DefinitionId(self.definitions.len() - 1)
    }

    /// Registers the next revision of a family. It behaves like the family's newest revision with the same image,
    /// otherwise like the family.
    pub(crate) fn register(&mut self, registration: Registration, now: Ms, ids: &mut Ids) -> DefinitionId {
        let Registration { family, body, tags } = registration;
        let image = definition::main_image(&family, &body);
        let own = || self.definitions.iter().filter(|d| d.family == family);
        let same_image = own().rev().find(|d| d.main_container().map(|c| &c.image) == image.as_ref());
        let no_traits = Traits::default();
        let traits = self.families.get(&family).unwrap_or(&no_traits);
        let behaviour = same_image.map_or_else(|| Behaviour::new(&no_traits, traits), |d| d.behaviour);
        let templates = same_image.map_or_else(|| LogTemplates::new(&no_traits, traits), |d| d.log_templates.clone());
        let revision = own().map(|d| d.revision).max().unwrap_or(0) + 1;
        let mut definition = TaskDefinition::new(&family, revision, body, now, behaviour);
        (definition.tags, definition.log_templates) = (tags, templates);
        self.add(definition, ids)
    }

    /// Deregisters a definition. One that is already deregistered keeps its time.
    pub(crate) fn deregister(&mut self, id: DefinitionId, now: Ms) {
        if let Some(definition) = self.definitions.get_mut(id.0) {
            definition.deregistered.get_or_insert(now);
        }
    }

    /// Pushes another image under the tag of a definition's main container.
    pub(crate) fn retag(&mut self, id: DefinitionId, at: Ms, ids: &mut Ids) {
        if let Some(image) = self.get(id).main_container().map(|c| c.image.clone()) {
            self.images.push(&image, at, format!("sha256:{}", ids.hex(64)));
        }
    }

    /// The digests of a definition's images at an instant, in the order of its containers.
    pub(crate) fn digests(&self, id: DefinitionId, at: Ms) -> Vec<String> {
        self.get(id).containers.iter().map(|c| self.images.digest(&c.image, at)).collect()
    }

    #[allow(clippy::indexing_slicing, reason = "only this catalog makes ids, and it never removes a definition")]
    pub(crate) fn get(&self, id: DefinitionId) -> &TaskDefinition {
        &self.definitions[id.0]
    }

    /// All definitions by family and revision.
    pub(crate) fn all(&self) -> impl Iterator<Item = &TaskDefinition> {
        let mut all: Vec<_> = self.definitions.iter().collect();
        all.sort_by_key(|d| (&d.family, d.revision));
        all.into_iter()
    }

    /// Finds a definition by `family`, `family:revision` or ARN. A family alone means its newest ACTIVE revision.
    pub(crate) fn find(&self, name: &str) -> Option<DefinitionId> {
        let name = name.rsplit_once("task-definition/").map_or(name, |(_, rest)| rest);
        let at = match name.split_once(':') {
            Some((family, revision)) => {
                let revision: u32 = revision.parse().ok()?;
                self.definitions.iter().position(|d| d.family == family && d.revision == revision)
            }
            None => self.definitions.iter().rposition(|d| d.family == name && d.deregistered.is_none()),
        };
        at.map(DefinitionId)
    }
}

/// A digest that is the same in every world, for the log router: no release changes it.
fn fixed_digest(image: &str) -> String {
    let part = |salt: u64| image.bytes().fold(salt, |hash, byte| mix(hash ^ u64::from(byte)));
    [1, 2, 3, 4].map(|salt| format!("{:016x}", part(salt))).concat()
}
