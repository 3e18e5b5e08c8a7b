//! The console's whole state: the observed state, this console's operations, and the screen.

pub mod activity;
pub(crate) mod auto_promotion;
pub(crate) mod external_changes;
pub mod freshness;
pub mod list;
pub mod observed;
pub mod operations;
pub mod pending_rollback;
pub mod screen;

use self::observed::Observed;
use self::operations::Operations;
use self::screen::ScreenState;
use super::links::Shell;
use super::message::{Effect, Now, Order};
use super::poll_schedule::{Polls, Watched};
use crate::domain::ecs::names::Location;
use crate::domain::plan::{Intent, Plan, Refusal};
use crate::domain::release::Release;
use crate::domain::rollback::goal::Goal;
use crate::domain::settings::Settings;

/// The console's whole state. Screens and dialogs never see the model: they see [`Observed`] and their own state.
#[derive(Debug, Clone)]
pub struct Model {
    /// The observed state.
    pub observed: Observed,
    /// This console's operations.
    pub operations: Operations,
    /// The screen's state.
    pub screen: ScreenState,
    /// The state of each query.
    pub polls: Polls,
    /// The options with which the operator's own shell reaches the same account.
    pub shell: Shell,
}

impl Model {
    /// Makes a console that has no answer from AWS yet.
    pub fn new(settings: Settings, place: Location, now: Now, size: (u16, u16)) -> Self {
        Self {
            observed: Observed::new(settings, place, now),
            operations: Operations::new(now.at),
            screen: ScreenState::new(size),
            polls: Polls::default(),
            shell: Shell::default(),
        }
    }

    /// Derives the releases anew; called after every change of their inputs.
    pub fn derive(&mut self) {
        self.observed.derive(&self.operations.local);
        self.operations.note_verdicts(&self.observed.releases, self.observed.now.at);
    }

    /// Returns the plan for an intent at this moment.
    pub(crate) fn plan(&self, release: &Release, intent: &Intent) -> Result<Plan, Refusal> {
        self.operations.plan(&self.observed, release, intent)
    }

    /// Starts a plan that was confirmed, or that needs no confirmation.
    pub(crate) fn start(&mut self, plan: Plan, order: Order) -> Vec<Effect> {
        let back = self.release(&plan.release).filter(|_| plan.intent.is_rollback());
        let goal = back.map(|release| Goal::of(&plan, release));
        self.operations.start(plan, goal, order, self.observed.now.at)
    }

    /// Returns the state that decides which queries are due.
    pub fn watched(&self) -> Watched<'_> {
        Watched { observed: &self.observed, screen: &self.screen, polls: &self.polls }
    }

    /// Returns the release of this name.
    pub fn release(&self, name: &str) -> Option<&Release> {
        self.observed.release(name)
    }

    /// Returns the release that a key would act on: the open one, else the marked one.
    pub fn focus(&self) -> Option<&Release> {
        self.screen.focus(&self.observed)
    }
}
