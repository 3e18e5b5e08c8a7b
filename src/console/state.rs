//! All that the screen is drawn from.

pub mod activity;
pub mod freshness;
pub mod list;
pub mod operation;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

use self::activity::Acts;
use self::list::{Find, List};
use self::operation::{Operation, OperationId};
use super::dialogs::{Choice, Dialog, Purpose, Revisions};
use super::keymap::Scope;
use super::links::Shell;
use super::message::Now;
use super::poll_schedule::Polls;
use super::screen::{Screen, View};
use super::screens::diff::state::Diff;
use super::screens::events::state::Events;
use super::screens::history;
use super::screens::logs::state::Logs;
use super::update::auto_promotion::{Automatic, Off};
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::{Location, TaskDefinitionArn};
use crate::domain::metrics::Percentile;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release;
use crate::domain::release::{LocalState, Release};
use crate::domain::settings::Settings;

/// The panels of a release that share a place where a screen is small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Panel {
    /// Errors and latency.
    #[default]
    Metrics,
    /// What is around them and never judged: the load balancer, CPU and memory.
    Around,
    /// Tasks by state.
    Tasks,
    /// The service's events.
    Events,
    /// The last operation, step by step.
    Operation,
    /// Each source and its age.
    Sources,
    /// What is known of the way back before it is taken.
    Preflight,
}

/// What a plot shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Plotted {
    /// Errors over requests.
    #[default]
    Errors,
    /// The chosen percentile of the response time.
    Latency,
    /// Requests a minute.
    Requests,
    /// What no target answered, and hosts that are not well.
    Balancer,
    /// CPU and memory.
    Resources,
}

/// The minutes that plots can reach back.
pub const RANGES: [u16; 9] = [10, 15, 20, 30, 45, 60, 90, 120, 180];

/// A line that tells the operator something, until the next key.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// When it came up.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
    /// Whether something is wrong.
    pub wrong: bool,
}

/// The fleet's own state.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// The marked release, by name.
    pub selected: Option<String>,
    /// Whether the operator has moved the mark; until then it is on the most urgent line.
    pub moved: bool,
    /// What is searched for.
    pub find: Find,
    /// In which order its lines are.
    pub order: FleetOrder,
    /// Whether that is turned round.
    pub reversed: bool,
}

/// The orders of the fleet's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum FleetOrder {
    /// What needs somebody first.
    #[default]
    Urgency,
    /// By name.
    Name,
    /// By method, then by name.
    Method,
}

/// The console's whole state.
#[derive(Debug, Clone)]
pub struct Model {
    /// What was decided beforehand.
    pub settings: Settings,
    /// Where the operator looks; the account is empty until AWS has said who is asking.
    pub place: Location,
    /// All that is known.
    pub snapshot: Snapshot,
    /// Derived from it: every release, by name.
    pub releases: Vec<Release>,
    /// What this console does and asked for, by release.
    pub ours: BTreeMap<String, LocalState>,
    /// The last operation of each release, in flight or over.
    pub operations: BTreeMap<String, Operation>,
    /// What was ordered from here.
    pub acts: Acts,
    /// Automatic stepping, for the releases that it is on for.
    pub automatic: BTreeMap<String, Automatic>,
    /// Why it was last switched off, by release, where nobody asked for that with `H`.
    pub switched_off: BTreeMap<String, Off>,
    /// The next operation's number.
    pub next_operation: OperationId,
    /// Which screen.
    pub screen: Screen,
    /// The fleet's own state.
    pub fleet: Fleet,
    /// Where `esc` goes back to, the last one first to be gone back to. No screen is in it twice.
    pub trail: Vec<Screen>,
    /// The lists of the views.
    pub lists: BTreeMap<View, List>,
    /// What was read of the log.
    pub logs: Logs,
    /// What is compared.
    pub diff: Diff,
    /// Which events are shown.
    pub events: Events,
    /// The deployment that the next diff begins from.
    pub picked: Option<TaskDefinitionArn>,
    /// Which panel is in front on a small screen.
    pub panel: Panel,
    /// Which latency is drawn.
    pub percentile: Percentile,
    /// Minutes that the plots reach back; `None`: as many as there are columns.
    pub range: Option<u16>,
    /// The one plot that fills the release's screen.
    pub zoom: Option<Plotted>,
    /// The question on top.
    pub dialog: Option<Dialog>,
    /// The line that tells something.
    pub notice: Option<Notice>,
    /// How the operator's own shell reaches the same account.
    pub shell: Shell,
    /// What is asked of AWS, and when.
    pub polls: Polls,
    /// The newest message's stamp.
    pub now: Now,
    /// Whether the last key was to leave, and was answered with a warning.
    pub leaving: bool,
    /// When the last key was pressed.
    pub last_key: Option<Timestamp>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Whether the terminal is in front.
    pub focused: bool,
}

/// What of a release is searched on the fleet.
pub fn searched(release: &Release) -> String {
    format!("{} {} {} {}", release.name, release.method, release.phase, release.newest().task_definition)
}

/// The smallest screen that is laid out; below it only `R` and `q` are offered.
pub const SMALLEST: (u16, u16) = (80, 24);

impl Model {
    /// A console that has not heard from AWS yet.
    pub fn new(settings: Settings, place: Location, now: Now, size: (u16, u16)) -> Self {
        Self {
            settings,
            place,
            snapshot: Snapshot::default(),
            releases: Vec::new(),
            ours: BTreeMap::new(),
            operations: BTreeMap::new(),
            acts: Acts::new(now.at),
            automatic: BTreeMap::new(),
            switched_off: BTreeMap::new(),
            next_operation: OperationId(1),
            screen: Screen::Fleet,
            fleet: Fleet::default(),
            trail: Vec::new(),
            lists: BTreeMap::new(),
            logs: Logs::default(),
            diff: Diff::default(),
            events: Events::default(),
            picked: None,
            panel: Panel::default(),
            percentile: Percentile::default(),
            range: None,
            zoom: None,
            dialog: None,
            notice: None,
            shell: Shell::default(),
            polls: Polls::default(),
            now,
            leaving: false,
            last_key: None,
            size,
            focused: true,
        }
    }

    /// How far back a plot of so many columns reaches, minutes: what was chosen, else as far as each minute has a
    /// column of its own.
    pub fn reach_of(&self, columns: u16) -> u16 {
        let fitting = RANGES.into_iter().rfind(|range| *range <= columns);
        self.range.or(fitting).unwrap_or(RANGES[0])
    }

    /// Derives the releases anew; after every change of what they are derived from.
    pub fn derive(&mut self) {
        self.releases = release::releases(&self.snapshot, &self.settings, &self.ours, self.now.at);
    }

    /// The release by its name.
    pub fn release(&self, name: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.name == name)
    }

    /// The fleet's lines as they stand: filtered, the most urgent first, then by name.
    pub fn lines(&self) -> Vec<&Release> {
        let Fleet { find, order, reversed, .. } = &self.fleet;
        let shown = |release: &&Release| !find.only || find.matches(&searched(release));
        let mut lines: Vec<_> = self.releases.iter().filter(shown).collect();
        match order {
            FleetOrder::Urgency => lines.sort_by_key(|release| (release.urgency(), release.name.clone())),
            FleetOrder::Name => lines.sort_by_key(|release| release.name.clone()),
            FleetOrder::Method => lines.sort_by_key(|release| (release.method.to_string(), release.name.clone())),
        }
        if *reversed {
            lines.reverse();
        }
        lines
    }

    /// The list of a view.
    pub fn list(&self, view: View) -> &List {
        static NEW: LazyLock<List> = LazyLock::new(List::default);
        self.lists.get(&view).unwrap_or(&NEW)
    }

    /// The release that a key would act on: the open one, else the marked one.
    pub fn focus(&self) -> Option<&Release> {
        match &self.screen {
            Screen::Release(name) | Screen::View(_, name) => self.release(name),
            Screen::Fleet => {
                let lines = self.lines();
                let marked = self.fleet.selected.as_deref();
                // What was marked by hand stays meant while it is hidden: a key never falls to the line below.
                let moved =
                    self.releases.iter().find(|release| self.fleet.moved && Some(release.name.as_str()) == marked);
                moved
                    .or_else(|| lines.iter().find(|release| Some(release.name.as_str()) == marked).copied())
                    .or(lines.first().copied())
            }
        }
    }

    /// The lines of a choice among revisions, newest first.
    pub fn choices(&self, revisions: &Revisions) -> Vec<Choice> {
        let Some(release) = self.release(&revisions.release) else { return Vec::new() };
        let family = self.snapshot.families.get(&revisions.family).and_then(|reading| reading.get());
        let known = |release: &Release, arn: &TaskDefinitionArn| {
            release.previous.iter().find(|good| good.task_definition == *arn).cloned()
        };
        let line = |arn: &TaskDefinitionArn| Choice {
            task_definition: arn.clone(),
            version: self.snapshot.task_definition(arn).and_then(|definition| definition.version()).map(str::to_owned),
            current: release.stable.task_definition == *arn,
            previous: known(release, arn).is_some_and(|good| !good.rolled_back_from),
            rolled_back_from: known(release, arn).is_some_and(|good| good.rolled_back_from),
        };
        let active = family.into_iter().flatten();
        match revisions.purpose {
            Purpose::Start => active.map(line).collect(),
            // What is known to have worked comes first; what cannot be deployed is not offered.
            Purpose::Rollback => {
                let good = release.previous.iter().filter(|good| good.active != Some(false));
                let mut seen = std::collections::BTreeSet::from([&release.stable.task_definition]);
                let all = good.map(|good| &good.task_definition).chain(active);
                all.filter(|arn| seen.insert(*arn)).map(line).collect()
            }
        }
    }

    /// The deployments of a release, newest first; of a pair those of stable, then those of the canary.
    pub fn deployments(&self, release: &Release) -> Vec<&ServiceDeployment> {
        let other = release.canary.iter().map(|canary| &canary.service);
        let services =
            std::iter::once(&release.stable.service).chain(other.filter(|key| **key != release.stable.service));
        services.filter_map(|key| self.snapshot.deployments.get(key)?.get()).flatten().collect()
    }

    /// The deployment that is marked in the history: its place among them, and itself.
    pub fn marked_deployment<'a>(&'a self, release: &Release) -> Option<(usize, &'a ServiceDeployment)> {
        let list = self.list(View::History);
        let shown = list.shown(history::state::rows(self, release));
        let at = list.at(&shown);
        shown.get(at).map(|row| (at, row.0))
    }

    /// Where keys are pressed.
    pub fn scope(&self) -> Scope {
        match self.screen {
            Screen::Fleet => Scope::Fleet,
            Screen::Release(_) => Scope::Release,
            Screen::View(view, _) => Scope::In(view),
        }
    }

    /// Whether the screen is about one release: then what a key acts on cannot be mistaken for another.
    pub fn shows_one(&self) -> bool {
        self.screen != Screen::Fleet
    }

    /// Whether the screen is too small to be laid out.
    pub fn too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }
}
