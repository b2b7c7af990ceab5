//! From tokens to a syntax tree: CEL's grammar. After a mistake it goes on at the next place that makes sense.

use crate::{
    diagnostic::{Diagnostic, Span},
    lexer::{self, Token},
    program::limits,
    syntax::{Expression, ExpressionKind, Operator, Relation, Word},
};

/// Words CEL keeps for itself.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// What a text says, and what is wrong with it. A text with mistakes may fall into several expressions.
pub(crate) fn parse(text: &str) -> (Vec<Expression>, Vec<Diagnostic>) {
    let (tokens, diagnostics) = lexer::tokens(text);
    let reported_at = None;
    let mut parser = Parser { text, tokens, at: 0, nesting: 0, diagnostics, reported_at };
    let mut expressions = vec![parser.expression()];
    while *parser.peek() != Token::End {
        parser.unexpected("an operator or the end of the rule");
        if matches!(parser.peek(), Token::Symbol(_)) {
            parser.advance();
        }
        if *parser.peek() != Token::End {
            expressions.push(parser.expression());
        }
    }
    parser.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    (expressions, parser.diagnostics)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    nesting: u32,
    diagnostics: Vec<Diagnostic>,
    /// The token the last mistake was reported at: one mistake per token is enough.
    reported_at: Option<usize>,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    fn last_end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |last| self.tokens[last].1.end)
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn take(&mut self, symbol: &str) -> bool {
        let taken = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        if taken {
            self.advance();
        }
        taken
    }

    fn report(&mut self, span: Span, message: &str, found: String, expected: &str) {
        if self.reported_at != Some(self.at) {
            self.reported_at = Some(self.at);
            self.diagnostics.push(Diagnostic::new(self.text, span, message, found, expected));
        }
    }

    fn unexpected(&mut self, expected: &str) {
        let (found, message) = match self.peek() {
            Token::End => ("the end of the rule".to_owned(), "the rule ends too early"),
            // The lexer has said what is wrong with it.
            Token::Broken => {
                self.reported_at = Some(self.at);
                return;
            }
            _ => (format!("`{}`", self.span().of(self.text)), "this was not expected here"),
        };
        self.report(self.span(), message, found, expected);
    }

    /// The closing `symbol`; what stands before it is read over.
    fn close(&mut self, symbol: &str) {
        if self.take(symbol) {
            return;
        }
        self.unexpected(&format!("an operator or `{symbol}`"));
        let mut open = 0_u32;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Symbol("(" | "[" | "{") => open += 1,
                Token::Symbol(")" | "]" | "}") if open == 0 => {
                    self.take(symbol);
                    return;
                }
                Token::Symbol(")" | "]" | "}") => open -= 1,
                _ => {}
            }
            self.advance();
        }
    }

    fn node(&mut self, kind: ExpressionKind, start: usize) -> Expression {
        let expression = Expression::new(kind, Span::new(start, self.last_end().max(start)));
        if expression.depth <= limits::DEPTH {
            return expression;
        }
        self.too_deep(expression.span)
    }

    fn too_deep(&mut self, span: Span) -> Expression {
        let expected =
            format!("at most {} levels of parentheses and {} of operators", limits::NESTING, limits::DEPTH);
        self.report(span, "the rule is nested too deeply", "more levels".to_owned(), &expected);
        self.at = self.tokens.len() - 1;
        self.reported_at = Some(self.at);
        Expression::new(ExpressionKind::Broken, span)
    }

    fn expression(&mut self) -> Expression {
        if self.nesting >= limits::NESTING {
            return self.too_deep(self.span());
        }
        self.nesting += 1;
        let expression = self.conditional();
        self.nesting -= 1;
        expression
    }

    fn conditional(&mut self) -> Expression {
        let start = self.span().start;
        let condition = self.chain(&["||"], &["or", "OR"], ExpressionKind::Or, Self::conjunction);
        if !self.take("?") {
            return condition;
        }
        let yes = self.chain(&["||"], &["or", "OR"], ExpressionKind::Or, Self::conjunction);
        if !self.take(":") {
            self.unexpected("`:` and the value for the other case");
            return self.node(ExpressionKind::Broken, start);
        }
        let no = self.expression();
        self.node(ExpressionKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)), start)
    }

    fn conjunction(&mut self) -> Expression {
        self.chain(&["&&"], &["and", "AND"], ExpressionKind::And, Self::relation)
    }

    fn chain(
        &mut self,
        symbols: &[&'static str],
        foreign: &[&str],
        join: fn(Vec<Expression>) -> ExpressionKind,
        part: fn(&mut Self) -> Expression,
    ) -> Expression {
        let start = self.span().start;
        let first = part(self);
        let mut parts = vec![first];
        loop {
            let is_foreign = matches!(self.peek(), Token::Word(word) if foreign.contains(&word.as_str()));
            if is_foreign {
                self.unexpected(&format!("`{}`", symbols[0]));
                self.advance();
            } else if !symbols.iter().any(|symbol| self.take(symbol)) {
                break;
            }
            parts.push(part(self));
        }
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => self.node(join(parts), start),
        }
    }

    fn relation(&mut self) -> Expression {
        let start = self.span().start;
        let mut left = self.addition();
        loop {
            let relation = match self.peek() {
                Token::Symbol("==") => Relation::Equal,
                Token::Symbol("!=") => Relation::Different,
                Token::Symbol("<") => Relation::Less,
                Token::Symbol("<=") => Relation::AtMost,
                Token::Symbol(">") => Relation::Greater,
                Token::Symbol(">=") => Relation::AtLeast,
                Token::Word(word) if word == "in" => {
                    self.advance();
                    let right = self.addition();
                    left = self.node(ExpressionKind::In(Box::new(left), Box::new(right)), start);
                    continue;
                }
                _ => return left,
            };
            self.advance();
            let right = self.addition();
            left = self.node(ExpressionKind::Relation(relation, Box::new(left), Box::new(right)), start);
        }
    }

    fn addition(&mut self) -> Expression {
        let operators = [("+", Operator::Add), ("-", Operator::Subtract)];
        self.left_associative(&operators, Self::multiplication)
    }

    fn multiplication(&mut self) -> Expression {
        let operators = [("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)];
        self.left_associative(&operators, Self::unary)
    }

    fn left_associative(
        &mut self,
        operators: &[(&str, Operator)],
        part: fn(&mut Self) -> Expression,
    ) -> Expression {
        let start = self.span().start;
        let mut left = part(self);
        while let Some((_, operator)) = operators.iter().find(|(symbol, _)| self.take(symbol)) {
            let right = part(self);
            left = self.node(ExpressionKind::Arithmetic(*operator, Box::new(left), Box::new(right)), start);
        }
        left
    }

    fn unary(&mut self) -> Expression {
        let mut signs = Vec::new();
        loop {
            let start = self.span().start;
            if self.take("!") {
                signs.push((start, true));
            } else if self.take("-") {
                signs.push((start, false));
            } else if matches!(self.peek(), Token::Word(word) if word == "not" || word == "NOT") {
                self.unexpected("`!`");
                self.advance();
                signs.push((start, true));
            } else {
                break;
            }
        }
        let mut operand = self.member();
        for (start, is_not) in signs.into_iter().rev() {
            let wrap = if is_not { ExpressionKind::Not } else { ExpressionKind::Negate };
            operand = self.node(wrap(Box::new(operand)), start);
        }
        operand
    }

    fn member(&mut self) -> Expression {
        let start = self.span().start;
        let mut target = self.primary();
        loop {
            if self.take(".") {
                let span = self.span();
                let Token::Word(name) = self.peek().clone() else {
                    self.unexpected("the name of a field or function");
                    return self.node(ExpressionKind::Broken, start);
                };
                self.advance();
                let word = Word { text: name, span };
                let kind = if self.take("(") {
                    let arguments = self.list(")");
                    ExpressionKind::Method(Box::new(target), word, arguments)
                } else {
                    ExpressionKind::Select(Box::new(target), word)
                };
                target = self.node(kind, start);
            } else if self.take("[") {
                let position = self.expression();
                self.close("]");
                target = self.node(ExpressionKind::Index(Box::new(target), Box::new(position)), start);
            } else if matches!(self.peek(), Token::Symbol("{")) {
                return self.map(start);
            } else {
                return target;
            }
        }
    }

    fn primary(&mut self) -> Expression {
        let span = self.span();
        let token = self.peek().clone();
        match token {
            Token::Number(number) => self.literal(ExpressionKind::Number(number), span),
            Token::Text(text) => self.literal(ExpressionKind::Text(text), span),
            Token::Word(word) => self.word(word, span),
            Token::Broken => self.literal(ExpressionKind::Broken, span),
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression();
                self.close(")");
                inner
            }
            Token::Symbol("[") => {
                self.advance();
                let elements = self.list("]");
                self.node(ExpressionKind::List(elements), span.start)
            }
            Token::Symbol("{") => self.map(span.start),
            Token::Symbol(".") if matches!(self.tokens.get(self.at + 1), Some((Token::Word(_), _))) => {
                self.advance();
                self.primary()
            }
            Token::Symbol(_) | Token::End => {
                self.unexpected("a name, a literal or `(`");
                Expression::new(ExpressionKind::Broken, span)
            }
        }
    }

    fn literal(&mut self, kind: ExpressionKind, span: Span) -> Expression {
        self.advance();
        Expression::new(kind, span)
    }

    fn word(&mut self, word: String, span: Span) -> Expression {
        match word.as_str() {
            "true" => return self.literal(ExpressionKind::Bool(true), span),
            "false" => return self.literal(ExpressionKind::Bool(false), span),
            "null" => {
                let expected = "a value; ask `has(name)` whether a field is there";
                self.report(span, "rules know no null", "`null`".to_owned(), expected);
                return self.literal(ExpressionKind::Broken, span);
            }
            "in" => {
                self.unexpected("a value before `in`");
                return Expression::new(ExpressionKind::Broken, span);
            }
            reserved if RESERVED.contains(&reserved) => {
                self.report(span, "this word is reserved", format!("`{reserved}`"), "another name");
                return self.literal(ExpressionKind::Broken, span);
            }
            _ => {}
        }
        self.advance();
        let word = Word { text: word, span };
        if self.take("(") {
            let arguments = self.list(")");
            return self.node(ExpressionKind::Call(word, arguments), span.start);
        }
        Expression::new(ExpressionKind::Name(word), span)
    }

    /// Expressions between commas up to `symbol`; a comma before the end is allowed.
    fn list(&mut self, symbol: &str) -> Vec<Expression> {
        let mut elements = Vec::new();
        loop {
            if self.take(symbol) {
                return elements;
            }
            elements.push(self.expression());
            if self.take(",") {
                continue;
            }
            if self.take(symbol) {
                return elements;
            }
            self.unexpected(&format!("`,` or `{symbol}`"));
            if matches!(self.peek(), Token::End | Token::Symbol(")" | "]" | "}")) {
                self.close(symbol);
                return elements;
            }
            if matches!(self.peek(), Token::Symbol(_)) {
                self.advance();
            }
        }
    }

    fn map(&mut self, start: usize) -> Expression {
        let expected = "a list `[…]`";
        self.report(self.span(), "rules know no maps and no messages", "`{`".to_owned(), expected);
        self.advance();
        self.reported_at = Some(self.at);
        self.close("}");
        self.node(ExpressionKind::Broken, start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn parsed(text: &str) -> Expression {
        let (mut expressions, diagnostics) = parse(text);
        assert_eq!(diagnostics, [], "{text}");
        expressions.remove(0)
    }

    #[test]
    fn operators_bind_as_in_cel() {
        let cases = [
            ("a || b && c == d + e * -f.g", "a || b && c == d + e * -f.g"),
            ("(a || b) && c", "(a || b) && c"),
            ("a - (b - c) - d", "a - (b - c) - d"),
            ("(a - b) - c", "a - b - c"),
            ("a ? b : c ? d : e", "a ? b : c ? d : e"),
            ("(a ? b : c) ? d : e", "(a ? b : c) ? d : e"),
            ("((a)) in [1, 2,]", "a in [1, 2]"),
            ("!!a && !(b == c)", "!!a && !(b == c)"),
            ("-(-1)", "--1"),
            ("x.all(y, y > 1.50)[0].size()", "x.all(y, y > 1.50)[0].size()"),
            ("a // comment\n && b", "a && b"),
            ("\"it's\" + r'\\d' + '''a\nb'''", "'it\\'s' + '\\\\d' + 'a\\nb'"),
            ("a < b < c", "a < b < c"),
            ("a < (b < c)", "a < (b < c)"),
            (".a.b", "a.b"),
        ];
        for (text, printed) in cases {
            assert_eq!(parsed(text).to_string(), printed, "{text}");
        }
    }

    #[test]
    fn a_literal_is_the_decimal_its_text_says() {
        let cases = [
            ("0.1", Decimal::new(1, 1)),
            ("1.50", Decimal::new(150, 2)),
            (".5", Decimal::new(5, 1)),
            ("1e3", Decimal::new(1000, 0)),
            ("12.5e-3", Decimal::new(125, 4)),
            ("0x1F", Decimal::new(31, 0)),
            ("7u", Decimal::new(7, 0)),
            (
                "0.1000000000000000000000000001",
                Decimal::from_i128_with_scale(1_000_000_000_000_000_000_000_000_001, 28),
            ),
            ("79228162514264337593543950335", Decimal::MAX),
            ("0e999", Decimal::ZERO),
        ];
        for (text, number) in cases {
            assert_eq!(parsed(text).kind, ExpressionKind::Number(number), "{text}");
        }
    }

    fn word() -> impl Strategy<Value = Word> {
        "[a-z_][a-z0-9_]{0,5}"
            .prop_filter("keywords", |text| {
                !RESERVED.contains(&text.as_str())
                    && !["in", "true", "false", "null", "and", "or", "not"].contains(&text.as_str())
            })
            .prop_map(|text| Word { text, span: Span::default() })
    }

    fn made(kind: ExpressionKind) -> Expression {
        Expression::new(kind, Span::default())
    }

    fn expressions() -> impl Strategy<Value = Expression> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(ExpressionKind::Bool),
            (0_i64..i64::MAX, 0_u32..19).prop_map(|(m, s)| ExpressionKind::Number(Decimal::new(m, s))),
            any::<String>().prop_map(ExpressionKind::Text),
            word().prop_map(ExpressionKind::Name),
        ]
        .prop_map(made);
        let operators = prop::sample::select(vec![
            Operator::Add,
            Operator::Subtract,
            Operator::Multiply,
            Operator::Divide,
            Operator::Remainder,
        ]);
        let relations = prop::sample::select(vec![Relation::Equal, Relation::Less, Relation::AtLeast]);
        leaf.prop_recursive(5, 40, 4, move |inner| {
            let boxed = inner.clone().prop_map(Box::new);
            let many = prop::collection::vec(inner.clone(), 0..4);
            let several = prop::collection::vec(inner, 2..4);
            prop_oneof![
                (operators.clone(), boxed.clone(), boxed.clone())
                    .prop_map(|(o, a, b)| ExpressionKind::Arithmetic(o, a, b)),
                (relations.clone(), boxed.clone(), boxed.clone())
                    .prop_map(|(r, a, b)| ExpressionKind::Relation(r, a, b)),
                (boxed.clone(), boxed.clone()).prop_map(|(a, b)| ExpressionKind::In(a, b)),
                (boxed.clone(), boxed.clone()).prop_map(|(a, b)| ExpressionKind::Index(a, b)),
                (boxed.clone(), boxed.clone(), boxed.clone())
                    .prop_map(|(a, b, c)| ExpressionKind::Conditional(a, b, c)),
                boxed.clone().prop_map(ExpressionKind::Not),
                boxed.clone().prop_map(ExpressionKind::Negate),
                (boxed.clone(), word()).prop_map(|(a, w)| ExpressionKind::Select(a, w)),
                (word(), many.clone()).prop_map(|(w, a)| ExpressionKind::Call(w, a)),
                (boxed, word(), many.clone()).prop_map(|(t, w, a)| ExpressionKind::Method(t, w, a)),
                many.prop_map(ExpressionKind::List),
                several.clone().prop_map(ExpressionKind::And),
                several.prop_map(ExpressionKind::Or),
            ]
            .prop_map(made)
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(expression in expressions()) {
            let text = expression.to_string();
            prop_assert_eq!(parsed(&text), expression);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let (_, diagnostics) = parse(&text);
            for diagnostic in diagnostics {
                prop_assert!(text.get(diagnostic.span.start..diagnostic.span.end).is_some());
            }
        }

        #[test]
        fn any_mixture_of_tokens_is_read_without_a_panic(
            words in prop::collection::vec(prop::sample::select(vec![
                "a", "1", "'x'", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "!", "?", ":", "&&", "||", "in",
                "==", "and", "not", "null", "if", "=", "\"", "b'x'", "1x", "ñ", ">=", "\n", "//",
            ]), 0..40)
        ) {
            let (_, diagnostics) = parse(&words.join(" "));
            prop_assert!(diagnostics.len() <= 2 * words.len() + 1);
        }
    }
}
