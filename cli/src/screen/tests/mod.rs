//! The screen without a terminal and without a server: what is shown, and what keys and news do.

mod acting;
mod live;
mod moving;
mod showing;
mod writing;
