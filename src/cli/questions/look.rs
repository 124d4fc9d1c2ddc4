//! The colours of questions.

use console::Style;

/// The colours of questions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) colored: bool,
}

impl Look {
    pub(super) fn question(self, text: &str) -> String {
        self.style(&Style::new().bold(), text)
    }

    pub(super) fn marked(self, text: &str) -> String {
        self.style(&Style::new().cyan(), text)
    }

    pub(super) fn help(self, text: &str) -> String {
        self.style(&Style::new().dim(), text)
    }

    pub(super) fn reason(self, text: &str) -> String {
        self.style(&Style::new().red(), text)
    }

    fn style(self, style: &Style, text: &str) -> String {
        style.clone().force_styling(self.colored).apply_to(text).to_string()
    }
}
