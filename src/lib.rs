//! tidegate: a terminal console for releases on Amazon ECS.
//!
//! The truth is in AWS, never in the console. Data flows one way:
//!
//! ```text
//!   observe  →  assess  →  plan  →  confirm  →  execute  →  verify
//!   domain::    domain::   domain:: domain::    execute     execute,
//!   observe     assess     plan     confirm                 cloud
//! ```
//!
//! Each poll's answer goes into a [`Snapshot`](domain::observe::snapshot::Snapshot); a pure function derives every
//! [`Release`](domain::release::Release) from it: which service is stable and which is canary, what share of the
//! traffic is requested, configured and observed, what the metrics say, what "previous good" is. A key is an
//! [`Intent`](domain::plan::Intent); [`plan`](domain::plan::plan) turns release and intent into a
//! [`Plan`](domain::plan::Plan), an ordered list of calls with what must hold before and be read back after each,
//! or into a [`Refusal`](domain::plan::Refusal) with its reason. The dialog shows that plan, `--dry-run` prints
//! it, the audit file records it, the executor runs it. After a crash there is nothing to recover: observe again,
//! plan again.
//!
//! # Rooms
//!
//! | room | what is in it | what it may know |
//! |---|---|---|
//! | [`domain`] | services, releases, the verdict, the planner | nothing of ours; no I/O, no clock, no SDK |
//! | [`cloud`] | the seam to the provider; [`cloud::aws`] and [`cloud::prometheus`] behind it | `clock`, `domain`; Prometheus also `files` |
//! | [`clock`] | time, and waiting | `domain` |
//! | `files` | files opened by name: regular ones only, never waited for | nothing of ours |
//! | [`execute`] | the executor, the audit | `clock`, `cloud`, `domain`, `files` |
//! | [`console`] | state, `update`, screens; the loop, the terminal | `domain`; the loop also what carries effects out |
//! | [`sim`] | an AWS of our own: a world on a clock, behind the real wire protocols | nothing of ours |
//! | [`cli`] | subcommands, configuration, exit codes | everything |
//!
//! `tests/it/rooms.rs` holds the walls up.
//!
//! # The loop
//!
//! Keys, answers, progress of operations and the tick are [`Msg`](console::message::Msg)s in one stream, each stamped
//! with the time. [`update`](console::update()) changes the state and returns [`Effect`](console::message::Effect)s,
//! which are data. [`console::driver`] carries them out beside the loop and feeds the results back in. So no key waits
//! for the network, and a test drives the whole console in its own time. [`console::recorder`] writes the messages to
//! a file, and [`console::replay`] plays them on the same core.
//!
//! # Three flows, file by file
//!
//! **A key press**, `R` on an open release:
//! `console/terminal` reads the bytes → `console/keyboard` tells an acting key from text → `console/event_loop` stamps
//! it → `console/update` → `update/input` looks it up in `console/keymap` → `update/dispatch` → `update/commands` makes
//! the intent → `domain/plan` plans it → `domain/confirm` says how the plan is confirmed → `state/operations` starts the
//! operation → an effect for `console/driver`.
//!
//! **A poll's answer**: `cloud/aws` answers → `console/driver` makes it a message → `console/event_loop` →
//! `console/update` → `domain/observe/snapshot` takes it in → `domain/release/derive` → `domain/assess` →
//! `console/poll_schedule` asks `domain/observe/requirements` for what is due next → `console/view`.
//!
//! **An act's result**: `cloud/aws` answers the write → `execute/executor` reads it back →
//! `execute/audited_execution` writes the audit → `console/driver` → `console/event_loop` → `console/update` →
//! `domain/operation` records the progress → `console/view`.

pub mod cli;
pub mod clock;
pub mod cloud;
pub mod console;
pub mod domain;
pub mod execute;
mod files;
pub mod sim;
#[cfg(test)]
pub mod testkit;
