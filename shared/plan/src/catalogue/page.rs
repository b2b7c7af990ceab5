//! The catalogue as a page of documentation.

use std::fmt::Write as _;

use super::{Coverage, NAMED, indicators};
use crate::{
    document::Document,
    indicator::{
        Aggregate, GenerationCounts, Indicator, LegCap, Measure, Over, RankBasis, Scope, Tree, Unit, Window,
    },
};

/// All built-in indicators with their exact definitions, for the ranks and parameters of a plan, as Markdown.
pub fn page(document: &Document) -> String {
    let all = indicators(document);
    let mut page = String::from(
        "# Catalogue of indicators\n\n\
        Generated from the code; `UPDATE_DOCS=1 cargo test -p plan` writes it again. A plan switches built-in indicators on by \
        naming their codes in `catalogue.enabled`; what a rule, a bonus or an enabled indicator names is computed too. Codes with the \
        name of a rank exist for each rank of the plan; groups and generations are cut at `catalogue.leader_rank`; `GVQ_MIN`, `PVQ_SHORT`, \
        `PVQ_EXC`, `LEGS_GE`, `REFERRED` and `REF_STREAK` need `catalogue.own_volume_goal`. This page shows the ranks and parameters of the \
        demo company.\n\n\
        A definition is an aggregate of a measure over a scope. Without a window it is of this cycle; without a tree, of the placement \
        tree; ranks are those of the previous cycle unless it says otherwise.\n\n",
    );
    let _ = writeln!(page, "{} indicators.\n", all.len());
    page.push_str(
        "| code | alias | español | English | definition | unit |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for indicator in &all {
        let alias = indicator.alias.as_ref().map(|alias| format!("`{alias}`")).unwrap_or_default();
        let _ = writeln!(
            page,
            "| `{}` | {alias} | {} | {} | {} | {} |",
            indicator.code,
            indicator.name.es,
            indicator.name.en,
            cell(&definition(indicator)),
            unit(indicator.unit),
        );
    }
    page.push_str(
        "\n## Indicators the field names\n\n\
        | line | name | here |\n| --- | --- | --- |\n",
    );
    for named in NAMED {
        let here = match named.coverage {
            Coverage::BuiltIn(codes) => {
                codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
            }
            Coverage::Own(how) => format!("a definition of one's own: {how}"),
            Coverage::Elsewhere(why) => format!("none: {why}"),
        };
        let _ = writeln!(page, "| {} | {} | {} |", named.line, cell(named.name), cell(&here));
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Points => "points",
        Unit::People => "people",
        Unit::Money => "money",
        Unit::Count => "count",
        Unit::Rank => "rank",
        Unit::Ratio => "ratio",
    }
}

/// The exact definition in one sentence.
pub fn definition(indicator: &Indicator) -> String {
    let Indicator { measure, aggregate, scope, filter, only_where, window, options, .. } = indicator;
    let measured = match measure {
        Measure::Formula(rule) => format!("`{rule}`"),
        Measure::Indicator(code) => format!("`{code}`"),
        Measure::Vq => "VQ".to_owned(),
        Measure::Vc => "VC".to_owned(),
        Measure::Net => "net sales".to_owned(),
        Measure::Gross => "gross sales".to_owned(),
        Measure::Orders => "orders".to_owned(),
        Measure::Units => "units".to_owned(),
        Measure::Points => "points".to_owned(),
        Measure::People => "people".to_owned(),
        Measure::ReturnsVq => "returned VQ".to_owned(),
        Measure::ReturnsVc => "returned VC".to_owned(),
        Measure::ReturnsCount => "returns".to_owned(),
        Measure::UnpaidBalance => "unpaid balance".to_owned(),
        Measure::Rank => "rank".to_owned(),
        Measure::Level => "level in the tree".to_owned(),
    };
    let mut text = match aggregate {
        Aggregate::Sum if *scope == Scope::Own => format!("{measured} of the person"),
        Aggregate::Sum => format!("sum of {measured} over {}", over(scope)),
        Aggregate::Count => format!("number of people in {}", over(scope)),
        Aggregate::Legs => {
            format!("number of legs with at least {} such people", options.members_per_leg.unwrap_or(1))
        }
        Aggregate::Max => format!("greatest {measured} in {}", over(scope)),
        Aggregate::Min => format!("least {measured} in {}", over(scope)),
        Aggregate::Average => format!("mean {measured} in {}", over(scope)),
    };
    let mut add = |part: String| {
        text.push_str(", ");
        text.push_str(&part);
    };
    match options.over {
        Over::Members => {}
        Over::Orders => add("order by order".to_owned()),
        Over::Cycles => add("cycle by cycle".to_owned()),
    }
    if let Some(only_where) = only_where {
        add(format!("orders with `{only_where}`"));
    }
    if let Some(filter) = filter {
        add(format!("people with `{filter}`"));
    }
    if let Some(least) = options.minimum_own_volume {
        add(format!("people with own VQ of at least {}", least.normalize()));
    }
    if let Some(qualified) = &options.qualified {
        add(format!("levels of people with `{qualified}`"));
    }
    match options.cap_per_leg {
        None => {}
        Some(LegCap::Amount(most)) => add(format!("each leg at most {}", most.normalize())),
        Some(LegCap::Share(most)) => add(format!("each leg at most {} of all", most.normalize())),
    }
    match window {
        Window::ThisCycle => {}
        Window::Previous(1) => add("previous cycle".to_owned()),
        Window::Previous(k) => add(format!("{k} cycles before")),
        Window::Last(n) => add(format!("last {n} cycles")),
        Window::CalendarMonth => add("calendar month".to_owned()),
        Window::CalendarQuarter => add("calendar quarter".to_owned()),
        Window::CalendarHalf => add("half of the calendar year".to_owned()),
        Window::CalendarYear => add("calendar year".to_owned()),
        Window::PlanPeriod => add("period of the plan".to_owned()),
        Window::Lifetime => add("lifetime".to_owned()),
        Window::DaysSinceJoining(days) => add(format!("first {days} days since joining")),
    }
    if options.tree == Tree::Enrolment || *scope == Scope::Enrolled {
        add("enrolment tree".to_owned());
    }
    if options.ranks == RankBasis::Paid {
        add("paid ranks of this cycle".to_owned());
    }
    text
}

fn over(scope: &Scope) -> String {
    match scope {
        Scope::Own => "the person".to_owned(),
        Scope::Customers => "own customers".to_owned(),
        Scope::Frontline => "level 1".to_owned(),
        Scope::Level(level) => format!("level {level}"),
        Scope::Levels { from, to } => format!("levels {from} to {to}"),
        Scope::Downline => "everyone below".to_owned(),
        Scope::Team => "the person and everyone below".to_owned(),
        Scope::Group(group) => {
            format!("group({}) {} self", group.rank, if group.with_self { "with" } else { "without" })
        }
        Scope::Generation(generation) => {
            let counted = match generation.counts {
                GenerationCounts::Leader => "",
                GenerationCounts::OwnGroup => ", own group first",
                GenerationCounts::Between => ", leaders last",
            };
            format!("generation({}, {}{counted})", generation.number, generation.rank)
        }
        Scope::StrongestLeg => "the strongest leg".to_owned(),
        Scope::ExceptStrongestLegs(legs) => format!("all but the {legs} strongest legs"),
        Scope::WeakestOfStrongestLegs(legs) => format!("the weakest of the {legs} strongest legs"),
        Scope::Leg(leg) => format!("leg {leg} by size"),
        Scope::Legs => "all legs".to_owned(),
        Scope::Enrolled => "those the person sponsored".to_owned(),
        Scope::Upline { rank } => format!("the upline up to rank {rank}"),
        Scope::Company => "everyone".to_owned(),
    }
}
