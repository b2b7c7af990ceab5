//! A network cut into parts that are computed apart, and joined to the very bytes the whole gives.
//!
//! A part is a number of whole subtrees. Its snapshot has the people above them too, as *visitors*, so that it is a network like any
//! other. The trunk is everybody who is in no part. First all parts are computed, side by side; what they hand up ([`HandedUp`]) is what
//! the trunk starts from; then the pieces are put together. Indicators that look across the whole network, up, or along the other
//! tree are computed last, over the joined columns.

use std::{ops::Range, sync::Arc};

use plan::{Attribute, Plan, PlannedIndicator, Source, indicator::Scope, indicator::Tree as TreeName};
use rules::Program;
use serde::{Deserialize, Serialize};

use crate::{
    EngineError, HandedUp,
    columns::{NONE, Texts, Tree, position},
    edge::Border,
    indicators::{Calculation, Context, IndicatorColumn, Indicators, Values, is_plain, restored, tree_of},
    past::CycleResults,
    ranks::{Ranked, Ranks, climb},
    snapshot::{
        Orders, People, Snapshot, Volume, Volumes, earlier_rows, gathered, gathered_sets, gathered_words,
        some_moments,
    },
};

/// Where a network is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// How many people the whole network has.
    pub people: u32,
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part of a network. Rows are those of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// People of its own: ranges of rows.
    pub own: Vec<Range<u32>>,
    /// Everybody above them.
    pub visitors: Vec<u32>,
}

/// One piece of a cut network with its snapshot: the trunk or a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its people, visitors included, as a network.
    pub snapshot: Snapshot,
    /// The row of each person in the whole.
    pub rows: Vec<u32>,
    /// Who is a visitor.
    pub visitors: Vec<bool>,
}

impl Cut {
    /// Cuts a network so that no part has more than `at_most` people of its own; `None` if it is no larger, or if the plan lets no
    /// piece be computed alone: it ranks people along the enrolment tree, or who is active hangs on people elsewhere.
    pub fn of(snapshot: &Snapshot, plan: &Plan, at_most: usize) -> Option<Self> {
        let tree = &snapshot.people.placement;
        let ranks = &plan.document().ranks;
        let along_placement = ranks.steps.is_empty() || ranks.tree == TreeName::Placement;
        if tree.len() <= at_most || at_most == 0 || !along_placement || of_pieces(plan).is_none() {
            return None;
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut open: Vec<Range<u32>> = Vec::new();
        let mut known = vec![false; tree.len()];
        let mut taken = 0;
        for run in runs(tree, at_most) {
            let size = run.len();
            if at_most < taken + size {
                parts.push(Part::of(std::mem::take(&mut open), tree, &mut known));
                taken = 0;
            }
            taken += size;
            open.push(position(run.start)..position(run.end));
        }
        if !open.is_empty() {
            parts.push(Part::of(open, tree, &mut known));
        }
        Some(Self { people: position(tree.len()), parts })
    }

    /// How many pieces there are: the trunk and the parts.
    pub fn pieces(&self) -> usize {
        1 + self.parts.len()
    }

    /// Rows of a piece and which of them are visitors'; piece 0 is the trunk.
    fn rows(&self, piece: usize) -> (Vec<u32>, Vec<bool>) {
        let Some(part) = piece.checked_sub(1).and_then(|part| self.parts.get(part)) else {
            let mut of_part = vec![false; self.people as usize];
            for own in self.parts.iter().flat_map(|part| &part.own) {
                of_part[own.start as usize..own.end as usize].fill(true);
            }
            let rows: Vec<u32> = (0..self.people).filter(|row| !of_part[*row as usize]).collect();
            let visitors = vec![false; rows.len()];
            return (rows, visitors);
        };
        let own = part.own.iter().cloned().flatten().map(|row| (row, false));
        let mut rows: Vec<(u32, bool)> = own.chain(part.visitors.iter().map(|row| (*row, true))).collect();
        // Both are sorted already: a stable sort merges them.
        rows.sort_by_key(|(row, _)| *row);
        rows.into_iter().unzip()
    }

    /// A piece of the network; piece 0 is the trunk. Orders are those of its own people.
    pub fn piece(&self, number: usize, whole: &Snapshot) -> Piece {
        let (rows, visitors) = self.rows(number);
        let snapshot = some_of(whole, &rows, |place| !visitors[place]);
        Piece { snapshot, rows, visitors }
    }

    /// A piece whose snapshot was stored.
    pub fn piece_of(&self, number: usize, snapshot: Snapshot) -> Result<Piece, EngineError> {
        let (rows, visitors) = self.rows(number);
        if rows.len() != snapshot.people.len() {
            return Err(EngineError::Mismatch(format!("piece {number} is of another cut")));
        }
        Ok(Piece { snapshot, rows, visitors })
    }

    /// The rows of every piece.
    fn all_rows(&self) -> Vec<(Vec<u32>, Vec<bool>)> {
        (0..self.pieces()).map(|piece| self.rows(piece)).collect()
    }

    /// Puts columns of pieces together. Columns are in the order of the first piece.
    pub fn join_indicators(&self, pieces: &[Indicators]) -> Result<Indicators, EngineError> {
        let rows = self.all_rows();
        let active: Vec<&[bool]> = pieces.iter().map(|piece| piece.active.as_slice()).collect();
        let first = pieces.first().map_or(&[][..], |piece| &piece.columns);
        let mut columns = Vec::with_capacity(first.len());
        for column in first {
            let values = match &column.values {
                Values::Fixed(_) => {
                    let fixed = of_all(pieces, &column.code, |values| match values {
                        Values::Fixed(values) => Some(values.as_slice()),
                        Values::Exact(_) => None,
                    });
                    Values::Fixed(Arc::new(self.join(&rows, &fixed?)?))
                }
                Values::Exact(_) => {
                    let exact = of_all(pieces, &column.code, |values| match values {
                        Values::Exact(values) => Some(values.as_slice()),
                        Values::Fixed(_) => None,
                    });
                    Values::Exact(self.join(&rows, &exact?)?)
                }
            };
            columns.push(IndicatorColumn { code: column.code.clone(), scale: column.scale, values });
        }
        Ok(Indicators { active: self.join(&rows, &active)?, columns })
    }

    /// Puts the ranks of pieces together.
    pub fn join_ranks(&self, pieces: &[Ranks]) -> Result<Ranks, EngineError> {
        let rows = self.all_rows();
        let join = |pick: fn(&Ranks) -> &[u8]| self.join(&rows, &pieces.iter().map(pick).collect::<Vec<_>>());
        let before = pieces.first().map_or(0, |piece| piece.earned_before.len());
        let cycle = |at: usize| {
            let columns: Vec<&[u8]> = pieces
                .iter()
                .map(|piece| piece.earned_before.get(at).map_or(&[][..], Vec::as_slice))
                .collect();
            self.join(&rows, &columns)
        };
        Ok(Ranks {
            earned: join(|ranks| &ranks.earned)?,
            paid: join(|ranks| &ranks.paid)?,
            honorific: join(|ranks| &ranks.honorific)?,
            grace_used: join(|ranks| &ranks.grace_used)?,
            lock_left: join(|ranks| &ranks.lock_left)?,
            earned_before: (0..before).map(cycle).collect::<Result<_, _>>()?,
        })
    }

    /// A column of the whole from those of all pieces, the trunk's first; `rows` are those of the pieces.
    fn join<T: Copy + Default>(
        &self,
        rows: &[(Vec<u32>, Vec<bool>)],
        pieces: &[&[T]],
    ) -> Result<Vec<T>, EngineError> {
        if pieces.len() != rows.len() {
            return Err(EngineError::Mismatch("there are not as many pieces as the cut has".to_owned()));
        }
        let mut whole = vec![T::default(); self.people as usize];
        for (number, (values, (rows, visitors))) in pieces.iter().zip(rows).enumerate() {
            if rows.len() != values.len() {
                return Err(EngineError::Mismatch(format!("piece {number} is of another cut")));
            }
            for ((row, visits), value) in rows.iter().zip(visitors).zip(*values) {
                if !visits {
                    whole[*row as usize] = *value;
                }
            }
        }
        Ok(whole)
    }
}

fn of_all<'a, T>(
    pieces: &'a [Indicators],
    code: &str,
    pick: impl Fn(&'a Values) -> Option<&'a [T]>,
) -> Result<Vec<&'a [T]>, EngineError> {
    let of = |piece: &'a Indicators| {
        let column = piece.column(code).and_then(|column| pick(&column.values));
        column.ok_or_else(|| EngineError::Mismatch(format!("a piece has no column {code}")))
    };
    pieces.iter().map(of).collect()
}

impl Part {
    /// `known` is false for every row, and is so again afterwards.
    fn of(own: Vec<Range<u32>>, tree: &Tree, known: &mut [bool]) -> Self {
        let mut visitors: Vec<u32> = Vec::new();
        for range in &own {
            // Ways to the root meet: what is above somebody known is known.
            let is_new = |row: &u32| !std::mem::replace(&mut known[*row as usize], true);
            visitors.extend(tree.upline(range.start).take_while(is_new));
        }
        visitors.sort_unstable();
        for row in &visitors {
            known[*row as usize] = false;
        }
        Self { own, visitors }
    }
}

/// Subtrees of at most so many people, as large as they can be; siblings that follow each other together.
fn runs(tree: &Tree, at_most: usize) -> Vec<Range<usize>> {
    let sizes = tree.sizes();
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut row = 0;
    while row < tree.len() {
        let size = sizes[row] as usize;
        if at_most < size {
            row += 1;
            continue;
        }
        let end = row + size;
        match runs.last_mut() {
            Some(run)
                if run.end == row
                    && tree.parent[run.start] == tree.parent[row]
                    && end - run.start <= at_most =>
            {
                run.end = end;
            }
            _ => runs.push(row..end),
        }
        row = end;
    }
    runs
}

/// A snapshot of some rows, which are sorted and have everybody above them; orders of those for whom `with_orders` holds.
fn some_of(whole: &Snapshot, rows: &[u32], with_orders: impl Fn(usize) -> bool) -> Snapshot {
    let people = &whole.people;
    let mut places = vec![NONE; people.len()];
    for (place, row) in rows.iter().enumerate() {
        places[*row as usize] = position(place);
    }
    let parent = rows.iter().map(|row| match people.placement.parent[*row as usize] {
        NONE => NONE,
        upper => places[upper as usize],
    });
    let depth = gathered(&people.placement.depth, rows, 0);
    let placement = Arc::new(Tree::along_rows(parent.collect(), depth));
    let volumes = |of: &Volumes| {
        Volumes::of_columns(Volume::ALL.map(|volume| Arc::new(gathered(of.of(volume), rows, 0))))
    };
    let part = People {
        ids: some_texts(&people.ids, rows),
        by_id: people.by_id.iter().map(|row| places[*row as usize]).filter(|place| *place != NONE).collect(),
        // Nothing that a piece computes looks along the enrolment tree.
        enrolment: Arc::clone(&placement),
        placement,
        consultant: gathered(&people.consultant, rows, false),
        status: gathered_words(&people.status, rows, ""),
        country: gathered_words(&people.country, rows, ""),
        currency: gathered_words(&people.currency, rows, ""),
        zone: gathered_words(&people.zone, rows, ""),
        tags: gathered_sets(&people.tags, rows),
        joined_on: gathered(&people.joined_on, rows, 0),
        joined_this_cycle: gathered(&people.joined_this_cycle, rows, false),
        previous_rank: gathered(&people.previous_rank, rows, 0),
        honorific_rank: gathered(&people.honorific_rank, rows, 0),
        manual_rank: gathered(&people.manual_rank, rows, 0),
        grace_used: gathered(&people.grace_used, rows, 0),
        lock_left: gathered(&people.lock_left, rows, 0),
        earned_before: people.earned_before.iter().map(|earned| gathered(earned, rows, 0)).collect(),
        volumes: volumes(&people.volumes),
        lifetime: volumes(&people.lifetime),
    };
    let belongs = |order: &u32| {
        let place = places[whole.orders.person[*order as usize] as usize];
        place != NONE && with_orders(place as usize)
    };
    let orders: Vec<u32> = (0..position(whole.orders.len())).filter(belongs).collect();
    Snapshot {
        cycle: whole.cycle.clone(),
        plan_hash: whole.plan_hash.clone(),
        rates: whole.rates.clone(),
        people: part,
        orders: some_orders(&whole.orders, &orders, &places),
    }
}

fn some_texts(texts: &Texts, rows: &[u32]) -> Texts {
    rows.iter().map(|row| texts.get(*row as usize)).collect()
}

fn some_orders(orders: &Orders, some: &[u32], places: &[u32]) -> Orders {
    let amounts = |column: &[i64]| gathered(column, some, 0);
    let truths = |column: &[bool]| gathered(column, some, false);
    Orders {
        ids: some_texts(&orders.ids, some),
        person: Arc::new(some.iter().map(|order| places[orders.person[*order as usize] as usize]).collect()),
        paid_at: amounts(&orders.paid_at),
        is_return: truths(&orders.is_return),
        is_late: truths(&orders.is_late),
        currency: gathered_words(&orders.currency, some, ""),
        net: amounts(&orders.net),
        gross: amounts(&orders.gross),
        vq: amounts(&orders.vq),
        vc: amounts(&orders.vc),
        units: amounts(&orders.units),
        points: amounts(&orders.points),
        customer_price: amounts(&orders.customer_price),
        consultant_price: amounts(&orders.consultant_price),
        first_of_person: truths(&orders.first_of_person),
        category: gathered_words(&orders.category, some, ""),
        reverses: some_texts(&orders.reverses, some).or_none(),
        sold_at: some_moments(&orders.sold_at, some),
    }
}

/// What an earlier cycle knows of the people of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierPiece {
    /// Their snapshot then, with everybody who was above them.
    pub snapshot: Snapshot,
    rows: Vec<u32>,
}

impl Piece {
    /// What there is of an earlier cycle.
    pub fn earlier(&self, then: &Snapshot) -> EarlierPiece {
        let mut is_wanted = vec![false; then.people.len()];
        let mut is_own = vec![false; then.people.len()];
        let rows = earlier_rows(&self.snapshot.people, &then.people);
        for (old, visits) in rows.iter().zip(&self.visitors).filter(|(old, _)| **old != NONE) {
            is_own[*old as usize] = !visits;
            let mut row = *old;
            while row != NONE && !std::mem::replace(&mut is_wanted[row as usize], true) {
                row = then.people.placement.parent[row as usize];
            }
        }
        let rows: Vec<u32> =
            (0..position(then.people.len())).filter(|row| is_wanted[*row as usize]).collect();
        let snapshot = some_of(then, &rows, |place| is_own[rows[place] as usize]);
        EarlierPiece { snapshot, rows }
    }

    /// The indicators of the whole, for the people of this piece.
    pub fn indicators(&self, whole: &Indicators) -> Indicators {
        some_indicators(whole, &self.rows)
    }

    /// The indicators that need no ranks of this cycle, as far as pieces can compute them. What parts hand up is given to the trunk.
    pub fn calculate_indicators(
        &self,
        plan: &Plan,
        context: Context<'_>,
        handed: Option<&[HandedUp]>,
    ) -> Result<(Indicators, HandedUp), EngineError> {
        let adjustments = self.adjustments(context);
        let context = Context { adjustments: &adjustments, ..context };
        let mut run = Calculation::new(&self.snapshot, plan, context)?;
        run.share = of_pieces(plan);
        run.border = self.border(handed);
        run.before_ranks()?;
        let handed = run.border.take();
        Ok((run.into_indicators(false), handed))
    }

    /// The ranks, and the indicators that need them, as far as pieces can compute them. `indicators` are those of
    /// [`crate::calculate_indicators`] for the people of this piece.
    pub fn calculate_ranks(
        &self,
        indicators: &Indicators,
        plan: &Plan,
        context: Context<'_>,
        handed: Option<&[HandedUp]>,
    ) -> Result<(Ranked, HandedUp), EngineError> {
        let adjustments = self.adjustments(context);
        let context = Context { adjustments: &adjustments, ..context };
        let mut run = restored(&self.snapshot, plan, context, &[indicators])?;
        run.share = of_pieces(plan);
        run.border = self.border(handed);
        let ranks = climb(&mut run)?;
        run.after_ranks(&ranks)?;
        let handed = run.border.take();
        Ok((Ranked { ranks, indicators: run.into_indicators(true) }, handed))
    }

    fn border<'a>(&'a self, handed: Option<&'a [HandedUp]>) -> Border<'a> {
        let (rows, visitors) = (&self.rows, &self.visitors);
        match handed {
            Some(handed) => Border::Trunk { rows, handed, pass: 0 },
            None => Border::Part { visitors, rows, handed: HandedUp::default(), pass: 0 },
        }
    }

    /// The adjustments of people of this piece.
    fn adjustments(&self, context: Context<'_>) -> Vec<crate::Adjustment> {
        let is_here =
            |adjustment: &&crate::Adjustment| self.snapshot.people.row(&adjustment.person).is_some();
        context.adjustments.iter().filter(is_here).cloned().collect()
    }
}

impl EarlierPiece {
    /// What that cycle computed, for the people of the piece.
    pub fn results(&self, whole: CycleResults<'_>) -> (Indicators, Ranked) {
        let after = whole.after_ranks.map(|after| some_indicators(after, &self.rows));
        let ranked =
            Ranked { ranks: some_ranks(whole.ranks, &self.rows), indicators: after.unwrap_or_default() };
        (some_indicators(whole.indicators, &self.rows), ranked)
    }
}

fn some_indicators(whole: &Indicators, rows: &[u32]) -> Indicators {
    let column = |column: &IndicatorColumn| IndicatorColumn {
        code: column.code.clone(),
        scale: column.scale,
        values: match &column.values {
            Values::Fixed(values) => Values::Fixed(Arc::new(gathered(values, rows, 0))),
            Values::Exact(values) => Values::Exact(gathered(values, rows, 0)),
        },
    };
    Indicators {
        active: gathered(&whole.active, rows, false),
        columns: whole.columns.iter().map(column).collect(),
    }
}

fn some_ranks(whole: &Ranks, rows: &[u32]) -> Ranks {
    let some = |column: &[u8]| gathered(column, rows, 0);
    Ranks {
        earned: some(&whole.earned),
        paid: some(&whole.paid),
        honorific: some(&whole.honorific),
        grace_used: some(&whole.grace_used),
        lock_left: some(&whole.lock_left),
        earned_before: whole.earned_before.iter().map(|earned| some(earned)).collect(),
    }
}

/// Whether something is left, before or after ranks, that no piece can compute. Where nothing is, joining needs neither history nor the
/// results of earlier cycles.
pub fn whole_is_needed(plan: &Plan, after_ranks: bool) -> bool {
    others(plan, after_ranks).is_some()
}

/// Computes what no piece can, before ranks: `joined` is what the pieces computed.
pub fn finish_indicators(
    snapshot: &Snapshot,
    plan: &Plan,
    context: Context<'_>,
    joined: Indicators,
) -> Result<Indicators, EngineError> {
    let Some(others) = others(plan, false) else { return Ok(joined) };
    let mut run = Calculation::new(snapshot, plan, context)?;
    run.take_over(&joined)?;
    run.share = Some(others);
    run.before_ranks()?;
    Ok(run.into_indicators(false))
}

/// Computes what no piece can, after ranks: `joined` is what the pieces computed.
pub fn finish_ranks(
    snapshot: &Snapshot,
    indicators: &Indicators,
    plan: &Plan,
    context: Context<'_>,
    joined: Ranked,
) -> Result<Ranked, EngineError> {
    let Some(others) = others(plan, true) else { return Ok(joined) };
    let mut run = restored(snapshot, plan, context, &[indicators, &joined.indicators])?;
    run.share = Some(others);
    run.after_ranks(&joined.ranks)?;
    Ok(Ranked { ranks: joined.ranks, indicators: run.into_indicators(true) })
}

/// The indicators before or after ranks that pieces do not compute, by index of the plan's; `None` if there are none.
fn others(plan: &Plan, after_ranks: bool) -> Option<Vec<bool>> {
    let of_pieces = of_pieces(plan)?;
    let is_other = |(planned, is_of_pieces): (&PlannedIndicator, bool)| {
        !is_of_pieces && planned.needed && planned.after_ranks == after_ranks
    };
    let others: Vec<bool> = plan.indicators().iter().zip(of_pieces).map(is_other).collect();
    others.contains(&true).then_some(others)
}

/// Which indicators pieces can compute, by index of the plan's: those that look down the placement tree, or at one's own, and depend
/// on nothing else. `None` if pieces cannot tell who is active.
fn of_pieces(plan: &Plan) -> Option<Vec<bool>> {
    let mut share = vec![false; plan.indicators().len()];
    let mut is_activity_known = false;
    // Definitions make no circle, so each round adds what depends on what the rounds before added.
    loop {
        let before = Known { plan, share: share.clone(), activity: is_activity_known };
        is_activity_known = before.tells(plan.activity(), false);
        for (index, planned) in plan.indicators().iter().enumerate() {
            share[index] = looks_down(planned) && before.has_what_it_needs(planned);
        }
        if before.share == share && before.activity == is_activity_known {
            return is_activity_known.then_some(share);
        }
    }
}

/// What pieces are known to compute.
struct Known<'a> {
    plan: &'a Plan,
    share: Vec<bool>,
    activity: bool,
}

impl Known<'_> {
    /// Whether an indicator is there when another of the step before or after ranks is computed.
    fn has(&self, index: usize, after_ranks: bool) -> bool {
        let is_of_step_before = after_ranks && !self.plan.indicators()[index].after_ranks;
        is_of_step_before || self.share[index]
    }

    fn tells(&self, rule: &Program, after_ranks: bool) -> bool {
        rule.slots().iter().all(|slot| match self.plan.source(*slot) {
            Some(Source::Indicator(index) | Source::MemberIndicator(index)) => self.has(index, after_ranks),
            Some(Source::Attribute(Attribute::Active) | Source::MemberAttribute(Attribute::Active)) => {
                after_ranks || self.activity
            }
            _ => true,
        })
    }

    fn has_what_it_needs(&self, planned: &PlannedIndicator) -> bool {
        let rules = [&planned.filter, &planned.only_where, &planned.formula];
        rules.into_iter().flatten().all(|rule| self.tells(rule, planned.after_ranks))
            && planned.measured.is_none_or(|measured| self.has(measured, planned.after_ranks))
    }
}

/// Whether an indicator looks at oneself or down the placement tree only.
fn looks_down(planned: &PlannedIndicator) -> bool {
    let looks_elsewhere = matches!(planned.definition.scope, Scope::Company | Scope::Upline { .. });
    is_plain(planned) && !looks_elsewhere && tree_of(planned) == TreeName::Placement
}
