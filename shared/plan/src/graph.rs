//! What depends on what in a plan, as data and as a picture.

use std::fmt::Write as _;

use foundation::locale::{Locale, Text};
use serde::Serialize;

use crate::{
    bonus::Mechanic,
    checked::Plan,
    indicator::{Measure, Window},
    source::{Attribute, Source},
};

/// What depends on what: everything a plan computes, and an edge for each reason one part needs another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// What is computed.
    pub nodes: Vec<GraphNode>,
    /// Why one needs another.
    pub edges: Vec<GraphEdge>,
}

/// Something a plan computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GraphNode {
    /// `activity`, `ranks`, `cap`, or the kind and the code: `indicator:PVQ`, `rank:silver`, `bonus:uni`.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// Its code; empty for activity, ranks and cap.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// For an indicator: the number of the pass that computes it, from 0, before or after ranks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<u16>,
    /// For an indicator: whether it is computed after ranks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ranks: Option<bool>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// The activity rule.
    Activity,
    /// An indicator.
    Indicator,
    /// A step of the career.
    Rank,
    /// Everyone's ranks of the cycle.
    Ranks,
    /// A bonus.
    Bonus,
    /// The most one person gets of everything, where a rule says how much.
    Cap,
}

/// A reason why one part of a plan needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GraphEdge {
    /// Id of what is needed.
    pub from: String,
    /// Id of what needs it.
    pub to: String,
    /// Through which of its parts: `rule`, `filter`, `where`, `qualified`, `measure`, `scope`, `steps`, `when`, or a part of a bonus. `earlier`:
    /// only its values of earlier cycles, so that it may depend on itself. `below`: as it is while ranks are climbed, when only the
    /// ranks of those below count, so that ranks may depend on it and it on ranks.
    pub through: String,
}

impl Plan {
    /// What depends on what, of everything that is computed.
    pub fn graph(&self) -> Graph {
        let mut draft = Draft { plan: self, edges: Vec::new() };
        let mut nodes = vec![node(NodeKind::Activity, "", &text("Actividad", "Activity"))];
        draft.rule("activity", "rule", self.activity());
        for (index, planned) in self.indicators().iter().enumerate().filter(|(_, planned)| planned.needed) {
            let definition = &planned.definition;
            let mut node = node(NodeKind::Indicator, &definition.code, &definition.name);
            (node.stage, node.after_ranks) = (Some(planned.stage), Some(planned.after_ranks));
            draft.indicator(index, &node.id);
            nodes.push(node);
        }
        for (rank, rule) in self.document().ranks.steps.iter().zip(self.rank_rules()) {
            let node = node(NodeKind::Rank, &rank.code, &rank.name);
            draft.rule(&node.id, "rule", rule);
            draft.edge(&node.id, "ranks", "steps");
            nodes.push(node);
        }
        if !self.rank_rules().is_empty() {
            nodes.push(node(NodeKind::Ranks, "", &text("Rangos", "Ranks")));
        }
        for bonus in self.bonuses() {
            let node = node(NodeKind::Bonus, &bonus.definition.code, &bonus.definition.name);
            draft.rule(&node.id, "when", &bonus.when);
            for (role, rule) in &bonus.rules {
                draft.rule(&node.id, &kebab(&format!("{role:?}")), rule);
            }
            for (role, index) in &bonus.indicators {
                draft.edge(&draft.id_of(*index), &node.id, &kebab(&format!("{role:?}")));
            }
            match &bonus.definition.pays {
                Mechanic::Matching(matching) => {
                    for code in &matching.of {
                        draft.edge(&format!("bonus:{code}"), &node.id, "of");
                    }
                }
                Mechanic::Infinity(infinity) => {
                    if let Some(code) = &infinity.after {
                        draft.edge(&format!("bonus:{code}"), &node.id, "after");
                    }
                }
                _ => {}
            }
            nodes.push(node);
        }
        if let Some(rule) = self.cap_rule() {
            draft.rule("cap", "rule", rule);
            nodes.push(node(NodeKind::Cap, "", &text("Tope por persona", "Cap per person")));
        }
        let mut edges = draft.edges;
        edges.sort();
        edges.dedup();
        Graph { nodes, edges }
    }
}

fn text(es: &str, en: &str) -> Text {
    Text { es: es.to_owned(), en: en.to_owned() }
}

fn node(kind: NodeKind, code: &str, name: &Text) -> GraphNode {
    let id = match kind {
        NodeKind::Activity => "activity".to_owned(),
        NodeKind::Ranks => "ranks".to_owned(),
        NodeKind::Indicator => format!("indicator:{code}"),
        NodeKind::Rank => format!("rank:{code}"),
        NodeKind::Bonus => format!("bonus:{code}"),
        NodeKind::Cap => "cap".to_owned(),
    };
    GraphNode { id, kind, code: code.to_owned(), name: name.clone(), stage: None, after_ranks: None }
}

/// `HeldWhile` as `held-while`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

struct Draft<'a> {
    plan: &'a Plan,
    edges: Vec<GraphEdge>,
}

impl Draft<'_> {
    fn id_of(&self, indicator: usize) -> String {
        self.plan
            .indicators()
            .get(indicator)
            .map_or_else(String::new, |planned| format!("indicator:{}", planned.definition.code))
    }

    fn edge(&mut self, from: &str, to: &str, through: &str) {
        self.edges.push(GraphEdge { from: from.to_owned(), to: to.to_owned(), through: through.to_owned() });
    }

    fn rule(&mut self, to: &str, through: &str, rule: &rules::Program) {
        let of_rank = to.starts_with("rank:");
        for slot in rule.slots() {
            let from = match self.plan.source(*slot) {
                Some(Source::Indicator(index)) if of_rank && self.plan.indicators()[index].after_ranks => {
                    self.edge(&self.id_of(index), to, "below");
                    continue;
                }
                Some(Source::Indicator(index) | Source::MemberIndicator(index)) => self.id_of(index),
                Some(Source::Attribute(attribute) | Source::MemberAttribute(attribute)) => match attribute {
                    Attribute::Active => "activity".to_owned(),
                    Attribute::Rank | Attribute::EarnedRank => "ranks".to_owned(),
                    _ => continue,
                },
                Some(Source::Ranked(_, rank)) => format!("rank:{}", self.plan.rank_code(rank)),
                Some(Source::Paid(index)) => format!("bonus:{}", self.plan.bonuses()[index].definition.code),
                _ => continue,
            };
            self.edge(&from, to, through);
        }
    }

    fn indicator(&mut self, index: usize, id: &str) {
        let plan = self.plan;
        let Some(planned) = plan.indicators().get(index) else { return };
        let measured = match planned.definition.window {
            Window::Previous(_) => "earlier",
            _ => "measure",
        };
        for (through, rule) in [
            ("filter", &planned.filter),
            ("where", &planned.only_where),
            ("qualified", &planned.qualified),
            (measured, &planned.formula),
        ] {
            if let Some(rule) = rule {
                self.rule(id, through, rule);
            }
        }
        if let (Measure::Indicator(_), Some(measured_index)) = (&planned.definition.measure, planned.measured)
        {
            self.edge(&self.id_of(measured_index), id, measured);
        }
        if crate::check::scope_needs_ranks(&planned.definition) {
            self.edge("ranks", id, "scope");
        }
    }
}

impl Graph {
    /// As a text of the DOT language, which Graphviz draws.
    pub fn to_dot(&self, locale: Locale) -> String {
        let mut dot = String::from("digraph plan {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
        for node in &self.nodes {
            let shape = match node.kind {
                NodeKind::Activity => "diamond",
                NodeKind::Indicator => "box",
                NodeKind::Rank => "ellipse",
                NodeKind::Ranks => "doubleoctagon",
                NodeKind::Bonus => "house",
                NodeKind::Cap => "invhouse",
            };
            let label = escaped(&label(node, locale, "\\n"));
            let _ = writeln!(dot, "  \"{}\" [shape={shape}, label=\"{label}\"];", node.id);
        }
        for edge in &self.edges {
            let style = if is_no_order(edge) { ", style=dashed" } else { "" };
            let _ =
                writeln!(dot, "  \"{}\" -> \"{}\" [label=\"{}\"{style}];", edge.from, edge.to, edge.through);
        }
        dot.push_str("}\n");
        dot
    }

    /// As a text of Mermaid, which Markdown viewers draw.
    pub fn to_mermaid(&self, locale: Locale) -> String {
        let mut text = String::from("flowchart LR\n");
        let place = |id: &str| self.nodes.iter().position(|node| node.id == id).unwrap_or(usize::MAX);
        for (number, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.kind {
                NodeKind::Activity => ("{\"", "\"}"),
                NodeKind::Indicator => ("[\"", "\"]"),
                NodeKind::Rank => ("([\"", "\"])"),
                NodeKind::Ranks => ("{{\"", "\"}}"),
                NodeKind::Bonus => ("[/\"", "\"\\]"),
                NodeKind::Cap => ("[\\\"", "\"/]"),
            };
            let label = label(node, locale, "<br>").replace('"', "#quot;");
            let _ = writeln!(text, "  n{number}{open}{label}{close}");
        }
        for edge in &self.edges {
            let arrow = if is_no_order(edge) { "-.->" } else { "-->" };
            let (from, to) = (place(&edge.from), place(&edge.to));
            let _ = writeln!(text, "  n{from} {arrow}|{}| n{to}", edge.through);
        }
        text
    }
}

/// Whether what is needed is not computed before what needs it.
fn is_no_order(edge: &GraphEdge) -> bool {
    matches!(&*edge.through, "earlier" | "below")
}

fn label(node: &GraphNode, locale: Locale, line_break: &str) -> String {
    let name = node.name.in_locale(locale);
    if node.code.is_empty() { name.to_owned() } else { format!("{}{line_break}{name}", node.code) }
}

/// The line breaks of a label stay what they are.
fn escaped(label: &str) -> String {
    label.replace('"', "\\\"")
}
