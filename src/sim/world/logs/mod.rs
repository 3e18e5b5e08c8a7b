//! What containers print. Nothing of it is stored: a line is a function of its task, its container and its second,
//! so that any stretch of time can be read at any time, again and again, and is always the same.
//!
//! A [`Stream`] is what a container has written, [`second`](stream::second) the lines of some of them in one second,
//! [`Reader`] a walk over those seconds page by page, `text` what the lines say.

mod reader;
mod stream;
mod text;
mod voice;

pub(super) use self::reader::{Cursor, Event, Reader};
pub(super) use self::stream::Stream;
pub(super) use self::voice::Voice;

use super::World;
use super::clock::{HOUR, Ms};

/// How long a log group keeps its lines.
pub(super) const RETENTION: Ms = 24 * HOUR;

impl World {
    /// The names of the log groups: those that a container of some definition writes to.
    pub(super) fn log_groups(&self) -> Vec<&str> {
        let all = self.catalog.all().flat_map(|def| &def.containers).filter_map(|c| c.logs.as_ref());
        let mut names: Vec<_> = all.map(|logs| logs.group.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The streams of a log group, by name: one for each container that has been started and that ECS still knows.
    pub(super) fn log_streams(&self, group: &str) -> Vec<Stream<'_>> {
        let mut streams = Vec::new();
        for task in self.services.iter().flat_map(|s| &s.tasks).filter(|t| t.started.is_some()) {
            let def = self.catalog.get(task.def);
            for (at, container) in def.containers.iter().enumerate() {
                let own = container.logs.as_ref().filter(|logs| logs.group == group);
                streams.extend(own.and_then(|logs| Stream::new(self, task, def, at, logs)));
            }
        }
        streams.sort_by(|a, b| a.name.cmp(&b.name));
        streams
    }
}
