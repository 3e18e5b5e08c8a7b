//! Task definitions: their registration, their images, and how their tasks behave.

pub(crate) mod behaviour;
pub(crate) mod catalog;
pub(crate) mod definition;
mod from_scenario;
mod image_registry;
pub(crate) mod log_templates;
pub(crate) mod registration;
