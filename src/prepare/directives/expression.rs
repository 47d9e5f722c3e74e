//! Flyway's `shouldExecute`: a boolean expression of `==`, `!=`, `&&`, `||`, `!` and parentheses over texts and
//! `${placeholders}` (Flyway documentation, "Should Execute Setting").

use std::collections::BTreeMap;

/// Nested deeper than this, an expression is refused: the reader is recursive.
const DEEPEST: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Equal,
    NotEqual,
    And,
    Or,
    Not,
    Open,
    Close,
}

/// Decides an expression, or says why it cannot be.
pub(super) fn evaluate(text: &str, placeholders: &BTreeMap<String, String>) -> Result<bool, String> {
    let mut parser = Parser { tokens: tokens(text, placeholders)?, at: 0, depth: 0 };
    let value = parser.any()?;
    match parser.peek() {
        None => truth(&value),
        Some(_) => Err("something is left over behind a complete expression".to_owned()),
    }
}

/// Puts the values of `${name}` into a text. Names are compared without case, as Flyway does.
pub(super) fn replace(text: &str, placeholders: &BTreeMap<String, String>) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, inside) = rest.split_at(start);
        result.push_str(before);
        let (value, length) = placeholder(inside, placeholders)?;
        result.push_str(value);
        rest = inside.get(length..).unwrap_or_default();
    }
    result.push_str(rest);
    Ok(result)
}

/// The value of the placeholder at the start of a text, and its length there.
fn placeholder<'p>(
    text: &str,
    placeholders: &'p BTreeMap<String, String>,
) -> Result<(&'p str, usize), String> {
    let end = text.find('}').ok_or_else(|| "a `${` has no `}`".to_owned())?;
    let name = text.get(2..end).unwrap_or_default();
    placeholders
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| (value.as_str(), end + 1))
        .ok_or_else(|| format!("the placeholder `${{{name}}}` is not defined"))
}

fn tokens(text: &str, placeholders: &BTreeMap<String, String>) -> Result<Vec<Token>, String> {
    const SIGNS: [(&str, Token); 7] = [
        ("==", Token::Equal),
        ("!=", Token::NotEqual),
        ("&&", Token::And),
        ("||", Token::Or),
        ("!", Token::Not),
        ("(", Token::Open),
        (")", Token::Close),
    ];
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            found.push(token.clone());
            sign.len()
        } else if matches!(first, '"' | '\'') {
            let end = rest.get(1..).and_then(|inside| inside.find(first));
            let end = end.ok_or_else(|| format!("a {first} is not closed"))?;
            found.push(Token::Text(replace(rest.get(1..=end).unwrap_or_default(), placeholders)?));
            end + 2
        } else {
            let (word, length) = word(rest, placeholders)?;
            found.push(Token::Text(word));
            length
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

/// A word with the placeholders in it; a placeholder's value stays one text, whatever it holds.
fn word(text: &str, placeholders: &BTreeMap<String, String>) -> Result<(String, usize), String> {
    let mut word = String::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("${") {
            let (value, length) = placeholder(rest, placeholders)?;
            word.push_str(value);
            at += length;
        } else if c.is_whitespace() || "=!&|()\"'".contains(c) {
            break;
        } else {
            word.push(c);
            at += c.len_utf8();
        }
    }
    if at == 0 {
        let sign = text.chars().next().unwrap_or_default();
        return Err(format!("`{sign}` is no operator"));
    }
    Ok((word, at))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<String, String> {
        let mut value = self.all()?;
        while self.takes(&Token::Or) {
            let right = self.all()?;
            value = (truth(&value)? | truth(&right)?).to_string();
        }
        Ok(value)
    }

    fn all(&mut self) -> Result<String, String> {
        let mut value = self.comparison()?;
        while self.takes(&Token::And) {
            let right = self.comparison()?;
            value = (truth(&value)? & truth(&right)?).to_string();
        }
        Ok(value)
    }

    fn comparison(&mut self) -> Result<String, String> {
        let mut value = self.negation()?;
        loop {
            let equal = match self.peek() {
                Some(Token::Equal) => true,
                Some(Token::NotEqual) => false,
                _ => return Ok(value),
            };
            self.at += 1;
            let right = self.negation()?;
            value = ((value == right) == equal).to_string();
        }
    }

    fn negation(&mut self) -> Result<String, String> {
        let mut negated = false;
        let mut any = false;
        while self.takes(&Token::Not) {
            negated = !negated;
            any = true;
        }
        let value = self.atom()?;
        if any { Ok((truth(&value)? != negated).to_string()) } else { Ok(value) }
    }

    fn atom(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at).cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(text)
            }
            Some(Token::Open) => {
                self.at += 1;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(format!("parentheses are nested deeper than {DEEPEST}"));
                }
                let value = self.any()?;
                self.depth -= 1;
                if self.takes(&Token::Close) { Ok(value) } else { Err("a `(` is not closed".to_owned()) }
            }
            Some(_) => Err("an operator has no value beside it".to_owned()),
            None => Err("a value is missing at the end".to_owned()),
        }
    }
}

fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}
