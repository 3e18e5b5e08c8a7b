//! The console: its state, how messages change it, how it is drawn, and the loop around it.

pub mod dialogs;
pub mod driver;
pub mod event_loop;
pub(crate) mod frame;
pub mod keyboard;
pub mod keymap;
pub mod links;
pub mod message;
pub mod poll_schedule;
pub mod recorder;
pub mod recording;
pub mod replay;
pub mod screen;
pub mod screens;
pub mod signals;
pub mod state;
pub mod terminal;
pub(crate) mod text_field;
pub mod update;
pub mod view;
pub mod widgets;
pub(crate) mod wording;

pub use self::update::update;

#[cfg(test)]
mod tests;
