//! How a surface names what an operator can do. The domain names no key and no subcommand: a sentence about an act asks
//! the surface that shows it for the act's name.

/// What an operator can do to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Act {
    /// Start a release.
    Start,
    /// One step up the ladder, or an answer to ECS's pauses.
    Step,
    /// Any weight.
    Weight,
    /// Finish a release, or put back what was changed for it.
    Finish,
    /// Roll back to the previous good revision.
    Rollback,
    /// Roll back to a revision out of the history.
    RollbackTo,
    /// Roll back to any active revision of the family.
    RollbackToChoice,
}

impl Act {
    /// A noun, where a surface has no name of its own.
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
    /// Nouns, for what is read by people on any surface: the audit, a ticket.
    pub const PLAIN: Self = Self { name: |_| None };

    /// The names of a surface; an act without one is called by its noun.
    pub const fn new(name: fn(Act) -> Option<&'static str>) -> Self {
        Self { name }
    }

    /// An act as the subject or object of a sentence: `F`, `` `tidegate finish` ``, `a finish`.
    pub fn name(self, act: Act) -> &'static str {
        (self.name)(act).unwrap_or_else(|| act.noun())
    }

    /// An act at the end of a sentence that describes it: ` with F`, or nothing where the surface has no name for it.
    pub fn with(self, act: Act) -> String {
        (self.name)(act).map(|name| format!(" with {name}")).unwrap_or_default()
    }
}
