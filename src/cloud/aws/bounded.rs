//! An HTTP client whose answers end: what has no end, or is larger than any answer of AWS, fails instead of filling memory.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

/// Bytes of an answer, at the most. AWS's own largest, a page of log lines, has one MiB.
const LARGEST: usize = 16 << 20;

/// A client whose answers are bounded.
#[derive(Debug)]
pub(super) struct Bounded(pub(super) SharedHttpClient);

impl HttpClient for Bounded {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(BoundedConnector(self.0.http_connector(settings, components)))
    }
}

#[derive(Debug)]
struct BoundedConnector(SharedHttpConnector);

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { Ok(answer.await?.map(limited)) })
    }
}

fn limited(body: SdkBody) -> SdkBody {
    SdkBody::from_body_1_x(Limited::new(body, LARGEST))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_to_the_limit_and_no_further() {
        let length = async |bytes: usize| {
            let collected = limited(SdkBody::from(vec![b'x'; bytes])).collect().await;
            collected.map(|body| body.to_bytes().len()).map_err(|error| error.to_string())
        };
        assert_eq!(length(LARGEST).await, Ok(LARGEST));
        assert!(length(LARGEST + 1).await.unwrap_err().contains("limit"));
    }
}
