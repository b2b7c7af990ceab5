//! Settings, roles, tokens.
