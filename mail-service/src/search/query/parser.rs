//! Reads a query: neighbours are AND, `OR` binds tighter, `-` tighter still.
//!
//! Whatever has read the first character of something reads it to its end, or refuses the query: no step
//! is taken twice, and every error has a place of its own.

use winnow::{
    LocatingSlice, ModalResult, Parser, Stateful,
    combinator::{alt, delimited, eof, not, opt, preceded, repeat, terminated},
    error::{ErrMode, ParserError},
    stream::Location,
    token::{take_till, take_while},
};

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
    let mut state = State::default();
    let root = root(text, &mut state).map_err(|Fault(kind, at)| QueryError {
        position: text[..at].chars().count() + 1,
        kind,
    })?;
    Ok(Query {
        root: root.unwrap_or(Node::All),
        leaves: state.leaves,
        mentions_in: state.mentions_in,
    })
}

fn root(text: &str, state: &mut State) -> Result<Option<Node>, Fault> {
    if text.len() > MAX_BYTES {
        let at = text.floor_char_boundary(MAX_BYTES);
        return Err(Fault(ErrorKind::TooLong, at));
    }
    let input = LocatingSlice::new(text);
    let read = conditions.parse(Input { input, state });
    read.map_err(winnow::error::ParseError::into_inner)
}

type Input<'a, 's> = Stateful<LocatingSlice<&'a str>, &'s mut State>;
type Parsed<T> = ModalResult<T, Fault>;

/// What has been read.
#[derive(Debug, Default)]
struct State {
    depth: usize,
    terms: usize,
    leaves: Vec<Leaf>,
    mentions_in: bool,
}

/// What is wrong, and at which byte.
#[derive(Debug)]
struct Fault(ErrorKind, usize);

impl ParserError<Input<'_, '_>> for Fault {
    type Inner = Self;

    /// Every other fault is stated where it is found: this is what no condition begins with.
    fn from_input(input: &Input<'_, '_>) -> Self {
        Self(
            ErrorKind::UnexpectedParenthesis,
            input.current_token_start(),
        )
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// Refuses the query.
fn fault(kind: ErrorKind, at: usize) -> ErrMode<Fault> {
    ErrMode::Cut(Fault(kind, at))
}

/// Reads nothing, but refuses the query.
fn refuse<'a, 's, T>(kind: ErrorKind, at: usize) -> impl Parser<Input<'a, 's>, T, ErrMode<Fault>> {
    move |_: &mut Input<'a, 's>| Err(fault(kind, at))
}

/// Neighbours, up to the end or a closing parenthesis.
fn conditions(input: &mut Input<'_, '_>) -> Parsed<Option<Node>> {
    let nodes = repeat(0.., terminated(alternatives, space));
    let nodes: Vec<Node> = preceded(space, nodes).parse_next(input)?;
    Ok(several(nodes, Node::And))
}

fn alternatives(input: &mut Input<'_, '_>) -> Parsed<Node> {
    not(alt((eof, ")"))).parse_next(input)?;
    let at = input.current_token_start();
    let mut nodes = vec![operand("OR", at).parse_next(input)?];
    while let Some(at) = opt(delimited(space, or, space)).parse_next(input)? {
        nodes.push(operand("OR", at).parse_next(input)?);
    }
    Ok(several(nodes, Node::Or).unwrap_or(Node::All))
}

/// Answers where it stands.
fn or(input: &mut Input<'_, '_>) -> Parsed<usize> {
    let or = word.verify(|word: &str| word == "OR").span();
    or.map(|span| span.start).parse_next(input)
}

/// What the `operator` at byte `operator_at` works on.
fn operand<'a, 's>(
    operator: &'static str,
    operator_at: usize,
) -> impl Parser<Input<'a, 's>, Node, ErrMode<Fault>> {
    let missing = refuse(ErrorKind::MissingOperand(operator), operator_at);
    alt((exclusion, group, phrase, condition, bare, missing))
}

fn exclusion(input: &mut Input<'_, '_>) -> Parsed<Node> {
    let at = deeper('-').parse_next(input)?;
    let node = operand("-", at).parse_next(input)?;
    input.state.depth -= 1;
    Ok(Node::Not(Box::new(node)))
}

fn group(input: &mut Input<'_, '_>) -> Parsed<Node> {
    let at = deeper('(').parse_next(input)?;
    let unclosed = refuse(ErrorKind::UnclosedParenthesis, at);
    let node = terminated(conditions, alt((')', unclosed))).parse_next(input)?;
    input.state.depth -= 1;
    node.ok_or(fault(ErrorKind::NothingToSearch, at))
}

/// Reads what `opens` one more level; answers where it stands.
fn deeper<'a, 's>(opens: char) -> impl Parser<Input<'a, 's>, usize, ErrMode<Fault>> {
    move |input: &mut Input<'a, 's>| {
        let at = opens.span().parse_next(input)?.start;
        if input.state.depth == MAX_DEPTH {
            return Err(fault(ErrorKind::TooDeep, at));
        }
        input.state.depth += 1;
        Ok(at)
    }
}

fn phrase(input: &mut Input<'_, '_>) -> Parsed<Node> {
    let (text, span) = quoted.with_span().parse_next(input)?;
    input.state.leaf(Scope::Everywhere, text, false, span.start)
}

fn bare(input: &mut Input<'_, '_>) -> Parsed<Node> {
    let word = word.verify(|word: &str| word != "OR");
    let (text, span) = word.with_span().parse_next(input)?;
    input.state.leaf(Scope::Everywhere, text, true, span.start)
}

/// An operator with its value.
fn condition(input: &mut Input<'_, '_>) -> Parsed<Node> {
    let name = take_while(1.., |c: char| c.is_ascii_alphabetic());
    let operator = terminated(name.verify_map(operator::find), ':').parse_next(input)?;
    let at = input.current_token_start();
    let is_value = |(text, _): &(&str, bool)| !text.trim().is_empty();
    let value = alt((
        quoted.map(|text| (text, false)),
        word.map(|text| (text, true)),
    ));
    let missing = refuse(ErrorKind::MissingValue(operator), at);
    let (text, bare) = alt((value.verify(is_value), missing)).parse_next(input)?;
    match operator::scope(operator) {
        Some(scope) => input.state.leaf(scope, text, bare, at),
        None => input.state.attribute(operator, text, at),
    }
}

/// What is between quotation marks.
fn quoted<'a>(input: &mut Input<'a, '_>) -> Parsed<&'a str> {
    let at = input.current_token_start();
    let unclosed = refuse(ErrorKind::UnclosedQuote, at);
    delimited('"', take_till(0.., '"'), alt(('"', unclosed))).parse_next(input)
}

/// Up to white space, a parenthesis or a quotation mark.
fn word<'a>(input: &mut Input<'a, '_>) -> Parsed<&'a str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
    take_till(1.., ends).parse_next(input)
}

fn space(input: &mut Input<'_, '_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

impl State {
    fn attribute(&mut self, operator: &'static str, value: &str, at: usize) -> Parsed<Node> {
        self.count(1, at)?;
        let attribute = operator::attribute(operator, value)
            .ok_or(fault(ErrorKind::UnknownValue(operator), at))?;
        self.mentions_in |= matches!(attribute, Attribute::In(_));
        Ok(Node::Attribute(attribute))
    }

    /// The words of `text`. In a `bare` one, a star right after the last word makes it a prefix.
    fn leaf(&mut self, scope: Scope, text: &str, bare: bool, at: usize) -> Parsed<Node> {
        let mut words = Vec::new();
        let mut end = 0;
        tokens(text, |token| {
            words.push(token.word.to_owned());
            end = token.end;
        });
        if words.is_empty() {
            return Err(fault(ErrorKind::NothingToSearch, at));
        }
        self.count(words.len(), at)?;
        let phrase = Phrase {
            prefix: bare && &text[end..] == "*",
            words,
        };
        self.leaves.push(Leaf { scope, phrase });
        Ok(Node::Leaf(self.leaves.len() - 1))
    }

    fn count(&mut self, terms: usize, at: usize) -> Parsed<()> {
        self.terms += terms;
        if self.terms > MAX_TERMS {
            return Err(fault(ErrorKind::TooManyTerms, at));
        }
        Ok(())
    }
}

/// One node for all of `nodes`, if there are any.
fn several(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Option<Node> {
    if nodes.len() > 1 {
        return Some(join(nodes));
    }
    nodes.pop()
}
