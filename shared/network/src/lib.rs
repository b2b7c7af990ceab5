//! People, both trees, registration, reach.
