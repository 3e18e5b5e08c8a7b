//! The lifecycle stages of a service deployment that shifts traffic.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `lifecycleStage` of a deployment, in the order in which a deployment passes them. The two stages around the production
/// shift come again for every step of a canary or linear one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum LifecycleStage {
    /// RECONCILE_SERVICE: only where a deployment replaces one under way.
    ReconcileService,
    /// PRE_SCALE_UP.
    PreScaleUp,
    /// SCALE_UP.
    ScaleUp,
    /// POST_SCALE_UP.
    PostScaleUp,
    /// TEST_TRAFFIC_SHIFT.
    TestTrafficShift,
    /// POST_TEST_TRAFFIC_SHIFT: the new tasks run, and the old ones have all production traffic.
    PostTestTrafficShift,
    /// PRE_PRODUCTION_TRAFFIC_SHIFT.
    PreProductionTrafficShift,
    /// PRODUCTION_TRAFFIC_SHIFT.
    ProductionTrafficShift,
    /// POST_PRODUCTION_TRAFFIC_SHIFT.
    PostProductionTrafficShift,
    /// BAKE_TIME.
    BakeTime,
    /// CLEAN_UP.
    CleanUp,
    /// A value that this version does not know.
    Other(String),
}

use LifecycleStage as Stage;

/// AWS's words, in order.
const WORDS: [(&str, Stage); 11] = [
    ("RECONCILE_SERVICE", Stage::ReconcileService),
    ("PRE_SCALE_UP", Stage::PreScaleUp),
    ("SCALE_UP", Stage::ScaleUp),
    ("POST_SCALE_UP", Stage::PostScaleUp),
    ("TEST_TRAFFIC_SHIFT", Stage::TestTrafficShift),
    ("POST_TEST_TRAFFIC_SHIFT", Stage::PostTestTrafficShift),
    ("PRE_PRODUCTION_TRAFFIC_SHIFT", Stage::PreProductionTrafficShift),
    ("PRODUCTION_TRAFFIC_SHIFT", Stage::ProductionTrafficShift),
    ("POST_PRODUCTION_TRAFFIC_SHIFT", Stage::PostProductionTrafficShift),
    ("BAKE_TIME", Stage::BakeTime),
    ("CLEAN_UP", Stage::CleanUp),
];

impl LifecycleStage {
    /// AWS's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => WORDS.iter().find(|(_, stage)| stage == known).map_or("", |(word, _)| word),
        }
    }
}

impl From<&str> for LifecycleStage {
    fn from(word: &str) -> Self {
        let known = WORDS.into_iter().find(|(known, _)| *known == word);
        known.map_or_else(|| Self::Other(word.to_owned()), |(_, stage)| stage)
    }
}

impl From<String> for LifecycleStage {
    fn from(word: String) -> Self {
        Self::from(word.as_str())
    }
}

impl From<LifecycleStage> for String {
    fn from(stage: LifecycleStage) -> Self {
        stage.as_str().to_owned()
    }
}

impl fmt::Display for LifecycleStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_known_stage_has_its_own_word() {
        for (word, stage) in WORDS {
            assert_eq!((LifecycleStage::from(word), stage.as_str()), (stage.clone(), word));
        }
    }

    proptest! {
        #[test]
        fn a_stage_is_spelt_as_aws_spells_it(word in "[A-Z_]{0,30}|PRE_SCALE_UP|BAKE_TIME") {
            prop_assert_eq!(LifecycleStage::from(word.as_str()).to_string(), word);
        }
    }
}
