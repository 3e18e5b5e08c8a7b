//! The audit: the operator, the time and the reason of every act, and AWS's responses. JSON lines, only ever appended.

pub mod history;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use etcetera::BaseStrategy;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::domain::ecs::names::Identity;
use crate::domain::fault::Fault;
use crate::domain::operation::OperationOutcome;
use crate::domain::plan::{Call, Plan, Receipt};
use crate::domain::release::share::Percent;
use crate::files;

#[cfg(test)]
mod tests;

/// The `schema` of each line.
pub const SCHEMA: &str = "tidegate.audit/1";

/// The path of the audit: `TIDEGATE_STATE_DIR`, else `tidegate` in the user's state directory (XDG_STATE_HOME).
pub fn default_path() -> Result<PathBuf, String> {
    if let Some(dir) = std::env::var_os("TIDEGATE_STATE_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir).join("audit.jsonl"));
    }
    let base = etcetera::choose_base_strategy().map_err(|error| error.to_string())?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(state.join("tidegate").join("audit.jsonl"))
}

/// The origin of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A key in the console.
    Key,
    /// Automatic promotion.
    Automatic,
    /// A command.
    Command,
}

/// The operator, the origin and the reason of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The caller's identity (STS); `None` if it could not be read.
    pub who: Option<Identity>,
    /// The origin of the order.
    pub via: Via,
    /// `--reason`, the typed reason, or the console's own.
    pub why: Option<String>,
}

/// The event of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The operator confirmed the plan.
    Ordered,
    /// A call was sent.
    Call,
    /// AWS accepted the call.
    Answer,
    /// The effect of the call is unknown.
    Unknown,
    /// The expected state was read back.
    Verified,
    /// The operation is over.
    Ended,
    /// The operator gave up a rollback that was ordered and had not happened: nothing more is sent for it.
    Waived,
}

/// One line. Members that do not belong to its event are left out.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    pub(super) schema: &'static str,
    pub(super) at: Timestamp,
    pub(super) operation: &'a str,
    pub(super) event: Event,
    pub(super) who: Option<&'a Identity>,
    pub(super) via: Via,
    pub(super) environment: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) release: &'a str,
    pub(super) intent: &'static str,
    /// From 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<&'a Plan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<&'a Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<&'a Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'a str>,
    /// The expectations that were read back, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) read_back: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'a OperationOutcome>,
    /// The canary's share from then on, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) share: Option<Percent>,
    /// Milliseconds of the operator's time since the call was sent, or since the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) took_ms: Option<u64>,
}

impl<'a> Line<'a> {
    /// A line with the members of every line.
    pub fn new(at: Timestamp, operation: &'a str, event: Event, plan: &'a Plan, order: &'a Order) -> Self {
        let ordered = event == Event::Ordered;
        Self {
            schema: SCHEMA,
            at,
            operation,
            event,
            who: order.who.as_ref(),
            via: order.via,
            environment: &plan.place.environment,
            account: &plan.place.account,
            region: &plan.place.region,
            release: &plan.release,
            intent: plan.intent.verb(),
            step: None,
            why: order.why.as_deref().filter(|_| ordered),
            plan: ordered.then_some(plan),
            call: None,
            request_id: None,
            answer: None,
            fault: None,
            note: None,
            read_back: Vec::new(),
            outcome: None,
            share: None,
            took_ms: None,
        }
    }

    /// Adds a note to the line.
    pub fn note(self, note: &'a str) -> Self {
        Self { note: Some(note), ..self }
    }

    /// Adds AWS's response to the line.
    pub fn receipt(mut self, receipt: &'a Receipt) -> Self {
        self.request_id = receipt.request_id.as_deref();
        self.answer = Some(&receipt.answer);
        self
    }
}

/// An operation's id, unique on this machine.
pub fn operation_id(at: Timestamp) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{count}", at.as_millisecond(), std::process::id())
}

/// The open audit file. A thread of its own writes it, so that no call to AWS waits for a slow disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    lines: Option<mpsc::Sender<Job>>,
    failure: Arc<Mutex<Option<String>>>,
    writer: Option<JoinHandle<()>>,
}

/// A line to write, and the receiver of the result.
struct Job {
    line: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
}

impl Journal {
    /// Opens the file for appending, or creates it, readable by its owner alone. Returns an error if the file or its
    /// directory is not what tidegate made: a link, a pipe, another user's, or one that others may write to.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = files::append_own(path)
            .map_err(|error| format!("the audit file {} cannot be opened: {error}", path.display()))?;
        let (lines, jobs) = mpsc::channel::<Job>();
        let failure = Arc::new(Mutex::new(None));
        let reported = Arc::clone(&failure);
        let name = path.display().to_string();
        let write = move || {
            let mut file = file;
            for job in jobs {
                let wrote = append(&mut file, &job.line)
                    .map_err(|error| format!("the audit file {name} cannot be written: {error}"));
                if let Err(error) = &wrote {
                    *reported.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                }
                // The receiver may be gone.
                let _ = job.done.send(wrote);
            }
        };
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(write)
            .map_err(|error| format!("the audit's writer cannot start: {error}"))?;
        Ok(Self { path: path.to_owned(), lines: Some(lines), failure, writer: Some(writer) })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The newest failure to write; each failure is returned once.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until every queued line is written to the disk or has failed. Returns the newest failure to write, unless
    /// it was returned before.
    pub fn close(mut self) -> Option<String> {
        self.finish();
        self.failure()
    }

    /// Queues a line. The receiver gets the result once the line is written to the disk or has failed.
    pub fn write(&self, line: &Line<'_>) -> oneshot::Receiver<Result<(), String>> {
        let (done, written) = oneshot::channel();
        // JSON escapes line breaks and control characters in AWS's texts, so a line stays a line.
        match (serde_json::to_vec(line), &self.lines) {
            (Ok(mut line), Some(lines)) => {
                line.push(b'\n');
                // If the thread is gone, `done` is dropped and the receiver sees that.
                let _ = lines.send(Job { line, done });
            }
            (Err(error), _) => {
                let _ = done.send(Err(format!("a line of the audit cannot be written: {error}")));
            }
            (Ok(_), None) => {}
        }
        written
    }
}

impl Journal {
    fn finish(&mut self) {
        drop(self.lines.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Drop for Journal {
    /// Waits until every queued line is on the disk.
    fn drop(&mut self) {
        self.finish();
    }
}

/// Appends with one write, so that the lines of two consoles do not mix. If a dead console or a full disk left a torn
/// line, that line is ended first, so that it spoils no other line.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    let mut last = *b"\n";
    if let Some(end) = file.metadata()?.len().checked_sub(1) {
        file.read_exact_at(&mut last, end)?;
    }
    if last == *b"\n" {
        file.write_all(line)?;
    } else {
        file.write_all(&[b"\n", line].concat())?;
    }
    file.sync_data()
}
