//! Output of a watch: one line or one document for each event.

use serde_json::{Value, json};

use super::Watcher;
use super::event::WatchEvent;
use crate::cli::exit::Failure;
use crate::cli::observe::Observation;
use crate::cli::status;
use crate::domain::plan::Context;

impl Watcher<'_> {
    /// Writes one line or one document.
    pub(super) fn tell(&mut self, event: &str, text: &str, told: WatchEvent<'_>) -> Result<(), Failure> {
        if self.out.json {
            let document = self.document(event, text, &told);
            return self.out.event(&document);
        }
        let reason = told.ended.and_then(|ended| ended.reason.as_ref());
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        self.out.say(&format!("{}  {text}{reason}", self.seen.now.strftime("%H:%M:%SZ")))
    }

    /// The document `tidegate.watch/1`. Every document has every member.
    fn document(&self, event: &str, text: &str, told: &WatchEvent<'_>) -> Value {
        let Observation { place, .. } = &self.seen;
        let context = Context { place, settings: self.with.settings, now: self.seen.now };
        let release = self.release().ok();
        json!({
            "schema": "tidegate.watch/1",
            "event": event,
            "at": self.seen.now,
            "name": release.map(|release| &release.name),
            "text": text,
            "changes": told.changes,
            "pause": told.pause,
            "fault": told.fault,
            "outcome": told.ended.map(|ended| ended.end),
            "exit": told.exit.or(told.ended.map(|ended| ended.end.exit().code())),
            "reason": told.ended.and_then(|ended| ended.reason.as_ref()),
            "superseded_by": told.ended.and_then(|ended| ended.superseded_by.as_ref()),
            "watched": self.target.as_ref().map(|target| target.document(&self.seen.snapshot)),
            "release": release.map(|release| status::service(&self.seen, release, &context)),
            "data_age_seconds": self.seen.now.duration_since(self.read_at).as_secs().max(0),
        })
    }
}
