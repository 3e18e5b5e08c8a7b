//! Release logic, pure.
