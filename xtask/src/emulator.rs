//! Starts and stops the AWS emulator.

use std::{
    fs::{self, File},
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{run, venv::Venv, workspace::Workspace};

const STARTER: &str = "infra/local/ministack_start.py";
const HEALTHY_WITHIN: Duration = Duration::from_mins(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
const REGION: &str = "us-east-1";

/// A running emulator. It ends with this process, however this process ends, unless it is told to stay.
pub(crate) struct Emulator {
    pub(crate) pid: u32,
    pub(crate) endpoint: String,
    pub(crate) log: PathBuf,
    // Holds the pipe whose end the emulator waits for.
    child: Child,
}

impl Emulator {
    /// Starts one on a free port of the loopback interface and waits until it answers.
    pub(crate) fn start(workspace: &Workspace, venv: &Venv, name: &str) -> Result<Self> {
        let folder = workspace.stack_folder(name)?;
        let temporary = folder.join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary)?;
        }
        fs::create_dir_all(&temporary)?;
        let log = folder.join("emulator.log");
        let out = File::create(&log)?;
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");

        let mut command = venv.command(workspace, "python");
        command.arg(workspace.path(STARTER)).env("GATEWAY_PORT", port.to_string()).env("TMPDIR", &temporary);
        point_at(&mut command, &endpoint);
        command.env("CEIBA_STOP_WITH_PARENT", "1");
        command.stdin(Stdio::piped()).stdout(out.try_clone()?).stderr(out);
        run::progress(&format!("start the emulator on {endpoint}"));
        let child = command.spawn().context("cannot start the emulator")?;
        let mut emulator = Self { pid: child.id(), endpoint, log, child };
        emulator.wait_until_healthy().inspect_err(|_| stop(emulator.pid))?;
        Ok(emulator)
    }

    /// Lets it outlive this process.
    pub(crate) fn stay(mut self) -> Result<()> {
        let mut pipe = self.child.stdin.take().context("the emulator was started without a pipe")?;
        pipe.write_all(b"stay").context("the emulator is gone")
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        let started = Instant::now();
        while !is_healthy(&self.endpoint) {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the emulator ended ({status}):\n{}",
                    fs::read_to_string(&self.log).unwrap_or_default()
                );
            }
            if started.elapsed() > HEALTHY_WITHIN {
                bail!(
                    "the emulator does not answer after {HEALTHY_WITHIN:?}; its log is {}",
                    self.log.display()
                );
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Whether an emulator answers at this address.
pub(crate) fn is_healthy(endpoint: &str) -> bool {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).build().into();
    agent.get(format!("{endpoint}/_ministack/health")).call().is_ok()
}

/// Whether this process is an emulator that was started here, and not another that got its number.
pub(crate) fn is_ours(pid: u32) -> bool {
    let arguments = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let ps = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
        ps.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&arguments).contains(STARTER)
}

/// Stops an emulator and the functions it runs, which are its process group.
pub(crate) fn stop(pid: u32) {
    if !is_ours(pid) {
        return;
    }
    signal("TERM", pid);
    let asked = Instant::now();
    while is_ours(pid) && asked.elapsed() < STOPPED_WITHIN {
        sleep(Duration::from_millis(50));
    }
    // Functions in the middle of a call may have outlived the server.
    signal("KILL", pid);
}

fn signal(name: &str, group: u32) {
    // A group that is gone already is what was wanted.
    let _ = Command::new("sh").args(["-c", &format!("kill -{name} -{group} 2>/dev/null")]).status();
}

/// Makes a command's AWS clients talk to an emulator, whatever the user's own configuration says.
pub(crate) fn point_at(command: &mut Command, endpoint: &str) {
    for own in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"] {
        command.env_remove(own);
    }
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
}

fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback interface")?;
    Ok(listener.local_addr()?.port())
}
