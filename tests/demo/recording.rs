//! A recording of a terminal as an SVG that plays by itself: login, `get`, and a refresh that
//! nobody asked for.
//!
//! Every screen is what tokctl printed on a real terminal during this run. Only what differs from
//! run to run is replaced or cut off: the port of the made-up service, and the end of an address.

use std::fmt::Write as _;

use crate::authorization_server::{AuthorizationServer, issue};
use crate::stage::Stage;

/// The size of the terminal, in characters.
const COLUMNS: u16 = 78;
const ROWS: u16 = 20;

/// The size of a character, in pixels.
const CELL: (u16, u16) = (9, 20);

/// The room around the text, in pixels.
const MARGIN: u16 = 16;

/// How long a command takes to be typed, its output to be read, and the end to be looked at, in
/// seconds.
const TYPING: f32 = 1.0;
const READING: f32 = 2.2;
const LOOKING: f32 = 5.0;

/// The colours of a terminal: black, red, green, yellow, blue, magenta, cyan, white.
const PALETTE: [&str; 8] =
    ["#484f58", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3"];

/// A line of the screen as SVG, and the time in seconds at which it appears.
struct Line {
    at: f32,
    svg: String,
}

/// Plays the story and returns the recording.
pub(crate) fn record(stage: &Stage) -> String {
    let server = AuthorizationServer::start();
    stage.write("acme.toml", &server.definition());
    let key = stage.output("key generate");
    stage.write("vault.key", &key);
    let address = server.url("");
    let authority = address.trim_start_matches("http://").trim_end_matches('/');

    let mut recording = Recording { lines: Vec::new(), now: 0.5, authority };
    server.will_log_in(issue().expires_in(0));
    recording.command(stage, "login acme --user you@example.com");
    recording.command(stage, "list");
    recording.remark("# The token has come to its end. That is seen to when it is asked for:");
    server.will(issue());
    recording.command(stage, "get acme --verbose");
    recording.remark("# From now on, it is printed without a request:");
    recording.command(stage, "get acme --verbose");
    let complaints = server.complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
    recording.svg()
}

struct Recording<'a> {
    lines: Vec<Line>,
    now: f32,
    authority: &'a str,
}

impl Recording<'_> {
    /// Runs a command on a terminal, and records the command and its screen.
    fn command(&mut self, stage: &Stage, arguments: &str) {
        self.add(format!(
            "{}{}",
            run("$ ", 0, "#8b949e", false),
            run(&format!("tokctl {arguments}"), 2, "#e6edf3", true,)
        ));
        self.now += TYPING;
        let shown = stage.on_a_terminal(arguments, (ROWS, COLUMNS));
        let shown = shown.replace(self.authority, "127.0.0.1:8080");
        let shown: Vec<String> = shown.split("\r\n").map(cut).collect();
        let shown = shown.join("\r\n");
        let mut emulator =
            vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0);
        emulator.process(shown.as_bytes());
        let screen = emulator.screen();
        let rows: Vec<String> = (0..ROWS).map(|row| row_as_svg(screen, row)).collect();
        let used = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        for row in rows.into_iter().take(used) {
            self.add(row);
        }
        self.now += READING;
    }

    fn remark(&mut self, text: &str) {
        self.add(String::new());
        self.add(run(text, 0, "#8b949e", false));
        self.now += TYPING;
    }

    fn add(&mut self, svg: String) {
        self.lines.push(Line { at: self.now, svg });
    }

    /// Returns the whole picture. Where it can't move, it shows the end.
    fn svg(&self) -> String {
        let total = self.now + LOOKING;
        let (width, height) = (
            COLUMNS * CELL.0 + 2 * MARGIN,
            u16::try_from(self.lines.len()).unwrap() * CELL.1 + 2 * MARGIN,
        );
        let (mut times, mut text) = (String::new(), String::new());
        for (number, Line { at, svg }) in self.lines.iter().enumerate() {
            let percent = 100.0 * at / total;
            let _ = writeln!(
                times,
                "@keyframes l{number} {{ 0% {{ opacity: 0 }} {percent:.2}% {{ opacity: 1 }} }}"
            );
            let top = MARGIN + u16::try_from(number).unwrap() * CELL.1 + 15;
            let _ = writeln!(
                text,
                "<g transform=\"translate({MARGIN} {top})\" style=\"animation-name: l{number}\">{svg}</g>"
            );
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <title>tokctl: a login, and a token that is renewed by itself</title>\n<style>\n\
             text {{ font: 15px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
             white-space: pre }}\n\
             g {{ animation: {total:.1}s step-end infinite }}\n\
             @media (prefers-reduced-motion: reduce) {{ g {{ animation: none }} }}\n\
             {times}</style>\n\
             <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n{text}</svg>\n"
        )
    }
}

/// Returns a line cut to the width of the terminal: the address of a login is longer, and different
/// each time.
fn cut(line: &str) -> String {
    let width = usize::from(COLUMNS);
    if line.contains('\u{1b}') || line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width - 1).chain(['…']).collect()
}

/// Returns a row of the screen, in runs of one colour.
fn row_as_svg(screen: &vt100::Screen, row: u16) -> String {
    let mut svg = String::new();
    let mut pending: Option<(String, u16, &str, bool)> = None;
    for column in 0..COLUMNS {
        let Some(cell) = screen.cell(row, column) else { break };
        let color = match cell.fgcolor() {
            vt100::Color::Idx(index) => PALETTE[usize::from(index % 8)],
            vt100::Color::Default | vt100::Color::Rgb(..) => "#c9d1d9",
        };
        let contents = if cell.has_contents() { cell.contents() } else { " " };
        match &mut pending {
            Some((text, _, same, bold)) if *same == color && *bold == cell.bold() => {
                text.push_str(contents);
            }
            _ => {
                let next = (contents.to_owned(), column, color, cell.bold());
                if let Some((text, at, color, bold)) = pending.replace(next) {
                    svg.push_str(&run(&text, at, color, bold));
                }
            }
        }
    }
    if let Some((text, at, color, bold)) = pending {
        svg.push_str(&run(&text, at, color, bold));
    }
    svg
}

/// Returns a text that begins at a column, as wide as on a terminal whatever the font.
fn run(text: &str, column: u16, color: &str, bold: bool) -> String {
    let text = text.trim_end();
    if text.is_empty() {
        return String::new();
    }
    let (left, width) = (column * CELL.0, text.chars().count() * usize::from(CELL.0));
    let weight = if bold { " font-weight=\"bold\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<text x=\"{left}\" textLength=\"{width}\" fill=\"{color}\"{weight}>{text}</text>")
}
