//! The terminal's input: its bytes, read on their own thread, and its size after each change.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};

use futures::{Stream, StreamExt, stream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::console::keyboard::Keyboard;
use crate::console::message::Msg;

/// The bytes of one read, with their time.
type Chunk = (Instant, Vec<u8>);

/// The terminal's events: keys and size changes. `supports_protocol` is called when the terminal reports support for
/// the kitty keyboard protocol.
pub(super) fn events(
    size: impl Fn() -> io::Result<Msg>,
    supports_protocol: impl Fn(),
) -> io::Result<impl Stream<Item = io::Result<Msg>>> {
    let resizes = signal(SignalKind::window_change())?;
    let chunks = chunks(read_terminal()?);
    Ok(merged(Box::pin(chunks), Some(resizes), size, supports_protocol))
}

/// The keys in a terminal's bytes, as messages. Waits on tokio's clock until an ambiguous key is resolved.
pub fn typed(chunks: impl Stream<Item = io::Result<Chunk>> + Unpin) -> impl Stream<Item = io::Result<Msg>> {
    merged(chunks, None, || Err(ErrorKind::Unsupported.into()), || {})
}

/// Reads the terminal on its own thread, which ends with the program.
fn read_terminal() -> io::Result<UnboundedReceiver<io::Result<Chunk>>> {
    let stdin = io::stdin();
    let mut terminal: Box<dyn Read + Send> =
        if stdin.is_terminal() { Box::new(stdin) } else { Box::new(File::open("/dev/tty")?) };
    let (chunks, receiver) = unbounded_channel();
    let read = move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            let chunk = match terminal.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => Ok((Instant::now(), buffer.get(..length).unwrap_or_default().to_vec())),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let ends = chunk.is_err();
            if chunks.send(chunk).is_err() || ends {
                return;
            }
        }
    };
    std::thread::Builder::new().name("keyboard".to_owned()).spawn(read)?;
    Ok(receiver)
}

fn chunks(receiver: UnboundedReceiver<io::Result<Chunk>>) -> impl Stream<Item = io::Result<Chunk>> {
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

struct Source<C, S, P> {
    chunks: C,
    resizes: Option<Signal>,
    size: S,
    supports_protocol: P,
    keyboard: Keyboard,
    began: Instant,
    ready: VecDeque<Msg>,
}

fn merged(
    chunks: impl Stream<Item = io::Result<Chunk>> + Unpin,
    resizes: Option<Signal>,
    size: impl Fn() -> io::Result<Msg>,
    supports_protocol: impl Fn(),
) -> impl Stream<Item = io::Result<Msg>> {
    let (keyboard, ready) = (Keyboard::default(), VecDeque::new());
    let source = Source { chunks, resizes, size, supports_protocol, keyboard, began: Instant::now(), ready };
    stream::unfold(source, |mut source| async move { Some((source.next().await?, source)) })
}

impl<C, S, P> Source<C, S, P>
where
    C: Stream<Item = io::Result<Chunk>> + Unpin,
    S: Fn() -> io::Result<Msg>,
    P: Fn(),
{
    async fn next(&mut self) -> Option<io::Result<Msg>> {
        loop {
            if let Some(msg) = self.ready.pop_front() {
                return Some(Ok(msg));
            }
            let due = self.keyboard.due().map(|due| self.began + due);
            tokio::select! {
                biased;
                chunk = self.chunks.next() => match chunk? {
                    Ok((at, bytes)) => {
                        self.ready.extend(self.keyboard.read(at.saturating_duration_since(self.began), &bytes));
                        if self.keyboard.take_protocol().is_some() {
                            (self.supports_protocol)();
                        }
                    }
                    Err(error) => return Some(Err(error)),
                },
                Some(()) = resized(self.resizes.as_mut()) => {
                    if let Ok(msg) = (self.size)() {
                        return Some(Ok(msg));
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.ready.extend(self.keyboard.wake(self.began.elapsed()));
                }
            }
        }
    }
}

async fn resized(resizes: Option<&mut Signal>) -> Option<()> {
    match resizes {
        Some(resizes) => resizes.recv().await,
        None => std::future::pending().await,
    }
}
