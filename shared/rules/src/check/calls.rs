//! Functions, methods and macros.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Checker, Variable, constant, element_of, extent_of_slot, longer, scalar, suggest};
use crate::{
    diagnostic::Span,
    program::{Extent, Function, Macro, Node, Op, Slices},
    scope::Presence,
    syntax::{Expression, ExpressionKind, Word},
    value::{Type, Value},
};

/// What a parameter takes.
#[derive(Clone, Copy)]
enum Parameter {
    Number,
    Text,
    Date,
    /// A constant whole number from 0 to 18.
    Digits,
}

/// How a function is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// `f(x)`
    Call,
    /// `x.f()`
    Method,
    Both,
}

struct Builtin {
    name: &'static str,
    function: Function,
    style: Style,
    parameters: &'static [Parameter],
    required: usize,
    result: Type,
}

const fn builtin(
    name: &'static str,
    function: Function,
    style: Style,
    parameters: &'static [Parameter],
    result: Type,
) -> Builtin {
    Builtin { name, function, style, parameters, required: parameters.len(), result }
}

const fn rounding(name: &'static str, function: Function) -> Builtin {
    let parameters = &[Parameter::Number, Parameter::Digits];
    Builtin { name, function, style: Style::Call, parameters, required: 1, result: Type::Number }
}

static BUILTINS: [Builtin; 17] = [
    builtin("abs", Function::Abs, Style::Call, &[Parameter::Number], Type::Number),
    rounding("round", Function::Round),
    rounding("floor", Function::Floor),
    rounding("ceil", Function::Ceil),
    rounding("trunc", Function::Trunc),
    builtin(
        "startsWith",
        Function::StartsWith,
        Style::Method,
        &[Parameter::Text, Parameter::Text],
        Type::Bool,
    ),
    builtin("endsWith", Function::EndsWith, Style::Method, &[Parameter::Text, Parameter::Text], Type::Bool),
    builtin("contains", Function::Contains, Style::Method, &[Parameter::Text, Parameter::Text], Type::Bool),
    builtin("lowerAscii", Function::LowerAscii, Style::Method, &[Parameter::Text], Type::Text),
    builtin("upperAscii", Function::UpperAscii, Style::Method, &[Parameter::Text], Type::Text),
    builtin("year", Function::Year, Style::Both, &[Parameter::Date], Type::Number),
    builtin("month", Function::Month, Style::Both, &[Parameter::Date], Type::Number),
    builtin("day", Function::Day, Style::Both, &[Parameter::Date], Type::Number),
    builtin(
        "days_between",
        Function::DaysBetween,
        Style::Call,
        &[Parameter::Date, Parameter::Date],
        Type::Number,
    ),
    builtin(
        "months_between",
        Function::MonthsBetween,
        Style::Call,
        &[Parameter::Date, Parameter::Date],
        Type::Number,
    ),
    builtin("add_days", Function::AddDays, Style::Call, &[Parameter::Date, Parameter::Number], Type::Date),
    builtin(
        "add_months",
        Function::AddMonths,
        Style::Call,
        &[Parameter::Date, Parameter::Number],
        Type::Date,
    ),
];

/// Functions that are checked each in its own way.
const SPECIAL: [&str; 9] =
    ["size", "min", "max", "sum", "date", "has", "default", "bracket", "bracket_marginal"];

const MACROS: [(&str, Macro); 6] = [
    ("all", Macro::All),
    ("exists", Macro::Exists),
    ("exists_one", Macro::ExistsOne),
    ("existsOne", Macro::ExistsOne),
    ("filter", Macro::Filter),
    ("map", Macro::Map),
];

/// CEL's functions that were left out, and what to write.
const LEFT_OUT: [(&str, &str); 11] = [
    ("int", "`trunc(number)`: there is one kind of number"),
    ("uint", "the number itself: there is one kind of number"),
    ("double", "the number itself: there is one kind of number"),
    ("string", "a text; numbers are not turned into texts"),
    ("bytes", "a text; rules know no bytes"),
    ("bool", "a condition"),
    ("timestamp", "`date('2026-01-31')`"),
    ("duration", "`days_between(from, to)`"),
    ("matches", "`startsWith`, `endsWith`, `contains` or `in`"),
    ("type", "nothing: types are known when the rule is saved"),
    ("dyn", "nothing: types are known when the rule is saved"),
];

impl Checker<'_> {
    pub(super) fn call(&mut self, function: &Word, arguments: &[Expression], span: Span) -> Option<Node> {
        match function.text.as_str() {
            "has" => {
                let [field] = self.exactly(function, arguments)?;
                let slot = self.slot_of(function, field)?;
                let read = self.read(slot.clone(), span);
                return Some(Node { op: Op::Has(slot.index), ty: Type::Bool, extent: scalar(), ..read });
            }
            "default" => return self.default(function, arguments, span),
            "date" => return self.date(function, arguments, span),
            "bracket" => return self.bracket(function, arguments, Slices::Whole, span),
            "bracket_marginal" => return self.bracket(function, arguments, Slices::Marginal, span),
            "min" => return self.extreme(Function::Min, function, arguments, span),
            "max" => return self.extreme(Function::Max, function, arguments, span),
            "sum" => {
                let [list] = self.exactly(function, arguments)?;
                let list = self.expect(list, &Type::list(Type::Number))?;
                let cost = list.extent.length;
                return self.node(
                    Op::Function(Function::Sum, vec![list]),
                    Type::Number,
                    span,
                    scalar(),
                    cost,
                );
            }
            "size" => {
                let [value] = self.exactly(function, arguments)?;
                let value = self.check(value, None)?;
                return self.size(value, span);
            }
            _ => {}
        }
        let found = BUILTINS.iter().find(|builtin| builtin.name == function.text);
        if let Some(builtin) = found.filter(|builtin| builtin.style != Style::Method) {
            return self.builtin(builtin, function, None, arguments, span);
        }
        if let Some(builtin) = found {
            let expected = format!("`text.{}(…)`", builtin.name);
            self.report(
                function.span,
                "this is written after its value",
                format!("`{}(`", builtin.name),
                expected,
            );
            return None;
        }
        self.scope_call(&function.text, function.span, arguments, span)
    }

    pub(super) fn method(
        &mut self,
        target: &Expression,
        method: &Word,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Node> {
        if let Some(path) = target.dotted_name()
            && !self.resolves(&path)
        {
            let full = format!("{path}.{}", method.text);
            if path == "sets" {
                return self.sets(method, arguments, span);
            }
            if self.scope.call(&full, &[]).is_some() {
                return self.scope_call(&full, target.span.to(method.span), arguments, span);
            }
        }
        if let Some((_, kind)) = MACROS.iter().find(|(name, _)| *name == method.text) {
            return self.run_macro(*kind, target, method, arguments, span);
        }
        if method.text == "size" {
            let [] = self.exactly(method, arguments)?;
            let value = self.check(target, None)?;
            return self.size(value, span);
        }
        let found =
            BUILTINS.iter().find(|builtin| builtin.name == method.text && builtin.style != Style::Call);
        let target = self.check(target, None);
        if let Some(builtin) = found {
            let target = target?;
            if builtin.function == Function::Contains && matches!(target.ty, Type::List(_)) {
                let [element] = self.exactly(method, arguments)?;
                let element = self.check(element, None)?;
                return self.member(element, target, span);
            }
            return self.builtin(builtin, method, Some(target), arguments, span);
        }
        for argument in arguments {
            self.check(argument, None);
        }
        self.unknown_function(&method.text, method.span);
        None
    }

    fn unknown_function(&mut self, name: &str, span: Span) {
        let found = format!("`{name}`");
        if let Some((_, advice)) = LEFT_OUT.iter().find(|(left_out, _)| *left_out == name) {
            self.report(span, "this function of CEL is not part of the rule language", found, *advice);
            return;
        }
        let mut known = self.scope.known_functions();
        known.extend(BUILTINS.iter().map(|builtin| builtin.name.to_owned()));
        known
            .extend(SPECIAL.iter().chain(MACROS.iter().map(|(name, _)| name)).map(|name| (*name).to_owned()));
        let expected = suggest::expected(name, &known, "a function");
        self.report(span, "there is no such function", found, expected);
    }

    /// A function of the scope: its arguments are constants, its value a slot.
    fn scope_call(
        &mut self,
        name: &str,
        name_span: Span,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Node> {
        let nodes: Vec<Option<Node>> = arguments.iter().map(|argument| self.check(argument, None)).collect();
        if self.scope.call(name, &[]).is_none() {
            self.unknown_function(name, name_span);
            return None;
        }
        let mut values = Vec::new();
        let mut sound = true;
        for node in nodes {
            let Some(node) = node else {
                sound = false;
                continue;
            };
            if let Some(value) = node.constant() {
                values.push(value.clone());
            } else {
                let found = format!("`{}`", node.span.of(self.text));
                let message = format!("an argument of `{name}` must be the same for every record");
                self.report(node.span, message, found, "a literal or a constant");
                sound = false;
            }
        }
        if !sound {
            return None;
        }
        match self.scope.call(name, &values) {
            Some(Ok(slot)) => self.slot(slot, span),
            Some(Err(expected)) => {
                let found = format!("`{}`", span.of(self.text));
                self.report(span, "the arguments are wrong", found, expected);
                None
            }
            None => {
                self.unknown_function(name, name_span);
                None
            }
        }
    }

    fn exactly<'e, const N: usize>(
        &mut self,
        function: &Word,
        arguments: &'e [Expression],
    ) -> Option<&'e [Expression; N]> {
        let fitting = arguments.try_into().ok();
        if fitting.is_none() {
            self.wrong_count(function, arguments.len(), &N.to_string());
        }
        fitting
    }

    fn wrong_count(&mut self, function: &Word, found: usize, expected: &str) {
        let message = format!("`{}` has the wrong number of arguments", function.text);
        self.report(function.span, message, found.to_string(), expected);
    }

    fn builtin(
        &mut self,
        builtin: &Builtin,
        word: &Word,
        target: Option<Node>,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Node> {
        let given = arguments.len() + usize::from(target.is_some());
        if given < builtin.required || given > builtin.parameters.len() {
            let bound = usize::from(target.is_some());
            let (least, most) = (builtin.required - bound, builtin.parameters.len() - bound);
            let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
            self.wrong_count(word, arguments.len(), &expected);
            return None;
        }
        let mut nodes = Vec::new();
        let mut parameters = builtin.parameters.iter();
        if let Some(target) = target {
            let wanted = parameters.next().map_or(Type::Bool, |parameter| parameter.ty());
            if target.ty != wanted {
                self.mismatch(&target, &wanted);
                return None;
            }
            nodes.push(Some(target));
        }
        for (parameter, argument) in parameters.zip(arguments) {
            let node = self.expect(argument, &parameter.ty());
            nodes.push(node.and_then(|node| self.fitting(*parameter, node)));
        }
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let extent = nodes.iter().map(|node| node.extent).fold(scalar(), longer);
        let result_extent = if builtin.result == Type::Text { extent } else { scalar() };
        let op = Op::Function(builtin.function, nodes);
        self.node(op, builtin.result.clone(), span, result_extent, extent.weight)
    }

    fn fitting(&mut self, parameter: Parameter, node: Node) -> Option<Node> {
        let Parameter::Digits = parameter else { return Some(node) };
        let fits =
            |digits: Decimal| digits.is_integer() && (Decimal::ZERO..=Decimal::from(18)).contains(&digits);
        if node.constant_number().is_some_and(fits) {
            return Some(node);
        }
        let found = format!("`{}`", node.span.of(self.text));
        self.report(
            node.span,
            "the number of decimals is wrong",
            found,
            "a constant whole number from 0 to 18",
        );
        None
    }

    fn size(&mut self, value: Node, span: Span) -> Option<Node> {
        if matches!(value.ty, Type::Text | Type::List(_)) {
            let cost = value.extent.length;
            return self.node(Op::Function(Function::Size, vec![value]), Type::Number, span, scalar(), cost);
        }
        let found = format!("{} `{}`", value.ty, value.span.of(self.text));
        self.report(value.span, "this value has no size", found, "a text or a list");
        None
    }

    /// `min` and `max`: of arguments, or of the elements of a list that has some.
    fn extreme(
        &mut self,
        function: Function,
        word: &Word,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Node> {
        let Some((first, others)) = arguments.split_first() else {
            self.wrong_count(word, 0, "at least 1");
            return None;
        };
        let first = self.check(first, None);
        let wanted = first.as_ref().map(|node| node.ty.clone());
        let mut nodes = vec![first];
        for other in others {
            let node = match &wanted {
                Some(ty) => self.expect(other, ty),
                None => self.check(other, None),
            };
            nodes.push(node);
        }
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let first = nodes.first()?;
        let ty = match &first.ty {
            Type::List(element) if nodes.len() == 1 => (**element).clone(),
            other => other.clone(),
        };
        if !matches!(ty, Type::Number | Type::Date) {
            let found = format!("{} `{}`", first.ty, first.span.of(self.text));
            self.report(first.span, "the type is wrong", found, "numbers, dates or a list of them");
            return None;
        }
        let cost = nodes.iter().map(|node| node.extent.weight).sum();
        self.node(Op::Function(function, nodes), ty, span, scalar(), cost)
    }

    /// `date('2026-01-31')`, read when the rule is saved.
    fn date(&mut self, function: &Word, arguments: &[Expression], span: Span) -> Option<Node> {
        let [day] = self.exactly(function, arguments)?;
        let node = self.expect(day, &Type::Text)?;
        let parsed = node.constant().and_then(Value::as_text).and_then(day_of);
        if let Some(date) = parsed {
            return Some(constant(Value::Date(date), Type::Date, span));
        }
        let found = format!("`{}`", node.span.of(self.text));
        self.report(node.span, "this is no day of the calendar", found, "a constant such as '2026-01-31'");
        None
    }

    fn default(&mut self, function: &Word, arguments: &[Expression], span: Span) -> Option<Node> {
        let [field, other] = self.exactly(function, arguments)?;
        let slot = self.slot_of(function, field)?;
        let other = self.expect(other, &slot.ty)?;
        let read = self.read(slot.clone(), span);
        if slot.presence == Presence::Always {
            let found = format!("`{}`", field.span.of(self.text));
            self.report(field.span, "this value is never missing", found, "the name alone");
            return None;
        }
        let extent = longer(extent_of_slot(&slot.ty), other.extent);
        self.node(Op::Default(slot.index, Box::new(other)), read.ty, span, extent, 0)
    }

    /// `bracket(amount, [threshold, rate, …])` with constant, ascending thresholds.
    fn bracket(
        &mut self,
        function: &Word,
        arguments: &[Expression],
        slices: Slices,
        span: Span,
    ) -> Option<Node> {
        let [amount, table] = self.exactly(function, arguments)?;
        let amount = self.expect(amount, &Type::Number);
        let table = self.expect(table, &Type::list(Type::Number))?;
        let numbers: Option<Vec<Decimal>> = table
            .constant()
            .and_then(Value::as_list)
            .and_then(|values| values.iter().map(Value::as_number).collect());
        let expected = "[threshold, rate, threshold, rate, …] with constant ascending thresholds";
        let pairs: Option<Vec<(Decimal, Decimal)>> = numbers
            .filter(|numbers| !numbers.is_empty() && numbers.len() % 2 == 0)
            .map(|numbers| numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect());
        let ascending = |pairs: &Vec<(Decimal, Decimal)>| pairs.windows(2).all(|two| two[0].0 < two[1].0);
        let Some(pairs) = pairs.filter(ascending) else {
            let found = format!("`{}`", table.span.of(self.text));
            self.report(table.span, "the brackets are wrong", found, expected);
            return None;
        };
        let cost = pairs.len() as u64;
        let op = Op::Bracket(Box::new(amount?), Arc::from(pairs), slices);
        self.node(op, Type::Number, span, scalar(), cost)
    }

    /// `sets.contains`, `sets.intersects`, `sets.equivalent`.
    fn sets(&mut self, method: &Word, arguments: &[Expression], span: Span) -> Option<Node> {
        let function = match method.text.as_str() {
            "contains" => Function::SetContains,
            "intersects" => Function::SetIntersects,
            "equivalent" => Function::SetEquivalent,
            _ => {
                let known = ["contains", "intersects", "equivalent"].map(str::to_owned);
                let expected = suggest::expected(&method.text, &known, "a function of `sets`");
                self.report(method.span, "there is no such function", format!("`{}`", method.text), expected);
                return None;
            }
        };
        let [left, right] = self.exactly(method, arguments)?;
        let left = self.check(left, None)?;
        if !matches!(left.ty, Type::List(_)) {
            let found = format!("{} `{}`", left.ty, left.span.of(self.text));
            self.report(left.span, "the type is wrong", found, "a list");
            return None;
        }
        let right = self.expect(right, &left.ty.clone())?;
        let pairs = left.extent.length.saturating_mul(right.extent.length);
        let cost = pairs.saturating_mul(left.extent.element.min(right.extent.element));
        self.node(Op::Function(function, vec![left, right]), Type::Bool, span, scalar(), cost)
    }

    fn run_macro(
        &mut self,
        kind: Macro,
        list: &Expression,
        method: &Word,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Node> {
        let list = self.check(list, None)?;
        let Type::List(element) = list.ty.clone() else {
            let found = format!("{} `{}`", list.ty, list.span.of(self.text));
            self.report(list.span, "only a list has elements", found, "a list");
            return None;
        };
        let (variable, bodies) = match arguments {
            [variable, bodies @ ..] if bodies.len() == 1 || (bodies.len() == 2 && kind == Macro::Map) => {
                (variable, bodies)
            }
            _ => {
                self.wrong_count(method, arguments.len(), "2: a variable and what is asked of it");
                return None;
            }
        };
        let ExpressionKind::Name(name) = &variable.kind else {
            let found = format!("`{}`", variable.span.of(self.text));
            self.report(variable.span, "this must be a new name for the element", found, "a name");
            return None;
        };
        let extent = element_of(&list);
        self.variables.push(Variable { name: name.text.clone(), ty: (*element).clone(), extent });
        let (condition, transform) = match bodies {
            [body] if kind == Macro::Map => (None, Some(self.check(body, None))),
            [condition, transform] => {
                (Some(self.expect(condition, &Type::Bool)), Some(self.check(transform, None)))
            }
            [condition, ..] => (Some(self.expect(condition, &Type::Bool)), None),
            [] => (None, None),
        };
        self.variables.pop();
        let condition = condition.map(|checked| checked.ok_or(())).transpose().ok()?;
        let transform = transform.map(|checked| checked.ok_or(())).transpose().ok()?;
        self.macro_node(kind, list, condition, transform, span)
    }

    fn macro_node(
        &mut self,
        kind: Macro,
        list: Node,
        condition: Option<Node>,
        transform: Option<Node>,
        span: Span,
    ) -> Option<Node> {
        let length = list.extent.length;
        let (ty, extent) = match (kind, &transform) {
            (Macro::Map, Some(transform)) => {
                let weight = length.saturating_mul(transform.extent.weight);
                let element = transform.extent.weight;
                (Type::list(transform.ty.clone()), Extent { length, weight, element })
            }
            (Macro::Filter, _) => (list.ty.clone(), list.extent),
            _ => (Type::Bool, scalar()),
        };
        // The bodies' own cost is counted once by `node`; here for all elements.
        let bodies =
            condition.iter().chain(&transform).fold(1_u64, |sum, body| sum.saturating_add(body.cost));
        let cost = length.saturating_mul(bodies).saturating_add(extent.weight);
        let op = Op::Macro(kind, Box::new(list), condition.map(Box::new), transform.map(Box::new));
        self.node(op, ty, span, extent, cost)
    }
}

impl Parameter {
    fn ty(self) -> Type {
        match self {
            Self::Number | Self::Digits => Type::Number,
            Self::Text => Type::Text,
            Self::Date => Type::Date,
        }
    }
}

/// The day of a text of exactly the form `2026-01-31`.
fn day_of(text: &str) -> Option<Date> {
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| is_plain)
}
