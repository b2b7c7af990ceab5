//! The project's tasks, one command each: `cargo xtask --help`.

mod bench;
mod build;
mod demo;
mod deploy;
mod emulator;
mod instructions;
mod issuer;
mod logs;
mod redrive;
mod run;
mod scaffold;
mod speed;
mod stack;
mod stamp;
mod template;
mod test;
mod venv;
mod workspace;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's tasks", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build, start the emulator, deploy to it and leave it running; brings a running one up to date
    Up,
    /// Stop the emulator that `up` or `demo` started; what was in it is gone
    Down(StackName),
    /// Build and deploy the template to a target
    Deploy(Deploy),
    /// Print what a function logged
    Logs(Logs),
    /// Call a function with one of its sample events
    Invoke(Invoke),
    /// Print a token of the development issuer
    Token(Token),
    /// Move the messages of a dead-letter queue back to the queue they came from
    Redrive(Redrive),
    /// Write the files of a new function and print what else it needs
    NewFunction {
        /// Area and what it does, such as `orders-returns`
        name: String,
    },
    /// Run all checks and tests, with an emulator of their own
    Test(Test),
    /// Show the whole platform: build, start, deploy, fill a company, run its commissions, pay
    Demo(Demo),
    /// Measure
    Bench(Bench),
}

#[derive(Args)]
struct StackName {
    /// Which stack: `dev` (of `up` and `demo`), `test`, `localstack` or `aws`
    #[arg(long = "stack", default_value = stack::DEV)]
    name: String,
}

/// Where the template is deployed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The running emulator of `up`
    Local,
    /// A running LocalStack, see `infra/local/localstack.yaml`
    Localstack,
    /// AWS, with the credentials and the region of the environment
    Aws,
}

#[derive(Args)]
struct Deploy {
    #[arg(long, value_enum)]
    target: Target,
    /// A template parameter that wins over samconfig.toml; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Base URL of LocalStack
    #[arg(long, default_value = "http://localhost:4566")]
    endpoint: String,
}

#[derive(Args)]
struct Logs {
    /// Folder of the function, such as `orders-api`
    function: String,
    #[command(flatten)]
    stack: StackName,
    /// How far back
    #[arg(long, default_value_t = 15)]
    minutes: i64,
    /// Only events that match this CloudWatch Logs filter
    #[arg(long)]
    filter: Option<String>,
    /// Go on until interrupted
    #[arg(long)]
    follow: bool,
}

#[derive(Args)]
struct Invoke {
    /// Folder of the function, such as `orders-api`
    function: String,
    /// File in `events/<function>/`, without `.json`
    case: String,
    #[command(flatten)]
    stack: StackName,
}

#[derive(Args)]
struct Token {
    /// Role, such as `company-admin`; several with commas
    role: String,
    /// Number of the person the caller is
    person: Option<String>,
    #[command(flatten)]
    stack: StackName,
    /// How long it is good
    #[arg(long, default_value_t = 12)]
    hours: i64,
}

#[derive(Args)]
struct Redrive {
    /// Logical id of the queue or of its dead-letter queue
    queue: String,
    #[command(flatten)]
    stack: StackName,
}

#[derive(Args)]
struct Test {
    /// Only these checks, with commas; an unknown name lists them
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

#[derive(Args)]
struct Demo {
    /// Take everything down at the end
    #[arg(long)]
    once: bool,
    /// Print the summary as one JSON object, as the last line
    #[arg(long)]
    json: bool,
    /// Size of the company
    #[arg(long, default_value_t = 2_000)]
    people: u32,
    /// Use the running stack as it is, without building and deploying
    #[arg(long)]
    as_is: bool,
}

#[derive(Args)]
struct Bench {
    /// Start of each function against that of a bare one, and sizes; without it, the engine's speed against its peers
    #[arg(long)]
    init: bool,
    /// In less than three minutes, with the peers that are installed
    #[arg(long)]
    quick: bool,
    /// People of the measured network
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100_000..))]
    people: u32,
    /// Measure the build that is shipped instead of the quick one
    #[arg(long)]
    release: bool,
    /// Starts per function
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    run::start_clock();
    match perform(&Workspace::of_this_repository(), cli.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(workspace: &Workspace, task: Task) -> anyhow::Result<()> {
    match task {
        Task::Up => stack::up(workspace).map(|stack| stack::announce(&stack)),
        Task::Down(stack) => stack::down(workspace, &stack.name),
        Task::Deploy(options) => deploy::command(workspace, &options),
        Task::Logs(options) => logs::print(workspace, &options),
        Task::Invoke(options) => logs::invoke(workspace, &options),
        Task::Token(options) => issuer::print_token(workspace, &options),
        Task::Redrive(options) => redrive::redrive(workspace, &options),
        Task::NewFunction { name } => scaffold::new_function(workspace, &name),
        Task::Test(options) => test::run(workspace, &options),
        Task::Demo(options) => demo::command(workspace, &options),
        Task::Bench(options) if options.init => bench::init(workspace, &options),
        Task::Bench(options) => speed::compare(workspace, &options),
    }
}
