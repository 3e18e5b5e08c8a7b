//! The effective configuration in words, and as JSON.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::{Config, Origin, Sourced, default_path, metrics};
use crate::cli::format::columns;
use crate::domain::text::without_password;

/// One line of it.
pub(super) struct Line {
    /// The setting's key.
    pub(super) key: String,
    /// Its value, as a file would have it.
    pub(super) value: String,
    /// Where it came from.
    pub(super) origin: Origin,
}

fn span(duration: SignedDuration) -> String {
    format!("{duration:#}")
}

fn optional(value: &Option<String>, none: &str) -> String {
    value.clone().unwrap_or_else(|| none.to_owned())
}

impl Config {
    /// Every setting with its value and where it came from, in the order of `config.example.toml`.
    pub(super) fn lines(&self) -> Vec<Line> {
        let settings = &self.settings;
        let environment = &self.environment;
        let steps: Vec<_> = settings.ladder.steps().iter().map(|step| step.value().to_string()).collect();
        let value_of = |key: &str| match key {
            "ladder" => format!("[{}]", steps.join(", ")),
            "bake" => span(settings.bake),
            "finish_watch" => span(settings.finish_watch),
            "patience" => span(settings.patience),
            "propagation" => span(settings.propagation),
            "rollback_within" => span(settings.rollback_within),
            "automatic.countdown" => span(settings.automatic.countdown),
            "automatic.rollback_after" => settings.automatic.rollback_after.map_or_else(|| "never".to_owned(), span),
            _ => format!("{:?}", settings.rollback_confirm).to_lowercase(),
        };
        fn line<T>(key: &str, sourced: &Sourced<T>, show: impl Fn(&T) -> String) -> Line {
            Line { key: key.to_owned(), value: show(&sourced.value), origin: sourced.origin.clone() }
        }
        let mut all = vec![
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
        ];
        all.extend(self.origins.iter().map(|(key, origin)| Line {
            key: (*key).to_owned(),
            value: value_of(key),
            origin: origin.clone(),
        }));
        let (general, by_service) = &self.lines;
        all.extend(general.shown(&settings.thresholds).into_iter().map(|(key, said, value)| Line {
            key: format!("thresholds.{key}"),
            value,
            origin: if said { Origin::File } else { Origin::Default },
        }));
        let prometheus = &environment.prometheus;
        all.push(line("prometheus.url", prometheus, |table| {
            table.as_ref().map_or_else(|| "none".to_owned(), |table| table.url.0.to_string())
        }));
        let token = prometheus.value.as_ref().and_then(|table| table.bearer_token_file.as_ref());
        all.extend(token.map(|file| Line {
            key: "prometheus.bearer_token_file".to_owned(),
            value: file.display().to_string(),
            origin: prometheus.origin.clone(),
        }));
        all.push(line("ui.ascii", &self.ascii, bool::to_string));
        all.push(line("ui.percentile", &self.percentile, ToString::to_string));
        for (name, service) in &settings.services {
            let ladder = service.ladder.as_ref().map(|ladder| {
                let steps: Vec<_> = ladder.steps().iter().map(|step| step.value().to_string()).collect();
                format!("[{}]", steps.join(", "))
            });
            let own = [
                ("ladder", ladder),
                ("bake", service.bake.map(span)),
                ("stable", service.stable.clone()),
                ("canary", service.canary.clone()),
                ("rules", (!service.rules.is_empty()).then(|| service.rules.join(", "))),
                ("native_weighted", service.native_weighted.then(|| true.to_string())),
                ("alarms", (!service.alarms.is_empty()).then(|| service.alarms.join(", "))),
                ("rollback_after", service.rollback_after.map(span)),
            ];
            all.extend(own.into_iter().filter_map(|(key, value)| {
                Some(Line { key: format!("services.{name}.{key}"), value: value?, origin: Origin::File })
            }));
            all.extend(service.own.iter().flat_map(metrics::shown).map(|(key, value)| Line {
                key: format!("services.{name}.metrics.{key}"),
                value,
                origin: Origin::File,
            }));
            let lines = by_service.get(name).zip(service.thresholds.as_ref());
            let drawn = lines.into_iter().flat_map(|(table, lines)| table.shown(lines)).filter(|(_, said, _)| *said);
            all.extend(drawn.map(|(key, _, value)| Line {
                key: format!("services.{name}.thresholds.{key}"),
                value,
                origin: Origin::File,
            }));
        }
        all
    }

    /// The same for people.
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

    /// The same as one document.
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
