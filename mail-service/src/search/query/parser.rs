//! Reads a query: neighbours are AND, `OR` binds tighter, `-` tighter still.
//!
//! Written by hand: every error has a place of its own, and no step is taken twice.

use super::{
    Attribute, ErrorKind, Leaf, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Node, Phrase, Query, QueryError,
    Scope, operator,
};
use crate::search::tokenizer::tokens;

/// Reads `text`. An empty query asks for everything.
///
/// # Errors
/// It cannot be understood, or is over a limit: where, and why.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let parser = Parser {
        text,
        at: 0,
        depth: 0,
        terms: 0,
        leaves: Vec::new(),
        mentions_in: false,
    };
    parser.query().map_err(|Fault(kind, at)| QueryError {
        position: text[..at].chars().count() + 1,
        kind,
    })
}

/// What is wrong, and at which byte.
struct Fault(ErrorKind, usize);

struct Parser<'a> {
    text: &'a str,
    /// The byte that comes next.
    at: usize,
    depth: usize,
    terms: usize,
    leaves: Vec<Leaf>,
    mentions_in: bool,
}

impl<'a> Parser<'a> {
    fn query(mut self) -> Result<Query, Fault> {
        if self.text.len() > MAX_BYTES {
            let at = self.text.floor_char_boundary(MAX_BYTES);
            return Err(Fault(ErrorKind::TooLong, at));
        }
        let root = self.conditions()?.unwrap_or(Node::All);
        if self.at < self.text.len() {
            return Err(Fault(ErrorKind::UnexpectedParenthesis, self.at));
        }
        Ok(Query {
            root,
            leaves: self.leaves,
            mentions_in: self.mentions_in,
        })
    }

    /// Neighbours, up to the end or a closing parenthesis.
    fn conditions(&mut self) -> Result<Option<Node>, Fault> {
        let mut nodes = Vec::new();
        while self.skip_space().is_some_and(|c| c != ')') {
            nodes.push(self.alternatives()?);
        }
        Ok(several(nodes, Node::And))
    }

    fn alternatives(&mut self) -> Result<Node, Fault> {
        let mut at = self.at;
        let mut nodes = vec![self.operand("OR", at)?];
        while self.skip_space().is_some() && self.word() == "OR" {
            at = self.at;
            self.at += "OR".len();
            self.skip_space();
            nodes.push(self.operand("OR", at)?);
        }
        Ok(several(nodes, Node::Or).unwrap_or(Node::All))
    }

    /// What the `operator` at byte `operator_at` works on.
    fn operand(&mut self, operator: &'static str, operator_at: usize) -> Result<Node, Fault> {
        let at = self.at;
        match self.peek() {
            Some('-') => self.nested(at, Self::exclusion),
            Some('(') => self.nested(at, Self::group),
            Some('"') => {
                let phrase = self.quoted()?;
                self.leaf(Scope::Everywhere, phrase, false, at)
            }
            Some(c) if c != ')' && !c.is_whitespace() && self.word() != "OR" => self.term(),
            _ => Err(Fault(ErrorKind::MissingOperand(operator), operator_at)),
        }
    }

    fn nested(
        &mut self,
        at: usize,
        read: impl FnOnce(&mut Self, usize) -> Result<Node, Fault>,
    ) -> Result<Node, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault(ErrorKind::TooDeep, at));
        }
        self.depth += 1;
        self.at += 1;
        let node = read(self, at)?;
        self.depth -= 1;
        Ok(node)
    }

    fn exclusion(&mut self, at: usize) -> Result<Node, Fault> {
        Ok(Node::Not(Box::new(self.operand("-", at)?)))
    }

    fn group(&mut self, at: usize) -> Result<Node, Fault> {
        let node = self.conditions()?;
        if self.peek().is_none() {
            return Err(Fault(ErrorKind::UnclosedParenthesis, at));
        }
        self.at += 1;
        node.ok_or(Fault(ErrorKind::NothingToSearch, at))
    }

    /// A word, or an operator with its value.
    fn term(&mut self) -> Result<Node, Fault> {
        let (at, word) = (self.at, self.word());
        if let Some((name, _)) = word.split_once(':')
            && let Some(operator) = operator::find(name)
        {
            self.at += name.len() + 1;
            return self.value(operator);
        }
        self.at += word.len();
        self.leaf(Scope::Everywhere, word, true, at)
    }

    fn value(&mut self, operator: &'static str) -> Result<Node, Fault> {
        let at = self.at;
        let bare = self.peek() != Some('"');
        let value = if bare { self.word() } else { self.quoted()? };
        if value.trim().is_empty() {
            return Err(Fault(ErrorKind::MissingValue(operator), at));
        }
        if bare {
            self.at += value.len();
        }
        if let Some(scope) = operator::scope(operator) {
            return self.leaf(scope, value, bare, at);
        }
        self.count(1, at)?;
        let attribute = operator::attribute(operator, value)
            .ok_or(Fault(ErrorKind::UnknownValue(operator), at))?;
        self.mentions_in |= matches!(attribute, Attribute::In(_));
        Ok(Node::Attribute(attribute))
    }

    /// The words of `text`. In a `bare` one, a star right after the last word makes it a prefix.
    fn leaf(&mut self, scope: Scope, text: &str, bare: bool, at: usize) -> Result<Node, Fault> {
        let mut words = Vec::new();
        let mut end = 0;
        tokens(text, |token| {
            words.push(token.word.to_owned());
            end = token.end;
        });
        if words.is_empty() {
            return Err(Fault(ErrorKind::NothingToSearch, at));
        }
        self.count(words.len(), at)?;
        let phrase = Phrase {
            prefix: bare && &text[end..] == "*",
            words,
        };
        self.leaves.push(Leaf { scope, phrase });
        Ok(Node::Leaf(self.leaves.len() - 1))
    }

    fn count(&mut self, terms: usize, at: usize) -> Result<(), Fault> {
        self.terms += terms;
        if self.terms > MAX_TERMS {
            return Err(Fault(ErrorKind::TooManyTerms, at));
        }
        Ok(())
    }

    /// Reads a phrase in quotation marks.
    fn quoted(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.text[self.at + 1..];
        let end = rest
            .find('"')
            .ok_or(Fault(ErrorKind::UnclosedQuote, self.at))?;
        self.at += end + 2;
        Ok(&rest[..end])
    }

    /// What comes next, up to white space, a parenthesis or a quotation mark. Does not read it.
    fn word(&self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
        &rest[..rest.find(ends).unwrap_or(rest.len())]
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_space(&mut self) -> Option<char> {
        self.at = self.text.len() - self.text[self.at..].trim_start().len();
        self.peek()
    }
}

/// One node for all of `nodes`, if there are any.
fn several(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Option<Node> {
    if nodes.len() > 1 {
        return Some(join(nodes));
    }
    nodes.pop()
}
