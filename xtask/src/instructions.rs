//! `cargo xtask instructions`: how many instructions verify and admit take, counted by callgrind and compared with
//! what is committed. A count is the same on a busy machine, so it can be checked where a time cannot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::process;
use crate::{Outcome, Workspace};

/// The committed counts, from the root.
const BASELINE: &str = "benches/instructions.txt";

/// By so much a count may differ, as a part of what is committed.
const TOLERANCE: f64 = 0.02;

/// What is counted: stage, payload and size in KiB, as `benches/examples/instructions.rs` reads them.
const CASES: [&str; 12] = [
    "hmac any 20",
    "verify any 1",
    "verify any 20",
    "verify any 1024",
    "normalize workflow_run 20",
    "render workflow_run 20",
    "admit workflow_run 1",
    "admit workflow_run 20",
    "admit workflow_run 100",
    "admit workflow_job 20",
    "admit pipeline 20",
    "admit pipeline 100",
];

/// One number of times and another: the start of the program is in both, and in the difference it is not.
const TIMES: [u32; 2] = [2, 12];

const HEAD: &str = "\
# Instructions of one call, counted by callgrind, which shows a program no SHA extensions: so hashing weighs more here
# than on a processor that has them. Written by `cargo xtask instructions --write`, compared by `cargo xtask ci`.
";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let write = match arguments {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => return Err("instructions takes --write and nothing else".to_owned()),
    };
    if let Some(missing) = missing() {
        return Err(missing);
    }
    let counts = count_all(workspace)?;
    let file = workspace.root.join(BASELINE);
    if write {
        let text = written(&toolchain()?, &counts);
        return fs::write(&file, text).map_err(|e| format!("cannot write {BASELINE}: {e}"));
    }
    let baseline = fs::read_to_string(&file).map_err(|e| format!("cannot read {BASELINE}: {e}"))?;
    let baseline = Baseline::read(&baseline)?;
    print(&baseline, &counts);
    conclude(&baseline, &toolchain()?, &counts)
}

/// Why nothing can be counted here.
pub(crate) fn missing() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output();
    let runs = output.is_ok_and(|output| output.status.success());
    (!runs).then(|| "there is no valgrind: apt-get install valgrind".to_owned())
}

/// What the counts depend on, beside the code.
fn toolchain() -> Outcome<String> {
    let rustc = process::output(Command::new("rustc").arg("-vV"))?;
    let line = |name: &str| rustc.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let valgrind = process::output(Command::new("valgrind").arg("--version"))?;
    Ok(format!("rustc {} {}, {}", line("release: "), line("host: "), valgrind.trim()))
}

type Counts = BTreeMap<String, u64>;

fn count_all(workspace: &Workspace) -> Outcome<Counts> {
    let package = ["build", "--release", "-p", "meshhook-benches", "--example", "instructions"];
    process::run(workspace.cargo().args(package))?;
    CASES.iter().map(|case| Ok(((*case).to_owned(), count(workspace, case)?))).collect()
}

/// Instructions of one call.
fn count(workspace: &Workspace, case: &str) -> Outcome<u64> {
    let [few, many] = TIMES;
    let [less, more] = [counted(workspace, case, few)?, counted(workspace, case, many)?];
    Ok(more.saturating_sub(less) / u64::from(many - few))
}

fn counted(workspace: &Workspace, case: &str, times: u32) -> Outcome<u64> {
    let program = workspace.target.join("release/examples/instructions");
    let mut command = workspace.command("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args([case, &times.to_string()]);
    let output = command.output().map_err(|e| format!("cannot run valgrind: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said).filter(|_| output.status.success()).ok_or_else(|| format!("`{case}` failed:\n{said}"))
}

/// The number in `==4711== Collected : 123456`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// What is committed.
#[derive(Debug, PartialEq, Eq)]
struct Baseline {
    toolchain: String,
    counts: Counts,
}

impl Baseline {
    fn read(text: &str) -> Outcome<Self> {
        let mut baseline = Self { toolchain: String::new(), counts: Counts::new() };
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, value) =
                line.split_once(": ").ok_or_else(|| format!("{BASELINE}: no colon in `{line}`"))?;
            if name == "toolchain" {
                value.clone_into(&mut baseline.toolchain);
            } else {
                let count = value.trim().parse().map_err(|_| format!("{BASELINE}: no number in `{line}`"))?;
                baseline.counts.insert(name.to_owned(), count);
            }
        }
        Ok(baseline)
    }

    /// What is by more than the tolerance away from what is committed, or is not committed.
    fn faults(&self, counts: &Counts) -> Vec<String> {
        let fault = |(case, now): (&String, &u64)| match self.counts.get(case) {
            None => Some(format!("{case} is not committed")),
            Some(was) if change(*was, *now).abs() > TOLERANCE => {
                Some(format!("{case}: {:+.1} %", 100.0 * change(*was, *now)))
            }
            Some(_) => None,
        };
        counts.iter().filter_map(fault).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a count needs no more")]
fn change(was: u64, now: u64) -> f64 {
    (now as f64 - was as f64) / (was as f64).max(1.0)
}

fn written(toolchain: &str, counts: &Counts) -> String {
    let mut text = format!("{HEAD}toolchain: {toolchain}\n");
    for case in CASES {
        let _ = writeln!(text, "{case}: {}", counts[case]);
    }
    text
}

fn print(baseline: &Baseline, counts: &Counts) {
    for case in CASES {
        let now = counts[case];
        let against = baseline.counts.get(case).map(|was| format!("{:+.2} %", 100.0 * change(*was, now)));
        println!("  {case:<28}{now:>12}  {}", against.unwrap_or_default());
    }
}

fn conclude(baseline: &Baseline, toolchain: &str, counts: &Counts) -> Outcome {
    if baseline.toolchain != toolchain {
        println!("Not compared: {BASELINE} is of {}, and this is {toolchain}.", baseline.toolchain);
        return Ok(());
    }
    match &baseline.faults(counts)[..] {
        [] => Ok(()),
        faults => Err(format!(
            "{}: more than {} % from {BASELINE}. `cargo xtask instructions --write` commits to what is now",
            faults.join(", "),
            100.0 * TOLERANCE
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: u64) -> Counts {
        CASES.iter().map(|case| ((*case).to_owned(), of)).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let baseline = Baseline::read(&written("rustc 1.2.3", &counts(1000))).unwrap();
        assert_eq!(baseline, Baseline { toolchain: "rustc 1.2.3".to_owned(), counts: counts(1000) });
        assert!(Baseline::read("verify 12\n").is_err() && Baseline::read("verify: many\n").is_err());
    }

    #[test]
    fn more_than_the_tolerance_is_a_fault_either_way() {
        let baseline = Baseline { toolchain: "this one".to_owned(), counts: counts(1000) };
        assert!(conclude(&baseline, "this one", &counts(1020)).is_ok());
        assert!(conclude(&baseline, "this one", &counts(1021)).is_err());
        assert!(conclude(&baseline, "this one", &counts(979)).is_err());
        assert!(conclude(&baseline, "another", &counts(2000)).is_ok(), "another toolchain is not compared");
        let new = Counts::from([("new".to_owned(), 1)]);
        assert_eq!(baseline.faults(&new), ["new is not committed"]);
    }

    #[test]
    fn callgrinds_total_is_found() {
        assert_eq!(collected("==9== Events    : Ir\n==9== Collected : 1043367\n==9==\n"), Some(1_043_367));
        assert_eq!(collected("valgrind: no such file\n"), None);
    }
}
