//! Curves as SVG: both axes by powers of ten, one line a series.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// What a name takes from top to bottom.
const LINE_HEIGHT: f64 = 14.0;
const COLOURS: [&str; 6] = [
    "#0b6e99", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#4b5563",
];

/// A line with a name.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points; what is not above zero is left out.
    pub points: Vec<(f64, f64)>,
}

/// The curves with their axes.
pub fn svg(title: &str, x_name: &str, y_name: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(visible);
    let x = Axis::over(points().map(|(x, _)| x), LEFT, WIDTH - RIGHT);
    let y = Axis::over(points().map(|(_, y)| y), HEIGHT - BOTTOM, TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut text = |x: f64, y: f64, anchor: &str, text: &str| {
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escaped(text)
        );
    };
    text(LEFT, TOP - 18.0, "start", title);
    text(WIDTH - RIGHT, HEIGHT - 12.0, "end", x_name);
    text(8.0, TOP - 4.0, "start", y_name);
    for (value, at) in x.ticks() {
        text(at, HEIGHT - BOTTOM + 18.0, "middle", &label(value));
    }
    for (value, at) in y.ticks() {
        text(LEFT - 8.0, at + 4.0, "end", &label(value));
    }
    for (at, line) in name_places(series, &y) {
        text(WIDTH - RIGHT + 8.0, at + 4.0, "start", &line.name);
    }
    grid(&mut svg, &x, &y);
    for (n, line) in series.iter().enumerate() {
        draw(&mut svg, line, COLOURS[n % COLOURS.len()], &x, &y);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where the names of the lines stand: at their ends, or below the name before where lines end close together.
fn name_places<'a>(series: &'a [Series], y: &Axis) -> Vec<(f64, &'a Series)> {
    let ends = series.iter().filter_map(|line| {
        let (_, last) = visible(line).last()?;
        Some((y.at(last), line))
    });
    let mut places: Vec<_> = ends.collect();
    places.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut free = f64::NEG_INFINITY;
    for (at, _) in &mut places {
        *at = at.max(free);
        free = *at + LINE_HEIGHT;
    }
    places
}

fn visible(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    let points = series.points.iter().copied();
    points.filter(|(x, y)| *x > 0.0 && *y > 0.0)
}

fn grid(svg: &mut String, x: &Axis, y: &Axis) {
    let mut line = |x1: f64, y1: f64, x2: f64, y2: f64| {
        let _ = writeln!(
            svg,
            "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"#ddd\"/>"
        );
    };
    for (_, at) in x.ticks() {
        line(at, TOP, at, HEIGHT - BOTTOM);
    }
    for (_, at) in y.ticks() {
        line(LEFT, at, WIDTH - RIGHT, at);
    }
}

fn draw(svg: &mut String, series: &Series, colour: &str, x: &Axis, y: &Axis) {
    let mut path = String::new();
    for (n, (px, py)) in visible(series).enumerate() {
        let command = if n == 0 { 'M' } else { 'L' };
        let (px, py) = (x.at(px), y.at(py));
        let _ = write!(path, "{command}{px:.1} {py:.1}");
        let _ = writeln!(
            svg,
            "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3\" fill=\"{colour}\"/>"
        );
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    );
}

/// Values on a line, by powers of ten.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low <= high {
            (low, high)
        } else {
            (1.0, 10.0)
        };
        let low = low.log10().floor();
        Self {
            low,
            high: high.log10().ceil().max(low + 1.0),
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.log10() - self.low) / (self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    /// 1, 2 and 5 of every power of ten.
    fn ticks(&self) -> Vec<(f64, f64)> {
        #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
        let powers = self.low as i32..=self.high as i32;
        let values = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(power)));
        let within = values.filter(|value| value.log10() <= self.high + 1e-9);
        within.map(|value| (value, self.at(value))).collect()
    }
}

fn label(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", value / 1e6)
    } else if value >= 1e3 {
        format!("{}k", value / 1e3)
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_at_even_distances() {
        let axis = Axis::over([3.0, 700.0].into_iter(), 0.0, 300.0);
        for (value, at) in [(1.0, 0.0), (10.0, 100.0), (1000.0, 300.0)] {
            assert!((axis.at(value) - at).abs() < 1e-9);
        }
        let ticks: Vec<String> = axis
            .ticks()
            .iter()
            .map(|(value, _)| label(*value))
            .collect();
        assert_eq!(ticks.join(" "), "1 2 5 10 20 50 100 200 500 1k");
    }

    #[test]
    fn names_of_lines_that_end_together_stand_apart() {
        let line = |name: &str, last: f64| Series {
            name: name.into(),
            points: vec![(1.0, 1.0), (2.0, last)],
        };
        let series = [line("low", 1.1), line("same", 99.0), line("high", 100.0)];
        let y = Axis::over([1.0, 100.0].into_iter(), 200.0, 0.0);
        let places = name_places(&series, &y);
        let names: Vec<&str> = places.iter().map(|(_, line)| line.name.as_str()).collect();
        assert_eq!(names, ["high", "same", "low"]);
        assert!(places.is_sorted_by(|(a, _), (b, _)| a + LINE_HEIGHT <= *b));
    }

    #[test]
    fn a_picture_has_its_lines_and_names() {
        let series = Series {
            name: "p99 <sends>".into(),
            points: vec![(0.0, 1.0), (10.0, 0.5), (100.0, 5.0)],
        };
        let picture = svg("Sends & more", "a second", "ms", &[series]);
        assert_eq!(picture.matches("<circle").count(), 2, "{picture}");
        assert!(picture.contains("p99 &lt;sends>") && picture.contains("Sends &amp; more"));
        assert!(svg("", "", "", &[]).ends_with("</svg>\n"));
    }
}
