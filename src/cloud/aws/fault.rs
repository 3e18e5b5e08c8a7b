//! Conversion of the SDK's errors to [`Fault`]s, by code: each protocol spells its errors differently, and most errors
//! that matter in an incident (throttling, expired tokens) are in no operation's model.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use crate::domain::fault::{Fault, FaultKind};

use super::operation::Operation;

/// The destination of calls, which advice must name.
#[derive(Debug, Clone)]
pub(super) struct ConnectionInfo {
    /// The profile in use, if one is named.
    pub(super) profile: Option<String>,
    pub(super) region: String,
}

/// Converts the error of one call to a fault.
pub(super) fn fault<E>(
    operation: Operation,
    subject: &str,
    error: &SdkError<E, HttpResponse>,
    place: &ConnectionInfo,
    account: Option<&str>,
) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let make = |kind, message: String| Fault::new(kind, operation.name(), subject, message);
    let mut fault = match error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let meta = service.err().meta();
            let html = service.raw().headers().get("content-type").is_some_and(|kind| kind.contains("html"));
            let kind = match meta.code() {
                Some(code) => by_code(code, status),
                None => by_status(status, html, operation),
            };
            let message = meta.message().filter(|message| !message.is_empty());
            let message = message.map_or_else(|| format!("HTTP {status} without a message"), str::to_owned);
            let kind =
                if kind == FaultKind::Refused && answered(operation, &message) { FaultKind::Changed } else { kind };
            let mut fault = make(kind, message);
            fault.code = meta.code().map(str::to_owned);
            fault.request_id = error.request_id().or_else(|| meta.request_id()).map(str::to_owned);
            fault
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let html = response.raw().headers().get("content-type").is_some_and(|kind| kind.contains("html"));
            // `Display` of the error itself says only that the response was not understood.
            let mut fault = make(by_status(status, html, operation), format!("HTTP {status}: {}", causes(error)));
            fault.request_id = error.request_id().map(str::to_owned);
            fault
        }
        SdkError::TimeoutError(_) => make(FaultKind::Unanswered, causes(error)),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            let causes = causes(error);
            make(undelivered(error, &causes), causes)
        }
        _ => make(FaultKind::Garbled, causes(error)),
    };
    if let Some(advice) = advice(&fault, operation, place, account) {
        fault.advice = advice;
    }
    fault
}

/// Returns true if a pause no longer waits: AWS reports this in the message only.
fn answered(operation: Operation, message: &str) -> bool {
    operation == Operation::ContinueServiceDeployment
        && (message.contains("hookId is either completed") || message.contains("terminal state"))
}

/// Returns the kind of an error code. ELBv2 omits the suffix `Exception` that ECS has.
fn by_code(code: &str, status: u16) -> FaultKind {
    match code.strip_suffix("Exception").unwrap_or(code) {
        "Throttling"
        | "Throttled"
        | "RequestThrottled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "PriorRequestNotComplete"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "ProvisionedThroughputExceeded"
        | "EC2Throttled"
        | "RequestRateExceeded" => FaultKind::Throttled,
        "AccessDenied"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "AuthorizationError"
        | "OptInRequired"
        | "Forbidden" => FaultKind::Denied,
        "ExpiredToken"
        | "RequestExpired"
        | "TokenRefreshRequired"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidSecurityToken"
        | "AuthFailure" => FaultKind::Expired,
        "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "RequestTimeTooSkewed" => FaultKind::NoCredentials,
        "ClusterNotFound"
        | "ServiceNotFound"
        | "ServiceDeploymentNotFound"
        | "ResourceNotFound"
        | "RuleNotFound"
        | "ListenerNotFound"
        | "LoadBalancerNotFound"
        | "TargetGroupNotFound"
        | "TaskSetNotFound" => FaultKind::NotFound,
        // Only StopServiceDeployment returns this code: the deployment can no longer be stopped.
        "Conflict" => FaultKind::Changed,
        "InvalidAction" | "UnknownOperation" | "UnsupportedOperation" | "NotImplemented" => FaultKind::Unsupported,
        "RequestTimeout" => FaultKind::Unanswered,
        "Server"
        | "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "InternalServer"
        | "InternalServiceFault"
        | "InternalService"
        | "ServiceUnavailable"
        | "HealthUnavailable" => FaultKind::Server,
        _ if status == 501 => FaultKind::Unsupported,
        _ if status >= 500 => FaultKind::Server,
        _ => FaultKind::Refused,
    }
}

/// Returns the kind of an answer without an error code. Such an answer is not AWS's own: a proxy's page, or an endpoint
/// that lacks the operation.
fn by_status(status: u16, html: bool, operation: Operation) -> FaultKind {
    match status {
        404 | 405 | 501 => FaultKind::Unsupported,
        // After a write, the outcome behind such a page is unknown.
        500 if html && !operation.writes() => FaultKind::Unsupported,
        429 => FaultKind::Throttled,
        500.. => FaultKind::Server,
        _ => FaultKind::Garbled,
    }
}

/// Returns the kind of a request without a response, depending on whether the request was sent.
fn undelivered<E, R>(error: &SdkError<E, R>, causes: &str) -> FaultKind
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    let credentials = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>());
    let lower = causes.to_lowercase();
    if lower.contains("missing region") {
        FaultKind::NoRegion
    } else if credentials.is_some() || lower.contains("credentials provider") || lower.contains("sso token") {
        let expired = ["expired", "cached sso token", "sso session", "reauthenticate", "login session"];
        if expired.iter().any(|word| lower.contains(word)) { FaultKind::Expired } else { FaultKind::NoCredentials }
    } else if matches!(error, SdkError::ConstructionFailure(_)) {
        FaultKind::Refused
    } else if lower.contains("client error (connect)") || refused(error) {
        FaultKind::Unreachable
    } else {
        // The request was sent, at least in part, and got no response.
        FaultKind::Unanswered
    }
}

fn refused<E, R>(error: &SdkError<E, R>) -> bool
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    chain(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
}

fn chain<E, R>(error: &SdkError<E, R>) -> impl Iterator<Item = &(dyn Error + 'static)>
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

/// Returns the texts of the causes, outermost first, each text once.
fn causes<E, R>(error: &SdkError<E, R>) -> String
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    let mut said: Vec<String> = Vec::new();
    for cause in chain(error).map(ToString::to_string) {
        // Some causes repeat the text of their own cause.
        let generic = ["other", "io error", "timeout", "user error", "dispatch failure"].contains(&cause.as_str());
        if !generic && !said.iter().any(|had| had.contains(&cause)) {
            said.push(cause);
        }
    }
    let text = if said.is_empty() { error.to_string() } else { said.join(": ") };
    // The list of providers that were tried comes as lines, each with the same words.
    let lines = text.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    lines.replace("the credential provider was not enabled: ", "").replace("Attempted:;", "Attempted:")
}

/// Returns the IAM action that AWS names. The action may differ from the call's: a role that may not be passed is
/// denied as `iam:PassRole`, and tags as `ecs:TagResource`.
fn denied(message: &str) -> Option<&str> {
    let (_, after) = message.split_once("not authorized to perform:")?;
    let action = after.split_whitespace().next()?;
    action.contains(':').then_some(action)
}

fn whose(profile: Option<&str>) -> String {
    profile.map_or_else(|| "the default profile".to_owned(), |profile| format!("profile {profile}"))
}

/// Returns advice for a fault of the credentials.
fn credentials_advice(fault: &Fault, code: &str, profile: Option<&str>) -> String {
    let flag = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
    let whose = whose(profile);
    let goes_on = "the console goes on by itself";
    if fault.kind == FaultKind::Expired {
        if matches!(code, "UnrecognizedClient" | "InvalidClientTokenId" | "AuthFailure") {
            return format!(
                "AWS does not know these keys of {whose} (any more): renew them, `aws sso login{flag}` or your tool; {goes_on}."
            );
        }
        if fault.message.to_lowercase().contains("login session") {
            return format!("Renew them with `aws login{flag}`; {goes_on}.");
        }
        return format!("Renew the credentials of {whose} (`aws sso login{flag}`, or your tool); {goes_on}.");
    }
    if code == "RequestTimeTooSkewed" || fault.message.contains("not yet current") {
        return "The clock of this machine is off: set it right.".to_owned();
    }
    if !code.is_empty() {
        return format!("The secret key of {whose} does not fit its access key, or the clock of this machine is off.");
    }
    format!("Tried {whose}: set AWS_PROFILE or pass --profile; `aws sts get-caller-identity{flag}` must work.")
}

/// Returns advice that is more specific than the general advice for the fault's kind.
fn advice(fault: &Fault, operation: Operation, place: &ConnectionInfo, account: Option<&str>) -> Option<String> {
    let code = fault.code.as_deref().unwrap_or_default();
    let code = code.strip_suffix("Exception").unwrap_or(code);
    let region = &place.region;
    let there = account.map_or_else(
        || format!("{region} ({})", whose(place.profile.as_deref())),
        |account| format!("{region}, account {account}"),
    );
    Some(match fault.kind {
        FaultKind::Denied => {
            let needed = denied(&fault.message).map_or_else(|| operation.permission(), str::to_owned);
            format!("{needed} is needed; `assets/iam` has the policies.")
        }
        FaultKind::Expired | FaultKind::NoCredentials => credentials_advice(fault, code, place.profile.as_deref()),
        FaultKind::NotFound if code == "ClusterNotFound" => {
            format!("There is no such cluster in {there}: check --cluster, --region and --profile.")
        }
        FaultKind::NotFound if code == "ServiceDeploymentNotFound" => {
            "A newer deployment has taken its place: look at what is there now.".to_owned()
        }
        FaultKind::NotFound if operation.writes() => {
            format!("It was deleted, or it is not in {there}: look at what is there now.")
        }
        FaultKind::NotFound => format!("Check that it is in {there}."),
        FaultKind::Changed if operation == Operation::ContinueServiceDeployment => {
            "Somebody answered it before, or its time ran out: nothing was sent twice. Look at what is there now."
                .to_owned()
        }
        FaultKind::Refused if code == "ServiceNotActive" => {
            "The service is being deleted: nothing can be done with it.".to_owned()
        }
        FaultKind::Unreachable if fault.message.contains("dns") => {
            format!("Is '{region}' a region, and is there a network? Check --region and --endpoint-url.")
        }
        FaultKind::Unreachable if fault.message.contains("tunnel") => {
            "The proxy did not answer: check HTTPS_PROXY and NO_PROXY.".to_owned()
        }
        FaultKind::Unsupported if operation.writes() => "This endpoint cannot do it: nothing was changed.".to_owned(),
        FaultKind::Unanswered | FaultKind::Server if !operation.writes() => {
            "It is asked again; what is on the screen is of its last answer.".to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
