//! The signals that end a console.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Catches SIGXFSZ, so that a write beyond the file size limit (`ulimit -f`) fails as on a full disk instead of ending
/// the process. If the signal cannot be caught, its effect stays unchanged.
pub fn survive_file_size_limit() {
    // The flag is never read: catching the signal is enough. Child processes get the default action back.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// The reason why a console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The operator quit.
    ByOperator,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// The terminal is gone (SIGHUP, or output fails).
    TerminalGone,
}

impl Ended {
    /// The exit code that a shell expects: 128 + the signal's number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::ByOperator => 0,
            Self::TerminalGone => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// The signals that end a console.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Starts listening. From then on these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Ended {
        tokio::select! {
            _ = self.interrupt.recv() => Ended::Interrupted,
            _ = self.terminate.recv() => Ended::Terminated,
            _ = self.hangup.recv() => Ended::TerminalGone,
        }
    }
}
