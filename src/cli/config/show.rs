//! The effective configuration in words, and as JSON.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{Config, Environment, Origin, Sourced, default_path, metrics};
use crate::cli::format::columns;
use crate::domain::release::ladder::Ladder;
use crate::domain::settings::{ServiceSettings, Settings};
use crate::domain::text::without_password;

/// One line of the configuration.
pub(super) struct Line {
    /// The setting's key.
    pub(super) key: String,
    /// The setting's value, in the syntax of the file.
    pub(super) value: String,
    /// The origin of the value.
    pub(super) origin: Origin,
}

fn span(duration: SignedDuration) -> String {
    format!("{duration:#}")
}

fn optional(value: &Option<String>, none: &str) -> String {
    value.clone().unwrap_or_else(|| none.to_owned())
}

fn line<T>(key: &str, sourced: &Sourced<T>, show: impl Fn(&T) -> String) -> Line {
    Line { key: key.to_owned(), value: show(&sourced.value), origin: sourced.origin.clone() }
}

fn in_file(key: String, value: String) -> Line {
    Line { key, value, origin: Origin::File }
}

fn steps(ladder: &Ladder) -> String {
    let steps: Vec<_> = ladder.steps().iter().map(|step| step.value().to_string()).collect();
    format!("[{}]", steps.join(", "))
}

fn environment_lines(environment: &Environment) -> Vec<Line> {
    vec![
        line("environment", &environment.name, String::clone),
        line("profile", &environment.profile, |profile| optional(profile, "the SDK's choice")),
        line("region", &environment.region, |region| optional(region, "the profile's")),
        line("clusters", &environment.clusters, |clusters| {
            if clusters.is_empty() { "all".to_owned() } else { clusters.join(", ") }
        }),
        line("protected", &environment.protected, bool::to_string),
        line("read_only", &environment.read_only, bool::to_string),
        line("endpoint_url", &environment.endpoint_url, |url| {
            url.as_deref().map_or_else(|| "AWS's own".to_owned(), |url| without_password(url).into_owned())
        }),
    ]
}

fn general_value(settings: &Settings, key: &str) -> String {
    match key {
        "ladder" => steps(&settings.ladder),
        "bake" => span(settings.bake),
        "finish_watch" => span(settings.finish_watch),
        "patience" => span(settings.patience),
        "propagation" => span(settings.propagation),
        "rollback_within" => span(settings.rollback_within),
        "automatic.countdown" => span(settings.automatic.countdown),
        "automatic.rollback_after" => settings.automatic.rollback_after.map_or_else(|| "never".to_owned(), span),
        _ => format!("{:?}", settings.rollback_confirm).to_lowercase(),
    }
}

fn prometheus_lines(environment: &Environment) -> Vec<Line> {
    let prometheus = &environment.prometheus;
    let url = line("prometheus.url", prometheus, |table| {
        table.as_ref().map_or_else(|| "none".to_owned(), |table| table.url.0.to_string())
    });
    let token = prometheus.value.as_ref().and_then(|table| table.bearer_token_file.as_ref());
    let token = token.map(|file| Line {
        key: "prometheus.bearer_token_file".to_owned(),
        value: file.display().to_string(),
        origin: prometheus.origin.clone(),
    });
    [url].into_iter().chain(token).collect()
}

impl Config {
    /// Returns every setting with its value and its origin, in the order of `config.example.toml`.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut all = environment_lines(&self.environment);
        all.extend(self.origins.iter().map(|(key, origin)| Line {
            key: (*key).to_owned(),
            value: general_value(&self.settings, key),
            origin: origin.clone(),
        }));
        let (general, _) = &self.lines;
        all.extend(general.shown(&self.settings.thresholds).into_iter().map(|(key, said, value)| Line {
            key: format!("thresholds.{key}"),
            value,
            origin: if said { Origin::File } else { Origin::Default },
        }));
        all.extend(prometheus_lines(&self.environment));
        all.push(line("budget.steady", &self.steady_share, |share| format!("{share}%")));
        all.push(line("ui.ascii", &self.ascii, bool::to_string));
        all.push(line("ui.percentile", &self.percentile, ToString::to_string));
        all.push(line("ui.theme", &self.theme, ToString::to_string));
        all.extend(self.settings.services.iter().flat_map(|(name, service)| self.service_lines(name, service)));
        all
    }

    fn service_lines(&self, name: &str, service: &ServiceSettings) -> Vec<Line> {
        let own = [
            ("ladder", service.ladder.as_ref().map(steps)),
            ("bake", service.bake.map(span)),
            ("stable", service.stable.clone()),
            ("canary", service.canary.clone()),
            ("rules", (!service.rules.is_empty()).then(|| service.rules.join(", "))),
            ("native_weighted", service.native_weighted.then(|| true.to_string())),
            ("alarms", (!service.alarms.is_empty()).then(|| service.alarms.join(", "))),
            ("rollback_after", service.rollback_after.map(span)),
        ];
        let own = own.into_iter().filter_map(|(key, value)| Some(in_file(format!("services.{name}.{key}"), value?)));
        let metrics = service.own.iter().flat_map(metrics::shown);
        let metrics = metrics.map(|(key, value)| in_file(format!("services.{name}.metrics.{key}"), value));
        let (_, by_service) = &self.lines;
        let thresholds = by_service.get(name).zip(service.thresholds.as_ref());
        let thresholds = thresholds.into_iter().flat_map(|(table, thresholds)| table.shown(thresholds));
        let thresholds = thresholds.filter(|(_, said, _)| *said);
        let thresholds = thresholds.map(|(key, _, value)| in_file(format!("services.{name}.thresholds.{key}"), value));
        own.chain(metrics).chain(thresholds).collect()
    }

    /// Renders the configuration for people.
    pub(crate) fn text(&self) -> String {
        let file = match (&self.file, default_path()) {
            (Some(path), _) => format!("file: {}", path.display()),
            (None, Some(path)) => format!("no file; it would be {}", path.display()),
            (None, None) => "no file".to_owned(),
        };
        let rows: Vec<_> =
            self.lines().into_iter().map(|line| vec![line.key, line.value, format!("({})", line.origin)]).collect();
        let mut lines = vec![file, String::new()];
        lines.extend(columns(&rows));
        lines.join("\n")
    }

    /// Returns the configuration as one JSON document.
    pub(crate) fn document(&self) -> Value {
        let settings: Map<_, _> = self
            .lines()
            .into_iter()
            .map(|line| (line.key, json!({ "value": line.value, "from": line.origin.to_string() })))
            .collect();
        json!({
            "schema": "tidegate.config/1",
            "file": self.file.as_ref().map(|path| path.display().to_string()),
            "environments": self.environments,
            "settings": settings,
        })
    }
}
