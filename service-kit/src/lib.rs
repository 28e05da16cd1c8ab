//! What every TurboMessage service needs and none owns: settings, logs and traces, the server with
//! its limits, health, drain, errors and their texts, channels to other services, tickets, time.

pub mod admin;
pub mod clock;
pub mod context;
pub mod detached;
pub mod event_loop;
pub mod fields;
pub mod files;
mod gathered;
pub mod health;
pub mod language;
pub mod listener;
#[cfg(feature = "sql")]
pub mod pool;
pub mod problem;
pub mod program;
pub mod proxies;
#[cfg(feature = "redis")]
pub mod redis;
pub mod server;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod ticket;
pub mod tls;
pub mod upstream;
