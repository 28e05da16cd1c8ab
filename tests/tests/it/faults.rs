//! Faults of what the services stand on: what cannot be promised is refused, what can be done goes on, and
//! nobody has to restart anything.

mod clocks;
mod database;
mod hanging_up;
mod redis;
mod versions;
