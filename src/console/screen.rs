//! The list of screens.

/// A screen of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Every service, one line each.
    Fleet,
    /// One release, by name.
    Release(String),
    /// A view of one release, by its name.
    View(View, String),
}

/// A view of one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum View {
    /// Its tasks, by revision, and why some stopped.
    Tasks,
    /// The targets of its target groups.
    Targets,
    /// What happened, from every source.
    Events,
    /// What its containers write.
    Logs,
    /// What changed between two revisions.
    Diff,
    /// The alarms in scope.
    Alarms,
    /// Its deployments.
    History,
}
