//! Failures of calls, in the terms that matter to the operator.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::format;
use super::text::cut;

/// Maximum characters of a message. AWS's longest messages, about denied calls, have some hundreds.
const LONGEST_MESSAGE: usize = 2_000;

/// Maximum characters of an error code.
const LONGEST_CODE: usize = 128;

/// Kinds of failure. Each kind asks for a different reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumIter, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// Too many calls (`ThrottlingException`, `Throttling`, `RequestLimitExceeded`).
    Throttled,
    /// The credentials lack the permission (`AccessDenied…`).
    Denied,
    /// The credentials expired (`ExpiredToken…`, an SSO session past its end).
    Expired,
    /// No credentials were found, or their provider failed.
    NoCredentials,
    /// No region is set.
    NoRegion,
    /// A setting of this machine is invalid: nothing was sent.
    Misconfigured,
    /// The cluster, service, rule or deployment does not exist here.
    NotFound,
    /// The state differs from the state that the operator saw: nothing was sent.
    Changed,
    /// AWS refused the request as invalid (`InvalidParameterException`, `ClientException`, …).
    Refused,
    /// This endpoint does not know the operation.
    Unsupported,
    /// No response in time. A write may or may not have been applied.
    Unanswered,
    /// The endpoint could not be reached at all: nothing was sent.
    Unreachable,
    /// AWS failed (5xx). A write may or may not have been applied.
    Server,
    /// The response could not be parsed.
    Garbled,
}

/// The possible effect of a failed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Not applied: AWS refused the write, or was never reached.
    No,
    /// Possibly applied: read the state back before reporting or sending anything.
    Unknown,
}

/// A failed call: the failure, its subject, AWS's own words, and the next thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of failure.
    pub kind: FaultKind,
    /// The operation, as AWS spells it (`ModifyRule`).
    pub operation: String,
    /// The subject of the call: a service, a rule, a cluster.
    pub subject: String,
    /// AWS's error code, if there is one.
    pub code: Option<String>,
    /// AWS's message, or the transport's.
    pub message: String,
    /// AWS's request id, for a support case.
    pub request_id: Option<String>,
    /// The advice to the operator, one sentence.
    pub advice: String,
}

impl Fault {
    /// A fault with the usual advice for its kind.
    pub fn new(
        kind: FaultKind,
        operation: impl Into<String>,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation: operation.into(),
            subject: subject.into(),
            code: None,
            message: cut(&message.into(), LONGEST_MESSAGE).into_owned(),
            request_id: None,
            advice: kind.advice().to_owned(),
        }
    }

    /// The possible effect of a write that failed with this fault.
    pub fn applied(&self) -> Applied {
        match self.kind {
            FaultKind::Unanswered | FaultKind::Server | FaultKind::Throttled | FaultKind::Garbled => Applied::Unknown,
            _ => Applied::No,
        }
    }

    /// The line for a panel: the failed operation and the reason, without the advice.
    pub fn headline(&self) -> String {
        let code = cut(self.code.as_deref().unwrap_or_else(|| self.kind.word()), LONGEST_CODE);
        format!("{} {}: {} ({code})", self.operation, self.subject, self.message)
    }
}

impl FaultKind {
    /// The stable word for the kind in documents.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// One or two words for a status line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Expired => "credentials expired",
            Self::NoCredentials => "no credentials",
            Self::NoRegion => "no region",
            Self::Misconfigured => "wrong setting",
            Self::NotFound => "not found",
            Self::Changed => "changed",
            Self::Refused => "refused",
            Self::Unsupported => "not supported here",
            Self::Unanswered => "no answer",
            Self::Unreachable => "unreachable",
            Self::Server => "AWS error",
            Self::Garbled => "unreadable answer",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Throttled => "Polling has slowed down; the quota is shared by the whole account and region.",
            Self::Denied => "Ask for the permission named above; `assets/iam` has the policies.",
            Self::Expired => "Renew the credentials (`aws sso login`, or your tool); the console goes on by itself.",
            Self::NoCredentials => "Set AWS_PROFILE or pass --profile; `aws sts get-caller-identity` must work.",
            Self::NoRegion => "Pass --region, or set AWS_REGION or the profile's region.",
            Self::Misconfigured => "Correct the setting, or unset it.",
            Self::NotFound => "Check the cluster, the region and the account.",
            Self::Changed => "Look at what is there now, then order it again.",
            Self::Refused => "Read AWS's message; the request is in the audit file.",
            Self::Unsupported => "The rest of the screen does not need it.",
            Self::Unanswered => "The state is read back; watch what it says.",
            Self::Unreachable => "Check the network, the proxy and --endpoint-url.",
            Self::Server => "AWS had a failure; the state is read back.",
            Self::Garbled => "Is --endpoint-url really an AWS endpoint?",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.headline())?;
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        write!(f, " {}", self.advice)
    }
}

impl std::error::Error for Fault {}

/// One line for each operation and kind of failure, in the order of the first one, however many reads failed:
/// `DescribeTaskDefinition throttled, 1,186 times; first of checkout:42: Rate exceeded.` with the advice.
pub fn grouped(faults: &[Fault]) -> Vec<String> {
    let mut groups: Vec<(&Fault, u32)> = Vec::new();
    for fault in faults {
        match groups.iter_mut().find(|(first, _)| first.operation == fault.operation && first.kind == fault.kind) {
            Some((_, count)) => *count += 1,
            None => groups.push((fault, 1)),
        }
    }
    let line = |(first, count): (&Fault, u32)| match count {
        1 => first.to_string(),
        _ => format!(
            "{} {}, {} times; first of {}: {} {}",
            first.operation,
            first.kind.word(),
            format::count(f64::from(count)),
            first.subject,
            first.message,
            first.advice
        ),
    };
    groups.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_grouped_by_operation_and_kind() {
        let of = |operation: &str, kind, subject: &str| Fault::new(kind, operation, subject, "Rate exceeded");
        let mut faults = vec![of("DescribeRules", FaultKind::Denied, "rule 1")];
        faults.extend((1..=1_186).map(|number| of("DescribeTasks", FaultKind::Throttled, &format!("a/{number}"))));
        faults.push(of("DescribeTasks", FaultKind::Denied, "b"));
        let lines = grouped(&faults);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], faults[0].to_string());
        let throttled = "DescribeTasks throttled, 1,186 times; first of a/1: Rate exceeded ";
        assert!(lines[1].starts_with(throttled), "{}", lines[1]);
        assert!(grouped(&[]).is_empty());
    }

    #[test]
    fn a_message_of_megabytes_is_cut_with_a_mark() {
        let mut fault = Fault::new(FaultKind::Refused, "ModifyRule", "rule 10", "x".repeat(4 << 20));
        fault.code = Some("y".repeat(1 << 20));
        assert!(fault.message.ends_with('…'), "{}", fault.message.len());
        assert!(fault.headline().chars().count() < LONGEST_MESSAGE + LONGEST_CODE + 50, "{}", fault.headline().len());
    }
}
