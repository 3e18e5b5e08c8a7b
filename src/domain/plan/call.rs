//! The writes that tidegate knows. There are no others.

use serde::{Deserialize, Serialize};

use crate::domain::ecs::deployment::Configuration;
use crate::domain::ecs::names::{Arn, Location, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Route, RouteId, Stickiness, target_group_name};

/// One write to AWS. Whatever it does not name stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
pub enum Call {
    /// ModifyRule or ModifyListener: the same actions with other weights.
    SetWeights {
        /// Which rule.
        route: RouteId,
        /// What the operator saw there.
        seen: Seen,
        /// The weights to write; target groups that are not named keep theirs.
        weights: Vec<Forward>,
        /// The change to the rule's stickiness; `None`: it stays as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stickiness: Option<Stickiness>,
        /// What to do about a rule that is not as it was seen.
        reread: Reread,
    },
    /// UpdateService with exactly these members.
    UpdateService {
        /// Which service, for people.
        service: ServiceKey,
        /// `service`: the full ARN, so that another account cannot be meant.
        arn: Arn,
        /// `cluster`: the full ARN.
        cluster_arn: Arn,
        /// `taskDefinition`: the full ARN, or left alone.
        task_definition: Option<TaskDefinitionArn>,
        /// `desiredCount`, or left alone.
        desired: Option<u32>,
        /// `deploymentConfiguration`, whole, or left alone. By itself it starts no deployment.
        configuration: Option<Box<Configuration>>,
        /// `forceNewDeployment`: a deployment also where nothing else changes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force: bool,
    },
    /// RegisterTaskDefinition with all that a revision was registered with.
    RegisterCopy {
        /// For which service, for people.
        service: ServiceKey,
        /// Of which revision.
        of: TaskDefinitionArn,
    },
    /// StopServiceDeployment with stopType ROLLBACK, never ABORT.
    StopDeployment {
        /// Which service, for people.
        service: ServiceKey,
        /// `serviceDeploymentArn`.
        deployment: Arn,
    },
    /// ContinueServiceDeployment: answers one pause. A hook takes one answer only, so that nobody can advance twice.
    AnswerPause {
        /// Which service, for people.
        service: ServiceKey,
        /// `serviceDeploymentArn`.
        deployment: Arn,
        /// `hookId`, as it was seen.
        hook: String,
        /// `action`.
        answer: HookAction,
    },
}

/// The answer to a pause (`DeploymentLifecycleHookAction`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum HookAction {
    /// Go on.
    Continue,
    /// Go back.
    Rollback,
}

/// A rule as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its weights.
    pub forwards: Vec<Forward>,
    /// [`Route::shape`].
    pub shape: u64,
}

impl From<&Route> for Seen {
    fn from(route: &Route) -> Self {
        Self { forwards: route.forwards.clone(), shape: route.shape }
    }
}

/// How a write of weights treats a rule that changed since it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reread {
    /// Read it again; if anything differs, send nothing.
    Strict,
    /// On the way back. Read it again where reads are being answered: other weights do not matter, for the
    /// write is absolute, other actions are kept as they are now, and only a rule that no longer forwards to
    /// these target groups stops it. Where reads hang, write from what was last seen.
    Urgent,
}

impl Call {
    /// The operation, as AWS spells it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::SetWeights { route, .. } => route.operation(),
            Self::UpdateService { .. } => "UpdateService",
            Self::StopDeployment { .. } => "StopServiceDeployment",
            Self::AnswerPause { .. } => "ContinueServiceDeployment",
            Self::RegisterCopy { .. } => "RegisterTaskDefinition",
        }
    }

    /// What it is about, for people.
    pub fn subject(&self) -> String {
        match self {
            Self::SetWeights { route, .. } => route.to_string(),
            Self::UpdateService { service, .. }
            | Self::StopDeployment { service, .. }
            | Self::AnswerPause { service, .. }
            | Self::RegisterCopy { service, .. } => service.to_string(),
        }
    }

    /// The line that a dialog, a dry run and the audit show: operation, subject, what it writes.
    pub fn describe(&self) -> String {
        let what = match self {
            Self::SetWeights { weights, stickiness, .. } => {
                let weight = |to: &Forward| format!("{}={}", target_group_name(&to.target_group), to.weight);
                let stickiness = stickiness.map(|stickiness| match stickiness {
                    Stickiness::Off { was } => format!("stickiness=off (was {was} s)"),
                    Stickiness::On { seconds } => format!("stickiness={seconds} s"),
                });
                weights.iter().map(weight).chain(stickiness).collect::<Vec<_>>().join(" ")
            }
            Self::UpdateService { task_definition, desired, configuration, force, .. } => {
                let mut parts = Vec::new();
                if let Some(task_definition) = task_definition {
                    parts.push(format!("taskDefinition={}", task_definition.short()));
                }
                if let Some(desired) = desired {
                    parts.push(format!("desiredCount={desired}"));
                }
                if let Some(configuration) = configuration {
                    parts.push(format!("deploymentConfiguration={}", configuration.describe()));
                }
                if *force {
                    parts.push("forceNewDeployment=true".to_owned());
                }
                parts.join(" ")
            }
            Self::StopDeployment { .. } => "stopType=ROLLBACK".to_owned(),
            Self::AnswerPause { hook, answer, .. } => format!("action={answer} hookId={hook}"),
            Self::RegisterCopy { of, .. } => format!("a copy of {}", of.short()),
        };
        format!("{} {}  {what}", self.operation(), self.subject())
    }

    /// Every ARN in it.
    pub fn arns(&self) -> Vec<&Arn> {
        match self {
            Self::SetWeights { route, weights, .. } => {
                std::iter::once(route.arn()).chain(weights.iter().map(|to| &to.target_group)).collect()
            }
            Self::UpdateService { arn, cluster_arn, task_definition, .. } => {
                [arn, cluster_arn].into_iter().chain(task_definition.iter().map(TaskDefinitionArn::arn)).collect()
            }
            Self::StopDeployment { deployment, .. } | Self::AnswerPause { deployment, .. } => vec![deployment],
            Self::RegisterCopy { of, .. } => vec![of.arn()],
        }
    }

    /// Whether everything it names is in the account and region that the operator looks at; else what is not.
    ///
    /// Load balancers are held to the region only. STS may answer for another account than an endpoint of their own
    /// (`AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2`), and AWS itself takes no write by ARN into a foreign account.
    pub fn belongs_to(&self, place: &Location) -> Result<(), String> {
        for arn in self.arns() {
            let account = arn.account().filter(|_| arn.service() != Some("elasticloadbalancing"));
            if account.is_some_and(|account| account != place.account)
                || arn.region().is_some_and(|region| region != place.region)
            {
                return Err(format!("{arn} is not in {} {}", place.account, place.region));
            }
        }
        Ok(())
    }
}

/// AWS's answer to a write that it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// AWS's request id.
    pub request_id: Option<String>,
    /// What the answer says is there now, in a few words.
    pub answer: String,
}
