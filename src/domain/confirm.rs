//! The confirmation that a plan needs before execution.
//!
//! The keys, the ROLLBACK line and the command line all use [`required`], so the screen never promises a single key
//! press where the key asks a question. A rollback needs a yes at most: neither a protected environment nor a gate
//! delays it.

use super::plan;
use super::plan::{Gate, Plan};
use super::release::{Method, Release};
use super::settings::{RollbackConfirm, Settings};
use super::text;

/// The place where the operator gave the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// A key on a screen that shows one release alone.
    ReleaseKey,
    /// A key in the fleet view, where the cursor may be on a line that the operator is not looking at.
    FleetKey,
    /// A line of the palette or of a list of revisions. A short search text may match the wrong line.
    Chosen,
    /// An acting command.
    Command {
        /// True if the command can ask.
        terminal: bool,
        /// True if `--yes` confirmed the plan in advance.
        yes: bool,
    },
}

/// The confirmation of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Nothing: the order is enough.
    None,
    /// A yes.
    Yes,
    /// The release's name.
    Name,
    /// A reason, given in the order itself.
    Reason,
    /// The release's name, and the reason for going on against the gate.
    NameAndReason,
}

impl Confirmation {
    /// Returns true if the operator has to type the release's name.
    pub fn needs_name(self) -> bool {
        matches!(self, Self::Name | Self::NameAndReason)
    }

    /// Returns true if the operator has to give a reason.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Reason | Self::NameAndReason)
    }
}

impl Surface {
    /// Returns true if any plan can be confirmed on this surface. A command without a terminal cannot ask, not even for
    /// a rollback that needs no yes.
    pub fn can_confirm(self) -> bool {
        !matches!(self, Self::Command { terminal: false, yes: false })
    }
}

/// The confirmation that `plan` for `release` needs on `surface`.
pub fn required(settings: &Settings, release: &Release, plan: &Plan, surface: Surface) -> Confirmation {
    if plan.is_reached() {
        return Confirmation::None;
    }
    let confirmation = match plan.intent.is_rollback() {
        true => {
            let two_ways = release.method == Method::Weighted && plan::ways(release, &plan.intent).len() > 1;
            let clear = release.in_flight() && !two_ways && !release.rules_unread;
            rollback(settings.rollback_confirm, clear, surface)
        }
        false => forward(settings, plan.gate.as_ref()),
    };
    match surface {
        Surface::Command { yes: true, .. } if confirmation.needs_reason() => Confirmation::Reason,
        Surface::Command { yes: true, .. } => Confirmation::None,
        _ => confirmation,
    }
}

/// The confirmation of a forward act: automatic promotion, and every plan except a rollback. In a protected environment
/// the audit records the reason for proceeding against the gate.
pub fn forward(settings: &Settings, gate: Option<&Gate>) -> Confirmation {
    match (settings.protected, gate) {
        (false, _) => Confirmation::Yes,
        (true, None) => Confirmation::Name,
        (true, Some(_)) => Confirmation::NameAndReason,
    }
}

/// `clear`: a release is in flight, there is only one way to roll back, and the rules of the service are known.
fn rollback(setting: RollbackConfirm, clear: bool, surface: Surface) -> Confirmation {
    let asks = match (surface, setting) {
        (Surface::Chosen, _) | (_, RollbackConfirm::Always) => true,
        (_, RollbackConfirm::Never) => false,
        (Surface::FleetKey, RollbackConfirm::Idle) => true,
        (Surface::ReleaseKey | Surface::Command { .. }, RollbackConfirm::Idle) => !clear,
    };
    if asks { Confirmation::Yes } else { Confirmation::None }
}

/// The reason in the typed text; `None`: the text has no visible characters.
pub fn reason(typed: &str) -> Option<&str> {
    let typed = typed.trim();
    typed.chars().any(|c| text::is_safe(c) && !c.is_whitespace()).then_some(typed)
}

#[cfg(test)]
mod tests;
