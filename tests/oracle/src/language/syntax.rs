//! From text to tree.

use anyhow::{Context, Result, bail, ensure};
use rust_decimal::Decimal;

use super::Value;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Value),
    /// A name, dots included.
    Name(String),
    List(Vec<Node>),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(&'static str, Box<Node>, Box<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    /// `receiver.function(arguments)` or `function(arguments)`.
    Call(Option<Box<Node>>, String, Vec<Node>),
}

/// Operators by how tightly they bind, the loosest first.
const LEVELS: [&[&str]; 5] =
    [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

pub(super) fn read(text: &str) -> Result<Node> {
    let mut reader = Reader { letters: text.chars().collect(), at: 0 };
    let root = reader.expression()?;
    ensure!(reader.peek().is_none(), "something is left over at {}", reader.at);
    Ok(root)
}

struct Reader {
    letters: Vec<char>,
    at: usize,
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

impl Reader {
    fn blanks(&mut self) {
        while let Some(letter) = self.letters.get(self.at) {
            if letter.is_ascii_whitespace() {
                self.at += 1;
            } else if *letter == '/' && self.letters.get(self.at + 1) == Some(&'/') {
                while self.letters.get(self.at).is_some_and(|letter| *letter != '\n') {
                    self.at += 1;
                }
            } else {
                return;
            }
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.blanks();
        self.letters.get(self.at).copied()
    }

    fn second(&self) -> Option<char> {
        self.letters.get(self.at + 1).copied()
    }

    /// Reads `sign` if it stands here.
    fn take(&mut self, sign: &str) -> bool {
        self.blanks();
        let here = self.letters[self.at..].iter().copied().take(sign.chars().count());
        if here.collect::<String>() != sign {
            return false;
        }
        let end = self.at + sign.chars().count();
        // `in` is a word: `index` is another one.
        if sign == "in" && self.letters.get(end).is_some_and(|next| is_name(*next)) {
            return false;
        }
        self.at = end;
        true
    }

    fn need(&mut self, sign: &str) -> Result<()> {
        ensure!(self.take(sign), "expected {sign:?} at {}", self.at);
        Ok(())
    }

    fn expression(&mut self) -> Result<Node> {
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        self.need(":")?;
        let no = self.expression()?;
        Ok(Node::Conditional(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn binary(&mut self, level: usize) -> Result<Node> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = operators.iter().copied().find(|operator| self.take(operator)) {
            let right = self.binary(level + 1)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node> {
        match self.peek() {
            Some('!') => {
                self.at += 1;
                Ok(Node::Not(Box::new(self.unary()?)))
            }
            Some('-') => {
                self.at += 1;
                Ok(Node::Negate(Box::new(self.unary()?)))
            }
            _ => self.member(),
        }
    }

    fn member(&mut self) -> Result<Node> {
        let mut node = self.primary()?;
        loop {
            if self.take("[") {
                let index = self.expression()?;
                self.need("]")?;
                node = Node::Index(Box::new(node), Box::new(index));
            } else if self.take(".") {
                let word = self.word()?;
                node = if self.take("(") {
                    Node::Call(Some(Box::new(node)), word, self.list(")")?)
                } else {
                    match node {
                        Node::Name(name) => Node::Name(format!("{name}.{word}")),
                        other => bail!("{other:?} has no parts"),
                    }
                };
            } else {
                return Ok(node);
            }
        }
    }

    /// Expressions up to `end`, a comma after the last being allowed.
    fn list(&mut self, end: &str) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        while !self.take(end) {
            nodes.push(self.expression()?);
            if !self.take(",") {
                self.need(end)?;
                break;
            }
        }
        Ok(nodes)
    }

    fn primary(&mut self) -> Result<Node> {
        let first = self.peek().context("the rule ends too early")?;
        if first == '(' {
            self.at += 1;
            let inner = self.expression()?;
            self.need(")")?;
            return Ok(inner);
        }
        if first == '[' {
            self.at += 1;
            return Ok(Node::List(self.list("]")?));
        }
        if first.is_ascii_digit() || (first == '.' && self.second().is_some_and(|c| c.is_ascii_digit())) {
            return Ok(Node::Constant(Value::Number(self.number()?)));
        }
        if matches!(first, '\'' | '"') {
            return Ok(Node::Constant(Value::Text(self.text(false)?)));
        }
        if matches!(first, 'r' | 'R') && self.second().is_some_and(|c| matches!(c, '\'' | '"')) {
            self.at += 1;
            return Ok(Node::Constant(Value::Text(self.text(true)?)));
        }
        if first == '.' {
            self.at += 1;
        }
        let word = self.word()?;
        Ok(match word.as_str() {
            "true" => Node::Constant(Value::Bool(true)),
            "false" => Node::Constant(Value::Bool(false)),
            _ if self.take("(") => Node::Call(None, word, self.list(")")?),
            _ => Node::Name(word),
        })
    }

    fn word(&mut self) -> Result<String> {
        self.blanks();
        let start = self.at;
        while self.letters.get(self.at).is_some_and(|letter| is_name(*letter)) {
            self.at += 1;
        }
        let word: String = self.letters[start..self.at].iter().collect();
        ensure!(
            word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'),
            "expected a name at {start}"
        );
        Ok(word)
    }

    fn number(&mut self) -> Result<Decimal> {
        let start = self.at;
        if self.letters[start] == '0' && matches!(self.second(), Some('x' | 'X')) {
            self.at += 2;
            let from = self.at;
            while self.letters.get(self.at).is_some_and(char::is_ascii_hexdigit) {
                self.at += 1;
            }
            let digits: String = self.letters[from..self.at].iter().collect();
            self.suffix();
            return Ok(Decimal::from(u64::from_str_radix(&digits, 16)?));
        }
        let digits = |reader: &mut Self| {
            while reader.letters.get(reader.at).is_some_and(char::is_ascii_digit) {
                reader.at += 1;
            }
        };
        digits(self);
        if self.letters.get(self.at) == Some(&'.') && self.second().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            digits(self);
        }
        let mantissa: String = self.letters[start..self.at].iter().collect();
        let mut number: Decimal = format!("0{mantissa}").parse()?;
        if matches!(self.letters.get(self.at), Some('e' | 'E')) {
            self.at += 1;
            let from = self.at;
            if matches!(self.letters.get(self.at), Some('+' | '-')) {
                self.at += 1;
            }
            digits(self);
            let exponent: String = self.letters[from..self.at].iter().collect();
            let exponent: i32 = exponent.parse()?;
            for _ in 0..exponent.unsigned_abs() {
                let step = if exponent < 0 { Decimal::new(1, 1) } else { Decimal::TEN };
                number = number.checked_mul(step).context("the number is too large")?;
            }
        }
        self.suffix();
        Ok(number)
    }

    /// CEL marks whole numbers without a sign by `u`; here it says nothing.
    fn suffix(&mut self) {
        if matches!(self.letters.get(self.at), Some('u' | 'U')) {
            self.at += 1;
        }
    }

    fn text(&mut self, raw: bool) -> Result<String> {
        let quote = self.letters[self.at];
        let triple = self.letters[self.at..].starts_with(&[quote; 3]);
        let end = vec![quote; if triple { 3 } else { 1 }];
        self.at += end.len();
        let mut text = String::new();
        while !self.letters[self.at..].starts_with(&end) {
            let letter = *self.letters.get(self.at).context("a text does not end")?;
            self.at += 1;
            if letter == '\\' && !raw {
                text.push(self.escape()?);
            } else {
                text.push(letter);
            }
        }
        self.at += end.len();
        Ok(text)
    }

    fn escape(&mut self) -> Result<char> {
        let kind = *self.letters.get(self.at).context("a text does not end")?;
        self.at += 1;
        Ok(match kind {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' | 'X' => self.code(2, 16)?,
            'u' => self.code(4, 16)?,
            'U' => self.code(8, 16)?,
            '0'..='3' => {
                self.at -= 1;
                self.code(3, 8)?
            }
            '\\' | '?' | '"' | '\'' | '`' => kind,
            other => bail!("there is no escape \\{other}"),
        })
    }

    fn code(&mut self, digits: usize, radix: u32) -> Result<char> {
        let digits: String = self.letters[self.at..].iter().take(digits).collect();
        self.at += digits.len();
        char::from_u32(u32::from_str_radix(&digits, radix)?).context("there is no such letter")
    }
}
