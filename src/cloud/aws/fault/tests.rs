use std::io;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::*;
use crate::domain::fault::Applied;

type Failed = SdkError<ErrorMetadata, HttpResponse>;

fn response(status: u16, kind: &'static str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
    response.headers_mut().insert("content-type", kind);
    response.headers_mut().insert("x-amzn-requestid", "4711");
    response
}

fn refusal(status: u16, code: Option<&str>, kind: &'static str) -> Failed {
    let mut meta = ErrorMetadata::builder().message("as AWS says");
    if let Some(code) = code {
        meta = meta.code(code);
    }
    SdkError::service_error(meta.build(), response(status, kind))
}

fn fault_of(operation: Operation, error: &Failed) -> Fault {
    let place = ConnectionInfo { profile: Some("oncall".to_owned()), region: "eu-west-1".to_owned() };
    fault(operation, "checkout", error, &place, Some("123456789012"))
}

#[test]
fn faults_by_code() {
    use FaultKind::*;
    for (code, status, kind) in [
        ("ThrottlingException", 400, Throttled),
        ("Throttling", 400, Throttled),
        ("RequestLimitExceeded", 503, Throttled),
        ("AccessDeniedException", 400, Denied),
        ("AccessDenied", 403, Denied),
        ("ExpiredTokenException", 400, Expired),
        ("ExpiredToken", 403, Expired),
        ("RequestExpired", 400, Expired),
        ("UnrecognizedClientException", 400, Expired),
        ("InvalidClientTokenId", 403, Expired),
        ("SignatureDoesNotMatch", 403, NoCredentials),
        ("ClusterNotFoundException", 400, NotFound),
        ("ServiceNotFoundException", 400, NotFound),
        ("ServiceDeploymentNotFoundException", 400, NotFound),
        ("RuleNotFound", 400, NotFound),
        ("ListenerNotFound", 400, NotFound),
        ("TargetGroupNotFound", 400, NotFound),
        ("ConflictException", 400, Changed),
        ("ServiceNotActiveException", 400, Refused),
        ("InvalidParameterException", 400, Refused),
        ("ClientException", 400, Refused),
        ("UnsupportedFeatureException", 400, Refused),
        ("PlatformUnknownException", 400, Refused),
        ("NamespaceNotFoundException", 400, Refused),
        ("TargetGroupAssociationLimit", 400, Refused),
        ("OperationNotPermitted", 400, Refused),
        ("InvalidLoadBalancerAction", 400, Refused),
        ("InvalidAction", 400, Unsupported),
        ("UnknownOperationException", 400, Unsupported),
        ("NotImplemented", 501, Unsupported),
        ("ServerException", 500, Server),
        ("InternalFailure", 500, Server),
        ("HealthUnavailable", 500, Server),
        ("SomethingNew", 500, Server),
        ("SomethingNew", 400, Refused),
    ] {
        let fault = fault_of(Operation::ModifyRule, &refusal(status, Some(code), "text/xml"));
        assert_eq!(fault.kind, kind, "{code}");
        assert_eq!((fault.code.as_deref(), fault.message.as_str()), (Some(code), "as AWS says"));
        assert_eq!(fault.request_id.as_deref(), Some("4711"));
        assert!(!fault.advice.is_empty());
    }
}

#[test]
fn answers_that_are_not_awss_own() {
    use FaultKind::*;
    let html = "text/html; charset=utf-8";
    for (operation, status, kind, expected) in [
        (Operation::DescribeRules, 500, html, Unsupported),
        (Operation::DescribeRules, 502, html, Server),
        (Operation::DescribeRules, 404, html, Unsupported),
        (Operation::DescribeRules, 501, html, Unsupported),
        (Operation::DescribeRules, 500, "application/json", Server),
        (Operation::DescribeRules, 403, html, Garbled),
        (Operation::ModifyRule, 500, html, Server),
        (Operation::ModifyRule, 403, html, Garbled),
    ] {
        for error in [refusal(status, None, kind), SdkError::response_error("not XML", response(status, kind))] {
            assert_eq!(fault_of(operation, &error).kind, expected, "{operation} {status}");
        }
    }
    let fine: Failed = SdkError::response_error("not XML", response(200, html));
    let fault = fault_of(Operation::ModifyRule, &fine);
    assert_eq!((fault.kind, fault.applied()), (FaultKind::Garbled, Applied::Unknown));
    assert_eq!(fault.message, "HTTP 200: not XML");
}

fn dispatch(source: impl Into<Box<dyn Error + Send + Sync>>) -> Failed {
    SdkError::dispatch_failure(ConnectorError::other(source.into(), None))
}

#[test]
fn what_never_left_and_what_may_have() {
    let connect = "client error (Connect): HTTP connect timeout occurred after 3s";
    let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "Connection refused");
    for (error, kind, applied) in [
        (SdkError::timeout_error("operation timeout"), FaultKind::Unanswered, Applied::Unknown),
        (SdkError::dispatch_failure(ConnectorError::timeout(connect.into())), FaultKind::Unreachable, Applied::No),
        (
            SdkError::dispatch_failure(ConnectorError::timeout("HTTP read timeout occurred after 10s".into())),
            FaultKind::Unanswered,
            Applied::Unknown,
        ),
        (SdkError::dispatch_failure(ConnectorError::io(refused.into())), FaultKind::Unreachable, Applied::No),
        (
            SdkError::dispatch_failure(ConnectorError::io("connection closed before message completed".into())),
            FaultKind::Unanswered,
            Applied::Unknown,
        ),
        (SdkError::construction_failure("no such field"), FaultKind::Refused, Applied::No),
        (dispatch("Invalid Configuration: Missing Region"), FaultKind::NoRegion, Applied::No),
    ] {
        let fault = fault_of(Operation::ModifyRule, &error);
        assert_eq!((fault.kind, fault.applied()), (kind, applied), "{error:?}");
        assert!(!fault.message.contains("dispatch failure"), "{}", fault.message);
    }
}

#[test]
fn credentials_that_are_missing_or_have_ended() {
    for (error, kind, word) in [
        (
            CredentialsError::not_loaded("no providers in chain provided credentials"),
            FaultKind::NoCredentials,
            "oncall",
        ),
        (CredentialsError::provider_timed_out(std::time::Duration::from_secs(5)), FaultKind::NoCredentials, "oncall"),
        (
            CredentialsError::provider_error("the SSO token has expired and cannot be refreshed"),
            FaultKind::Expired,
            "aws sso login --profile oncall",
        ),
        (
            CredentialsError::provider_error("failed to load the cached SSO token"),
            FaultKind::Expired,
            "aws sso login --profile oncall",
        ),
    ] {
        let text = error.to_string();
        let fault = fault_of(Operation::ListClusters, &dispatch(error));
        assert_eq!(fault.kind, kind, "{text}");
        assert!(fault.advice.contains(word), "{}", fault.advice);
    }
}

#[test]
fn advice_names_what_to_check() {
    let advice = |operation, code| fault_of(operation, &refusal(400, Some(code), "text/xml")).advice;
    assert!(advice(Operation::UpdateService, "AccessDeniedException").contains("ecs:UpdateService"));
    assert!(advice(Operation::ListServices, "ClusterNotFoundException").contains("eu-west-1, account 123456789012"));
    assert!(advice(Operation::ListServices, "ExpiredTokenException").contains("aws sso login --profile oncall"));
}

#[test]
fn what_is_denied_is_named_with_its_resource() {
    let role = "arn:aws:iam::123456789012:role/shop-task";
    let user = "User: arn:aws:sts::123456789012:assumed-role/ops/ana is not authorized to perform:";
    for (message, needed) in [
        (format!("{user} ecs:UpdateService on resource: {role} because no policy allows it"), "ecs:UpdateService"),
        // It is the role that is not handed on; the call itself is allowed.
        (format!("{user} iam:PassRole on resource: {role} because no policy allows it"), "iam:PassRole"),
        (format!("{user} ecs:TagResource"), "ecs:TagResource"),
        ("You are not authorized to perform: this".to_owned(), "ecs:UpdateService"),
        ("no".to_owned(), "ecs:UpdateService"),
    ] {
        let meta = ErrorMetadata::builder().code("AccessDeniedException").message(&message).build();
        let error = SdkError::service_error(meta, response(400, "application/x-amz-json-1.1"));
        let fault = fault_of(Operation::UpdateService, &error);
        assert_eq!((fault.kind, fault.operation.as_str()), (FaultKind::Denied, "UpdateService"));
        assert_eq!((fault.subject.as_str(), &fault.message), ("checkout", &message));
        assert!(fault.advice.starts_with(&format!("{needed} is needed")), "{}", fault.advice);
    }
}
