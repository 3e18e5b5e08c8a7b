//! Checks of AWS's own settings, in variables and files, before the SDK reads them: the SDK panics on some.
//!
//! The rules are those of `aws`: an empty variable is not set, and a named profile must exist. Retries are configured
//! in [`clients`](super::clients), so AWS_RETRY_MODE and AWS_MAX_ATTEMPTS are not read.

use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use aws_config::SdkConfig;
use aws_config::profile::ProfileSet;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::text::without_password;

const ENDPOINT: &str = "AWS_ENDPOINT_URL";
const ENDPOINT_KEY: &str = "endpoint_url";

/// The services that tidegate calls, by their names in the SDK's settings.
const SERVICES: [&str; 5] = ["ECS", "Elastic Load Balancing v2", "CloudWatch", "CloudWatch Logs", "STS"];

/// Reads an environment variable; an empty variable is not set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// A fault for a setting with an unusable value.
fn wrong(setting: &str, value: &str, takes: &str) -> Fault {
    let message = format!("{setting} is {value:?}; it takes {takes}");
    Fault::new(FaultKind::Misconfigured, "connect", "AWS", message)
}

/// The choices of flags and configuration, made before AWS's own settings are read.
pub(super) struct Chosen<'a> {
    /// Endpoint for every service.
    pub(super) endpoint_url: Option<&'a str>,
    /// Profile.
    pub(super) profile: Option<&'a str>,
    /// True if access keys are given, so no profile is needed.
    pub(super) has_keys: bool,
}

/// Checks the variables, the files and the profile before the SDK reads them. Returns the profiles in the files, if the
/// files could be read.
pub(super) async fn check(chosen: &Chosen<'_>) -> Result<Option<ProfileSet>, Fault> {
    match chosen.endpoint_url {
        // This endpoint takes precedence, so the others need no check.
        Some(url) => check_url("--endpoint-url", url)?,
        None => {
            let names = SERVICES.map(|service| format!("{ENDPOINT}_{}", service.to_uppercase().replace(' ', "_")));
            for name in names.into_iter().chain([ENDPOINT.to_owned()]) {
                variable(&name).map_or(Ok(()), |url| check_url(&name, &url))?;
            }
        }
    }
    check_files()?;
    let exported = variable("AWS_PROFILE").map(|name| (name, "AWS_PROFILE"));
    let named = chosen.profile.map(|name| (name.to_owned(), "--profile, or the configuration,")).or(exported);
    let named = named.filter(|_| !chosen.has_keys);
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), None).await;
    match (profiles, named) {
        // `aws` does the same: an operator who names a profile does not mean the keys that are also exported.
        (Ok(profiles), Some((name, by))) if profiles.get_profile(&name).is_none() => {
            let message = format!("the config profile ({name}) could not be found; {by} names it");
            let mut fault = Fault::new(FaultKind::NoCredentials, "connect", "AWS", message);
            fault.advice = "`aws configure list-profiles` shows those that there are.".to_owned();
            Err(fault)
        }
        (Err(error), Some((name, by))) => {
            let message =
                format!("{by} names the profile {name}, and the AWS configuration files cannot be read: {error}");
            Err(Fault::new(FaultKind::Misconfigured, "connect", "AWS", message))
        }
        // Without a named profile, exported keys or an instance's own need no files.
        (profiles, _) => Ok(profiles.ok()),
    }
}

/// Rejects named pipes: the SDK would wait forever for their content.
fn check_files() -> Result<(), Fault> {
    for (name, usual) in [("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")] {
        let path = variable(name).or_else(|| Some(format!("{}/{usual}", variable("HOME")?))).map(PathBuf::from);
        let Some(path) = path else { continue };
        if std::fs::metadata(&path).is_ok_and(|found| found.file_type().is_fifo()) {
            return Err(wrong(name, &path.display().to_string(), "a regular file, and that is a named pipe"));
        }
    }
    Ok(())
}

fn check_url(setting: &str, url: &str) -> Result<(), Fault> {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = host.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    if host.is_some_and(is_host) && HttpRequest::get(url).is_ok() {
        return Ok(());
    }
    Err(wrong(
        setting,
        &without_password(url),
        "a URL such as http://127.0.0.1:4566 or https://ecs.eu-west-1.amazonaws.com",
    ))
}

/// Returns true if the text can follow the scheme of a URL: a host and, if there is a port, a numeric one.
fn is_host(authority: &str) -> bool {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']'));
    !host.is_empty()
        && !authority.chars().any(|c| c.is_whitespace() || c.is_control())
        && port.is_none_or(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok())
}

/// Checks that the region can be part of a host name, and returns it.
pub(super) fn check_region(region: String) -> Result<String, Fault> {
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if region.len() <= 63 && region.chars().all(label) {
        return Ok(region);
    }
    Err(wrong(
        "the region (--region, AWS_REGION, AWS_DEFAULT_REGION or the profile's)",
        &region,
        "a name such as eu-west-1",
    ))
}

/// The endpoint of a service. `None`: AWS's default endpoint.
pub(super) fn endpoint(config: &SdkConfig, files: Option<&ProfileSet>, service: &str) -> Result<Option<String>, Fault> {
    if config.get_origin(ENDPOINT_KEY).is_client_config() {
        return Ok(config.endpoint_url().map(str::to_owned));
    }
    let key = ServiceConfigKey::builder().service_id(service).env(ENDPOINT).profile(ENDPOINT_KEY).build();
    let Some(found) = key.ok().and_then(|key| config.service_config()?.load_config(key)) else {
        return Ok(config.endpoint_url().filter(|url| !url.trim().is_empty()).map(str::to_owned));
    };
    if !found.trim().is_empty() {
        check_url("endpoint_url in the AWS configuration files", &found)?;
        return Ok(Some(found));
    }
    let in_files = files.and_then(|files| files.get(ENDPOINT_KEY)).filter(|url| !url.trim().is_empty());
    let url = variable(ENDPOINT).or_else(|| in_files.map(str::to_owned));
    url.map(|url| check_url(ENDPOINT_KEY, &url).map(|()| url)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        for url in
            ["http://127.0.0.1:4566", "https://ecs.eu-west-1.amazonaws.com/", "http://[::1]:80/path", "http://u:p@host"]
        {
            assert_eq!(check_url("x", url), Ok(()), "{url}");
        }
        for url in [
            "nonsense",
            "http://",
            "https:///path",
            "ftp://host",
            "http://a b",
            "http://a\n",
            "http://host:port",
            "//host",
        ] {
            let fault = check_url("AWS_ENDPOINT_URL_ECS", url).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Misconfigured, "{url}");
            assert!(fault.message.contains("AWS_ENDPOINT_URL_ECS") && fault.message.contains("http://127"), "{url}");
        }
        let fault = check_url("x", "ftp://me:hunter2@host").unwrap_err();
        assert!(!fault.message.contains("hunter2"), "{}", fault.message);
    }

    #[test]
    fn a_region_is_part_of_a_hosts_name() {
        for region in ["us-east-1", "eusc-de-east-1", "local"] {
            assert_eq!(check_region(region.to_owned()), Ok(region.to_owned()));
        }
        for region in ["a/b", "us east", "us.east", "é", "a\u{1b}[2J", &"a".repeat(64)] {
            assert_eq!(check_region(region.to_owned()).unwrap_err().kind, FaultKind::Misconfigured, "{region}");
        }
    }
}
