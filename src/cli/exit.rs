//! The end of a command: the exit codes, and the messages that go with them.

use serde_json::{Value, json};

use super::config::ConfigError;
use super::wording::COMMANDS;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::operation::OperationOutcome;
use crate::domain::plan::Refusal;

/// The exit codes. Scripts rely on these numbers: a number only changes on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub(crate) enum Exit {
    /// Done, and read back.
    Done = 0,
    /// An error in tidegate itself.
    Internal = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Refused by a guard, or declined by the operator: nothing was sent.
    Refused = 3,
    /// AWS refused, or could not be reached.
    Aws = 4,
    /// The outcome of a write, or of a watched release, is unknown.
    Unknown = 5,
    /// The release ended rolled back, stopped or failed.
    Failed = 6,
}

impl Exit {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// Returns the stable word for the code in documents, if there is no more exact word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Aws => "aws",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// Returns the meaning, in the words of the guide and of `--help`.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, and confirmed by reading it back",
            Self::Internal => "internal error",
            Self::Usage => "wrong usage or configuration",
            Self::Refused => "refused by a guard, or declined: nothing more was sent",
            Self::Aws => "AWS refused (denied, expired, not found) or could not be reached",
            Self::Unknown => "outcome unknown: AWS did not answer a write, or the command stopped waiting",
            Self::Failed => "the release was rolled back, was stopped or failed",
        }
    }

    /// Returns the exit code of an operation with this outcome. `sent`: true if any of the operation's writes went out.
    pub(crate) fn of(outcome: &OperationOutcome, sent: bool) -> Self {
        match outcome {
            OperationOutcome::Done => Self::Done,
            OperationOutcome::Refused { fault, .. } => Self::of_fault(fault),
            OperationOutcome::Failed { .. } => Self::Failed,
            OperationOutcome::Unknown { .. } => Self::Unknown,
            OperationOutcome::Superseded if sent => Self::Unknown,
            OperationOutcome::Superseded => Self::Refused,
        }
    }

    /// Returns the exit code of a command that ended with a fault.
    pub(crate) fn of_fault(fault: &Fault) -> Self {
        match fault.kind {
            // The state has changed since the operator saw it: the guard of every write.
            FaultKind::Changed => Self::Refused,
            FaultKind::NoRegion | FaultKind::Misconfigured => Self::Usage,
            _ => Self::Aws,
        }
    }
}

/// The reason why a command ended without doing its work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The stable word for the failure, in documents.
    pub code: &'static str,
    /// The failure and its subject, in one or more lines.
    pub message: String,
    /// The advice on the next action.
    pub advice: String,
    /// The fault, if one caused the failure.
    pub fault: Option<Box<Fault>>,
}

impl Failure {
    /// Makes a failure in tidegate's own words.
    pub(crate) fn new(exit: Exit, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { exit, code: exit.word(), message: message.into(), advice: advice.into(), fault: None }
    }

    /// Replaces the exit code's word with a more exact one.
    pub(crate) fn coded(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// Makes a failure for wrong usage.
    pub(crate) fn usage(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, advice)
    }

    /// Returns the one document that `--json` prints in place of the answer.
    pub(crate) fn document(&self) -> Value {
        json!({
            "schema": "tidegate.error/1",
            "exit": self.exit.code(),
            "code": self.code,
            "message": self.message,
            "advice": self.advice,
            "fault": self.fault,
        })
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let request = fault.request_id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default();
        Self {
            exit: Exit::of_fault(&fault),
            code: fault.kind.code(),
            message: format!("{}{request}", fault.headline()),
            advice: fault.advice.clone(),
            fault: Some(Box::new(fault)),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let advice = refusal.remedy.text(COMMANDS);
        Self::new(Exit::Refused, refusal.reason, advice).coded("not_possible")
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let advice = match &error {
            ConfigError::Unreadable { .. } => "Check the path: --config, or TIDEGATE_CONFIG.",
            ConfigError::Wrong { .. } => {
                "config.example.toml shows every setting. `tidegate status` and `tidegate rollback` go on without what \
                 is wrong."
            }
            ConfigError::Twice { .. } => "Rename one of them.",
            ConfigError::NoEnvironment { .. } => "Name one of those with --environment, or add it.",
            ConfigError::NoPrometheus { .. } => "Or take the numbers from CloudWatch: source = \"cloudwatch\".",
            ConfigError::Variable { .. } => "Correct the variable, or unset it.",
        };
        Self::usage(error.to_string(), advice).coded("configuration")
    }
}

/// Makes a failure for an error of tidegate or of the system: the failed action, with its cause.
pub(super) fn internal(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(
        Exit::Internal,
        format!("{what}: {error}"),
        "Set TIDEGATE_LOG=debug and try again; the log tells more.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn the_codes_are_those_that_scripts_know() {
        let codes: Vec<_> = Exit::iter().map(Exit::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn outcomes_have_their_codes() {
        let fault = |kind| Fault::new(kind, "ModifyRule", "rule 10", "no");
        let table = [
            (OperationOutcome::Done, true, Exit::Done),
            (OperationOutcome::Refused { step: 0, fault: fault(FaultKind::Denied) }, true, Exit::Aws),
            (OperationOutcome::Refused { step: 0, fault: fault(FaultKind::Changed) }, false, Exit::Refused),
            (OperationOutcome::Failed { step: 0, reason: "crash loop".into() }, true, Exit::Failed),
            (OperationOutcome::Unknown { step: 0, fault: fault(FaultKind::Unanswered) }, true, Exit::Unknown),
            (OperationOutcome::Superseded, true, Exit::Unknown),
            (OperationOutcome::Superseded, false, Exit::Refused),
        ];
        for (outcome, sent, exit) in table {
            assert_eq!(Exit::of(&outcome, sent), exit, "{outcome:?}");
        }
    }

    #[test]
    fn a_fault_says_what_happened_to_what_and_what_next() {
        let mut fault = Fault::new(FaultKind::Denied, "ModifyRule", "rule 10", "User is not authorized");
        fault.code = Some("AccessDenied".into());
        fault.request_id = Some("req-1".into());
        let failure = Failure::from(fault);
        assert_eq!(failure.exit, Exit::Aws);
        for part in ["ModifyRule", "rule 10", "User is not authorized", "AccessDenied", "req-1"] {
            assert!(failure.message.contains(part), "{part}: {}", failure.message);
        }
        assert!(!failure.advice.is_empty());
        assert_eq!(Failure::from(Fault::new(FaultKind::NoRegion, "a", "b", "c")).exit, Exit::Usage);
    }
}
