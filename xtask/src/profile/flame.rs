//! Draws a flame graph: each function is a bar as wide as its share of the instructions, with the
//! functions inlined into it above. The result is one SVG file without dependencies; hovering over
//! a bar shows its full name.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::attribution::Profile;
use crate::bench::table::number;
use crate::svg::escape;

/// The size of the drawing, in SVG user units.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 18.0;
const MARGIN: f64 = 10.0;
const TITLE: f64 = 30.0;

/// The width of a character, and of the narrowest bar that is drawn.
const CHARACTER: f64 = 6.6;
const NARROWEST: f64 = 0.5;

/// A function, and the functions that are inlined into it.
#[derive(Debug, Default)]
struct Bar {
    count: f64,
    above: BTreeMap<String, Bar>,
}

impl Bar {
    fn height(&self) -> usize {
        let above = self.above.values().map(Self::height).max();
        above.map_or(0, |height| height + 1)
    }
}

/// Draws a profile as an SVG file.
#[must_use]
pub fn svg(title: &str, profile: &Profile) -> String {
    let mut root = Bar::default();
    for (chain, &count) in &profile.chains {
        root.count += count;
        let mut bar = &mut root;
        for function in chain {
            bar = bar.above.entry(function.clone()).or_default();
            bar.count += count;
        }
    }
    let height = TITLE + 2.0 * MARGIN + ROW * root.height() as f64;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"20\" font-size=\"14\">{}: {} instructions</text>",
        escape(title),
        number(root.count),
    );
    if root.count > 0.0 {
        let scale = (WIDTH - 2.0 * MARGIN) / root.count;
        row(&mut svg, &root, MARGIN, height - MARGIN, scale, root.count);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws the bars above `below`, whose upper edge is at `bottom` and whose left edge is at `left`.
fn row(svg: &mut String, below: &Bar, left: f64, bottom: f64, scale: f64, total: f64) {
    let mut x = left;
    for (name, bar) in &below.above {
        let width = bar.count * scale;
        if width >= NARROWEST {
            draw(svg, name, bar, [x, bottom - ROW, width], total);
            row(svg, bar, x, bottom - ROW, scale, total);
        }
        x += width;
    }
}

fn draw(svg: &mut String, name: &str, bar: &Bar, [x, y, width]: [f64; 3], total: f64) {
    let room = (width / CHARACTER) as usize;
    let shown = if room < 3 { "" } else { first(name, room) };
    let _ = writeln!(
        svg,
        "<g><title>{}: {} instructions, {:.1} %</title>\
         <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{}\" \
         stroke=\"#ffffff\" stroke-width=\"0.5\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        escape(name),
        number(bar.count),
        100.0 * bar.count / total,
        ROW,
        colour(name),
        x + 2.0,
        y + 13.0,
        escape(shown),
    );
}

/// Returns the first characters of a name.
fn first(name: &str, characters: usize) -> &str {
    let end = name.char_indices().nth(characters);
    &name[..end.map_or(name.len(), |(at, _)| at)]
}

/// Returns the colour of a name, between yellow and red; the same name always gets the same colour.
fn colour(name: &str) -> String {
    let hash = name.bytes().fold(0u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let (green, blue) = (100 + hash % 120, hash / 120 % 60);
    format!("#f0{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::tests::is_well_formed;

    fn profile() -> Profile {
        let chain = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let mut profile = Profile::default();
        profile.chains.insert(chain(&["main", "a<T>::b"]), 30.0);
        profile.chains.insert(chain(&["main", "c & d"]), 10.0);
        profile.chains.insert(chain(&["memcpy"]), 60.0);
        profile
    }

    #[test]
    fn the_drawing_is_well_formed_and_names_what_it_shows() {
        let svg = svg("board, udp", &profile());
        is_well_formed(&svg);
        assert!(
            svg.contains("<title>a&lt;T&gt;::b: 30.0 instructions, 30.0 %</title>"),
            "{svg}"
        );
        assert!(
            svg.contains("<title>main: 40.0 instructions, 40.0 %</title>"),
            "{svg}"
        );
        assert!(svg.contains("board, udp: 100.0 instructions"), "{svg}");
    }

    #[test]
    fn what_is_inlined_stands_above_what_it_is_inlined_into() {
        let svg = svg("t", &profile());
        let y = |name: &str| -> f64 {
            let (_, rest) = svg.split_once(&format!("<title>{name}")).unwrap();
            let (_, rest) = rest.split_once(" y=\"").unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        assert_eq!(y("main"), y("memcpy"));
        assert_eq!(y("main") - ROW, y("c &amp; d"));
    }

    #[test]
    fn a_profile_of_nothing_is_drawn_too() {
        is_well_formed(&svg("nothing", &Profile::default()));
    }

    #[test]
    fn a_long_name_is_cut_at_its_end() {
        assert_eq!(first("turn in kernel", 4), "turn");
        assert_eq!(first("é", 4), "é");
    }
}
