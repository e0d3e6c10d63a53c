//! What `build_info` can't know at run time: the target, the profile, and the versions that Cargo.lock fixed.

use std::{env, error::Error, fs, path::Path};

const LOCK: &str = "../../Cargo.lock";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={LOCK}");
    let lock = fs::read_to_string(LOCK)?;
    for (variable, package) in [
        ("PENSTOCK_ARROW", "arrow-array"),
        ("PENSTOCK_PARQUET", "parquet"),
    ] {
        let version = locked(&lock, package).ok_or_else(|| format!("{LOCK} has no {package}"))?;
        println!("cargo::rustc-env={variable}={version}");
    }
    println!("cargo::rustc-env=PENSTOCK_TARGET={}", env::var("TARGET")?);
    println!(
        "cargo::rustc-env=PENSTOCK_PROFILE={}",
        profile(&env::var("OUT_DIR")?)?
    );
    Ok(())
}

fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.contains(&format!("name = \"{package}\"\n")))?;
    entry
        .lines()
        .find_map(|line| line.strip_prefix("version = "))?
        .split('"')
        .nth(1)
}

/// Cargo tells a build script whether the profile inherits `release`, but not its name: that is a part of the path
/// `target/[TARGET/]PROFILE/build/PACKAGE/out`.
fn profile(out: &str) -> Result<String, Box<dyn Error>> {
    let name = Path::new(out)
        .ancestors()
        .nth(3)
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    Ok(name
        .ok_or("OUT_DIR is not in a target directory")?
        .to_owned())
}
