//! Parts that several screens draw with: canvas, theme, tables, plots, formats.

pub(crate) mod age;
pub(crate) mod canvas;
pub(crate) mod format;
pub(crate) mod operation;
pub(crate) mod parts;
pub(crate) mod plot;
pub mod sparklines;
pub(crate) mod table;
pub mod theme;
