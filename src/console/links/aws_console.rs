//! Links to pages of AWS's console.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};

/// Characters that need no encoding in a part of a path or of a fragment.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The pages of one region.
pub(super) struct Pages {
    root: String,
    region: String,
}

impl Pages {
    /// The pages for a partition: China and GovCloud have domains of their own.
    pub(super) fn new(partition: &str, region: &str) -> Self {
        let domain = match partition {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => "console.aws.amazon.com",
        };
        let region = encoded(region);
        Self { root: format!("https://{region}.{domain}"), region }
    }

    fn ecs(&self, path: &str) -> String {
        format!("{}/ecs/v2/{path}?region={}", self.root, self.region)
    }

    fn cloudwatch(&self, fragment: &str) -> String {
        format!("{}/cloudwatch/home?region={}#{fragment}", self.root, self.region)
    }

    fn of_service(service: &ServiceKey) -> String {
        format!("clusters/{}/services/{}", encoded(&service.cluster), encoded(&service.service))
    }

    pub(super) fn service(&self, service: &ServiceKey) -> String {
        self.ecs(&format!("{}/health", Self::of_service(service)))
    }

    pub(super) fn task(&self, service: &ServiceKey, id: &str) -> String {
        self.ecs(&format!("{}/tasks/{}/configuration", Self::of_service(service), encoded(id)))
    }

    pub(super) fn deployment(&self, service: &ServiceKey, id: &str) -> String {
        self.ecs(&format!("{}/deployments/{}", Self::of_service(service), encoded(id)))
    }

    /// The page of a revision; `None` if the revision has no number.
    pub(super) fn task_definition(&self, revision: &TaskDefinitionArn) -> Option<String> {
        let number = revision.revision()?;
        Some(self.ecs(&format!("task-definitions/{}/{number}/containers", encoded(revision.family()))))
    }

    pub(super) fn target_group(&self, group: &Arn) -> String {
        let region = &self.region;
        format!("{}/ec2/home?region={region}#TargetGroup:targetGroupArn={}", self.root, encoded(group.as_str()))
    }

    pub(super) fn alarm(&self, name: &str) -> String {
        self.cloudwatch(&format!("alarmsV2:alarm/{}", encoded(name)))
    }

    /// The page of a log group, or of one of its streams. This page takes names encoded twice, with `$` for the second
    /// `%`.
    pub(super) fn log(&self, group: &str, stream: Option<&str>) -> String {
        let twice = |name: &str| encoded(&encoded(name)).replace('%', "$");
        let events = stream.map(|stream| format!("/log-events/{}", twice(stream))).unwrap_or_default();
        self.cloudwatch(&format!("logsV2:log-groups/log-group/{}{events}", twice(group)))
    }
}

fn encoded(part: &str) -> String {
    utf8_percent_encode(part, PART).to_string()
}
