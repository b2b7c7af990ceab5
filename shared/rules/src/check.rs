//! Types, names, guards and cost of a rule: everything that can be wrong with it is found here, not when it runs.

mod calls;
mod suggest;

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, Span},
    evaluate, parser,
    program::{Extent, Node, Op, SlotUse, limits},
    scope::{Presence, Scope, Slot},
    syntax::{Expression, ExpressionKind, Operator, Relation, Word},
    value::{Type, Value},
};

/// The checked tree and the slots it reads, or all mistakes.
pub(crate) fn check(
    text: &str,
    scope: &dyn Scope,
    expected: &Type,
) -> Result<(Node, BTreeMap<u32, SlotUse>), Vec<Diagnostic>> {
    if text.len() > limits::TEXT {
        let found = format!("{} bytes", text.len());
        let most = format!("at most {} bytes", limits::TEXT);
        return Err(vec![Diagnostic::new(text, Span::new(0, 0), "the rule is too long", found, most)]);
    }
    let (expressions, diagnostics) = parser::parse(text);
    let mut checker = Checker {
        text,
        scope,
        diagnostics,
        variables: Vec::new(),
        present: Vec::new(),
        uses: BTreeMap::new(),
    };
    let readable = checker.diagnostics.is_empty();
    let mut root = None;
    for expression in &expressions {
        root = if readable { checker.expect(expression, expected) } else { checker.check(expression, None) };
    }
    if let Some(node) = &root
        && node.cost > limits::COST
    {
        let found = format!("a cost of {}", node.cost);
        checker.report(
            node.span,
            "the rule is too costly",
            found,
            format!("a cost of at most {}", limits::COST),
        );
    }
    checker.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    match root {
        Some(node) if checker.diagnostics.is_empty() => Ok((node, checker.uses)),
        _ => Err(checker.diagnostics),
    }
}

struct Variable {
    name: String,
    ty: Type,
    extent: Extent,
}

/// `None` from its functions means: wrong, and reported.
struct Checker<'a> {
    text: &'a str,
    scope: &'a dyn Scope,
    diagnostics: Vec<Diagnostic>,
    variables: Vec<Variable>,
    /// Slots that `has()` has shown to be there, where the checker stands.
    present: Vec<u32>,
    uses: BTreeMap<u32, SlotUse>,
}

/// A value that is neither a text nor a list.
fn scalar() -> Extent {
    of_characters(1)
}

fn of_characters(count: u64) -> Extent {
    Extent { length: count, weight: count, element: 1 }
}

fn extent_of_slot(ty: &Type) -> Extent {
    match ty {
        Type::Bool | Type::Number | Type::Date => scalar(),
        Type::Text => of_characters(limits::CHARACTERS),
        Type::List(element) => {
            let element = extent_of_slot(element).weight;
            Extent { length: limits::LIST, weight: limits::LIST.saturating_mul(element), element }
        }
    }
}

fn extent_of_value(value: &Value) -> Extent {
    match value {
        Value::Text(text) => of_characters(text.len() as u64),
        Value::List(values) => {
            let weights = || values.iter().map(|element| extent_of_value(element).weight);
            let (weight, element) = (weights().sum(), weights().max().unwrap_or(0));
            Extent { length: values.len() as u64, weight, element }
        }
        _ => scalar(),
    }
}

fn longer(left: Extent, right: Extent) -> Extent {
    Extent {
        length: left.length.max(right.length),
        weight: left.weight.max(right.weight),
        element: left.element.max(right.element),
    }
}

fn together(left: Extent, right: Extent) -> Extent {
    Extent {
        length: left.length.saturating_add(right.length),
        weight: left.weight.saturating_add(right.weight),
        element: left.element.max(right.element),
    }
}

fn constant(value: Value, ty: Type, span: Span) -> Node {
    let extent = extent_of_value(&value);
    Node { op: Op::Constant(value), ty, span, cost: 1, extent }
}

/// What an element of a list can grow to.
fn element_of(list: &Node) -> Extent {
    let most = list.extent.element;
    Extent { length: most, weight: most, element: most }
}

impl Checker<'_> {
    fn report(
        &mut self,
        span: Span,
        message: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.diagnostics.push(Diagnostic::new(self.text, span, message, found, expected));
    }

    fn mismatch(&mut self, node: &Node, expected: &Type) {
        let found = match node.constant() {
            Some(value) => format!("{} {value}", node.ty),
            None => format!("{} `{}`", node.ty, node.span.of(self.text)),
        };
        let wanted = match (expected, &node.ty) {
            (Type::Date, Type::Text) => "date, written date('2026-01-31')".to_owned(),
            _ => expected.to_string(),
        };
        self.report(node.span, "the type is wrong", found, wanted);
    }

    /// A checked node. An expression of constants becomes one.
    fn node(&mut self, op: Op, ty: Type, span: Span, extent: Extent, own_cost: u64) -> Option<Node> {
        let mut node = Node { op, ty, span, cost: 0, extent };
        let children = node.children();
        let cost =
            children.iter().fold(own_cost.saturating_add(1), |sum, child| sum.saturating_add(child.cost));
        let foldable = !children.is_empty() && children.iter().all(|child| child.constant().is_some());
        node.cost = cost;
        let is_macro = matches!(node.op, Op::Macro(..));
        if !foldable || is_macro || cost > limits::COST || matches!(node.op, Op::Default(..)) {
            return Some(node);
        }
        match evaluate::constant_value(&node) {
            Ok(value) => {
                let extent = extent_of_value(&value);
                Some(Node { op: Op::Constant(value), cost: 1, extent, ..node })
            }
            Err(failure) => {
                let found = format!("`{}`", span.of(self.text));
                self.report(span, failure.to_string(), found, "constants that have a result");
                None
            }
        }
    }

    /// Checks and asks for a type.
    fn expect(&mut self, expression: &Expression, expected: &Type) -> Option<Node> {
        let node = self.check(expression, Some(expected))?;
        if node.ty == *expected {
            return Some(node);
        }
        self.mismatch(&node, expected);
        None
    }

    /// Checks; `hint` is the type wanted, for lists without elements.
    fn check(&mut self, expression: &Expression, hint: Option<&Type>) -> Option<Node> {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Broken => None,
            ExpressionKind::Bool(held) => Some(constant(Value::Bool(*held), Type::Bool, span)),
            ExpressionKind::Number(number) => Some(constant(Value::Number(*number), Type::Number, span)),
            ExpressionKind::Text(text) => Some(constant(Value::text(text), Type::Text, span)),
            ExpressionKind::Name(_) | ExpressionKind::Select(..) => self.name(expression),
            ExpressionKind::Index(list, position) => self.index(list, position, span),
            ExpressionKind::Call(function, arguments) => self.call(function, arguments, span),
            ExpressionKind::Method(target, method, arguments) => self.method(target, method, arguments, span),
            ExpressionKind::List(elements) => self.list(elements, hint, span),
            ExpressionKind::Not(operand) => {
                let operand = self.expect(operand, &Type::Bool)?;
                self.node(Op::Not(Box::new(operand)), Type::Bool, span, scalar(), 0)
            }
            ExpressionKind::Negate(operand) => {
                let operand = self.expect(operand, &Type::Number)?;
                self.node(Op::Negate(Box::new(operand)), Type::Number, span, scalar(), 0)
            }
            ExpressionKind::Arithmetic(operator, left, right) => {
                self.arithmetic(*operator, left, right, hint, span)
            }
            ExpressionKind::Relation(relation, left, right) => self.relation(*relation, left, right, span),
            ExpressionKind::In(element, list) => self.membership(element, list, span),
            ExpressionKind::And(parts) => self.junction(parts, true, span),
            ExpressionKind::Or(parts) => self.junction(parts, false, span),
            ExpressionKind::Conditional(condition, yes, no) => {
                self.conditional(condition, yes, no, hint, span)
            }
        }
    }

    fn name(&mut self, expression: &Expression) -> Option<Node> {
        let span = expression.span;
        let Some(name) = expression.dotted_name() else {
            let ExpressionKind::Select(target, field) = &expression.kind else { return None };
            let target = self.check(target, None)?;
            let found = format!("`.{}` of a {}", field.text, target.ty);
            self.report(field.span, "this value has no fields", found, "a function with its parentheses");
            return None;
        };
        let variable = self.variables.iter().rposition(|variable| variable.name == name);
        if let Some((index, variable)) = variable.and_then(|index| Some((index, self.variables.get(index)?)))
        {
            let (ty, extent) = (variable.ty.clone(), variable.extent);
            return Some(Node { op: Op::Variable(index), ty, span, cost: 1, extent });
        }
        if let Some(value) = self.scope.constant(&name) {
            if let Some(ty) = value.type_of() {
                return Some(constant(value, ty, span));
            }
            self.report(span, "this constant has no type", format!("`{name}`"), "a constant with a value");
            return None;
        }
        if let Some(slot) = self.scope.name(&name) {
            return self.slot(slot, span);
        }
        self.unknown_name(&name, span);
        None
    }

    fn unknown_name(&mut self, name: &str, span: Span) {
        let mut known = self.scope.known_names();
        known.extend(self.variables.iter().map(|variable| variable.name.clone()));
        let expected = suggest::expected(name, &known, "a name of this place");
        self.report(span, "there is no such name", format!("`{name}`"), expected);
    }

    /// A read of a slot, which must be certain to have a value.
    fn slot(&mut self, slot: Slot, span: Span) -> Option<Node> {
        let certain = slot.presence != Presence::Optional || self.present.contains(&slot.index);
        let node = self.read(slot, span);
        if certain {
            return Some(node);
        }
        let name = span.of(self.text);
        let expected = format!("`has({name}) && …`, `has({name}) ? … : …` or `default({name}, …)`");
        self.report(span, "this value can be missing", format!("`{name}`"), expected);
        None
    }

    fn read(&mut self, slot: Slot, span: Span) -> Node {
        let extent = extent_of_slot(&slot.ty);
        self.uses.insert(slot.index, SlotUse { ty: slot.ty.clone(), presence: slot.presence });
        Node { op: Op::Slot(slot.index), ty: slot.ty, span, cost: 1, extent }
    }

    fn index(&mut self, list: &Expression, position: &Expression, span: Span) -> Option<Node> {
        let list = self.check(list, None);
        let position = self.expect(position, &Type::Number);
        let (list, position) = (list?, position?);
        let Type::List(element) = &list.ty else {
            let found = format!("{} `{}`", list.ty, list.span.of(self.text));
            self.report(list.span, "only a list has elements", found, "a list");
            return None;
        };
        let ty = (**element).clone();
        let extent = element_of(&list);
        self.node(Op::Index(Box::new(list), Box::new(position)), ty, span, extent, 0)
    }

    fn list(&mut self, elements: &[Expression], hint: Option<&Type>, span: Span) -> Option<Node> {
        let hinted = match hint {
            Some(Type::List(element)) => Some((**element).clone()),
            _ => None,
        };
        let mut nodes = Vec::new();
        let mut ty = hinted.clone();
        let mut sound = true;
        for (position, element) in elements.iter().enumerate() {
            // The first element decides; the hint only helps lists without elements in it.
            let node = match (&ty, position) {
                (Some(ty), 1..) => self.expect(element, ty),
                (hint, _) => self.check(element, hint.as_ref()),
            };
            sound &= node.is_some();
            if let Some(node) = node {
                ty = if nodes.is_empty() { Some(node.ty.clone()) } else { ty };
                nodes.push(node);
            }
        }
        let Some(ty) = ty.filter(|_| sound) else {
            if elements.is_empty() {
                let expected = "at least one element, or a place that says what it is a list of";
                self.report(span, "nothing says what this is a list of", "`[]`", expected);
            }
            return None;
        };
        if nodes.is_empty() {
            return Some(constant(Value::list(Vec::new()), Type::list(ty), span));
        }
        let weight = nodes.iter().fold(0_u64, |sum, node| sum.saturating_add(node.extent.weight));
        let element = nodes.iter().map(|node| node.extent.weight).max().unwrap_or(0);
        let extent = Extent { length: nodes.len() as u64, weight, element };
        self.node(Op::List(nodes), Type::list(ty), span, extent, 0)
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        hint: Option<&Type>,
        span: Span,
    ) -> Option<Node> {
        if operator == Operator::Add {
            return self.addition(left, right, hint, span);
        }
        let left = self.expect(left, &Type::Number);
        let right = self.expect(right, &Type::Number);
        let (left, right) = (left?, right?);
        let divides = matches!(operator, Operator::Divide | Operator::Remainder);
        if divides && right.constant_number().is_some_and(|divisor| divisor.is_zero()) {
            let found = format!("`{}`, which is 0", right.span.of(self.text));
            let expected = "a divisor other than 0 (one that turns out 0 in a record gives 0)";
            self.report(right.span, "division by zero", found, expected);
            return None;
        }
        self.node(Op::Arithmetic(operator, Box::new(left), Box::new(right)), Type::Number, span, scalar(), 0)
    }

    fn addition(
        &mut self,
        left: &Expression,
        right: &Expression,
        hint: Option<&Type>,
        span: Span,
    ) -> Option<Node> {
        let left = self.check(left, hint);
        let hint = left.as_ref().map(|node| node.ty.clone());
        let right = self.check(right, hint.as_ref());
        let (left, right) = (left?, right?);
        match &left.ty {
            Type::Number | Type::Text | Type::List(_) if left.ty == right.ty => {
                let ty = left.ty.clone();
                if ty == Type::Number {
                    let op = Op::Arithmetic(Operator::Add, Box::new(left), Box::new(right));
                    return self.node(op, ty, span, scalar(), 0);
                }
                let extent = together(left.extent, right.extent);
                self.node(Op::Concatenate(Box::new(left), Box::new(right)), ty, span, extent, extent.weight)
            }
            Type::Number | Type::Text | Type::List(_) => {
                self.mismatch(&right, &left.ty);
                None
            }
            Type::Date => {
                let found = "`+` with a date";
                self.report(
                    span,
                    "dates are not added",
                    found,
                    "`add_days(date, days)` or `add_months(date, months)`",
                );
                None
            }
            Type::Bool => {
                self.mismatch(&left, &Type::Number);
                None
            }
        }
    }

    fn relation(
        &mut self,
        relation: Relation,
        left: &Expression,
        right: &Expression,
        span: Span,
    ) -> Option<Node> {
        let without_type =
            |expression: &Expression| matches!(&expression.kind, ExpressionKind::List(all) if all.is_empty());
        let (left, right) = if without_type(left) {
            let right = self.check(right, None);
            let hint = right.as_ref().map(|node| node.ty.clone());
            (self.check(left, hint.as_ref()), right)
        } else {
            let left = self.check(left, None);
            let hint = left.as_ref().map(|node| node.ty.clone());
            (left, self.check(right, hint.as_ref()))
        };
        let (left, right) = (left?, right?);
        if left.ty != right.ty {
            // The constant is the side more likely to be mistaken.
            let (wrong, wanted) =
                if left.constant().is_some() { (&left, &right.ty) } else { (&right, &left.ty) };
            self.mismatch(wrong, wanted);
            return None;
        }
        let ordered = !matches!(relation, Relation::Equal | Relation::Different);
        if ordered && matches!(left.ty, Type::List(_)) {
            let found = format!("`{}` between lists", relation.symbol());
            self.report(span, "lists have no order", found, "`==` or `!=`");
            return None;
        }
        let cost = left.extent.weight.min(right.extent.weight);
        self.node(Op::Relation(relation, Box::new(left), Box::new(right)), Type::Bool, span, scalar(), cost)
    }

    fn membership(&mut self, element: &Expression, list: &Expression, span: Span) -> Option<Node> {
        let element = self.check(element, None);
        let hint = element.as_ref().map(|node| Type::list(node.ty.clone()));
        let list = self.check(list, hint.as_ref());
        let (element, list) = (element?, list?);
        self.member(element, list, span)
    }

    fn member(&mut self, element: Node, list: Node, span: Span) -> Option<Node> {
        let wanted = Type::list(element.ty.clone());
        if list.ty != wanted {
            self.mismatch(&list, &wanted);
            return None;
        }
        let cost = list.extent.length.saturating_mul(list.extent.element.min(element.extent.weight));
        self.node(Op::In(Box::new(element), Box::new(list)), Type::Bool, span, scalar(), cost)
    }

    /// `&&` or `||`. What earlier parts show to be present is present in later ones.
    fn junction(&mut self, parts: &[Expression], is_and: bool, span: Span) -> Option<Node> {
        let known = self.present.len();
        let mut nodes = Vec::new();
        for part in parts {
            if let Some(node) = self.expect(part, &Type::Bool) {
                present_if(&node, is_and, &mut self.present);
                nodes.push(node);
            }
        }
        self.present.truncate(known);
        if nodes.len() < parts.len() {
            return None;
        }
        let op = if is_and { Op::And(nodes) } else { Op::Or(nodes) };
        self.node(op, Type::Bool, span, scalar(), 0)
    }

    fn conditional(
        &mut self,
        condition: &Expression,
        yes: &Expression,
        no: &Expression,
        hint: Option<&Type>,
        span: Span,
    ) -> Option<Node> {
        let condition = self.expect(condition, &Type::Bool);
        let known = self.present.len();
        if let Some(node) = &condition {
            present_if(node, true, &mut self.present);
        }
        let yes = self.check(yes, hint);
        self.present.truncate(known);
        if let Some(node) = &condition {
            present_if(node, false, &mut self.present);
        }
        let wanted = yes.as_ref().map(|node| node.ty.clone());
        let no = match &wanted {
            Some(ty) => self.expect(no, ty),
            None => self.check(no, hint),
        };
        self.present.truncate(known);
        let (condition, yes, no) = (condition?, yes?, no?);
        let (ty, extent) = (yes.ty.clone(), longer(yes.extent, no.extent));
        self.node(Op::Conditional(Box::new(condition), Box::new(yes), Box::new(no)), ty, span, extent, 0)
    }

    /// Looks a name up without reporting.
    fn resolves(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable.name == name)
            || self.scope.constant(name).is_some()
            || self.scope.name(name).is_some()
    }

    /// The slot a plain name stands for, for `has` and `default`.
    fn slot_of(&mut self, function: &Word, expression: &Expression) -> Option<Slot> {
        let name = expression.dotted_name();
        let is_variable =
            name.as_ref().is_some_and(|name| self.variables.iter().any(|variable| variable.name == *name));
        if let Some(name) = name.filter(|_| !is_variable) {
            if let Some(slot) = self.scope.name(&name) {
                return Some(slot);
            }
            if self.scope.constant(&name).is_none() {
                self.unknown_name(&name, expression.span);
                return None;
            }
        }
        let found = format!("`{}`", expression.span.of(self.text));
        let message = format!("`{}` asks for a field of the record", function.text);
        self.report(expression.span, message, found, "the name of a field");
        None
    }
}

/// Adds the slots that have a value if `node` is `outcome`.
fn present_if(node: &Node, outcome: bool, present: &mut Vec<u32>) {
    match (&node.op, outcome) {
        (Op::Has(slot), true) => present.push(*slot),
        (Op::Not(operand), _) => present_if(operand, !outcome, present),
        (Op::And(parts), true) | (Op::Or(parts), false) => {
            for part in parts {
                present_if(part, outcome, present);
            }
        }
        _ => {}
    }
}
