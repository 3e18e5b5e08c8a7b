//! The values that a shell offers for an argument. They come from this machine alone: completion never calls AWS.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use clap::{CommandFactory, FromArgMatches};
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter};

use super::{Cli, Global};
use crate::cli::config::{self, Config, Flags, process_variables};
use crate::cli::service_cache::{self, KnownService, ServiceCache};
use crate::cli::topics;
use crate::sim::scenario::Scenario;

/// Services: those last seen in the environment, and those of the configuration file.
pub(super) fn services() -> Vec<CompletionCandidate> {
    let Some(config) = configuration(&typed()) else { return Vec::new() };
    let known = known_services(&config);
    let configured = config.settings.services.keys().map(String::as_str);
    let names: BTreeSet<&str> = known.iter().map(|service| service.name.as_str()).chain(configured).collect();
    let names = names.into_iter().filter(|name| service_cache::is_plain(name)).map(CompletionCandidate::new);
    // A hidden candidate is offered where no other one fits what is typed.
    let with_cluster = known.iter().map(KnownService::with_cluster);
    names.chain(with_cluster.map(|name| CompletionCandidate::new(name).hide(true))).collect()
}

/// Services, and files.
pub(super) fn services_and_files(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = starting_with(current, services());
    found.extend(PathCompleter::any().stdio().complete(current));
    found
}

/// The clusters of the services last seen.
pub(super) fn clusters() -> Vec<CompletionCandidate> {
    let Some(config) = configuration(&Flags { clusters: Vec::new(), ..typed() }) else { return Vec::new() };
    let known = known_services(&config);
    let clusters: BTreeSet<_> = known.iter().map(|service| service.cluster.as_str()).collect();
    clusters.into_iter().map(CompletionCandidate::new).collect()
}

/// The environments of the configuration file.
pub(super) fn environments() -> Vec<CompletionCandidate> {
    let names = configuration(&Flags { environment: None, ..typed() }).map(|config| config.environments);
    names.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect()
}

/// The embedded scenarios with their summaries, and scenario files.
pub(super) fn scenarios(current: &OsStr) -> Vec<CompletionCandidate> {
    let embedded = starting_with(current, Scenario::names().map(CompletionCandidate::new).collect());
    let described = embedded.into_iter().map(|candidate| {
        let scenario = candidate.get_value().to_str().and_then(Scenario::named);
        candidate.help(scenario.map(|scenario| scenario.summary.into()))
    });
    let files = PathCompleter::any().filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    described.chain(files.complete(current)).collect()
}

/// The commands and the topics that `help` explains.
pub(super) fn help_subjects() -> Vec<CompletionCandidate> {
    let commands = Cli::command();
    let commands = commands.get_subcommands().filter(|command| !command.is_hide_set());
    let commands =
        commands.map(|command| CompletionCandidate::new(command.get_name()).help(command.get_about().cloned()));
    let topics = topics::all().map(|(topic, sentence)| CompletionCandidate::new(topic).help(Some(sentence.into())));
    commands.chain(topics).collect()
}

fn starting_with(current: &OsStr, candidates: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let current = current.as_encoded_bytes();
    let fits = |candidate: &CompletionCandidate| candidate.get_value().as_encoded_bytes().starts_with(current);
    candidates.into_iter().filter(fits).collect()
}

/// The options on the line that is being completed: they choose the configuration file and the environment.
fn typed() -> Flags {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words);
    let global = matches.ok().and_then(|matches| Global::from_arg_matches(&matches).ok());
    global.as_ref().map(Flags::from).unwrap_or_default()
}

/// `None` where there is nothing to offer, such as when the configuration file has an error.
fn configuration(flags: &Flags) -> Option<Config> {
    config::load(flags, &process_variables).ok()
}

fn known_services(config: &Config) -> Vec<KnownService> {
    ServiceCache::of(config).map(|cache| cache.read()).unwrap_or_default()
}
