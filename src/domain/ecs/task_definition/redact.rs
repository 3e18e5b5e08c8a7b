//! Redaction of a task definition: values of variables, and everything that looks like a secret. Redaction errs on the
//! safe side: a wrongly redacted value can be revealed, a wrongly shown value cannot be unseen.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::hidden;

/// Redacts in place. `digest` must be keyed: an unkeyed digest of a short value would reveal the value.
pub fn hide(json: &mut Value, digest: &dyn Fn(&str) -> u64) {
    match PATTERNS.as_ref() {
        Some(patterns) => Hider { patterns, digest }.member("", json, Place::Anywhere),
        // Without patterns every value may be a secret.
        None => *json = Value::String(hidden(digest(&json.to_string()))),
    }
}

struct Hider<'a> {
    patterns: &'a Patterns,
    digest: &'a dyn Fn(&str) -> u64,
}

/// The context of a value.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Members with names from AWS.
    Anywhere,
    /// Members with names from people: labels, options.
    Free,
    /// Everything in the member is a secret.
    Secret,
    /// The member only refers to a secret.
    Reference,
}

/// Members that only refer to a place or a permission: an ARN, a name in another service.
const REFERENCES: [&str; 9] = [
    "valueFrom",
    "credentialsParameter",
    "credentialSpecs",
    "environmentFiles",
    "authorizationConfig",
    "taskRoleArn",
    "executionRoleArn",
    "taskDefinitionArn",
    "registeredBy",
];

/// Members with names from people.
const FREE: [&str; 3] = ["options", "labels", "dockerLabels"];

/// Parts of names that people give to secrets.
const SECRET: &str = "secret|token|pass|pwd|credential|private|auth|(?:api|access)[-_. ]?key|bearer|jwt|dsn|\
                      conn(?:ection)?[-_. ]?str";

/// The patterns that find secrets in texts.
struct Patterns {
    /// `DB_PASSWORD`, `x-api-key`, `licenseKey`.
    name: Regex,
    /// `--password=`, `spring.datasource.password=`, `"password": "`, `Authorization: `: a secret follows.
    set: Regex,
    /// `--password`, `"password":`, `Bearer`, as a separate word: the next word is a secret.
    next: Regex,
    /// A program's option for `user:password`.
    user: Regex,
    /// The scheme between the name and the secret: `Authorization: Bearer …`.
    scheme: Regex,
    /// Everything in front of a URL's host. A password may wrongly contain a slash or an @, so the redacted part ends
    /// with the last @.
    url: Regex,
    /// The same for drivers without a scheme: `user:password@tcp(host)/db`.
    driver: Regex,
    /// A secret by its form: a JSON web token; a token of GitHub, GitLab, Slack or Stripe.
    look: Regex,
    /// A private key in PEM format.
    key: Regex,
    /// A shell word: quotes, and characters after a backslash, belong to the word.
    word: Regex,
    /// A program's option whose next word is a script.
    shell: Regex,
}

impl Patterns {
    fn compiled() -> Option<Self> {
        let named = format!(r"[\w.-]*(?:(?:{SECRET})[\w.-]*|key)");
        let end = format!(r"(?:(?:{SECRET})[\w.-]*|key)");
        let set = format!(r#"(?i){named}(?:\\*["'])?\s*(?:=|:\s|:\s*\\*["'])\s*(?:\\*["'])?"#);
        let next = format!(r#"(?i)^(?:["']?--?{named}["']?[=:]?|\S*{end}\\*["']?[=:]|bearer|basic)$"#);
        Some(Self {
            name: Regex::new(&format!(r"(?i)(?:{SECRET}|key$)")).ok()?,
            set: Regex::new(&set).ok()?,
            next: Regex::new(&next).ok()?,
            user: Regex::new(r"^--?(?:u|user|proxy-user)$").ok()?,
            scheme: Regex::new(r"(?i)^(?:bearer|basic)$").ok()?,
            url: Regex::new(r"(?i)([a-z][a-z0-9+.-]*://)\S*@").ok()?,
            driver: Regex::new(r#"[^\s:/"']+:[^\s"']*(@(?:tcp|udp|unix|cloudsql)?\()"#).ok()?,
            look: Regex::new(
                r"eyJ[\w-]+\.[\w-]+\.[\w-]*|\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|[sr]k_(?:live|test)_)[\w-]{8,}",
            )
            .ok()?,
            key: Regex::new(r"-----BEGIN [A-Z ]*PRIVATE KEY").ok()?,
            word: Regex::new(r#"(?s)(?:\\.|'[^']*(?:'|$)|"(?:\\.|[^"\\])*(?:"|\\?$)|[^\s'"\\]|\\$)+"#).ok()?,
            shell: Regex::new(r"^(?:-[a-z]*c|CMD-SHELL)$").ok()?,
        })
    }
}

// All patterns compile, see the test `every_pattern_compiles`.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(Patterns::compiled);

impl Hider<'_> {
    fn mark(&self, text: &str) -> String {
        if text.is_empty() { String::new() } else { hidden((self.digest)(text)) }
    }

    /// Redacts a member of the list or the object called `name`, or the member itself.
    fn member(&self, name: &str, value: &mut Value, place: Place) {
        match value {
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) => {
                if place == Place::Secret {
                    *value = Value::String(self.mark(&value.to_string()));
                }
            }
            Value::String(text) => match place {
                Place::Secret => *text = self.mark(text),
                Place::Reference => {}
                Place::Anywhere | Place::Free => *text = self.text(text),
            },
            Value::Array(items) => items.iter_mut().for_each(|item| self.member(name, item, place)),
            Value::Object(members) => self.object(name, members, place),
        }
    }

    /// Redacts an object. The object may be a member of the list called `list`, and may have a name of its own: a
    /// variable, a tag.
    fn object(&self, list: &str, members: &mut Map<String, Value>, place: Place) {
        let own = ["name", "key"].iter().find_map(|key| members.get(*key)).and_then(Value::as_str);
        let secret = list == "environment" || own.is_some_and(|own| self.patterns.name.is_match(own));
        let named = own.is_some();
        let entry = members.get("entryPoint").and_then(Value::as_array).and_then(|words| words.last());
        let script = entry.and_then(Value::as_str).is_some_and(|word| self.patterns.shell.is_match(word));
        for (name, value) in members.iter_mut() {
            let below = match (place, name.as_str()) {
                (Place::Secret | Place::Reference, _) => place,
                (_, "value") if secret => Place::Secret,
                (Place::Anywhere, "name" | "key") if named => Place::Reference,
                (_, name) => self.below(name, value, place),
            };
            match (name.as_str(), value, below) {
                ("command" | "entryPoint", Value::Array(words), Place::Anywhere) => {
                    self.command(words, script && name == "command");
                }
                (name, value, below) => self.member(name, value, below),
            }
        }
    }

    /// Redacts the words of a command, as passed to a program. `script`: the first word is a shell script.
    fn command(&self, words: &mut [Value], mut script: bool) {
        let (mut next, mut user) = (false, false);
        for word in words {
            let Value::String(text) = word else {
                self.member("", word, Place::Secret);
                continue;
            };
            let (asks, shell, by_name) = (
                self.patterns.next.is_match(text),
                self.patterns.shell.is_match(text),
                self.patterns.user.is_match(text),
            );
            *text = match text.split_once(':') {
                _ if next => self.mark(text),
                Some((name, password)) if user => format!("{name}:{}", self.mark(password)),
                _ if script => self.script(text),
                _ => self.text(text),
            };
            (next, script, user) = (asks, shell, by_name);
        }
    }

    /// Redacts a text of unknown kind: a secret that is set in the text, up to the end, and every secret that a
    /// script's words may hold.
    fn text(&self, text: &str) -> String {
        let text = self.looks(text);
        match self.patterns.set.find(&text) {
            Some(set) => {
                let (before, after) = text.split_at(set.end());
                format!(
                    "{}{}{}",
                    self.words(before.get(..set.start()).unwrap_or_default()),
                    set.as_str(),
                    self.mark(after)
                )
            }
            None => self.words(&text),
        }
    }

    /// Redacts a shell script.
    fn script(&self, text: &str) -> String {
        self.words(&self.looks(text))
    }

    /// Redacts shell word by shell word, each secret up to the end of its word.
    fn words(&self, text: &str) -> String {
        let (mut hidden, mut end, mut next, mut user) = (String::new(), 0, false, false);
        for found in self.patterns.word.find_iter(text) {
            let word = found.as_str();
            hidden.push_str(text.get(end..found.start()).unwrap_or_default());
            end = found.end();
            hidden.push_str(&match (self.patterns.set.find(word), word.split_once(':')) {
                _ if next && !self.patterns.scheme.is_match(word) => self.mark(word),
                (Some(set), _) => {
                    let (before, after) = word.split_at(set.end());
                    format!("{before}{}", self.mark(after))
                }
                (_, Some((name, password))) if user => format!("{name}:{}", self.mark(password)),
                _ => word.to_owned(),
            });
            (next, user) = (self.patterns.next.is_match(word), self.patterns.user.is_match(word));
        }
        hidden.push_str(text.get(end..).unwrap_or_default());
        hidden
    }

    /// Redacts secrets by their form, regardless of the text in front.
    fn looks(&self, text: &str) -> String {
        let (text, key) = text.split_at(self.patterns.key.find(text).map_or(text.len(), |found| found.start()));
        let part = |found: &Captures<'_>, at: usize| found.get(at).map_or("", |part| part.as_str()).to_owned();
        let text = self
            .patterns
            .url
            .replace_all(text, |it: &Captures<'_>| format!("{}{}@", part(it, 1), self.mark(&part(it, 0))));
        let text = self.patterns.driver.replace_all(&text, |it: &Captures<'_>| self.mark(&part(it, 0)) + &part(it, 1));
        let text = self.patterns.look.replace_all(&text, |it: &Captures<'_>| self.mark(&part(it, 0)));
        format!("{text}{}", self.mark(key))
    }

    /// The context of a member, from its name and its parent's context.
    fn below(&self, name: &str, value: &Value, place: Place) -> Place {
        match place {
            Place::Secret | Place::Reference => place,
            _ if name == "driverOpts" => Place::Secret,
            Place::Free if self.patterns.name.is_match(name) => Place::Secret,
            Place::Free => place,
            _ if REFERENCES.contains(&name) => Place::Reference,
            _ if FREE.contains(&name) => Place::Free,
            // A member unknown to this version may be a secret too; AWS's own lists of secrets (`secrets`) hold
            // references only.
            Place::Anywhere if value.is_string() && self.patterns.name.is_match(name) => Place::Secret,
            Place::Anywhere => place,
        }
    }
}

#[cfg(test)]
mod tests;
