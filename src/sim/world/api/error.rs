//! Errors of the API operations.

use crate::sim::api::ApiError;

/// An error with HTTP status 400.
pub(super) fn refuse(code: &str, message: impl Into<String>) -> ApiError {
    ApiError { status: 400, code: code.into(), message: message.into() }
}
