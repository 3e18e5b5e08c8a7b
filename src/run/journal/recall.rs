//! What the audit remembers: what was asked for from this machine, and what was seen to have run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::SCHEMA;
use crate::domain::names::{Place, ServiceKey};
use crate::domain::plan::Before;
use crate::domain::share::Percent;
use crate::domain::snapshot::Witness;

/// What was recalled for one account and region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recall {
    /// The canary's share that was last written and read back, by release.
    pub requested: BTreeMap<String, Percent>,
    /// When that was read back, by release.
    pub since: BTreeMap<String, Timestamp>,
    /// What ran, complete, when something was ordered; newest first.
    pub witnessed: BTreeMap<ServiceKey, Vec<Witness>>,
}

/// How much of the file is read, bytes: its end.
const TAIL: u64 = 1 << 20;

#[derive(Deserialize)]
struct Past {
    schema: String,
    at: Timestamp,
    event: String,
    account: String,
    region: String,
    release: String,
    call: Option<PastCall>,
    plan: Option<PastPlan>,
    outcome: Option<PastOutcome>,
    share: Option<Percent>,
}

#[derive(Deserialize)]
struct PastCall {
    call: String,
}

#[derive(Deserialize)]
struct PastPlan {
    before: Vec<Before>,
}

#[derive(Deserialize)]
struct PastOutcome {
    outcome: String,
}

/// Reads the end of an audit file. Lines of other places are left out, and so are those that cannot be read:
/// what is not remembered is only not known. A file that does not exist remembers nothing.
pub fn recall(path: &Path, place: &Place) -> Recall {
    let mut recall = Recall::default();
    let Ok(text) = tail(path) else { return recall };
    for line in text.split(|byte| *byte == b'\n') {
        let Ok(past) = serde_json::from_slice::<Past>(line) else { continue };
        if past.schema == SCHEMA && past.account == place.account && past.region == place.region {
            recall.learn(past);
        }
    }
    for witnesses in recall.witnessed.values_mut() {
        witnesses.sort_by_key(|witness| std::cmp::Reverse(witness.at));
    }
    recall
}

impl Recall {
    fn learn(&mut self, past: Past) {
        match past.event.as_str() {
            "ordered" => {
                let before = past.plan.into_iter().flat_map(|plan| plan.before).filter(|before| before.settled);
                for Before { service, task_definition, .. } in before {
                    let seen = self.witnessed.entry(service).or_default();
                    seen.retain(|witness| witness.task_definition != task_definition);
                    seen.push(Witness { task_definition, at: past.at });
                }
            }
            // From here until it is read back nobody knows what the rule says.
            "call" if past.call.is_some_and(|call| call.call == "set_weights") => {
                self.requested.remove(&past.release);
                self.since.remove(&past.release);
            }
            "verified" => {
                if let Some(share) = past.share {
                    self.since.insert(past.release.clone(), past.at);
                    self.requested.insert(past.release, share);
                }
            }
            "ended" if past.outcome.is_some_and(|outcome| outcome.outcome == "done") => {
                self.requested.extend(past.share.map(|share| (past.release, share)));
            }
            _ => {}
        }
    }
}

fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    // The first line of a tail is half a line, which cannot be read, unless by chance it is a whole one.
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text)?;
    Ok(text)
}
