//! tidegate: a terminal console for releases on Amazon ECS.
//!
//! The truth is in AWS, never in the console. Data flows one way:
//!
//! ```text
//!   observe  →  assess  →  plan  →  confirm  →  execute  →  verify
//!   cloud       domain     domain   console     execute     execute, cloud
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
//! | [`cloud`] | the seam to the provider; [`cloud::aws`] and [`cloud::prometheus`] behind it | `clock`, `domain` |
//! | [`clock`] | time, and waiting | `domain` |
//! | [`execute`] | the executor, the audit | `clock`, `cloud`, `domain` |
//! | [`console`] | state, `update`, screens; the loop, the terminal | `domain`; the loop also what carries effects out |
//! | [`sim`] | an AWS of our own: a world on a clock, behind the real wire protocols | nothing of ours |
//! | [`cli`] | subcommands, configuration, exit codes | everything |
//!
//! `tests/it/rooms.rs` holds the walls up.
//!
//! # The loop
//!
//! Keys, answers, reports of operations and the tick are [`Msg`](console::message::Msg)s in one stream, each stamped with
//! the time; [`update`](console::update()) changes the model and returns [`Effect`](console::message::Effect)s, which are data;
//! [`console::driver`] carries them out beside the loop and feeds what comes of them back in. So no key waits for the
//! network, and a test can drive the whole console in its own time.
//! [`console::recorder`] writes the messages to a file, and [`console::replay`] plays them on the same core.

pub mod cli;
pub mod clock;
pub mod cloud;
pub mod console;
pub mod domain;
pub mod execute;
pub mod sim;
#[cfg(test)]
pub mod testkit;
