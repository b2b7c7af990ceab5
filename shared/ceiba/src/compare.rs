//! `ceiba compare`.

use simulation::{Side, compare};

use crate::{
    Done,
    args::Compare,
    failure::{Cause, Failure},
    input::{self, Reporter},
    output,
};

pub(crate) fn run(args: &Compare) -> Done {
    let [a, b] = args.plans.as_slice() else {
        let found = args.plans.len();
        return Err(Failure::new(
            Cause::Usage,
            format!("--plan: found {found} plan(s), expected two, A and B"),
        ));
    };
    let reporter = Reporter::new(args.facts.quiet);
    let (a, b) = (input::read_plan(a)?.plan, input::read_plan(b)?.plan);
    let mut results = Vec::new();
    for plan in [&a, &b] {
        reporter.say(&format!("plan {}", plan.document().name.en));
        // Days are those of the plan's time zone.
        let facts = input::read_facts(&args.facts, plan, &reporter)?;
        let last = input::simulate(&facts, plan, &reporter)?.pop();
        results.push(last.ok_or_else(|| Failure::new(Cause::Internal, "no cycle was computed"))?);
    }
    let [run_a, run_b] = results.as_slice() else {
        return Err(Failure::new(Cause::Internal, "no cycle was computed"));
    };
    let comparison = compare(Side::of(&a, run_a), Side::of(&b, run_b));
    let text = if args.json {
        let json = serde_json::to_string_pretty(&comparison);
        json.map_err(|error| Failure::new(Cause::Internal, error.to_string()))? + "\n"
    } else {
        comparison.to_string()
    };
    output::print(&text)
}
