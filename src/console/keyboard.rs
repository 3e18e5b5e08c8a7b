//! The keyboard: bytes of the terminal, with the time of each read, become messages. An acting key is told from pasted
//! text and from the terminal's own reports. The module is pure: the caller brings the time and the timer.

mod decoder;
mod sequence;
mod typing;

use std::time::Duration;

use self::decoder::{Decoder, Input};
use self::typing::Typing;
use super::message::Msg;

/// The state of a keyboard between two reads. Times are durations since any fixed moment.
#[derive(Debug, Clone, Default)]
pub struct Keyboard {
    decoder: Decoder,
    typing: Typing,
    protocol: Option<u8>,
}

impl Keyboard {
    /// Takes the bytes of one read and returns the messages that are complete.
    pub fn read(&mut self, at: Duration, bytes: &[u8]) -> Vec<Msg> {
        let inputs = self.decoder.read(at, bytes);
        let mut msgs = self.pass_on(at, inputs);
        if self.decoder.in_character() {
            msgs.extend(self.typing.followed(at));
        }
        msgs
    }

    /// Returns the messages that became due since the last read; to be called at [`Self::due`].
    pub fn wake(&mut self, at: Duration) -> Vec<Msg> {
        let inputs = self.decoder.wake(at);
        self.pass_on(at, inputs)
    }

    /// The time of the next [`Self::wake`]; `None`: only bytes can change the state.
    pub fn due(&self) -> Option<Duration> {
        self.decoder.due().into_iter().chain(self.typing.due()).min()
    }

    /// Takes the flags of the kitty keyboard protocol, once the terminal has reported them.
    pub fn take_protocol(&mut self) -> Option<u8> {
        self.protocol.take()
    }

    fn pass_on(&mut self, at: Duration, inputs: Vec<Input>) -> Vec<Msg> {
        let protocol = inputs.iter().rev().find_map(|input| match input {
            Input::Protocol(flags) => Some(*flags),
            _ => None,
        });
        self.protocol = protocol.or(self.protocol);
        self.typing.read(at, inputs)
    }
}

#[cfg(test)]
mod tests;
