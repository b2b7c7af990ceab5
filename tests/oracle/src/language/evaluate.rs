//! The value of a tree.

use anyhow::{Context, Result, bail};
use rust_decimal::Decimal;

use super::{Names, Value, functions, syntax::Node};

pub(super) struct Walk<'a> {
    pub(super) names: &'a dyn Names,
    /// Names that macros bind, the innermost last.
    pub(super) variables: Vec<(String, Value)>,
}

impl Walk<'_> {
    pub(super) fn value(&mut self, node: &Node) -> Result<Value> {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Name(name) => {
                let bound = self.variables.iter().rev().find(|(known, _)| known == name);
                if let Some((_, value)) = bound {
                    return Ok(value.clone());
                }
                self.names.name(name)?.with_context(|| format!("nothing is named {name}"))
            }
            Node::List(nodes) => {
                nodes.iter().map(|node| self.value(node)).collect::<Result<_>>().map(Value::List)
            }
            Node::Index(list, position) => {
                let Value::List(values) = self.value(list)? else { bail!("only lists have elements") };
                let position = self.number(position)?;
                let place = (0..values.len()).find(|place| Decimal::from(*place) == position);
                Ok(values[place.context("the list has no such element")?].clone())
            }
            Node::Not(inner) => Ok(Value::Bool(!self.truth(inner)?)),
            Node::Negate(inner) => Ok(Value::Number(-self.number(inner)?)),
            Node::Binary("&&", left, right) => self.junction(left, right, false),
            Node::Binary("||", left, right) => self.junction(left, right, true),
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                functions::binary(operator, left, right)
            }
            Node::Conditional(condition, yes, no) => {
                let chosen = if self.truth(condition)? { yes } else { no };
                self.value(chosen)
            }
            Node::Call(receiver, function, arguments) => self.call(receiver.as_deref(), function, arguments),
        }
    }

    fn truth(&mut self, node: &Node) -> Result<bool> {
        match self.value(node)? {
            Value::Bool(truth) => Ok(truth),
            other => bail!("{other} is no truth"),
        }
    }

    fn number(&mut self, node: &Node) -> Result<Decimal> {
        match self.value(node)? {
            Value::Number(number) => Ok(number),
            other => bail!("{other} is no number"),
        }
    }

    /// Whichever side decides, decides; a failure on the other side says nothing.
    fn junction(&mut self, left: &Node, right: &Node, deciding: bool) -> Result<Value> {
        let left = self.truth(left);
        if matches!(left, Ok(truth) if truth == deciding) {
            return Ok(Value::Bool(deciding));
        }
        let right = self.truth(right)?;
        if right != deciding {
            left?;
        }
        Ok(Value::Bool(right))
    }

    fn call(&mut self, receiver: Option<&Node>, function: &str, arguments: &[Node]) -> Result<Value> {
        match (receiver, function, arguments) {
            (None, "has", [Node::Name(name)]) => return Ok(Value::Bool(!self.names.is_missing(name)?)),
            (None, "default", [Node::Name(name), other]) => {
                return if self.names.is_missing(name)? {
                    self.value(other)
                } else {
                    self.value(&arguments[0])
                };
            }
            (
                Some(list),
                "all" | "exists" | "exists_one" | "existsOne" | "filter",
                [Node::Name(name), rule],
            ) => {
                return self.over_list(list, function, name, rule);
            }
            (Some(list), "map", [Node::Name(name), rest @ ..]) => return self.map(list, name, rest),
            _ => {}
        }
        let arguments: Vec<Value> =
            arguments.iter().map(|argument| self.value(argument)).collect::<Result<_>>()?;
        let full_name = match receiver {
            None => function.to_owned(),
            Some(Node::Name(name)) => format!("{name}.{function}"),
            Some(_) => String::new(),
        };
        if let Some(value) = self.names.call(&full_name, &arguments)? {
            return Ok(value);
        }
        match receiver {
            Some(Node::Name(name)) if name == "sets" => functions::call(&full_name, &arguments),
            Some(receiver) => {
                let mut all = vec![self.value(receiver)?];
                all.extend(arguments);
                functions::call(function, &all)
            }
            None => functions::call(function, &arguments),
        }
    }

    fn elements(&mut self, list: &Node) -> Result<Vec<Value>> {
        match self.value(list)? {
            Value::List(values) => Ok(values),
            other => bail!("{other} is no list"),
        }
    }

    fn with(&mut self, name: &str, element: &Value, rule: &Node) -> Result<Value> {
        self.variables.push((name.to_owned(), element.clone()));
        let value = self.value(rule);
        self.variables.pop();
        value
    }

    fn over_list(&mut self, list: &Node, kind: &str, name: &str, rule: &Node) -> Result<Value> {
        let mut failure = None;
        let mut held = Vec::new();
        let mut all = true;
        for element in self.elements(list)? {
            match self.with(name, &element, rule) {
                Ok(Value::Bool(true)) => held.push(element),
                Ok(Value::Bool(false)) => all = false,
                Ok(other) => bail!("{other} is no truth"),
                Err(reason) => failure = Some(reason),
            }
        }
        let decided = match kind {
            "all" if !all => Some(false),
            "exists" if !held.is_empty() => Some(true),
            _ => None,
        };
        if let Some(decided) = decided {
            return Ok(Value::Bool(decided));
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        Ok(match kind {
            "all" => Value::Bool(true),
            "exists" => Value::Bool(false),
            "filter" => Value::List(held),
            _ => Value::Bool(held.len() == 1),
        })
    }

    fn map(&mut self, list: &Node, name: &str, rest: &[Node]) -> Result<Value> {
        let (condition, transform) = match rest {
            [transform] => (None, transform),
            [condition, transform] => (Some(condition), transform),
            _ => bail!("map takes a name, perhaps a condition, and what becomes of each"),
        };
        let mut mapped = Vec::new();
        for element in self.elements(list)? {
            let takes = match condition {
                Some(condition) => self.with(name, &element, condition)? == Value::Bool(true),
                None => true,
            };
            if takes {
                mapped.push(self.with(name, &element, transform)?);
            }
        }
        Ok(Value::List(mapped))
    }
}
