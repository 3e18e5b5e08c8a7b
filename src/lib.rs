//! tidegate: a terminal console for releases on Amazon ECS.
//!
//! The truth is in AWS, never in the console. Data flows one way:
//!
//! ```text
//!   observe  →  judge  →  plan  →  confirm  →  execute  →  verify
//!   aws         domain    domain   app, ui     run         run, aws
//! ```
//!
//! Each poll's answer goes into a [`Snapshot`](domain::snapshot::Snapshot); a pure function derives every
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
//! | [`domain`] | services, shares, releases, the verdict, the planner | nothing of ours; no I/O, no clock, no SDK |
//! | [`app`] | the console's model, messages, keys; `update` | `domain` |
//! | [`ui`] | `view`: the model as a picture; theme, panels, dialogs | `app`, `domain` |
//! | [`cloud`] | the seam to the provider | `domain` |
//! | [`aws`] | the only code that names the AWS SDK | `cloud`, `domain` |
//! | [`prometheus`] | a second source of minutes: Prometheus' HTTP API | `cloud`, `domain` |
//! | [`sim`] | an AWS of our own: a world on a clock, behind the real wire protocols | nothing of ours |
//! | [`run`] | the loop, the executor, the audit journal, terminal, signals, clock | `app`, `ui`, `cloud`, `domain` |
//! | [`cli`] | subcommands, configuration, exit codes | everything |
//!
//! `tests/it/rooms.rs` holds the walls up.
//!
//! # The loop
//!
//! Keys, answers, reports of operations and the tick are [`Msg`](app::msg::Msg)s in one stream, each stamped with
//! the time; [`update`](app::update()) changes the model and returns [`Effect`](app::msg::Effect)s, which are data;
//! [`run::console`] carries them out beside the loop and feeds what comes of them back in. So no key waits for the
//! network, and a test can drive the whole console in its own time.

pub mod app;
pub mod aws;
pub mod cli;
pub mod cloud;
pub mod domain;
pub mod prometheus;
pub mod run;
pub mod sim;
pub mod ui;
