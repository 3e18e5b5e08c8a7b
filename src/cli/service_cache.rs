//! Cache of the service names last seen on this machine, for completion: a small file in the state directory.
//!
//! The file contains only names. A missing, broken or too large file counts as empty; a failed write has no effect.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::config::Config;
use crate::domain::text::without_password;
use crate::execute::audit;
use crate::files;

const SCHEMA: &str = "tidegate.services/1";

/// Maximum environments in the file, the most recent first.
const MOST_ENVIRONMENTS: usize = 16;

/// Maximum services of one environment.
const MOST_SERVICES: usize = 5_000;

/// Maximum bytes of the file: tidegate does not write a larger one.
const MOST_BYTES: u64 = 16 << 20;

/// ECS's limit for a name, with room for a cluster's name before it.
const LONGEST_NAME: usize = 512;

/// A release, by the name that commands take.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct KnownService {
    /// The cluster's name.
    pub cluster: String,
    /// The release's name; `cluster/name` if several clusters have a release of that name.
    pub name: String,
}

impl KnownService {
    /// `cluster/name`.
    pub(super) fn with_cluster(&self) -> String {
        if self.name.contains('/') { self.name.clone() } else { format!("{}/{}", self.cluster, self.name) }
    }
}

/// Returns true if a shell takes `name` literally: completion inserts names into command lines.
pub(super) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.starts_with('-') && name.chars().all(plain)
}

/// Identity of an environment while AWS's account is still unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    environment: String,
    profile: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
}

impl Key {
    /// Returns true for two simulated accounts of one environment: each uses its own port for a short time.
    fn same_slot(&self, other: &Self) -> bool {
        let without_endpoint = |key: &Self| Self { endpoint_url: None, ..key.clone() };
        without_endpoint(self) == without_endpoint(other) && self.endpoint_url.is_some() == other.endpoint_url.is_some()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    services: Vec<KnownService>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema: String,
    environments: Vec<Entry>,
}

/// The part of the file for one environment.
#[derive(Debug, Clone)]
pub(super) struct ServiceCache {
    path: PathBuf,
    key: Key,
    /// True if only some clusters are read.
    partial: bool,
}

impl ServiceCache {
    /// The cache of the configuration's environment; `None` if this machine has no state directory.
    pub(super) fn of(config: &Config) -> Option<Self> {
        Some(Self::at(audit::default_path().ok()?.with_file_name("services.json"), config))
    }

    /// The cache of the configuration's environment in the file at `path`.
    pub(super) fn at(path: PathBuf, config: &Config) -> Self {
        let environment = &config.environment;
        let key = Key {
            environment: environment.name.value.clone(),
            profile: environment.profile.value.clone(),
            region: environment.region.value.clone(),
            endpoint_url: environment.endpoint_url.value.as_deref().map(|url| without_password(url).into_owned()),
        };
        Self { path, key, partial: !environment.clusters.value.is_empty() }
    }

    /// The services last seen.
    pub(super) fn read(&self) -> Vec<KnownService> {
        let entry = self.entries().into_iter().find(|entry| entry.key == self.key);
        let services = entry.map(|entry| entry.services).unwrap_or_default();
        services.into_iter().filter(|service| is_plain(&service.name) && is_plain(&service.cluster)).collect()
    }

    /// Replaces the services of this environment. If only some clusters were read, services of other clusters stay.
    pub(super) fn write(&self, mut services: Vec<KnownService>) -> io::Result<()> {
        services.retain(|service| is_plain(&service.name) && is_plain(&service.cluster));
        if self.partial {
            let read = |cluster: &str| services.iter().any(|service| service.cluster == cluster);
            let others: Vec<_> = self.read().into_iter().filter(|service| !read(&service.cluster)).collect();
            services.extend(others);
        }
        services.sort();
        services.dedup();
        services.truncate(MOST_SERVICES);
        let mut environments = self.entries();
        environments.retain(|entry| !entry.key.same_slot(&self.key));
        environments.insert(0, Entry { key: self.key.clone(), services });
        environments.truncate(MOST_ENVIRONMENTS);
        self.replace(&serde_json::to_vec(&Document { schema: SCHEMA.to_owned(), environments })?)
    }

    fn entries(&self) -> Vec<Entry> {
        let text = files::read_own(&self.path, MOST_BYTES).unwrap_or_default();
        let document = serde_json::from_slice::<Document>(&text).ok().filter(|document| document.schema == SCHEMA);
        document.map(|document| document.environments).unwrap_or_default()
    }

    /// Replaces the file atomically: a reader never sees an incomplete file.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        files::make_own_directory_of(&self.path)?;
        let new = self.path.with_extension(format!("{}.new", std::process::id()));
        // A killed process with the same id may have left this file behind.
        let _ = fs::remove_file(&new);
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
        let written = file.write_all(bytes).and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn cache(dir: &Path, environment: &str, endpoint_url: Option<&str>) -> ServiceCache {
        let key = Key {
            environment: environment.to_owned(),
            profile: None,
            region: Some("us-east-1".to_owned()),
            endpoint_url: endpoint_url.map(str::to_owned),
        };
        ServiceCache { path: dir.join("state/services.json"), key, partial: false }
    }

    fn services(names: &[&str]) -> Vec<KnownService> {
        let service = |name: &&str| {
            let (cluster, name) = name.split_once('/').unwrap();
            KnownService { cluster: cluster.to_owned(), name: name.to_owned() }
        };
        names.iter().map(service).collect()
    }

    #[test]
    fn each_environment_has_its_own_services() {
        let dir = tempfile::tempdir().unwrap();
        let (prod, dev) = (cache(dir.path(), "prod", None), cache(dir.path(), "dev", None));
        assert_eq!(prod.read(), []);
        prod.write(services(&["main/search", "main/checkout"])).unwrap();
        dev.write(services(&["main/cart"])).unwrap();
        assert_eq!(prod.read(), services(&["main/checkout", "main/search"]));
        assert_eq!(dev.read(), services(&["main/cart"]));
        prod.write(services(&["main/checkout"])).unwrap();
        assert_eq!(prod.read(), services(&["main/checkout"]));
    }

    #[test]
    fn services_of_clusters_that_were_not_read_stay() {
        let dir = tempfile::tempdir().unwrap();
        let all = cache(dir.path(), "prod", None);
        all.write(services(&["a/one", "b/two"])).unwrap();
        ServiceCache { partial: true, ..all.clone() }.write(services(&["a/three"])).unwrap();
        assert_eq!(all.read(), services(&["a/three", "b/two"]));
    }

    #[test]
    fn the_file_is_its_owners_alone_and_has_names_only() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), "prod", None);
        cache.write(services(&["main/checkout"])).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cache.path), mode(cache.path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(cache.path.parent().unwrap()).unwrap().count(), 1);
        let written: serde_json::Value = serde_json::from_slice(&fs::read(&cache.path).unwrap()).unwrap();
        let entry = serde_json::json!({
            "environment": "prod", "profile": null, "region": "us-east-1", "endpoint_url": null,
            "services": [{"cluster": "main", "name": "checkout"}],
        });
        assert_eq!(written, serde_json::json!({"schema": SCHEMA, "environments": [entry]}));
    }

    #[test]
    fn the_file_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..MOST_ENVIRONMENTS + 2 {
            cache(dir.path(), &format!("e{number}"), None).write(services(&["main/one"])).unwrap();
        }
        assert_eq!(cache(dir.path(), "e1", None).read(), []);
        assert_eq!(cache(dir.path(), "e2", None).read().len(), 1);
        // A simulated account replaces the previous one, and no other environment.
        for port in 0..MOST_ENVIRONMENTS {
            let simulated = cache(dir.path(), "e9", Some(&format!("http://127.0.0.1:{port}")));
            simulated.write(services(&["main/simulated"])).unwrap();
        }
        assert_eq!(cache(dir.path(), "e9", None).read(), services(&["main/one"]));
        assert_eq!(cache(dir.path(), "e9", Some("http://127.0.0.1:0")).read(), []);
        let many = (0..MOST_SERVICES + 1).map(|number| format!("main/service-{number}")).collect::<Vec<_>>();
        let cache = cache(dir.path(), "many", None);
        cache.write(services(&many.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
        assert_eq!(cache.read().len(), MOST_SERVICES);
    }

    #[test]
    fn names_that_a_shell_would_take_apart_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), "prod", None);
        cache.write(services(&["main/$(reboot)", "main/a b", "main/-x", "main/\u{202e}", "main/good_1.2"])).unwrap();
        assert_eq!(cache.read(), services(&["main/good_1.2"]));
        let bad = br#"{"schema":"tidegate.services/1","environments":[{"environment":"prod","profile":null,
            "region":"us-east-1","endpoint_url":null,"services":[{"cluster":"main","name":"`id`"}]}]}"#;
        fs::write(&cache.path, bad).unwrap();
        assert_eq!(cache.read(), []);
    }

    #[test]
    fn a_broken_file_is_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), "prod", None);
        for text in ["", "{", "[]", r#"{"schema":"another/1","environments":[]}"#] {
            fs::create_dir_all(cache.path.parent().unwrap()).unwrap();
            fs::write(&cache.path, text).unwrap();
            assert_eq!(cache.read(), []);
            cache.write(services(&["main/one"])).unwrap();
            assert_eq!(cache.read(), services(&["main/one"]));
        }
    }
}
