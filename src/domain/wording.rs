//! A surface's names of the operator's acts. The domain names no key and no subcommand: a sentence about an act takes
//! the act's name from the surface that shows the sentence.

/// An operator's act on a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Act {
    /// Start a release.
    Start,
    /// One step up the ladder, or the answer to an ECS pause.
    Step,
    /// Any weight.
    Weight,
    /// Finish a release, or restore the configuration that the release overrode.
    Finish,
    /// Roll back to the previous good revision.
    Rollback,
    /// Roll back to a revision from the history.
    RollbackTo,
    /// Roll back to any active revision of the family.
    RollbackToChoice,
}

impl Act {
    /// A noun, for a surface without a name of its own.
    fn noun(self) -> &'static str {
        match self {
            Self::Start => "a start",
            Self::Step => "a step",
            Self::Weight => "a weight",
            Self::Finish => "a finish",
            Self::Rollback => "a rollback",
            Self::RollbackTo | Self::RollbackToChoice => "a rollback to it by name",
        }
    }
}

/// A surface's names of the acts: keys on the screen, commands on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Wording {
    name: fn(Act) -> Option<&'static str>,
}

impl Wording {
    /// Nouns, for text that people read on any surface: the audit, a ticket.
    pub const PLAIN: Self = Self { name: |_| None };

    /// The names of a surface; an act without a name falls back to its noun.
    pub const fn new(name: fn(Act) -> Option<&'static str>) -> Self {
        Self { name }
    }

    /// An act as the subject or object of a sentence: `F`, `` `tidegate finish` ``, `a finish`.
    pub fn name(self, act: Act) -> &'static str {
        (self.name)(act).unwrap_or_else(|| act.noun())
    }

    /// An act at the end of a sentence that describes the act: ` with F`, or empty if the surface has no name for the
    /// act.
    pub fn with(self, act: Act) -> String {
        (self.name)(act).map(|name| format!(" with {name}")).unwrap_or_default()
    }
}
