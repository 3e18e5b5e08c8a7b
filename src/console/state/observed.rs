//! Observed state: AWS's responses, the releases derived from them, the settings, the time.

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

/// The state that does not depend on the screen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The configuration.
    pub settings: Settings,
    /// Environment, account and region; the account is empty until STS has named the caller.
    pub place: Location,
    /// The newest response to each query.
    pub snapshot: Snapshot,
    /// All releases, sorted by name, derived from the snapshot.
    pub releases: Vec<Release>,
    /// The time stamp of the newest message.
    pub now: Now,
}

impl Observed {
    /// The state before the first response.
    pub fn new(settings: Settings, place: Location, now: Now) -> Self {
        Self { settings, place, snapshot: Snapshot::default(), releases: Vec::new(), now }
    }

    /// Derives the releases again; to be called after every change of their inputs.
    pub fn derive(&mut self, local: &BTreeMap<String, LocalState>) {
        self.releases = assess::releases(&self.snapshot, &self.settings, local, self.now.at);
    }

    /// Returns the release with this name.
    pub fn release(&self, name: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.name == name)
    }

    /// Plans an intent for the present moment.
    pub fn plan(&self, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        plan::plan(release, intent, &Context { place: &self.place, settings: &self.settings, now: self.now.at })
    }

    /// Returns a release's deployments, newest first; for a pair, stable's before the canary's.
    pub fn deployments(&self, release: &Release) -> Vec<&ServiceDeployment> {
        let other = release.canary.iter().map(|canary| &canary.service);
        let services =
            std::iter::once(&release.stable.service).chain(other.filter(|key| **key != release.stable.service));
        services.filter_map(|key| self.snapshot.deployments.get(key)?.get()).flatten().collect()
    }
}
