//! Brings a stack up on the emulator and takes it down.

use std::fs;

use anyhow::{Context, Result};
use testkit::stack::Stack;

use crate::{
    build::{self, Flavour},
    deploy::{self, Place},
    emulator::{self, Emulator},
    issuer, run, stamp,
    venv::Venv,
    workspace::Workspace,
};

/// The stack of `up` and `demo`.
pub(crate) const DEV: &str = "dev";
/// The stack of `test`, beside that of `up`.
pub(crate) const TEST: &str = "test";

/// The stack of this name as its file tells.
pub(crate) fn known(workspace: &Workspace, name: &str) -> Result<Stack> {
    let file = workspace.stack_file(name);
    let start = if name == DEV { "cargo xtask up" } else { "cargo xtask deploy" };
    Stack::read(&file).with_context(|| format!("stack {name} is not deployed: {start} first"))
}

/// The running `dev` stack, up to date with the sources.
pub(crate) fn up(workspace: &Workspace) -> Result<Stack> {
    let _lock = workspace.wait_for_lock(DEV)?;
    let venv = Venv::ensure(workspace)?;
    build::functions(workspace, &venv, Flavour::Quick)?;
    if let Some(running) = running(workspace, DEV) {
        run::progress("the emulator is running already");
        return deployed(workspace, &venv, running);
    }
    let emulator = Emulator::start(workspace, &venv, DEV)?;
    let stack = fresh(workspace, &venv, DEV, &emulator)?;
    emulator.stay()?;
    Ok(stack)
}

/// Deploys the functions that are built to an emulator just started. It is stopped again if that fails.
pub(crate) fn fresh(workspace: &Workspace, venv: &Venv, name: &str, emulator: &Emulator) -> Result<Stack> {
    let stack = Stack {
        name: name.to_owned(),
        stack_name: String::new(),
        region: String::new(),
        endpoint: Some(emulator.endpoint.clone()),
        pid: Some(emulator.pid),
        log: Some(emulator.log.clone()),
        api_url: String::new(),
        issuer: None,
        outputs: std::collections::BTreeMap::new(),
        resources: std::collections::BTreeMap::new(),
    };
    deployed(workspace, venv, stack).inspect_err(|_| {
        eprintln!("the emulator's log is {}", emulator.log.display());
        emulator::stop(emulator.pid);
    })
}

/// Deploys to the emulator of `stack` if that would change anything, and writes its file.
pub(crate) fn deployed(workspace: &Workspace, venv: &Venv, mut stack: Stack) -> Result<Stack> {
    let endpoint = stack.endpoint.clone().context("this stack is not on an emulator")?;
    let stamp = stamp::of(workspace, &format!("{endpoint} {:?}", stack.pid))?;
    let stamp_file = workspace.stack_folder(&stack.name)?.join("deployed");
    if fs::read_to_string(&stamp_file).is_ok_and(|known| known == stamp) {
        run::progress("deployed already");
        return Ok(stack);
    }
    let issuer = issuer::ensure(workspace, &stack.name, &endpoint)?;
    let place = Place::Emulator { endpoint: &endpoint, issuer: &issuer, environment: "local" };
    deploy::template(workspace, venv, &mut stack, &place, &[])?;
    stack.issuer = Some(issuer);
    stack.write(&workspace.stack_file(&stack.name))?;
    fs::write(stamp_file, stamp)?;
    Ok(stack)
}

/// The stack of this name, if its emulator still runs.
pub(crate) fn running(workspace: &Workspace, name: &str) -> Option<Stack> {
    let stack = Stack::read(&workspace.stack_file(name)).ok()?;
    let alive = emulator::is_ours(stack.pid?) && emulator::is_healthy(stack.endpoint.as_deref()?);
    alive.then_some(stack)
}

/// Stops the emulator of a stack and forgets the stack; its issuer's key stays.
pub(crate) fn down(workspace: &Workspace, name: &str) -> Result<()> {
    let _lock = workspace.wait_for_lock(name)?;
    let file = workspace.stack_file(name);
    let Ok(stack) = Stack::read(&file) else {
        run::progress(&format!("stack {name} is not up"));
        return Ok(());
    };
    if let Some(pid) = stack.pid {
        emulator::stop(pid);
    } else {
        run::progress("this stack was not started here: its emulator or cloud keeps what was deployed");
    }
    fs::remove_file(&file)?;
    let temporary = workspace.stack_folder(name)?.join("tmp");
    if temporary.exists() {
        fs::remove_dir_all(temporary)?;
    }
    run::progress(&format!("stack {name} is down"));
    Ok(())
}

/// Tells a person what is running and what to do with it.
pub(crate) fn announce(stack: &Stack) {
    run::progress("the stack is up");
    run::result(&format!("API        {}", stack.api_url));
    run::result(&format!("AWS APIs   {}", stack.endpoint.as_deref().unwrap_or("AWS")));
    run::result("token      cargo xtask token company-admin");
    run::result("stop       cargo xtask down");
}
