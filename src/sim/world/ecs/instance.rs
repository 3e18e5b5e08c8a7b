//! Container instances: the EC2 instances on which tasks without a network interface of their own run.

/// The container instances of every cluster: the id of each, and the id of its EC2 instance.
pub(crate) const INSTANCES: [(&str, &str); 3] = [
    ("4f0c8a2b6d1e4c7f9a3b5d8e0f2a4c61", "i-0a1b2c3d4e5f60718"),
    ("7b2d9e4f1a6c4d8e8b0f3a5c7e9d1b42", "i-0b2c3d4e5f6071829"),
    ("c3e5a7f90b1d4e2f8a6c4b2d0e1f3a57", "i-0c3d4e5f607182930"),
];

/// The first port that instances give out.
const FIRST_PORT: u16 = 32_768;

/// Host ports for the tasks of one service on one instance.
const PORTS_A_SERVICE: u16 = 64;

/// The place of a task on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostPort {
    /// An index into [`INSTANCES`].
    pub(crate) instance: usize,
    pub(crate) port: u16,
}

/// The first of the host ports for the tasks of a service, by the service's place among all of them.
pub(super) fn first_port(service: usize) -> u16 {
    let service = u16::try_from(service).unwrap_or(0) % 256;
    FIRST_PORT.saturating_add(service * PORTS_A_SERVICE)
}

impl HostPort {
    /// The first free place for a task, the instances in turn. Each has given out two ports more than the one before, so
    /// that old and new tasks have the same port on different instances.
    pub(super) fn next(first_port: u16, taken: &[Self]) -> Self {
        let place = |offset: u16, (instance, ahead): (usize, u16)| {
            let port = first_port.saturating_add(offset).saturating_add(ahead * 2);
            Self { instance, port }
        };
        let instances = || (0..INSTANCES.len()).zip(0..);
        let mut all = (0..PORTS_A_SERVICE).flat_map(|offset| instances().map(move |at| place(offset, at)));
        all.find(|place| !taken.contains(place)).unwrap_or(Self { instance: 0, port: first_port })
    }

    /// The id of the container instance.
    pub(crate) fn container_instance(self) -> &'static str {
        INSTANCES.get(self.instance).map_or("", |(id, _)| id)
    }

    /// The id of the EC2 instance.
    pub(crate) fn ec2_instance(self) -> &'static str {
        INSTANCES.get(self.instance).map_or("", |(_, id)| id)
    }
}
