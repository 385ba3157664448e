//! The figures as a picture.

use std::fmt::Write as _;

use super::Result;

const WIDTH: usize = 860;
const BAR: usize = 14;
const LEFT: usize = 170;
const COLUMN: usize = 215;

/// Bars for processor time, wall time and memory of each program in each job, as an SVG.
pub(super) fn draw(results: &[Result]) -> String {
    let mut body = String::new();
    let mut y = 40;
    for (at, title) in ["CPU, s", "wall, s", "peak memory, MiB"].into_iter().enumerate() {
        let x = LEFT + at * (COLUMN + 15);
        let _ = writeln!(body, "<text x=\"{x}\" y=\"24\" class=\"h\">{title}</text>");
    }
    let mut job = "";
    for result in results {
        if result.job != job {
            job = result.job;
            y += 10;
            let _ = writeln!(
                body,
                "<text x=\"10\" y=\"{}\" class=\"h\">{job}</text>",
                y + BAR - 3
            );
        }
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{}\" class=\"e\">{}</text>",
            LEFT - 8,
            y + BAR - 3,
            result.program
        );
        let figures: [fn(&Result) -> f64; 3] = [|r| r.cost.cpu, |r| r.cost.wall, |r| r.cost.peak];
        for (at, figure) in figures.into_iter().enumerate() {
            let most = results
                .iter()
                .filter(|other| other.job == job)
                .map(figure)
                .fold(0.01, f64::max);
            #[expect(clippy::cast_precision_loss, reason = "pixels")]
            let width = figure(result) / most * (COLUMN - 50) as f64;
            let (x, value) = (LEFT + at * (COLUMN + 15), figure(result));
            let class = if result.program == "crane" {
                "ours"
            } else {
                "theirs"
            };
            let _ = writeln!(
                body,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" class=\"{class}\"/>",
                BAR - 3
            );
            #[expect(clippy::cast_precision_loss, reason = "pixels")]
            let text = x as f64 + width + 4.0;
            let digits = if at == 2 { 0 } else { 2 };
            let _ = writeln!(
                body,
                "<text x=\"{text:.1}\" y=\"{}\">{value:.digits$}</text>",
                y + BAR - 4
            );
        }
        y += BAR;
    }
    let height = y + 16;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <style>text{{font:11px sans-serif;fill:#333}}.h{{font-weight:bold}}.e{{text-anchor:end}}.ours{{fill:#2a7}}.theirs{{fill:#aab}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::measure::Cost;

    #[test]
    fn every_figure_has_a_bar() {
        let result = |program, cpu| Result {
            job: "pull",
            program,
            cost: Cost {
                cpu,
                wall: 2.0,
                peak: 30.0,
            },
        };
        let drawn = draw(&[result("crane", 1.0), result("skopeo", 2.0)]);
        assert_eq!(drawn.matches("class=\"ours\"").count(), 3);
        assert_eq!(drawn.matches("class=\"theirs\"").count(), 3);
        // Half of the widest.
        assert!(
            drawn.contains("width=\"82.5\"") && drawn.contains("width=\"165.0\""),
            "{drawn}"
        );
    }
}
