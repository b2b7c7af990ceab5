//! Templates, campaigns, outbox, suppression.
