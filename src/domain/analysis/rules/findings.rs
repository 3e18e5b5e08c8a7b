//! The findings of a case, by their effect on the verdict.

use crate::domain::analysis::{Numbers, Reason, ReasonCode, Verdict, VerdictStatus};

/// The reasons for and against a canary.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Failures that waiting cannot mend.
    pub critical: Words,
    /// Failures.
    pub failing: Words,
    /// Reasons against a PASS.
    pub doubts: Words,
    /// Facts that change nothing.
    pub warnings: Words,
    /// Reasons for a PASS.
    pub grounds: Words,
}

/// Sentences, or only their number where nobody reads them.
#[derive(Debug, Default)]
pub(super) struct Words {
    silent: bool,
    said: Vec<Reason>,
}

impl Words {
    /// Adds a sentence at the end.
    pub(super) fn add(&mut self, code: ReasonCode, words: impl FnOnce() -> String) {
        let text = if self.silent { String::new() } else { words() };
        self.said.push(code.because(text));
    }

    /// Adds a sentence at the beginning.
    pub(super) fn first(&mut self, code: ReasonCode, words: impl FnOnce() -> String) {
        self.add(code, words);
        self.said.rotate_right(1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }
}

impl Findings {
    /// Findings without words, for a status alone.
    pub(super) fn silent() -> Self {
        let words = || Words { silent: true, said: Vec::new() };
        Self { critical: words(), failing: words(), doubts: words(), warnings: words(), grounds: words() }
    }

    /// Returns true if more reasons against a PASS change nothing: nobody reads them, and there is one.
    pub(super) fn settled_against_a_pass(&self) -> bool {
        self.doubts.silent && !self.doubts.is_empty()
    }

    /// The status; `requests`: the number of judged requests.
    pub(super) fn status(&self, requests: f64) -> VerdictStatus {
        if !self.critical.is_empty() || !self.failing.is_empty() {
            VerdictStatus::Fail
        } else if !self.doubts.is_empty() || requests <= 0.0 {
            VerdictStatus::Inconclusive
        } else {
            VerdictStatus::Pass
        }
    }

    /// The verdict, still without the comparisons of both sides.
    pub(super) fn verdict(self, judged: Numbers, baseline: Option<Numbers>) -> Verdict {
        let outcome = self.status(judged.requests);
        let critical = !self.critical.is_empty();
        let mut reasons = self.critical.said;
        reasons.extend(self.failing.said);
        // Doubts do not matter after a FAIL.
        if outcome == VerdictStatus::Inconclusive {
            reasons.extend(self.doubts.said);
        }
        reasons.extend(self.warnings.said);
        let grounds = if outcome == VerdictStatus::Pass { self.grounds.said } else { Vec::new() };
        Verdict { outcome, critical, reasons, grounds, needs: None, judged, baseline, error_rate: None, latency: None }
    }
}
