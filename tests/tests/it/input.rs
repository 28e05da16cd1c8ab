//! What bad input gets, through the real edge.

mod lists;
mod text;
mod wire;
