//! What is known: AWS's answers, the releases derived from them, the settings, the time.

use std::collections::BTreeMap;

use crate::console::message::Now;
use crate::domain::assess;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::Location;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::plan;
use crate::domain::plan::{Context, Intent, Plan, Refusal};
use crate::domain::release::{LocalState, Release};
use crate::domain::settings::Settings;

/// What the console knows, whatever is on its screen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The configuration.
    pub settings: Settings,
    /// Environment, account and region; the account is empty until AWS has named the caller.
    pub place: Location,
    /// The newest answer to each query.
    pub snapshot: Snapshot,
    /// Every release, by name: derived from the snapshot.
    pub releases: Vec<Release>,
    /// The newest message's stamp.
    pub now: Now,
}

impl Observed {
    /// Before the first answer.
    pub fn new(settings: Settings, place: Location, now: Now) -> Self {
        Self { settings, place, snapshot: Snapshot::default(), releases: Vec::new(), now }
    }

    /// Derives the releases anew; after every change of what they depend on.
    pub fn derive(&mut self, local: &BTreeMap<String, LocalState>) {
        self.releases = assess::releases(&self.snapshot, &self.settings, local, self.now.at);
    }

    /// The release by its name.
    pub fn release(&self, name: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.name == name)
    }

    /// The plan for an intent at this moment.
    pub fn plan(&self, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        plan::plan(release, intent, &Context { place: &self.place, settings: &self.settings, now: self.now.at })
    }

    /// The deployments of a release, newest first; of a pair those of stable, then those of the canary.
    pub fn deployments(&self, release: &Release) -> Vec<&ServiceDeployment> {
        let other = release.canary.iter().map(|canary| &canary.service);
        let services =
            std::iter::once(&release.stable.service).chain(other.filter(|key| **key != release.stable.service));
        services.filter_map(|key| self.snapshot.deployments.get(key)?.get()).flatten().collect()
    }
}
