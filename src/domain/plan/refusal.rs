//! Why there is no plan and what to do about it, and what to know of a plan before saying yes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::wording::{Act, Wording};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is the matter, one sentence.
    pub reason: String,
    /// What to do about it.
    pub remedy: Remedy,
}

impl Refusal {
    /// A refusal with its reason and what to do about it.
    pub fn new(reason: impl Into<String>, remedy: Remedy) -> Self {
        Self { reason: reason.into(), remedy }
    }

    /// Both sentences.
    pub fn text(&self, wording: Wording) -> String {
        format!("{} {}", self.reason, self.remedy.text(wording))
    }
}

/// What to do about a refusal. Each surface words it with its own names of the acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Remedy {
    /// Start a release.
    Start,
    /// Start another revision when the present deployment has ended.
    StartWhenEnded,
    /// Start without adding pauses.
    StartWithoutPauses,
    /// One step.
    Step,
    /// Steps up to 100 %.
    StepToFull,
    /// Answer ECS's pauses: the steps are ECS's.
    AnswerPauses,
    /// Answer ECS's pauses, or wait.
    AnswerPausesOrWait,
    /// Answer ECS's pauses: the last of them lets ECS finish.
    LetEcsContinue,
    /// Finish.
    Finish,
    /// Finish or roll back.
    FinishOrRollback,
    /// Nothing: ECS finishes by itself.
    EcsFinishes,
    /// One weight for rules that disagree.
    SetOneWeight,
    /// A weight below the present one.
    LowerWeight,
    /// A share above the present one, or a weight below it.
    NameShare,
    /// A share that the weights can express.
    NameExactShare,
    /// Another revision.
    ChooseRevision,
    /// A revision that the operator trusts: none is known to have worked.
    NameRevision,
    /// A revision that the operator names: the newest release is too old to be meant.
    NameOlderRevision,
    /// A copy of a deregistered revision.
    RegisterCopy,
    /// The revision itself: no copy is needed.
    DeployAsIs,
    /// Roll back to the previous good revision.
    Rollback,
    /// Roll back: it undoes weights of 0.
    RollbackRestoresTraffic,
    /// Roll back or set the weight to 0.
    RollbackOrZero,
    /// Roll back, or repair the rule.
    RollbackOrRepairRule,
    /// Roll back without naming a revision, then choose one.
    RollbackUnnamed,
    /// Roll back, then choose another revision.
    RollbackFirst,
    /// Roll back by the service's own strategy.
    RollbackByStrategy,
    /// Wait until AWS has answered.
    WaitForRead,
    /// Wait until AWS has answered, or roll back.
    WaitForReadOrRollback,
    /// Wait until ECS names the deployment.
    WaitForDeployment,
    /// Wait for the present rollout, or roll back.
    WaitOrRollback,
    /// Watch a rollback that is under way.
    Watch,
    /// Watch or roll back.
    WatchOrRollback,
    /// Watch a redeployment, or stop it and keep what it replaces.
    WatchOrKeepReplaced,
    /// Nothing but watching.
    WatchOnly,
    /// Nothing: the goal is reached.
    NothingToWrite,
    /// Nothing: the service is being deleted.
    NothingPossible,
    /// Two services behind one rule.
    NeedsPair,
    /// The tool that owns the strategy.
    ChangeStrategyElsewhere,
    /// AWS's own tools, for a rule that this version cannot write.
    WriteRuleElsewhere,
    /// A console that may write.
    LiftReadOnly,
    /// The right account and region.
    CheckTarget,
}

impl Remedy {
    /// A stable word for documents.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// One sentence.
    pub fn text(self, wording: Wording) -> String {
        let (name, with) = (|act| wording.name(act), |act| wording.with(act));
        match self {
            Self::Start => format!("Start a release{}.", with(Act::Start)),
            Self::StartWhenEnded => {
                format!("When it has ended, start another revision{}, or fix this one.", with(Act::Start))
            }
            Self::Step => format!("Give it traffic{}.", with(Act::Step)),
            Self::AnswerPauses => format!("Its steps are ECS's: answer its pauses{}.", with(Act::Step)),
            Self::AnswerPausesOrWait => format!("Answer its pauses{}, or wait.", with(Act::Step)),
            Self::LetEcsContinue => format!("{} lets ECS go on.", capital(name(Act::Step))),
            Self::Finish => format!("Finish{}.", with(Act::Finish)),
            Self::SetOneWeight => format!("Set one weight for all of them{}, or roll back.", with(Act::Weight)),
            Self::NameRevision => {
                format!("Name one that you trust: {}. Or start it{}.", name(Act::RollbackTo), with(Act::Start))
            }
            Self::NameOlderRevision => format!("Name the revision to go back to: {}.", name(Act::RollbackTo)),
            Self::RegisterCopy => format!("Register a copy of it, or name another: {}.", name(Act::RollbackTo)),
            Self::Rollback => {
                format!("{} without naming a revision goes back to what ran before.", capital(name(Act::Rollback)))
            }
            Self::WatchOrKeepReplaced => format!(
                "Watch it. To stop it and keep the revision that it replaces, name that one: {}.",
                name(Act::RollbackTo)
            ),
            unworded => unworded.plain().to_owned(),
        }
    }

    /// The sentences that name no act of a surface.
    fn plain(self) -> &'static str {
        match self {
            Self::StartWithoutPauses => "Start it without adding any.",
            Self::StepToFull => "Step it to 100% and watch it before finishing.",
            Self::FinishOrRollback => "Finish the release, or roll it back.",
            Self::EcsFinishes => "ECS finishes its releases by itself.",
            Self::LowerWeight => "Set a lower weight, or roll back.",
            Self::NameShare => "Name a share above it, set a lower weight, or roll back.",
            Self::NameExactShare => "Choose a share in tenths of a percent.",
            Self::ChooseRevision => "Choose another revision.",
            Self::DeployAsIs => "Deploy it as it is.",
            Self::RollbackRestoresTraffic => "Roll back: that gives the old revision all of the traffic.",
            Self::RollbackOrZero => "Roll back, or set its weight to 0.",
            Self::RollbackOrRepairRule => "Roll back, or repair the rule first.",
            Self::RollbackUnnamed => "Roll back without naming a revision; then choose another.",
            Self::RollbackFirst => "Roll back first; then choose another revision.",
            Self::RollbackByStrategy => "Roll back without setting it aside.",
            Self::WaitForRead => "Wait until it has been read.",
            Self::WaitForReadOrRollback => "Wait until it has been read, or roll back.",
            Self::WaitForDeployment => {
                "Wait until its deployments have been read; a rollback is offered as soon as one is known."
            }
            Self::WaitOrRollback => "Wait until it is complete, or roll back.",
            Self::Watch => "Watch it; nothing needs to be sent.",
            Self::WatchOrRollback => "Watch it, or roll it back.",
            Self::WatchOnly => "It can be watched here.",
            Self::NothingToWrite => "There is nothing to write.",
            Self::NothingPossible => "Nothing can be done with it.",
            Self::NeedsPair => "Weights need two services behind one rule.",
            Self::ChangeStrategyElsewhere => "Change its strategy with the tool that owns it.",
            Self::WriteRuleElsewhere => {
                "Change its weights in AWS's console or with `aws elbv2 modify-rule`, and update tidegate."
            }
            Self::LiftReadOnly => "Start it without --read-only, or change the environment's read_only.",
            Self::CheckTarget => "Check the account and the region.",
            _ => "",
        }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What an operator should know of a plan before saying yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A rollback sets the service's strategy aside until a finish.
    StrategySetAside {
        /// The strategy, in words.
        strategy: String,
    },
    /// The strategy is still set aside from an earlier rollback: the release goes to everybody at once.
    StrategyStillSetAside {
        /// The strategy that a finish puts back, in words.
        strategy: String,
    },
    /// Pauses that are added for a release stay until a finish.
    PausesStay,
    /// Registering a copy of a revision deploys nothing.
    CopyDeploysNothing,
    /// A rollback switches a rule's stickiness off, until a finish.
    StickinessSwitchedOff {
        /// The duration that it has now.
        seconds: u32,
    },
    /// Any other: a sentence that names no act.
    Note(String),
}

impl Warning {
    /// One sentence.
    pub fn text(&self, wording: Wording) -> String {
        let finish = wording.name(Act::Finish);
        match self {
            Self::StrategySetAside { strategy } => {
                format!("its strategy ({strategy}) is set aside and stays so until {finish} puts it back")
            }
            Self::StrategyStillSetAside { strategy } => {
                format!("everybody gets it at once: {finish} puts {strategy} back first")
            }
            Self::PausesStay => format!("the pauses stay on the service until {finish} takes them out again"),
            Self::CopyDeploysNothing => format!(
                "this deploys nothing: choose the copy when it is there{}, or with {}",
                wording.with(Act::Start),
                wording.name(Act::RollbackToChoice)
            ),
            Self::StickinessSwitchedOff { seconds } => format!(
                "stickiness ({seconds} s) is switched off in the same call, so that clients with a cookie go back too; \
                 {finish} puts it back"
            ),
            Self::Note(text) => text.clone(),
        }
    }
}

impl From<String> for Warning {
    fn from(text: String) -> Self {
        Self::Note(text)
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text(Wording::PLAIN))
    }
}

/// Documents have a warning's sentence alone, so that is what is read back.
impl<'de> Deserialize<'de> for Warning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::Note)
    }
}
