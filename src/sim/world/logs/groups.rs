//! Log groups and their streams.

use super::source::LogSource;
use super::stream::Stream;
use crate::sim::world::task_definitions::catalog::Catalog;

/// The names of all log groups that a container of any definition writes to.
pub(crate) fn names(catalog: &Catalog) -> Vec<&str> {
    let all = catalog.all().flat_map(|definition| &definition.containers).filter_map(|c| c.logs.as_ref());
    let mut names: Vec<_> = all.map(|logs| logs.group.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The streams of a log group by name: one for each started container of every task that ECS still describes.
pub(crate) fn streams<'a>(source: &LogSource<'a>, group: &str) -> Vec<Stream<'a>> {
    let mut streams = Vec::new();
    for task in source.services.iter().flat_map(|s| &s.tasks).filter(|t| t.times.started.is_some()) {
        let definition = source.catalog.get(task.definition);
        for (at, container) in definition.containers.iter().enumerate() {
            let own = container.logs.as_ref().filter(|logs| logs.group == group);
            streams.extend(own.and_then(|logs| Stream::new(source, task, at, logs)));
        }
    }
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    streams
}
