//! Writes a session to a file, on its own thread: the loop never waits for the disk.

use std::fs::{File, OpenOptions};
use std::hash::RandomState;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde::Serialize;

use super::message::Msg;
use super::recording::{Entry, Header};

/// The environment variable that names the recording file.
pub const RECORD_VARIABLE: &str = "TIDEGATE_RECORD";

/// Maximum number of messages in the queue. If there are more, the recording ends: a recording never has a gap.
const QUEUE: usize = 4_096;

/// A line to write.
enum Job {
    Header(Box<Header>),
    Message { at: Timestamp, msg: Box<Msg>, taken_as_text: bool },
}

/// A recording in progress.
#[derive(Debug)]
pub struct Recorder {
    jobs: Option<SyncSender<Job>>,
    name: String,
    failure: Arc<Mutex<Option<String>>>,
    writer: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Creates the file, readable only by its owner. An existing file is left unchanged.
    pub fn create(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| format!("the session is not recorded: {name}: {error}");
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let (jobs, queue) = sync_channel(QUEUE);
        let failure = Arc::new(Mutex::new(None));
        let (reported, of) = (Arc::clone(&failure), name.clone());
        let write = move || {
            if let Err(error) = write(file, &queue) {
                let text = format!("the recording ended: {of} cannot be written: {error}");
                *reported.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
            }
        };
        let writer = std::thread::Builder::new().name("recorder".to_owned()).spawn(write).map_err(failed)?;
        Ok(Self { jobs: Some(jobs), name, failure, writer: Some(writer) })
    }

    /// Begins the recording.
    pub fn begin(&mut self, header: Header) {
        self.send(Job::Header(Box::new(header)));
    }

    /// Records a message; `taken_as_text` is true if a text field accepts pasted text now.
    pub fn record(&mut self, at: Timestamp, msg: &Msg, taken_as_text: bool) {
        self.send(Job::Message { at, msg: Box::new(msg.clone()), taken_as_text });
    }

    fn send(&mut self, job: Job) {
        let Some(jobs) = &self.jobs else { return };
        match jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                let text = format!("the recording ended: {} is written too slowly", self.name);
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
                self.jobs = None;
            }
            // The writer has already reported why it ended.
            Err(TrySendError::Disconnected(_)) => self.jobs = None,
        }
    }

    /// The reason why the recording ended early; returned once.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Recorder {
    /// Waits until all recorded messages are in the file.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(file: File, queue: &Receiver<Job>) -> std::io::Result<()> {
    let (mut file, digest) = (BufWriter::new(file), RandomState::new());
    loop {
        let job = match queue.try_recv() {
            Ok(job) => job,
            Err(TryRecvError::Disconnected) => return file.flush(),
            Err(TryRecvError::Empty) => {
                file.flush()?;
                match queue.recv() {
                    Ok(job) => job,
                    Err(_) => return Ok(()),
                }
            }
        };
        match job {
            Job::Header(header) => line(&mut file, &header)?,
            Job::Message { at, msg, taken_as_text } => {
                line(&mut file, &Entry::redacted(at, *msg, taken_as_text, &digest))?;
            }
        }
    }
}

/// Writes one JSON line. JSON escapes line breaks and control characters, so a value never spans two lines.
fn line(file: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::console::recording::Recording;
    use crate::console::view::Theme;
    use crate::testkit::consoles;

    fn header() -> Header {
        Header::of(&consoles::baking((120, 40)), &Theme::default())
    }

    #[test]
    fn a_recording_is_its_owners_and_replaces_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session.jsonl");
        let mut recorder = Recorder::create(&path).unwrap();
        recorder.begin(header());
        recorder.record(consoles::now(), &Msg::Paste("a\nb\u{1b}".to_owned()), true);
        drop(recorder);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        let recording = Recording::parse(&text).unwrap();
        assert_eq!(recording.entries[0].msg, Msg::Paste("a\nb\u{1b}".to_owned()));
        assert!(Recorder::create(&path).unwrap_err().contains("exists"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_is_told_once() {
        let Ok(file) = OpenOptions::new().write(true).open("/dev/full") else { return };
        let (jobs, queue) = sync_channel(2);
        jobs.send(Job::Header(Box::new(header()))).unwrap();
        drop(jobs);
        assert!(write(file, &queue).is_err());
        let failure = Arc::new(Mutex::new(Some("full".to_owned())));
        let mut recorder = Recorder { jobs: None, name: "x".to_owned(), failure, writer: None };
        recorder.record(consoles::now(), &Msg::Tick, false);
        assert_eq!((recorder.failure().as_deref(), recorder.failure()), (Some("full"), None));
    }

    #[test]
    fn a_queue_that_is_full_ends_the_recording_without_a_gap() {
        let (jobs, queue) = sync_channel(1);
        let mut recorder = Recorder { jobs: Some(jobs), name: "x".to_owned(), failure: Arc::default(), writer: None };
        recorder.begin(header());
        recorder.record(consoles::now(), &Msg::Tick, false);
        assert!(recorder.failure().unwrap().contains("too slowly"));
        assert!(matches!(queue.recv(), Ok(Job::Header(_))));
        recorder.record(consoles::now(), &Msg::Tick, false);
        assert!(queue.try_recv().is_err(), "nothing comes after the gap");
    }
}
