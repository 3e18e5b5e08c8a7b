//! Recorder of the service names that commands and the console read, for completion.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::config::Config;
use super::service_cache::{KnownService, ServiceCache};
use crate::clock::Clock;
use crate::cloud::{Cloud, Parts};
use crate::domain::assess;
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::{Answer, Query, Snapshot};
use crate::domain::plan::{Call, Receipt};
use crate::domain::settings::Settings;

/// A cloud that records its lists of services in the cache. No caller waits for the disk.
pub(super) struct ServiceRecorder {
    cloud: Arc<dyn Cloud>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    cache: ServiceCache,
    latest: Mutex<Latest>,
    /// Held during a write of the cache, so that an older list never replaces a newer one.
    writing: Arc<Mutex<()>>,
}

/// The latest responses, each with a hash of the parts on which the names of releases depend.
#[derive(Debug, Clone, Default)]
struct Latest {
    services: Option<(u64, Answer)>,
    routes: Option<(u64, Answer)>,
}

impl ServiceRecorder {
    /// Wraps `cloud` in a recorder; returns `cloud` itself if this machine has no place for the cache.
    pub(super) fn around(cloud: Arc<dyn Cloud>, config: &Config, clock: Arc<dyn Clock>) -> Arc<dyn Cloud> {
        match ServiceCache::of(config) {
            Some(cache) => Arc::new(Self::new(cloud, config.settings.clone(), cache, clock)),
            None => cloud,
        }
    }

    fn new(cloud: Arc<dyn Cloud>, settings: Settings, cache: ServiceCache, clock: Arc<dyn Clock>) -> Self {
        Self { cloud, clock, settings, cache, latest: Mutex::default(), writing: Arc::default() }
    }

    fn note(&self, query: &Query, answer: &Result<Answer, Fault>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match (query, answer) {
            (Query::Services, Ok(facts @ Answer::Services(services))) => {
                let keys = services.iter().map(|service| &service.key);
                replace(&mut latest.services, hash_of(keys), facts)
            }
            (Query::Routes, Ok(facts @ Answer::Routes(routes))) => {
                let targets = routes.iter().flat_map(|route| &route.forwards).map(|forward| &forward.target_group);
                replace(&mut latest.routes, hash_of(targets), facts)
            }
            // Without routes tidegate sees no pairs, but the services still have names.
            (Query::Routes, Err(_)) if latest.routes.is_none() => {
                replace(&mut latest.routes, 0, &Answer::Routes(Vec::new()))
            }
            _ => false,
        };
        let (true, Some((_, services)), Some((_, routes))) = (changed, &latest.services, &latest.routes) else {
            return;
        };
        self.write(services.clone(), routes.clone());
    }

    fn write(&self, services: Answer, routes: Answer) {
        let (cache, settings, now) = (self.cache.clone(), self.settings.clone(), self.clock.now());
        let writing = Arc::clone(&self.writing);
        tokio::task::spawn_blocking(move || {
            let _writing = writing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut snapshot = Snapshot::default();
            snapshot.apply(now, &Query::Services, Ok(services));
            snapshot.apply(now, &Query::Routes, Ok(routes));
            let releases = assess::releases(&snapshot, &settings, &BTreeMap::new(), now);
            let known = releases.into_iter().map(|release| KnownService {
                cluster: release.stable.service.cluster.clone(),
                name: release.state.name,
            });
            if let Err(error) = cache.write(known.collect()) {
                tracing::debug!("the names of services for completion were not written: {error}");
            }
        });
    }
}

/// Stores the response; returns true if it differs from the previous one.
fn replace(latest: &mut Option<(u64, Answer)>, hash: u64, facts: &Answer) -> bool {
    let changed = latest.as_ref().is_none_or(|(had, _)| *had != hash);
    if changed {
        *latest = Some((hash, facts.clone()));
    }
    changed
}

fn hash_of<T: Hash>(items: impl Iterator<Item = T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    items.for_each(|item| item.hash(&mut hasher));
    hasher.finish()
}

#[async_trait]
impl Cloud for ServiceRecorder {
    async fn read_in_parts(&self, query: &Query, tell: Parts<'_>) -> Result<Answer, Fault> {
        let answer = self.cloud.read_in_parts(query, tell).await;
        if matches!(query, Query::Services | Query::Routes) {
            self.note(query, &answer);
        }
        answer
    }

    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        self.read_in_parts(query, &|_| {}).await
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        self.cloud.act(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::{self, Flags};
    use crate::cli::tests::service;
    use crate::clock::SystemClock;
    use crate::domain::fault::FaultKind;

    /// A cloud with these services, in which reading routes is denied.
    struct WithoutRoutes(Vec<&'static str>);

    #[async_trait]
    impl Cloud for WithoutRoutes {
        async fn read(&self, query: &Query) -> Result<Answer, Fault> {
            match query {
                Query::Services => {
                    let services = self.0.iter().map(|name| service("prod", name, 41, 2, &[]));
                    Ok(Answer::Services(services.collect()))
                }
                _ => Err(Fault::new(FaultKind::Denied, "DescribeRules", "rules", "not authorized")),
            }
        }

        async fn act(&self, _: &Call) -> Result<Receipt, Fault> {
            Err(Fault::new(FaultKind::Denied, "any", "any", "not authorized"))
        }
    }

    /// Reads `queries` through a recorder, and returns the names in its cache afterwards.
    fn recorded(services: &[&'static str], queries: &[Query]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let config = config::demo(&Flags::default()).unwrap();
        let cache = ServiceCache::at(dir.path().join("services.json"), &config);
        let cloud = Arc::new(WithoutRoutes(services.to_vec()));
        let recorder =
            ServiceRecorder::new(cloud, config.settings.clone(), cache.clone(), Arc::new(SystemClock::default()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for query in queries {
                let _ = recorder.read(query).await;
            }
            let writing = Arc::clone(&recorder.writing);
            drop(recorder);
            // Each write holds a reference to the lock until it is over.
            while Arc::strong_count(&writing) > 1 {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        cache.read().into_iter().map(|service| service.name).collect()
    }

    #[test]
    fn services_have_names_where_routes_cannot_be_read() {
        assert_eq!(recorded(&["search", "cart"], &[Query::Services, Query::Routes]), ["cart", "search"]);
        assert_eq!(recorded(&["search", "cart"], &[Query::Routes, Query::Services]), ["cart", "search"]);
    }

    #[test]
    fn services_without_an_answer_about_routes_are_not_written() {
        // Completion would offer both services of a pair for a moment, and then their common name.
        assert_eq!(recorded(&["search"], &[Query::Services]), Vec::<String>::new());
    }
}
