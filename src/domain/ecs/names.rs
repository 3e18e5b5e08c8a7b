//! Names: ARNs, services, task definitions, locations.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An Amazon resource name, as received from AWS. It goes back to AWS unchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arn(String);

impl Arn {
    /// An ARN from any text; a text that is not an ARN has no account and no region.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn field(&self, index: usize) -> Option<&str> {
        if !self.0.starts_with("arn:") {
            return None;
        }
        self.0.split(':').nth(index).filter(|part| !part.is_empty())
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> Option<&str> {
        self.field(1)
    }

    /// The service prefix: `ecs`, `elasticloadbalancing`.
    pub fn service(&self) -> Option<&str> {
        self.field(2)
    }

    /// The region.
    pub fn region(&self) -> Option<&str> {
        self.field(3)
    }

    /// The account.
    pub fn account(&self) -> Option<&str> {
        self.field(4)
    }

    /// The part after the last `/`; without a `/`, the whole text.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The resource part, after the fifth `:` (`targetgroup/checkout/0123`).
    pub fn resource(&self) -> &str {
        self.0.splitn(6, ':').nth(5).unwrap_or(&self.0)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A service by its familiar names: `prod/checkout-stable`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
}

impl ServiceKey {
    /// A key from its two names.
    pub fn new(cluster: impl Into<String>, service: impl Into<String>) -> Self {
        Self { cluster: cluster.into(), service: service.into() }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.service)
    }
}

/// A task definition's full ARN, `…:task-definition/checkout:42`. Calls always carry the full ARN: a bare family would
/// mean the newest active revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskDefinitionArn(Arn);

impl TaskDefinitionArn {
    /// The ARN as received from AWS.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arn::new(text))
    }

    /// The ARN.
    pub fn arn(&self) -> &Arn {
        &self.0
    }

    /// `checkout:42`.
    pub fn short(&self) -> &str {
        self.0.name()
    }

    /// `checkout`.
    pub fn family(&self) -> &str {
        self.short().rsplit_once(':').map_or(self.short(), |(family, _)| family)
    }

    /// `42`; `None`: the name has no number.
    pub fn revision(&self) -> Option<u32> {
        self.short().rsplit_once(':').and_then(|(_, revision)| revision.parse().ok())
    }

    /// Another revision of the same family, in the same account and region.
    pub fn sibling(&self, revision: u32) -> Self {
        let own = self.0.as_str();
        let family = own.rsplit_once(':').filter(|_| self.revision().is_some()).map_or(own, |(family, _)| family);
        Self::new(format!("{family}:{revision}"))
    }

    /// `:42`, the short form of a revision beside its service; the whole name if there is no number.
    pub fn tag(&self) -> String {
        self.revision().map_or_else(|| self.short().to_owned(), |revision| format!(":{revision}"))
    }
}

impl fmt::Display for TaskDefinitionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.short().fmt(f)
    }
}

/// The location of resources. A write is sent only if its location matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The environment's name in the configuration, or `default`.
    pub environment: String,
    /// The account's twelve digits (STS `Account`).
    pub account: String,
    /// `us-east-1`.
    pub region: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} · {}", self.environment, self.region, self.account)
    }
}

/// The caller (STS `GetCallerIdentity`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `Account`.
    pub account: String,
    /// `Arn`, such as `arn:aws:sts::123456789012:assumed-role/oncall/ana`.
    pub arn: String,
}

impl Identity {
    /// `role/oncall`, `user/ana`: the part that people recognise.
    pub fn short(&self) -> String {
        let resource = Arn::new(&*self.arn).resource().to_owned();
        match resource.split('/').collect::<Vec<_>>().as_slice() {
            ["assumed-role", role, ..] => format!("role/{role}"),
            _ => resource,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_definitions_by_their_parts() {
        let td = TaskDefinitionArn::new("arn:aws:ecs:us-east-1:123456789012:task-definition/check-out:42");
        assert_eq!(
            (td.short(), td.family(), td.revision(), td.tag().as_str()),
            ("check-out:42", "check-out", Some(42), ":42")
        );
        assert_eq!((td.arn().account(), td.arn().region()), (Some("123456789012"), Some("us-east-1")));
        assert_eq!(td.sibling(41).arn().as_str(), "arn:aws:ecs:us-east-1:123456789012:task-definition/check-out:41");
        let odd = TaskDefinitionArn::new("nonsense");
        assert_eq!((odd.family(), odd.revision(), odd.tag().as_str()), ("nonsense", None, "nonsense"));
        assert_eq!(odd.arn().account(), None);
    }

    #[test]
    fn identities_are_shortened_to_what_people_know() {
        let id = |arn: &str| Identity { account: "123456789012".into(), arn: arn.into() }.short();
        assert_eq!(id("arn:aws:sts::123456789012:assumed-role/oncall/ana"), "role/oncall");
        assert_eq!(id("arn:aws:iam::123456789012:user/ana"), "user/ana");
        assert_eq!(id("arn:aws:iam::123456789012:root"), "root");
    }
}
