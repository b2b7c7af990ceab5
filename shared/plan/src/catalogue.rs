//! The built-in indicators, generated from the dimensions of [`Indicator`] for a plan's ranks and parameters.

mod named;
mod page;

use foundation::locale::Text;

pub use named::{Coverage, NAMED, Named};
pub use page::{definition, page};

use crate::{
    document::{CatalogueSettings, Document},
    indicator::{
        Aggregate, Generation, GenerationCounts, Group, Indicator, Measure, Options, Over, RankBasis, Scope,
        Tree, Unit, Window,
    },
};

/// Deepest level with an indicator of its own.
const LEVELS: u16 = 10;
/// Furthest generation with an indicator of its own.
const GENERATIONS: u8 = 8;
/// Legs, by size, with an indicator of their own.
const LEGS: u8 = 6;

/// All built-in indicators for a plan. Those its settings name are enabled, all others are computed only where needed.
pub fn indicators(document: &Document) -> Vec<Indicator> {
    let settings = &document.catalogue;
    let ranks: Vec<(&str, &Text)> =
        document.ranks.steps.iter().map(|rank| (rank.code.as_str(), &rank.name)).collect();
    let leader = settings.leader_rank.as_deref().or(ranks.last().map(|(code, _)| *code));
    let mut all = Vec::new();
    personal(&mut all);
    first_days(&mut all);
    if let Some(goal) = settings.own_volume_goal {
        let goal = goal.normalize().to_string();
        goals(&mut all, &goal);
        if let Some(leader) = leader {
            all.push(least_members(settings, leader));
        }
    }
    team(&mut all);
    levels(&mut all);
    legs(&mut all);
    counts(&mut all);
    streaks(&mut all);
    returns(&mut all);
    if let Some(leader) = leader {
        groups(&mut all, leader);
        generations(&mut all, leader);
        of_generations(&mut all);
    }
    for (code, name) in ranks {
        of_rank(&mut all, code, name);
    }
    own_rank(&mut all);
    for indicator in &mut all {
        indicator.enabled = settings.enabled.contains(&indicator.code);
        indicator.visible = indicator.enabled && !settings.hidden.contains(&indicator.code);
    }
    all
}

/// A definition with nothing special about it.
fn define(
    code: impl Into<String>,
    es: impl Into<String>,
    en: impl Into<String>,
    unit: Unit,
    measure: Measure,
    scope: Scope,
) -> Indicator {
    Indicator {
        code: code.into(),
        alias: None,
        name: Text { es: es.into(), en: en.into() },
        unit,
        decimals: if matches!(unit, Unit::Points | Unit::Money | Unit::Ratio) { 2 } else { 0 },
        enabled: false,
        visible: false,
        measure,
        aggregate: Aggregate::Sum,
        scope,
        filter: None,
        only_where: None,
        window: Window::ThisCycle,
        options: Options::default(),
    }
}

impl Indicator {
    fn alias(mut self, alias: &str) -> Self {
        self.alias = Some(alias.to_owned());
        self
    }

    fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    fn aggregate(mut self, aggregate: Aggregate) -> Self {
        self.aggregate = aggregate;
        self
    }

    fn only_where(mut self, condition: &str) -> Self {
        self.only_where = Some(condition.to_owned());
        self
    }

    fn ranks(mut self, ranks: RankBasis) -> Self {
        self.options.ranks = ranks;
        self
    }
}

/// Measures of orders: stem of the code, names, unit.
fn order_measures() -> [(&'static str, &'static str, &'static str, Unit, Measure); 7] {
    [
        ("VQ", "Volumen calificable", "Qualifying volume", Unit::Points, Measure::Vq),
        ("VC", "Volumen comisionable", "Commissionable volume", Unit::Points, Measure::Vc),
        ("NET", "Ventas netas", "Net sales", Unit::Money, Measure::Net),
        ("GROSS", "Ventas brutas", "Gross sales", Unit::Money, Measure::Gross),
        ("UNITS", "Unidades", "Units", Unit::Count, Measure::Units),
        ("ORD", "Pedidos", "Orders", Unit::Count, Measure::Orders),
        ("PTS", "Puntos", "Points", Unit::Points, Measure::Points),
    ]
}

/// The two volumes.
fn volumes() -> [(&'static str, &'static str, &'static str, Measure); 2] {
    [
        ("VQ", "volumen calificable", "qualifying volume", Measure::Vq),
        ("VC", "volumen comisionable", "commissionable volume", Measure::Vc),
    ]
}

/// Windows: suffix of the code and names.
fn windows() -> [(&'static str, &'static str, &'static str, Window); 6] {
    [
        ("", "", "", Window::ThisCycle),
        ("_PREV", ", ciclo anterior", ", previous cycle", Window::Previous(1)),
        ("_R3", ", últimos 3 ciclos", ", last 3 cycles", Window::Last(3)),
        ("_R6", ", últimos 6 ciclos", ", last 6 cycles", Window::Last(6)),
        ("_YTD", ", año calendario", ", calendar year", Window::CalendarYear),
        ("_CUM", ", acumulado", ", lifetime", Window::Lifetime),
    ]
}

fn personal(all: &mut Vec<Indicator>) {
    for (stem, es, en, unit, measure) in order_measures() {
        for (suffix, es_when, en_when, window) in windows() {
            let name = (format!("{es} personal{es_when}"), format!("{en}, personal{en_when}"));
            let one = define(format!("P{stem}{suffix}"), name.0, name.1, unit, measure.clone(), Scope::Own)
                .window(window);
            all.push(match (stem, suffix) {
                ("VQ", "") => one.alias("own_vq"),
                ("VC", "") => one.alias("own_vc"),
                _ => one,
            });
        }
        let name = (format!("{es} de clientes propios"), format!("{en} of own customers"));
        all.push(define(format!("C{stem}"), name.0, name.1, unit, measure.clone(), Scope::Customers));
        let name = (format!("{es} de la compañía"), format!("{en} of the company"));
        all.push(define(format!("CO{stem}"), name.0, name.1, unit, measure, Scope::Company));
    }
    for (stem, es, en, _) in volumes() {
        let formula = Measure::Formula(format!("P{stem} + C{stem}"));
        let name = (format!("Tu {es} y el de tus clientes"), format!("Own and customers' {en}"));
        all.push(define(format!("PS{stem}"), name.0, name.1, Unit::Points, formula, Scope::Own));
    }
    let average = Measure::Formula("PORD == 0 ? 0 : PNET / PORD".to_owned());
    all.push(define(
        "AVG_ORD",
        "Valor promedio del pedido",
        "Average order value",
        Unit::Ratio,
        average,
        Scope::Own,
    ));
}

/// First orders and first days, customers by kind, and what is measured order by order.
fn first_days(all: &mut Vec<Indicator>) {
    for (stem, es, en, measure) in volumes() {
        for days in [30, 60, 90] {
            let name =
                (format!("Primeros {days} días: {es} personal"), format!("First {days} days, personal {en}"));
            let one =
                define(format!("P{stem}_D{days}"), name.0, name.1, Unit::Points, measure.clone(), Scope::Own);
            all.push(one.window(Window::DaysSinceJoining(days)));
        }
        let name = (format!("Primer pedido: {es}"), format!("First order, {en}"));
        let first =
            define(format!("P{stem}_FIRST"), name.0, name.1, Unit::Points, measure.clone(), Scope::Own);
        all.push(first.window(Window::Lifetime).only_where("order.first_of_person"));
        let name =
            (format!("Primeros pedidos de la red: {es}"), format!("First orders of the downline, {en}"));
        let firsts =
            define(format!("T{stem}_FIRST"), name.0, name.1, Unit::Points, measure.clone(), Scope::Downline);
        all.push(firsts.only_where("order.first_of_person"));
        for (code, es_kind, en_kind, filter) in [
            ("RTL", "minoristas", "retail", "!('preferred' in tags)"),
            ("PREF", "preferentes", "preferred", "'preferred' in tags"),
        ] {
            let name =
                (format!("Clientes {es_kind}: {es}"), format!("Customers, {en_kind} (tag preferred), {en}"));
            let one = define(
                format!("{code}{stem}"),
                name.0,
                name.1,
                Unit::Points,
                measure.clone(),
                Scope::Customers,
            );
            all.push(one.filter(filter));
        }
        for (side, es_side, en_side, tag) in
            [("LEFT", "izquierdo", "left", "left"), ("RIGHT", "derecho", "right", "right")]
        {
            let name = (format!("Lado {es_side}: {es}"), format!("The {en_side} side (tag {tag}), {en}"));
            let team = Measure::Indicator(format!("T{stem}_S"));
            let one = define(format!("{side}{stem}"), name.0, name.1, Unit::Points, team, Scope::Frontline);
            all.push(one.filter(format!("'{tag}' in tags")));
        }
    }
    let orders = [
        ("PORD_FIRST", "Primeros pedidos en el ciclo", "First orders in the cycle", Scope::Own),
        ("TORD_FIRST", "Primeros pedidos de la red", "First orders of the downline", Scope::Downline),
    ];
    for (code, es, en, scope) in orders {
        let one = define(code, es, en, Unit::Count, Measure::Orders, scope);
        all.push(one.only_where("order.first_of_person"));
    }
    let means = [
        (
            "PORD_AVG",
            "Pedido promedio, ventas netas",
            "Average order, net sales",
            Scope::Own,
            Aggregate::Average,
        ),
        ("PORD_MAX", "Pedido mayor, ventas netas", "Greatest order, net sales", Scope::Own, Aggregate::Max),
        (
            "TORD_AVG",
            "Pedido promedio de la red",
            "Average order of the downline",
            Scope::Downline,
            Aggregate::Average,
        ),
        (
            "TORD_MAX",
            "Pedido mayor de la red",
            "Greatest order of the downline",
            Scope::Downline,
            Aggregate::Max,
        ),
    ];
    for (code, es, en, scope, aggregate) in means {
        let mut one = define(code, es, en, Unit::Money, Measure::Net, scope).aggregate(aggregate);
        one.options.over = Over::Orders;
        all.push(one);
    }
    for (code, es, en, aggregate) in [
        ("PVQ_BEST6", "Mejor ciclo de los últimos 6", "Best of the last 6 cycles", Aggregate::Max),
        ("PVQ_AVG6", "Promedio de los últimos 6 ciclos", "Mean of the last 6 cycles", Aggregate::Average),
    ] {
        let one = define(code, es, en, Unit::Points, Measure::Vq, Scope::Own);
        let mut one = one.aggregate(aggregate).window(Window::Last(6));
        one.options.over = Over::Cycles;
        all.push(one);
    }
    let mean = define(
        "TVQ_AVG",
        "Volumen calificable promedio de la red",
        "Mean qualifying volume of the downline",
        Unit::Points,
        Measure::Vq,
        Scope::Downline,
    );
    all.push(mean.aggregate(Aggregate::Average));
}

/// What looks back at itself, cycle by cycle.
fn streaks(all: &mut Vec<Indicator>) {
    let streaks = [
        (
            "ACT_STREAK",
            "Ciclos activos seguidos",
            "Active cycles in a row",
            "active ? ACT_STREAK_PREV + 1 : 0",
        ),
        (
            "INACT_N",
            "Ciclos desde la última actividad",
            "Cycles since last active",
            "active ? 0 : INACT_N_PREV + 1",
        ),
    ];
    for (code, es, en, formula) in streaks {
        let formula = Measure::Formula(formula.to_owned());
        all.push(define(code, es, en, Unit::Count, formula, Scope::Own));
        let name = (format!("{es}, ciclo anterior"), format!("{en}, previous cycle"));
        let before = Measure::Indicator(code.to_owned());
        let one = define(format!("{code}_PREV"), name.0, name.1, Unit::Count, before, Scope::Own);
        all.push(one.window(Window::Previous(1)));
    }
    let react = define(
        "REACT",
        "Personas reactivadas tras 3 ciclos",
        "People active again after 3 cycles",
        Unit::People,
        Measure::People,
        Scope::Downline,
    );
    all.push(react.aggregate(Aggregate::Count).filter("active && INACT_N_PREV >= 3"));
}

fn goals(all: &mut Vec<Indicator>, goal: &str) {
    let short = Measure::Formula(format!("PSVQ < {goal} ? {goal} - PSVQ : 0"));
    all.push(define(
        "PVQ_SHORT",
        "Volumen que falta",
        "Volume short of the goal",
        Unit::Points,
        short,
        Scope::Own,
    ));
    let over = Measure::Formula(format!("PSVQ > {goal} ? PSVQ - {goal} : 0"));
    all.push(define("PVQ_EXC", "Volumen excedente", "Volume above the goal", Unit::Points, over, Scope::Own));
    let (es, en) = ("Piernas con el volumen meta", "Legs with the goal's volume");
    let legs = define("LEGS_GE", es, en, Unit::People, Measure::People, Scope::Frontline);
    all.push(legs.aggregate(Aggregate::Count).filter(format!("TVQ_S >= {goal}")));
    let (es, en) = ("Referidos con el volumen meta", "Enrolled people with the goal's volume");
    let referred = define("REFERRED", es, en, Unit::People, Measure::People, Scope::Enrolled);
    all.push(referred.aggregate(Aggregate::Count).filter(format!("PVQ >= {goal}")));
    let (es, en) = ("Ciclos seguidos con referidos que compran", "Cycles in a row with a buying referral");
    let streak = Measure::Formula("REFERRED > 0 ? REF_STREAK_PREV + 1 : 0".to_owned());
    all.push(define("REF_STREAK", es, en, Unit::Count, streak, Scope::Own));
    let (es, en) = (format!("{es}, ciclo anterior"), format!("{en}, previous cycle"));
    let before = Measure::Indicator("REF_STREAK".to_owned());
    let before = define("REF_STREAK_PREV", es, en, Unit::Count, before, Scope::Own);
    all.push(before.window(Window::Previous(1)));
}

fn group_of(leader: &str, with_self: bool) -> Scope {
    Scope::Group(Group { rank: leader.to_owned(), with_self })
}

fn least_members(settings: &CatalogueSettings, leader: &str) -> Indicator {
    let es = "Volumen calificable del grupo, miembros con compra mínima";
    let en = "Group qualifying volume, members over the goal";
    let mut one = define("GVQ_MIN", es, en, Unit::Points, Measure::Vq, group_of(leader, false));
    one.options.minimum_own_volume = settings.own_volume_goal;
    one
}

fn groups(all: &mut Vec<Indicator>, leader: &str) {
    for (stem, es, en, measure) in volumes() {
        for (suffix, es_rank, en_rank, basis) in [
            ("", "", "", RankBasis::Previous),
            ("_PAID", ", rangos de este ciclo", ", ranks of this cycle", RankBasis::Paid),
        ] {
            let name = (
                format!("Grupo: {es}, sin la cabeza{es_rank}"),
                format!("Group {en}, without the head{en_rank}"),
            );
            let unit = Unit::Points;
            all.push(
                define(
                    format!("G{stem}{suffix}"),
                    name.0,
                    name.1,
                    unit,
                    measure.clone(),
                    group_of(leader, false),
                )
                .ranks(basis),
            );
            let name = (format!("Grupo: {es}{es_rank}"), format!("Group {en}{en_rank}"));
            let one = define(
                format!("G{stem}_H{suffix}"),
                name.0,
                name.1,
                unit,
                measure.clone(),
                group_of(leader, true),
            )
            .ranks(basis);
            let alias = format!("group_{}", stem.to_lowercase());
            all.push(if suffix.is_empty() { one.alias(&alias) } else { one });
        }
        let name = (format!("Grupo: {es} acumulado"), format!("Group {en}, lifetime"));
        all.push(
            define(
                format!("G{stem}_CUM"),
                name.0,
                name.1,
                Unit::Points,
                measure.clone(),
                group_of(leader, false),
            )
            .window(Window::Lifetime),
        );
        let name = (format!("Grupo: {es} de personas nuevas"), format!("Group {en} of new people"));
        all.push(
            define(
                format!("G{stem}_NEW"),
                name.0,
                name.1,
                Unit::Points,
                measure.clone(),
                group_of(leader, false),
            )
            .filter("joined_this_cycle"),
        );
        let name = (format!("Grupo: {es} de clientes"), format!("Group {en} of customers"));
        all.push(
            define(format!("G{stem}_CUST"), name.0, name.1, Unit::Points, measure, group_of(leader, false))
                .filter("!consultant"),
        );
    }
    let name = ("Personas del grupo", "People in the group");
    all.push(
        define("GROUP_N", name.0, name.1, Unit::People, Measure::People, group_of(leader, false))
            .aggregate(Aggregate::Count),
    );
    let name = ("Personas activas del grupo", "Active people in the group");
    all.push(
        define("GROUP_ACT", name.0, name.1, Unit::People, Measure::People, group_of(leader, false))
            .aggregate(Aggregate::Count)
            .filter("active"),
    );
    for (stem, es, en, measure) in volumes() {
        let name = (format!("Grupo: {es}, ciclo anterior"), format!("Group {en}, previous cycle"));
        let one =
            define(format!("G{stem}_PREV"), name.0, name.1, Unit::Points, measure, group_of(leader, false));
        all.push(one.window(Window::Previous(1)));
    }
    let outside = Measure::Formula("GVQ - CVQ".to_owned());
    let (es, en) = ("Grupo sin los clientes propios", "Group without own customers");
    all.push(define("GVQ_EXT", es, en, Unit::Points, outside, Scope::Own));
    let name = ("Volumen calificable devuelto en el grupo", "Returned qualifying volume of the group");
    all.push(define("GRMAVQ", name.0, name.1, Unit::Points, Measure::ReturnsVq, group_of(leader, false)));
}

fn generations(all: &mut Vec<Indicator>, leader: &str) {
    for number in 1..=GENERATIONS {
        let scope = || {
            let counts = GenerationCounts::Leader;
            Scope::Generation(Generation { number, rank: leader.to_owned(), counts })
        };
        for (stem, es, en, measure) in volumes() {
            let name = (format!("Generación {number}: {es}"), format!("Generation {number} {en}"));
            all.push(
                define(format!("G{number}{stem}"), name.0, name.1, Unit::Points, measure, scope())
                    .ranks(RankBasis::Paid),
            );
        }
        let name = (format!("Generación {number}: líderes"), format!("Generation {number} leaders"));
        all.push(
            define(format!("GGRP{number}"), name.0, name.1, Unit::People, Measure::People, scope())
                .aggregate(Aggregate::Count)
                .filter(format!("rank >= {leader}"))
                .ranks(RankBasis::Paid),
        );
    }
}

/// What the generations say together.
fn of_generations(all: &mut Vec<Indicator>) {
    let known = |found: &dyn Fn(u8) -> String| (1..=GENERATIONS).map(found).collect::<Vec<_>>();
    let furthest = known(&|number| format!("(GGRP{number} > 0 ? {number} : 0)")).join(", ");
    let furthest = Measure::Formula(format!("max({furthest})"));
    let (es, en) = ("Última generación con líderes", "Furthest generation with leaders");
    all.push(define("GMAX", es, en, Unit::Count, furthest, Scope::Own).ranks(RankBasis::Paid));
    let empty = known(&|number| format!("(GGRP{number} > 0 && G{number}VQ == 0 ? 1 : 0)")).join(" + ");
    let (es, en) = ("Generaciones sin volumen", "Generations without volume");
    let empty = define("GEMPTY", es, en, Unit::Count, Measure::Formula(empty), Scope::Own);
    all.push(empty.ranks(RankBasis::Paid));
}

fn team(all: &mut Vec<Indicator>) {
    for (stem, es, en, unit, measure) in order_measures() {
        for (suffix, es_when, en_when, window) in windows() {
            let name = (format!("{es} de la red{es_when}"), format!("{en} of the downline{en_when}"));
            let one =
                define(format!("T{stem}{suffix}"), name.0, name.1, unit, measure.clone(), Scope::Downline)
                    .window(window);
            let alias = format!("downline_{}", stem.to_lowercase());
            all.push(if suffix.is_empty() { one.alias(&alias) } else { one });
        }
        let name = (format!("{es} de la red con la cabeza"), format!("{en} of the team"));
        let one = define(format!("T{stem}_S"), name.0, name.1, unit, measure.clone(), Scope::Team);
        all.push(one.alias(&format!("team_{}", stem.to_lowercase())));
        let name = (format!("{es} de los patrocinados"), format!("{en} of those enrolled"));
        all.push(define(format!("E{stem}"), name.0, name.1, unit, measure, Scope::Enrolled));
    }
    let delta = Measure::Formula("TVQ - TVQ_PREV".to_owned());
    all.push(define(
        "TVQ_DELTA",
        "Cambio del volumen de la red",
        "Change of the downline's volume",
        Unit::Points,
        delta,
        Scope::Own,
    ));
}

fn levels(all: &mut Vec<Indicator>) {
    for level in 1..=LEVELS {
        for (stem, es, en, measure) in volumes() {
            let name = (format!("Nivel {level}: {es}"), format!("Level {level} {en}"));
            all.push(define(
                format!("L{level}{stem}"),
                name.0,
                name.1,
                Unit::Points,
                measure.clone(),
                Scope::Level(level),
            ));
            if 1 < level {
                let name = (format!("Niveles 1 a {level}: {es}"), format!("Levels 1 to {level} {en}"));
                let scope = Scope::Levels { from: 1, to: level };
                all.push(define(format!("L1_{level}{stem}"), name.0, name.1, Unit::Points, measure, scope));
            }
        }
        let name = (format!("Nivel {level}: personas"), format!("Level {level} people"));
        let scope = || Scope::Level(level);
        all.push(
            define(format!("L{level}_N"), name.0, name.1, Unit::People, Measure::People, scope())
                .aggregate(Aggregate::Count),
        );
        let name = (format!("Nivel {level}: activos"), format!("Level {level} active people"));
        all.push(
            define(format!("L{level}_ACT"), name.0, name.1, Unit::People, Measure::People, scope())
                .aggregate(Aggregate::Count)
                .filter("active"),
        );
    }
    let widest = (1..=LEVELS).map(|level| format!("L{level}_N")).collect::<Vec<_>>().join(", ");
    let widest = Measure::Formula(format!("max({widest})"));
    let (es, en) = ("Nivel más ancho de los 10 primeros", "Most people on one of the first 10 levels");
    all.push(define("WIDTH_MAX", es, en, Unit::People, widest, Scope::Own));
}

fn legs(all: &mut Vec<Indicator>) {
    for (stem, es, en, measure) in volumes() {
        for leg in 1..=LEGS {
            let name = (format!("Pierna {leg} por tamaño: {es}"), format!("Leg {leg} by size, {en}"));
            all.push(define(
                format!("LEG{leg}{stem}"),
                name.0,
                name.1,
                Unit::Points,
                measure.clone(),
                Scope::Leg(leg),
            ));
        }
        for (code, legs) in [("NONMAX", 1), ("NON2MAX", 2)] {
            let name = (
                format!("Red sin las {legs} piernas mayores: {es}"),
                format!("Downline without the {legs} strongest legs, {en}"),
            );
            let code = if stem == "VQ" { code.to_owned() } else { format!("{code}{stem}") };
            all.push(define(
                code,
                name.0,
                name.1,
                Unit::Points,
                measure.clone(),
                Scope::ExceptStrongestLegs(legs),
            ));
        }
    }
    let balance = Measure::Formula("LEG1VQ == 0 ? 0 : LEG2VQ / LEG1VQ".to_owned());
    all.push(define(
        "LEGBAL",
        "Equilibrio de las dos piernas mayores",
        "Balance of the two strongest legs",
        Unit::Ratio,
        balance,
        Scope::Own,
    ));
    let legs = [
        ("LEGS", "Piernas", "Legs", Some("legs"), "true", Scope::Frontline),
        ("LEGS_ACT", "Piernas activas", "Active legs", Some("active_legs"), "active", Scope::Frontline),
        ("LEGS_NEW", "Piernas nuevas", "New legs", None, "joined_this_cycle", Scope::Frontline),
        (
            "LEGS_ALIVE",
            "Piernas con alguien activo",
            "Legs with an active person",
            Some("legs_with_active"),
            "active",
            Scope::Legs,
        ),
        ("LEGS_ORD", "Piernas con pedidos", "Legs with orders", None, "PORD > 0", Scope::Legs),
    ];
    for (code, es, en, alias, filter, scope) in legs {
        let one = define(code, es, en, Unit::People, Measure::People, scope.clone());
        let mut one = if scope == Scope::Legs {
            one.aggregate(Aggregate::Legs).filter(filter)
        } else if filter == "true" {
            one.aggregate(Aggregate::Count).filter("consultant")
        } else {
            one.aggregate(Aggregate::Count).filter(format!("consultant && {filter}"))
        };
        one.alias = alias.map(str::to_owned);
        all.push(one);
    }
}

fn counts(all: &mut Vec<Indicator>) {
    let states = [
        ("", "", "", None),
        ("_ACT", " activas", ", active", Some("active")),
        ("_INACT", " inactivas", ", inactive", Some("!active")),
        ("_NEW", " nuevas", ", new", Some("joined_this_cycle")),
        ("_TERM", " retiradas", ", terminated", Some("status == 'terminated'")),
        ("_ORD", " con pedido", ", with an order", Some("PORD > 0")),
        (
            "_NOORD",
            " activas sin pedido",
            ", active, without an order",
            Some("status == 'active' && PORD == 0"),
        ),
    ];
    let scopes = [
        ("FL", "Personas del nivel 1", "People of level 1", Scope::Frontline, Tree::Placement),
        ("ENR", "Personas patrocinadas", "People enrolled", Scope::Enrolled, Tree::Enrolment),
        ("TEAM", "Personas de la red", "People of the downline", Scope::Downline, Tree::Placement),
        ("CUST", "Clientes", "Customers", Scope::Customers, Tree::Placement),
    ];
    for (stem, es, en, scope, tree) in scopes {
        for (suffix, es_state, en_state, filter) in states {
            let code = if suffix.is_empty() && stem != "FL" {
                format!("{stem}_N")
            } else {
                format!("{stem}{suffix}")
            };
            let name = (format!("{es}{es_state}"), format!("{en}{en_state}"));
            let mut one = define(code, name.0, name.1, Unit::People, Measure::People, scope.clone())
                .aggregate(Aggregate::Count);
            one.filter = filter.map(str::to_owned);
            one.options.tree = tree;
            one.alias = match (stem, suffix) {
                ("TEAM", "_ACT") => Some("active_downline".to_owned()),
                ("FL", "_ACT") => Some("active_frontline".to_owned()),
                ("CUST", "_ACT") => Some("active_customers".to_owned()),
                _ => None,
            };
            all.push(one);
        }
    }
    let active = Measure::Formula("active ? 1 : 0".to_owned());
    all.push(define("ACT", "Activo", "Active", Unit::Count, active, Scope::Own));
    let name = ("Profundidad de la red", "Depth of the downline");
    all.push(
        define("DEEPEST", name.0, name.1, Unit::Count, Measure::Level, Scope::Team).aggregate(Aggregate::Max),
    );
    let (es, en) = ("Nivel más profundo con volumen", "Deepest level of the tree with volume");
    let deepest = define("DEEPEST_VQ", es, en, Unit::Count, Measure::Level, Scope::Downline);
    all.push(deepest.aggregate(Aggregate::Max).filter("PVQ > 0"));
    let deepest = Measure::Formula("DEEPEST_VQ == 0 ? 0 : DEEPEST_VQ - level".to_owned());
    let (es, en) = ("Último nivel con volumen", "Deepest level below with volume");
    all.push(define("LMAX", es, en, Unit::Count, deepest, Scope::Own));
    let customers = [
        ("CUST_FIRST", "Clientes con primer pedido", "Customers with a first order", "PORD_FIRST > 0"),
        (
            "CUST_REP",
            "Clientes que repiten en 3 ciclos",
            "Customers with 2 orders in 3 cycles",
            "PORD_R3 >= 2",
        ),
    ];
    for (code, es, en, filter) in customers {
        let one = define(code, es, en, Unit::People, Measure::People, Scope::Customers);
        all.push(one.aggregate(Aggregate::Count).filter(filter));
    }
    let depth = Measure::Formula("DEEPEST - level".to_owned());
    all.push(define("DEPTH", "Niveles por debajo", "Levels below", Unit::Count, depth, Scope::Own));
}

fn returns(all: &mut Vec<Indicator>) {
    let measures = [
        (
            "RMAVQ",
            "Volumen calificable devuelto",
            "Returned qualifying volume",
            Unit::Points,
            Measure::ReturnsVq,
        ),
        (
            "RMAVC",
            "Volumen comisionable devuelto",
            "Returned commissionable volume",
            Unit::Points,
            Measure::ReturnsVc,
        ),
        ("RMA_N", "Devoluciones", "Returns", Unit::Count, Measure::ReturnsCount),
    ];
    for (code, es, en, unit, measure) in measures {
        for (suffix, es_when, en_when, window) in windows() {
            let name = (format!("{es}{es_when}"), format!("{en}{en_when}"));
            all.push(
                define(format!("{code}{suffix}"), name.0, name.1, unit, measure.clone(), Scope::Own)
                    .window(window),
            );
        }
        let name = (format!("{es} en la red"), format!("{en} of the downline"));
        all.push(define(format!("T{code}"), name.0, name.1, unit, measure, Scope::Downline));
    }
    let rate = Measure::Formula("PVQ_R3 + RMAVQ_R3 == 0 ? 0 : RMAVQ_R3 / (PVQ_R3 + RMAVQ_R3)".to_owned());
    all.push(define(
        "RMA_RATE",
        "Tasa de devolución, últimos 3 ciclos",
        "Return rate, last 3 cycles",
        Unit::Ratio,
        rate,
        Scope::Own,
    ));
}

fn of_rank(all: &mut Vec<Indicator>, code: &str, name: &Text) {
    let filter = format!("consultant && rank >= {code}");
    let places = [
        ("FLRK", "Frontales", "Frontline people", Scope::Frontline, Aggregate::Count),
        ("LEGRK", "Piernas", "Legs", Scope::Legs, Aggregate::Legs),
        ("TMRK", "Personas de la red", "Downline people", Scope::Downline, Aggregate::Count),
    ];
    for (stem, es, en, scope, aggregate) in places {
        let names =
            (format!("{es} con rango {} o más", name.es), format!("{en} with rank {} or more", name.en));
        all.push(
            define(format!("{stem}_{code}"), names.0, names.1, Unit::People, Measure::People, scope)
                .aggregate(aggregate)
                .filter(filter.clone())
                .ranks(RankBasis::Paid),
        );
    }
}

fn own_rank(all: &mut Vec<Indicator>) {
    let ranks = [
        ("RK_PAID", "Rango pago", "Paid rank", "rank", RankBasis::Paid),
        ("RK_EARNED", "Rango ganado", "Earned rank", "earned_rank", RankBasis::Paid),
        ("RK_PREV", "Rango anterior", "Previous rank", "previous_rank", RankBasis::Previous),
        (
            "RK_HIGH",
            "Rango honorífico anterior",
            "Honorific rank so far",
            "honorific_rank",
            RankBasis::Previous,
        ),
        ("RK_UP", "Cambio de rango", "Change of rank", "rank - previous_rank", RankBasis::Paid),
    ];
    for (code, es, en, formula, basis) in ranks {
        let unit = if code == "RK_UP" { Unit::Count } else { Unit::Rank };
        all.push(define(code, es, en, unit, Measure::Formula(formula.to_owned()), Scope::Own).ranks(basis));
    }
}
