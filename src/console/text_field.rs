//! Lines of text that an operator types, and choices that a key cycles through.

use strum::IntoEnumIterator;
use tui_input::{Input, InputRequest};

use super::keymap::Key;

/// The value after `this`, starting over behind the last one.
pub(crate) fn next<T: IntoEnumIterator + PartialEq + Copy>(this: T) -> T
where
    T::Iterator: Clone,
{
    T::iter().cycle().skip_while(|other| *other != this).nth(1).unwrap_or(this)
}

/// Edits a line of text by one key.
pub(crate) fn type_into(input: &mut Input, key: Key) {
    let request = match key {
        Key::Char(c) => InputRequest::InsertChar(c),
        Key::Backspace => InputRequest::DeletePrevChar,
        Key::Delete => InputRequest::DeleteNextChar,
        Key::Left => InputRequest::GoToPrevChar,
        Key::Right => InputRequest::GoToNextChar,
        Key::Home => InputRequest::GoToStart,
        Key::End => InputRequest::GoToEnd,
        Key::Ctrl('u') => InputRequest::DeleteLine,
        Key::Ctrl('w') => InputRequest::DeletePrevWord,
        _ => return,
    };
    input.handle(request);
}
