//! What happened to a release, from every source, in one line of time.
