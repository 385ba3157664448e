//! What a command costs.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::Failure;

/// What a command took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Seconds of processor time, its own and the kernel's for it.
    pub(crate) cpu: f64,
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// The most memory that it took up, in MiB.
    pub(crate) peak: f64,
}

/// Runs a command, which must succeed, under GNU time.
pub(super) fn run(work: &Path, line: &[String]) -> Result<Cost, Failure> {
    let (figures, errors) = (work.join("figures"), work.join("errors"));
    let failed = |error: std::io::Error| Failure::Check(format!("{}: {error}", work.display()));
    let status = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%U %S %e %M", "-o"])
        .arg(&figures)
        .args(line)
        .current_dir(work)
        // Its own, so that nobody's credentials are looked up.
        .env("HOME", work)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&errors).map_err(failed)?)
        .status()
        .map_err(|source| Failure::Start {
            program: "/usr/bin/time (GNU time)".to_owned(),
            source,
        })?;
    if !status.success() {
        let errors = fs::read_to_string(&errors).unwrap_or_default();
        return Err(Failure::Check(format!("{}: {status}\n{errors}", line.join(" "))));
    }
    let text = fs::read_to_string(&figures).map_err(failed)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [user, system, wall, kib] = numbers[..] else {
        return Err(Failure::Check(format!("GNU time printed {text:?}")));
    };
    Ok(Cost {
        cpu: user + system,
        wall,
        peak: kib / 1024.0,
    })
}

/// The middle of each figure.
pub(super) fn median(costs: &[Cost]) -> Cost {
    let middle = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    Cost {
        cpu: middle(|cost| cost.cpu),
        wall: middle(|cost| cost.wall),
        peak: middle(|cost| cost.peak),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_by_figure() {
        let cost = |cpu, wall, peak| Cost { cpu, wall, peak };
        let median = median(&[cost(1.0, 9.0, 5.0), cost(3.0, 7.0, 6.0), cost(2.0, 8.0, 4.0)]);
        assert_eq!((median.cpu, median.wall, median.peak), (2.0, 8.0, 5.0));
    }
}
