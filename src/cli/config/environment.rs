//! The environment that is looked at: which one was chosen, and its account, region and clusters.

use super::file::{ConfigError, EnvironmentTable, File};
use super::metrics::PrometheusTable;
use super::{Flags, Origin, Sourced, Variables, switch};

/// The account and region that are looked at, as far as they are decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Environment {
    /// Its name; `default` where the file names none.
    pub name: Sourced<String>,
    /// The AWS profile; `None`: the SDK's own choice.
    pub profile: Sourced<Option<String>>,
    /// The region; `None`: the profile's.
    pub region: Sourced<Option<String>>,
    /// Names or ARNs of clusters; empty: all of them.
    pub clusters: Sourced<Vec<String>>,
    /// Forward acts ask for the release's name.
    pub protected: Sourced<bool>,
    /// Nothing may be written.
    pub read_only: Sourced<bool>,
    /// Another endpoint than AWS's.
    pub endpoint_url: Sourced<Option<String>>,
    /// The Prometheus that counts for it.
    pub prometheus: Sourced<Option<PrometheusTable>>,
}

pub(super) fn environment(flags: &Flags, variables: Variables<'_>, file: &File) -> Result<Environment, ConfigError> {
    let chosen = chosen_environment(flags, variables, file);
    let table = chosen.value.as_deref().map(|name| environment_table(file, name)).transpose()?;
    // An environment that was called by its name means its own profile and region, whatever else is exported in
    // this shell: `-e prod` must never show another account under prod's name.
    let called = matches!(chosen.origin, Origin::Flag(_) | Origin::Variable(_));
    let text = |flag, said: &Option<String>, exported: &[&'static str], of: fn(&EnvironmentTable) -> Option<String>| {
        let in_file = (Origin::File, table.and_then(of));
        let mut layers = vec![(Origin::Flag(flag), said.clone())];
        let exported = exported.iter().map(|name| (Origin::Variable(name), variables(name)));
        if called {
            layers.push(in_file);
            layers.extend(exported);
        } else {
            layers.extend(exported);
            layers.push(in_file);
        }
        Sourced::first(layers.into_iter().map(|(origin, value)| (origin, value.map(Some))), None)
    };
    Ok(Environment {
        profile: text("--profile", &flags.profile, &["AWS_PROFILE"], |table| table.profile.clone()),
        region: text("--region", &flags.region, &["AWS_REGION", "AWS_DEFAULT_REGION"], |table| table.region.clone()),
        endpoint_url: text("--endpoint-url", &flags.endpoint_url, &["AWS_ENDPOINT_URL"], |table| {
            table.endpoint_url.clone()
        }),
        clusters: clusters(flags, variables, table),
        protected: Sourced::file(table.and_then(|table| table.protected), false),
        read_only: read_only(flags, variables, table)?,
        prometheus: Sourced::file(
            table.and_then(|table| table.prometheus.clone()).or_else(|| file.prometheus.clone()).map(Some),
            None,
        ),
        name: Sourced { value: chosen.value.unwrap_or_else(|| "default".to_owned()), origin: chosen.origin },
    })
}

fn chosen_environment(flags: &Flags, variables: Variables<'_>, file: &File) -> Sourced<Option<String>> {
    const NAME: &str = "TIDEGATE_ENVIRONMENT";
    Sourced::first(
        [
            (Origin::Flag("--environment"), flags.environment.clone().map(Some)),
            (Origin::Variable(NAME), variables(NAME).map(Some)),
            (Origin::File, file.environments.first().map(|first| Some(first.name.clone()))),
        ],
        None,
    )
}

fn environment_table<'a>(file: &'a File, name: &str) -> Result<&'a EnvironmentTable, ConfigError> {
    file.environments.iter().find(|environment| environment.name == name).ok_or_else(|| {
        let names: Vec<_> = file.environments.iter().map(|environment| environment.name.as_str()).collect();
        let known = match names.is_empty() {
            true => "the configuration has none".to_owned(),
            false => format!("the configuration has {}", names.join(", ")),
        };
        ConfigError::NoEnvironment { name: name.to_owned(), known }
    })
}

fn clusters(flags: &Flags, variables: Variables<'_>, table: Option<&EnvironmentTable>) -> Sourced<Vec<String>> {
    let listed = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty());
    let exported = variables("TIDEGATE_CLUSTERS")
        .map(|names| names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect());
    Sourced::first(
        [
            (Origin::Flag("--cluster"), listed(Some(flags.clusters.clone()))),
            (Origin::Variable("TIDEGATE_CLUSTERS"), listed(exported)),
            (Origin::File, listed(table.and_then(|table| table.clusters.clone()))),
        ],
        Vec::new(),
    )
}

/// The one setting that no layer can take back: whoever says read-only is obeyed.
fn read_only(
    flags: &Flags,
    variables: Variables<'_>,
    table: Option<&EnvironmentTable>,
) -> Result<Sourced<bool>, ConfigError> {
    const NAME: &str = "TIDEGATE_READ_ONLY";
    let layers = [
        (Origin::Flag("--read-only"), flags.read_only.then_some(true)),
        (Origin::Variable(NAME), switch(variables, NAME)?.filter(|read_only| *read_only)),
        (Origin::File, table.and_then(|table| table.read_only)),
    ];
    Ok(Sourced::first(layers, false))
}
