//! What TurboMessage promises as a whole, through its real edge.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by a panic, in its helpers too"
)]

mod access;
mod conformance;
mod contract;
mod crash;
mod deployment;
mod doctor;
mod faults;
mod floods;
mod flows;
mod history;
mod input;
mod load;
mod localization;
mod manifests;
mod memory;
mod metrics;
mod real_text;
mod restore;
mod screen;
mod settings;
mod tls;
mod tracing;
mod watching;
