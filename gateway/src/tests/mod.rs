//! The edge as a whole, between clients and made-up upstreams.

mod calls;
mod faults;
mod health;
mod limits;
mod reflection;
mod sessions;
mod streams;
pub(crate) mod support;
mod web;
