//! The stages of a native deployment: where it is, and what ECS will do next by itself.
