//! The list of screens.

/// A screen of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Every service, one line each.
    Fleet,
    /// One release, by name.
    Release(String),
    /// A view of one release, by the release's name.
    View(View, String),
}

/// A view of one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum View {
    /// The release's tasks, by revision, with stop reasons.
    Tasks,
    /// The targets of the release's target groups.
    Targets,
    /// The events, from every source.
    Events,
    /// The output of the release's containers.
    Logs,
    /// The changes between two revisions.
    Diff,
    /// The alarms in scope.
    Alarms,
    /// The release's deployments.
    History,
}
