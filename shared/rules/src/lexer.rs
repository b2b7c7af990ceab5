//! From text to tokens. Mistakes are noted and read over, so that later ones are found too.

use rust_decimal::Decimal;

use crate::diagnostic::{Diagnostic, Span};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Word(String),
    Number(Decimal),
    Text(String),
    Symbol(&'static str),
    /// A literal that is wrong in itself; already reported.
    Broken,
    End,
}

/// The longer symbols come first.
const SYMBOLS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/",
    "%", "?", ":", "!",
];

/// What people write who come from other languages, and what it is read as.
const MISTAKES: [(&str, &str); 10] = [
    ("<>", "!="),
    ("=", "=="),
    ("&", "&&"),
    ("|", "||"),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("×", "*"),
    ("÷", "/"),
    ("−", "-"),
];

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// All tokens with their places, the last being [`Token::End`], and what was wrong.
pub(crate) fn tokens(text: &str) -> (Vec<(Token, Span)>, Vec<Diagnostic>) {
    let mut lexer = Lexer { text, at: 0, diagnostics: Vec::new() };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let Some(token) = lexer.token() else { continue };
        let is_end = token == Token::End;
        tokens.push((token, Span::new(start, lexer.at)));
        if is_end {
            return (tokens, lexer.diagnostics);
        }
    }
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !fits(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn report(&mut self, start: usize, message: &str, expected: &str) {
        let span = Span::new(start, self.at);
        let found = span.of(self.text).chars().take(40).collect::<String>();
        self.diagnostics.push(Diagnostic::new(self.text, span, message, format!("`{found}`"), expected));
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|character| character != '\n' && character != '\r');
        }
    }

    /// The next token; `None` where something was reported and read over.
    fn token(&mut self) -> Option<Token> {
        let Some(first) = self.peek() else { return Some(Token::End) };
        let second = self.rest().chars().nth(1);
        if first.is_ascii_digit() || (first == '.' && second.is_some_and(|next| next.is_ascii_digit())) {
            return Some(self.number());
        }
        if let Some(prefix) = self.text_prefix() {
            return Some(self.quoted(prefix));
        }
        if first == '_' || first.is_alphabetic() {
            return Some(self.word());
        }
        let rest = self.rest();
        let start = self.at;
        if let Some((wrong, right)) = MISTAKES.into_iter().find(|(wrong, _)| {
            rest.starts_with(wrong) && !SYMBOLS[..6].iter().any(|long| rest.starts_with(long))
        }) {
            self.at += wrong.len();
            self.report(start, "there is no such operator", &format!("`{right}`"));
            return Some(Token::Symbol(right));
        }
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            self.at += symbol.len();
            return Some(Token::Symbol(symbol));
        }
        self.at += first.len_utf8();
        self.report(start, "this character has no meaning in a rule", "a name, a literal or an operator");
        None
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        let word = self.take_while(|character| character == '_' || character.is_alphanumeric());
        if !word.is_ascii() {
            self.report(
                start,
                "a name has letters from a to z, digits and `_` only",
                "a name without accents",
            );
            return Token::Broken;
        }
        Token::Word(word.to_owned())
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            let digits = self.take_while(|character| character.is_ascii_alphanumeric());
            let digits = digits.strip_suffix(['u', 'U']).unwrap_or(digits);
            if let Ok(number) = u64::from_str_radix(digits, 16) {
                return Token::Number(Decimal::from(number));
            }
            self.report(start, "this is no hexadecimal number", "`0x` and up to 16 of 0-9 and a-f");
            return Token::Broken;
        }
        let whole = self.take_while(|character| character.is_ascii_digit());
        let mut fraction = "";
        if self.rest().starts_with('.') && self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) {
            self.at += 1;
            fraction = self.take_while(|character| character.is_ascii_digit());
        }
        let mut exponent = "";
        let after = self.rest().strip_prefix(['e', 'E']);
        if after
            .is_some_and(|rest| rest.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit()))
        {
            self.at += 1;
            let from = self.at;
            self.take_while(|character| matches!(character, '+' | '-'));
            self.take_while(|character| character.is_ascii_digit());
            exponent = &self.text[from..self.at];
        }
        let is_whole = fraction.is_empty() && exponent.is_empty();
        if is_whole && self.rest().starts_with(['u', 'U']) {
            self.at += 1;
        }
        if self.peek().is_some_and(|next| next == '_' || next.is_alphanumeric()) {
            self.take_while(|character| character == '_' || character.is_alphanumeric());
            self.report(start, "a number is followed by letters", "digits, a point and digits");
            return Token::Broken;
        }
        if let Some(number) = exact(whole, fraction, exponent) {
            return Token::Number(number);
        }
        self.report(start, "this number cannot be kept exactly", "a number of at most 28 digits");
        Token::Broken
    }

    /// The length of what stands before a text's quotes (`r`, `b`, nothing); `None` if no text starts here.
    fn text_prefix(&self) -> Option<usize> {
        let rest = self.rest();
        let length = rest.find(['\'', '"'])?;
        (length <= 2 && rest[..length].chars().all(|c| matches!(c, 'r' | 'R' | 'b' | 'B'))).then_some(length)
    }

    fn quoted(&mut self, prefix: usize) -> Token {
        let start = self.at;
        let marks = &self.rest()[..prefix];
        let raw = marks.contains(['r', 'R']);
        let bytes = marks.contains(['b', 'B']);
        self.at += prefix;
        let quote = if self.rest().starts_with('\'') { "'" } else { "\"" };
        let triple = quote.repeat(3);
        let delimiter = if self.rest().starts_with(&triple) { triple.as_str() } else { quote };
        self.at += delimiter.len();
        let mut content = String::new();
        let mut sound = true;
        loop {
            if self.rest().starts_with(delimiter) {
                self.at += delimiter.len();
                break;
            }
            let Some(character) = self.peek() else {
                self.report(start, "this text does not end", &format!("a closing `{delimiter}`"));
                return Token::Broken;
            };
            if delimiter.len() == 1 && matches!(character, '\n' | '\r') {
                self.report(start, "this text does not end on its line", &format!("a closing `{delimiter}`"));
                return Token::Broken;
            }
            if character == '\\' && !raw {
                sound &= self.escape(&mut content);
            } else {
                self.at += character.len_utf8();
                content.push(character);
            }
        }
        if bytes {
            self.report(start, "rules know no bytes", "a text without `b` before it");
            return Token::Broken;
        }
        if sound { Token::Text(content) } else { Token::Broken }
    }

    /// Reads one escape sequence; false if it is none.
    fn escape(&mut self, content: &mut String) -> bool {
        let start = self.at;
        self.at += 1;
        let Some(kind) = self.peek() else { return false };
        self.at += kind.len_utf8();
        let plain = match kind {
            '\\' | '?' | '"' | '\'' | '`' => Some(kind),
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            'x' | 'X' => self.code_point(2, 16, ""),
            'u' => self.code_point(4, 16, ""),
            'U' => self.code_point(8, 16, ""),
            '0'..='3' => self.code_point(2, 8, kind.encode_utf8(&mut [0; 4])),
            _ => None,
        };
        if let Some(character) = plain {
            content.push(character);
        } else {
            let expected = "one of \\\\ \\' \\\" \\n \\r \\t \\xHH \\uHHHH \\UHHHHHHHH";
            self.report(start, "there is no such escape", expected);
        }
        plain.is_some()
    }

    fn code_point(&mut self, digits: usize, radix: u32, first: &str) -> Option<char> {
        let code = self.rest().get(..digits)?;
        if !code.chars().all(|character| character.is_digit(radix)) {
            return None;
        }
        self.at += digits;
        char::from_u32(u32::from_str_radix(&format!("{first}{code}"), radix).ok()?)
    }
}

/// `whole.fraction × 10^exponent` as it is written; `None` if 28 digits do not hold it.
fn exact(whole: &str, fraction: &str, exponent: &str) -> Option<Decimal> {
    let exponent = if exponent.is_empty() { 0 } else { exponent.parse::<i32>().ok()? };
    let mut power = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let mut digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
    while (power < -28 || digits.len() > 28) && power < 0 && digits.ends_with('0') {
        digits.pop();
        power += 1;
    }
    if digits.is_empty() {
        return Decimal::try_from_i128_with_scale(0, u32::try_from(-power.clamp(-28, 0)).ok()?).ok();
    }
    if power > 0 {
        digits.push_str(&"0".repeat(usize::try_from(power).ok().filter(|zeros| *zeros <= 28)?));
    }
    let scale = u32::try_from(-power.min(0)).ok()?;
    if digits.len() > 29 || scale > 28 {
        return None;
    }
    Decimal::try_from_i128_with_scale(digits.parse().ok()?, scale).ok()
}
