//! The topics of the guide, and their pages.

/// The pages by topic, in the order of README's list.
pub(super) const PAGES: [(&str, &str); 21] = [
    ("setup", include_str!("../../assets/guide/setup.md")),
    ("methods", include_str!("../../assets/guide/methods.md")),
    ("configuration", include_str!("../../assets/guide/configuration.md")),
    ("iam", include_str!("../../assets/guide/iam.md")),
    ("costs", include_str!("../../assets/guide/costs.md")),
    ("keys", include_str!("../../assets/guide/keys.md")),
    ("screens", include_str!("../../assets/guide/screens.md")),
    ("commands", include_str!("../../assets/guide/commands.md")),
    ("automatic", include_str!("../../assets/guide/automatic.md")),
    ("ci", include_str!("../../assets/guide/ci.md")),
    ("verdict", include_str!("../../assets/guide/verdict.md")),
    ("metrics", include_str!("../../assets/guide/metrics.md")),
    ("json", include_str!("../../assets/guide/json.md")),
    ("rollbacks", include_str!("../../assets/guide/rollbacks.md")),
    ("exit-codes", include_str!("../../assets/guide/exit-codes.md")),
    ("audit", include_str!("../../assets/guide/audit.md")),
    ("recording", include_str!("../../assets/guide/recording.md")),
    ("troubleshooting", include_str!("../../assets/guide/troubleshooting.md")),
    ("glossary", include_str!("../../assets/guide/glossary.md")),
    ("simulator", include_str!("../../assets/guide/simulator.md")),
    ("architecture", include_str!("../../assets/guide/architecture.md")),
];

/// The topics, each with a sentence about its page.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(topic, page)| (*topic, sentence(page)))
}

/// The page of a topic.
pub(super) fn page(topic: &str) -> Option<&'static str> {
    PAGES.iter().find(|(name, _)| *name == topic).map(|(_, page)| *page)
}

/// The sentence below a page's title.
pub(super) fn sentence(page: &str) -> &str {
    page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default()
}
