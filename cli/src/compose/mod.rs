//! Writing a message: where its text comes from, what an answer to another message begins with,
//! and when it is to go.

pub(crate) mod answer;
pub(crate) mod content;
pub(crate) mod editor;
pub(crate) mod letter;
pub(crate) mod quote;
pub(crate) mod text;
pub(crate) mod when;
