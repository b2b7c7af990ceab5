//! The order of computation: what depends on what, in which stage, before or after ranks; circular references.

use rules::Program;

use crate::{
    check::scope_needs_ranks,
    checked::{PlannedBonus, PlannedIndicator},
    indicator::Window,
    source::{Attribute, Names, Source},
};

/// Something that is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Activity,
    Ranks,
    Indicator(usize),
    /// An indicator as rules of ranks see it while ranks are climbed: all that is below is there.
    Climbed(usize),
}

/// The order in which everything is computed.
pub(crate) struct Order {
    /// For each indicator, what it needs.
    needs: Vec<Vec<Node>>,
    /// For each indicator, what it reads of earlier cycles only: it has to be computed for the next one.
    remembers: Vec<Vec<Node>>,
    /// The same of those that rules of ranks may read while ranks are climbed; nothing for all others.
    climbed_need: Vec<Vec<Node>>,
    activity_needs: Vec<Node>,
    ranks_need: Vec<Node>,
    bonuses_need_by: Vec<Vec<u32>>,
    sources: Vec<Source>,
    pub(crate) needed: Vec<bool>,
    pub(crate) stages: Vec<u16>,
    pub(crate) after_ranks: Vec<bool>,
    pub(crate) activity_stage: u16,
}

/// How far the search through a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    /// The stage, and whether ranks of this cycle are needed.
    Done(u16, bool),
}

struct Search<'a> {
    order: &'a Order,
    indicators: Vec<Mark>,
    climbed: Vec<Mark>,
    activity: Mark,
    ranks: Mark,
    path: Vec<Node>,
}

impl Order {
    /// `climbs` says of each indicator whether rules of ranks may read it while ranks are climbed.
    pub(crate) fn new(
        names: &Names,
        indicators: &[PlannedIndicator],
        climbs: &[bool],
        activity: &Program,
        ranks: &[Program],
    ) -> Self {
        let nodes = |program: &Program| -> Vec<Node> {
            program.slots().iter().filter_map(|slot| names.source(*slot)).filter_map(node_of).collect()
        };
        let measured = |indicator: &PlannedIndicator| -> Vec<Node> {
            indicator.formula.iter().flat_map(&nodes).chain(indicator.measured.map(Node::Indicator)).collect()
        };
        let is_past =
            |indicator: &PlannedIndicator| matches!(indicator.definition.window, Window::Previous(_));
        let brought = |indicator: &PlannedIndicator| {
            let mut needs: Vec<Node> = Vec::new();
            needs.extend(indicator.filter.iter().flat_map(&nodes));
            needs.extend(indicator.only_where.iter().flat_map(&nodes));
            if !is_past(indicator) {
                needs.extend(measured(indicator));
            }
            needs
        };
        let needs = indicators
            .iter()
            .map(|indicator| {
                let mut needs = brought(indicator);
                needs.extend(indicator.qualified.iter().flat_map(&nodes));
                if scope_needs_ranks(&indicator.definition) {
                    needs.push(Node::Ranks);
                }
                needs
            })
            .collect();
        // Who is a member is known of everyone below when a rule is asked: only what members bring has to be there before.
        let climbed_need = indicators
            .iter()
            .zip(climbs)
            .map(|(indicator, climbs)| if *climbs { brought(indicator) } else { Vec::new() })
            .collect();
        let as_climbed = |node: Node| match node {
            Node::Indicator(index) if climbs.get(index) == Some(&true) => Node::Climbed(index),
            node => node,
        };
        let remembers = indicators
            .iter()
            .map(|indicator| if is_past(indicator) { measured(indicator) } else { Vec::new() })
            .collect();
        let count = indicators.len();
        Self {
            needs,
            remembers,
            climbed_need,
            activity_needs: nodes(activity),
            ranks_need: ranks.iter().flat_map(&nodes).map(as_climbed).chain([Node::Activity]).collect(),
            bonuses_need_by: Vec::new(),
            sources: names.sources(),
            needed: vec![false; count],
            stages: vec![0; count],
            after_ranks: vec![false; count],
            activity_stage: 0,
        }
    }

    /// Finds stages and what is needed; the path of a circular reference otherwise, its first node named again at the end.
    pub(crate) fn compute(
        &mut self,
        indicators: &[PlannedIndicator],
        bonuses: &[PlannedBonus],
        cap: Option<&Program>,
    ) -> Result<(), Vec<Node>> {
        self.bonuses_need_by = bonuses
            .iter()
            .map(|bonus| bonus.rules().flat_map(|program| program.slots().to_vec()).collect())
            .collect();
        let (marks, activity) = {
            let mut search = Search {
                order: self,
                indicators: vec![Mark::New; indicators.len()],
                climbed: vec![Mark::New; indicators.len()],
                activity: Mark::New,
                ranks: Mark::New,
                path: Vec::new(),
            };
            search.visit(Node::Activity)?;
            search.visit(Node::Ranks)?;
            for index in 0..indicators.len() {
                search.visit(Node::Indicator(index))?;
            }
            (search.indicators, search.activity)
        };
        for (index, mark) in marks.into_iter().enumerate() {
            if let Mark::Done(stage, after) = mark {
                (self.stages[index], self.after_ranks[index]) = (stage, after);
            }
        }
        if let Mark::Done(stage, _) = activity {
            self.activity_stage = stage;
        }
        self.mark_needed(indicators, bonuses, cap);
        Ok(())
    }

    fn mark_needed(
        &mut self,
        indicators: &[PlannedIndicator],
        bonuses: &[PlannedBonus],
        cap: Option<&Program>,
    ) {
        let mut open: Vec<Node> = self.activity_needs.clone();
        open.extend(&self.ranks_need);
        let slots = cap.map(Program::slots).unwrap_or_default();
        open.extend(
            slots.iter().filter_map(|slot| self.sources.get(*slot as usize).copied()).filter_map(node_of),
        );
        for (bonus, slots) in bonuses.iter().zip(&self.bonuses_need_by) {
            open.extend(bonus.indicators.values().copied().map(Node::Indicator));
            open.extend(
                slots.iter().filter_map(|slot| self.sources.get(*slot as usize).copied()).filter_map(node_of),
            );
        }
        for (index, indicator) in indicators.iter().enumerate() {
            if indicator.definition.enabled {
                open.push(Node::Indicator(index));
            }
        }
        while let Some(node) = open.pop() {
            // What rules of ranks saw is stored as everything else is.
            if let Node::Indicator(index) | Node::Climbed(index) = node
                && !std::mem::replace(&mut self.needed[index], true)
            {
                open.extend(&self.needs[index]);
                open.extend(&self.remembers[index]);
            }
        }
    }
}

/// What has to be computed for a source.
fn node_of(source: Source) -> Option<Node> {
    match source {
        Source::Indicator(index) | Source::MemberIndicator(index) => Some(Node::Indicator(index)),
        Source::Attribute(attribute) | Source::MemberAttribute(attribute) => match attribute {
            Attribute::Active => Some(Node::Activity),
            Attribute::Rank | Attribute::EarnedRank => Some(Node::Ranks),
            _ => None,
        },
        Source::Ranked(..) | Source::Order(_) | Source::LevelPaid | Source::Paid(_) => None,
    }
}

impl Search<'_> {
    fn mark(&mut self, node: Node) -> &mut Mark {
        match node {
            Node::Activity => &mut self.activity,
            Node::Ranks => &mut self.ranks,
            Node::Indicator(index) => &mut self.indicators[index],
            Node::Climbed(index) => &mut self.climbed[index],
        }
    }

    fn visit(&mut self, node: Node) -> Result<(u16, bool), Vec<Node>> {
        match *self.mark(node) {
            Mark::Done(stage, after) => return Ok((stage, after)),
            Mark::Open => {
                let start = self.path.iter().position(|open| *open == node).unwrap_or(0);
                let mut circle = self.path[start..].to_vec();
                circle.push(node);
                return Err(circle);
            }
            Mark::New => {}
        }
        *self.mark(node) = Mark::Open;
        self.path.push(node);
        let order = self.order;
        let needs = match node {
            Node::Activity => &order.activity_needs,
            Node::Ranks => &order.ranks_need,
            Node::Indicator(index) => &order.needs[index],
            Node::Climbed(index) => &order.climbed_need[index],
        };
        let (mut stage, mut after) = (0, node == Node::Ranks);
        for need in needs {
            let (below, below_after) = self.visit(*need)?;
            // Activity and ranks are no pass of their own: they come between two stages.
            stage = stage.max(below + u16::from(matches!(need, Node::Indicator(_))));
            after |= below_after;
        }
        self.path.pop();
        *self.mark(node) = Mark::Done(stage, after);
        Ok((stage, after))
    }
}
