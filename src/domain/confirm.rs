//! How a plan has to be confirmed before it is carried out.
//!
//! The keys, the ROLLBACK line and the command line all ask [`required`], so the screen never promises one key where
//! the key asks a question. A rollback needs a yes at the most: neither a protected environment nor a gate holds it up.

use super::plan;
use super::plan::{Gate, Plan};
use super::release::{Method, Release};
use super::settings::{RollbackConfirm, Settings};
use super::text;

/// Where the operator gave the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// A key on a screen that shows one release alone.
    ReleaseKey,
    /// A key on the fleet, where the cursor may be on another line than the operator's eyes.
    FleetKey,
    /// A line of the palette or of a list of revisions. A few letters may find the wrong line.
    Chosen,
    /// An acting command.
    Command {
        /// Whether it can ask.
        terminal: bool,
        /// Whether it was confirmed in advance, with `--yes`.
        yes: bool,
    },
}

/// What confirms a plan.
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
    /// Whether the operator has to type the release's name.
    pub fn needs_name(self) -> bool {
        matches!(self, Self::Name | Self::NameAndReason)
    }

    /// Whether the operator has to give a reason.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Reason | Self::NameAndReason)
    }
}

impl Surface {
    /// Whether any plan can be confirmed here at all: a command without a terminal cannot ask, not even for a
    /// rollback that would need no yes.
    pub fn can_confirm(self) -> bool {
        !matches!(self, Self::Command { terminal: false, yes: false })
    }
}

/// What confirms `plan` for `release`, when it is ordered on `surface`.
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

/// What confirms an act that goes forward: automatic promotion, and every plan that is no rollback. In a protected
/// environment the audit records why somebody went on against the gate.
pub fn forward(settings: &Settings, gate: Option<&Gate>) -> Confirmation {
    match (settings.protected, gate) {
        (false, _) => Confirmation::Yes,
        (true, None) => Confirmation::Name,
        (true, Some(_)) => Confirmation::NameAndReason,
    }
}

/// `clear`: a release is in flight, there is one way back, and what stands before the service is known.
fn rollback(setting: RollbackConfirm, clear: bool, surface: Surface) -> Confirmation {
    let asks = match (surface, setting) {
        (Surface::Chosen, _) | (_, RollbackConfirm::Always) => true,
        (_, RollbackConfirm::Never) => false,
        (Surface::FleetKey, RollbackConfirm::Idle) => true,
        (Surface::ReleaseKey | Surface::Command { .. }, RollbackConfirm::Idle) => !clear,
    };
    if asks { Confirmation::Yes } else { Confirmation::None }
}

/// The reason in what was typed; `None` where nobody could read one in it.
pub fn reason(typed: &str) -> Option<&str> {
    let typed = typed.trim();
    typed.chars().any(|c| text::is_safe(c) && !c.is_whitespace()).then_some(typed)
}

#[cfg(test)]
mod tests;
