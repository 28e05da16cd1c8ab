//! A query as text again, in one form for all ways to write it.

use std::fmt::{Display, Formatter, Result};

use super::{Attribute, Leaf, Node, Phrase, Place, Query, Scope};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.root {
            Node::And(nodes) => self.join(nodes, " ", f),
            Node::Or(nodes) => self.join(nodes, " OR ", f),
            one @ (Node::All | Node::Leaf(_) | Node::Attribute(_) | Node::Not(_)) => {
                self.show(one, f)
            }
        }
    }
}

impl Query {
    fn show(&self, node: &Node, f: &mut Formatter<'_>) -> Result {
        match node {
            Node::All => Ok(()),
            Node::Leaf(number) => self.leaves[*number].fmt(f),
            Node::Attribute(attribute) => attribute.fmt(f),
            Node::Not(node) => {
                f.write_str("-")?;
                self.show(node, f)
            }
            Node::And(nodes) => self.group(nodes, " ", f),
            Node::Or(nodes) => self.group(nodes, " OR ", f),
        }
    }

    fn group(&self, nodes: &[Node], between: &str, f: &mut Formatter<'_>) -> Result {
        f.write_str("(")?;
        self.join(nodes, between, f)?;
        f.write_str(")")
    }

    fn join(&self, nodes: &[Node], between: &str, f: &mut Formatter<'_>) -> Result {
        for (n, node) in nodes.iter().enumerate() {
            if n > 0 {
                f.write_str(between)?;
            }
            // `OR` binds tighter than neighbourhood: parentheses would change nothing but the depth.
            if let (Node::Or(nodes), " ") = (node, between) {
                self.join(nodes, " OR ", f)?;
            } else {
                self.show(node, f)?;
            }
        }
        Ok(())
    }
}

impl Display for Leaf {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self.scope {
            Scope::Everywhere => "",
            Scope::Subject => "subject:",
            Scope::From => "from:",
            Scope::To => "to:",
            Scope::Cc => "cc:",
        })?;
        self.phrase.fmt(f)
    }
}

impl Display for Phrase {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.words.as_slice() {
            words if self.prefix => write!(f, "{}*", words.join(".")),
            [word] => f.write_str(word),
            words => write!(f, "\"{}\"", words.join(" ")),
        }
    }
}

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::In(Place::Anywhere) => f.write_str("in:anywhere"),
            Self::In(Place::Role(role)) => write!(f, "in:{}", role.name().to_lowercase()),
            Self::In(Place::Named(name)) => write!(f, "in:\"{}\"", Name(name)),
            Self::Label(name) => write!(f, "label:\"{}\"", Name(name)),
            Self::Read(true) => f.write_str("is:read"),
            Self::Read(false) => f.write_str("is:unread"),
            Self::Starred => f.write_str("is:starred"),
            Self::HasAttachment => f.write_str("has:attachment"),
            Self::Before(day) => write!(f, "before:{day}"),
            Self::After(day) => write!(f, "after:{day}"),
            Self::Larger(bytes) => write!(f, "larger:{bytes}"),
            Self::Smaller(bytes) => write!(f, "smaller:{bytes}"),
        }
    }
}

/// A folded name between quotation marks: one that it contains is written wide, which folds to it.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.0.replace('"', "\u{ff02}"))
    }
}
