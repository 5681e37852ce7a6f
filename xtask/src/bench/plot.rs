//! Plots of a run: the distribution of round-trip times, and the cost of a datagram by the number
//! in flight.

use core::fmt::Write as _;

use super::sheet::{Column, Sheet};
use super::table::number;
use super::timing::quantile;
use crate::svg::escape;

/// The size of the plot and of its margins, in SVG user units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 50.0;

/// The colours of the lines. They repeat if there are more programs.
const COLOURS: [&str; 5] = ["#1f6fb4", "#d9730d", "#2f8f4e", "#a23b72", "#555555"];

/// The shares of round trips with a mark on the axis.
const SHARES: [(f64, &str); 6] = [
    (0.0, "0"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (1.0, "all"),
];

/// A plot with one line for each program.
struct Plot<'a> {
    title: String,
    /// The titles of the horizontal and the vertical axis.
    axes: [&'a str; 2],
    /// The positions and labels of the marks on the horizontal axis.
    marks: Vec<(f64, String)>,
    /// Each program with its points. Both axes start at 0.
    lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

/// Plots the round-trip times of a small datagram: the share of round trips below each time.
#[must_use]
pub fn latency(sheet: &Sheet) -> Option<String> {
    let points = |column: &Column| -> Vec<(f64, f64)> {
        let mut trips = column.trips.clone();
        trips.sort_by(f64::total_cmp);
        // As many points for the last tenth as for the first nine tenths.
        let shares = (0..=400).map(|step| 1.0 - 10_f64.powf(-f64::from(step) / 100.0));
        shares
            .map(|share| (stretched(share), quantile(&trips, share)))
            .collect()
    };
    let measured = sheet.columns.iter().filter(|one| !one.trips.is_empty());
    let lines: Vec<_> = measured
        .map(|column| (column.side.as_str(), points(column)))
        .collect();
    let marks = SHARES.map(|(share, name)| (stretched(share), name.to_owned()));
    draw(&Plot {
        title: format!(
            "{}, {}: UDP round trip, 64 B",
            sheet.board, sheet.attachment
        ),
        axes: ["share of round trips", "microseconds at most"],
        marks: marks.to_vec(),
        lines,
    })
}

/// Returns the position of a share on an axis where each additional nine takes the same space.
fn stretched(share: f64) -> f64 {
    -(1.0 - share).max(1e-4).log10()
}

/// Plots the cost of a datagram by the number in flight.
#[must_use]
pub fn load(sheet: &Sheet) -> Option<String> {
    let right = |window: usize| (window as f64).log2();
    let measured = sheet.columns.iter().filter(|one| !one.load.is_empty());
    let lines: Vec<_> = measured
        .map(|column| {
            let points = column.load.iter();
            let points = points.map(|&(window, cost)| (right(window), cost));
            (column.side.as_str(), points.collect())
        })
        .collect();
    let windows = sheet.columns.first()?.load.iter();
    draw(&Plot {
        title: format!(
            "{}, {}: cost of an echoed datagram, 64 B",
            sheet.board, sheet.attachment
        ),
        axes: ["datagrams in flight", "instructions"],
        marks: windows
            .map(|&(window, _)| (right(window), window.to_string()))
            .collect(),
        lines,
    })
}

/// Draws the plot; `None` if there is no data.
fn draw(plot: &Plot<'_>) -> Option<String> {
    let points = || plot.lines.iter().flat_map(|(_, points)| points);
    let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let right = plot
        .marks
        .iter()
        .map(|(at, _)| *at)
        .fold(most(|point| point.0), f64::max);
    let highest = most(|point| point.1);
    if right <= 0.0 || highest <= 0.0 {
        return None;
    }
    let step = step(highest);
    let top = (highest / step).ceil() * step;
    let x = |at: f64| LEFT + at / right * (WIDTH - LEFT - RIGHT);
    let y = |at: f64| HEIGHT - BOTTOM - at / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>",
        escape(&plot.title)
    );
    let mut tick = 0.0;
    while tick <= top * 1.001 {
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{1}\" y2=\"{0:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            y(tick),
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(tick) + 4.0,
            number(tick),
        );
        tick += step;
    }
    for (at, name) in &plot.marks {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(*at),
            HEIGHT - BOTTOM + 16.0,
            escape(name),
        );
    }
    let [to_the_right, upwards] = plot.axes.map(escape);
    let _ = writeln!(
        svg,
        "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{to_the_right}</text>\
         <text x=\"{LEFT}\" y=\"{2}\">{upwards}</text>",
        WIDTH - RIGHT,
        HEIGHT - 12.0,
        TOP - 10.0,
    );
    for (number, (side, points)) in plot.lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line: Vec<String> = points
            .iter()
            .map(|&(right, up)| format!("{:.1},{:.1}", x(right), y(up)))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
            line.join(" "),
            LEFT + 12.0,
            TOP + 14.0 + 16.0 * number as f64,
            escape(side),
        );
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// Returns the distance between grid lines: 1, 2 or 5 times a power of ten, for a few lines.
fn step(highest: f64) -> f64 {
    let power = 10_f64.powf(highest.log10().floor());
    let steps = [0.2, 0.5, 1.0, 2.0].map(|factor| factor * power);
    let fitting = steps.into_iter().find(|step| highest / step <= 6.0);
    fitting.unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::super::sheet::tests::sheet;
    use super::*;
    use crate::svg::tests::is_well_formed;

    #[test]
    fn each_drawing_is_well_formed_and_has_a_line_for_each_side() {
        let sheet = sheet(&[("vmos", 100.0), ("a < b", 50.0)]);
        for drawing in [latency(&sheet), load(&sheet)] {
            let svg = drawing.unwrap();
            is_well_formed(&svg);
            assert_eq!(svg.matches("<polyline").count(), 2, "{svg}");
            assert!(svg.contains(">a &lt; b</text>"), "{svg}");
        }
    }

    #[test]
    fn missing_values_are_not_drawn() {
        let mut sheet = sheet(&[("vmos", 100.0)]);
        sheet.columns[0].trips.clear();
        sheet.columns[0].load.clear();
        assert_eq!((latency(&sheet), load(&sheet)), (None, None));
    }

    #[test]
    fn the_grid_has_a_few_round_lines() {
        assert_eq!(
            [step(1.0), step(9.0), step(45.0), step(1200.0)],
            [0.2, 2.0, 10.0, 200.0]
        );
    }
}
