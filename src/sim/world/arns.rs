//! The ARNs of an account's resources.

/// Makes ARNs in one account and region.
#[derive(Debug, Clone)]
pub(crate) struct Arns {
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Arns {
    fn arn(&self, service: &str, rest: std::fmt::Arguments<'_>) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    pub(crate) fn cluster(&self, name: &str) -> String {
        self.arn("ecs", format_args!("cluster/{name}"))
    }

    pub(crate) fn service(&self, cluster: &str, name: &str) -> String {
        self.arn("ecs", format_args!("service/{cluster}/{name}"))
    }

    /// An ARN of VPC Lattice.
    pub(crate) fn lattice(&self, rest: &str) -> String {
        self.arn("vpc-lattice", format_args!("{rest}"))
    }

    pub(crate) fn task(&self, cluster: &str, id: &str) -> String {
        self.arn("ecs", format_args!("task/{cluster}/{id}"))
    }

    pub(crate) fn container_instance(&self, cluster: &str, id: &str) -> String {
        self.arn("ecs", format_args!("container-instance/{cluster}/{id}"))
    }

    pub(crate) fn container(&self, cluster: &str, task: &str, id: &str) -> String {
        self.arn("ecs", format_args!("container/{cluster}/{task}/{id}"))
    }

    pub(crate) fn task_definition(&self, family: &str, revision: u32) -> String {
        self.arn("ecs", format_args!("task-definition/{family}:{revision}"))
    }

    pub(crate) fn service_deployment(&self, cluster: &str, service: &str, id: &str) -> String {
        self.arn("ecs", format_args!("service-deployment/{cluster}/{service}/{id}"))
    }

    pub(crate) fn service_revision(&self, cluster: &str, service: &str, id: u64) -> String {
        self.arn("ecs", format_args!("service-revision/{cluster}/{service}/{id}"))
    }

    /// `kind` is `app` or `net`.
    pub(crate) fn load_balancer(&self, kind: &str, name: &str, id: &str) -> String {
        self.arn("elasticloadbalancing", format_args!("loadbalancer/{kind}/{name}/{id}"))
    }

    pub(crate) fn target_group(&self, name: &str, id: &str) -> String {
        self.arn("elasticloadbalancing", format_args!("targetgroup/{name}/{id}"))
    }

    pub(crate) fn alarm(&self, name: &str) -> String {
        self.arn("cloudwatch", format_args!("alarm:{name}"))
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        self.arn("secretsmanager", format_args!("secret:{name}"))
    }

    pub(crate) fn log_group(&self, name: &str) -> String {
        self.arn("logs", format_args!("log-group:{name}"))
    }

    pub(crate) fn role(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// The URI of an image in the account's registry.
    pub(crate) fn image(&self, repository: &str, tag: &str) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com/{repository}:{tag}", self.account, self.region)
    }
}
