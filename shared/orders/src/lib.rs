//! Catalogue, orders, their facts.
