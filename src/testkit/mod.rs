//! Support for tests: random worlds, ready-made consoles, a fake cloud. Compiled for tests only.

#[cfg(test)]
pub(crate) mod consoles;
#[cfg(test)]
pub(crate) mod fake_cloud;
#[cfg(test)]
pub(crate) mod fixed_clock;
#[cfg(test)]
pub(crate) mod worlds;
