//! `meshhook render`: how a message would look.

use clap::{Args, ValueEnum};
use meshhook_model::BuildStatus;
use meshhook_render::{Format, Style, message, terminal};
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::reading::{ReadArgs, Understood};

/// Show how the message of a body would look
#[derive(Args)]
pub(crate) struct Render {
    /// Show this form of the message's text instead of a preview; with --json, what the content is rendered as
    #[arg(long)]
    format: Option<Form>,
    /// Print the Matrix event's content
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Html,
    Plain,
}

impl Form {
    fn style(self) -> Style {
        let format = match self {
            Self::Html => Format::Html,
            Self::Plain => Format::Plain,
        };
        Style { format, ..Style::default() }
    }

    /// The text of this form in a message's content.
    fn text(self, content: &Map<String, Value>) -> Option<&str> {
        let key = match self {
            Self::Html => "formatted_body",
            Self::Plain => "body",
        };
        content.get(key)?.as_str()
    }
}

impl Render {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let status = self.status()?;
        match self.format {
            _ if self.json => output.json(&message(&status, &self.style()).content),
            None => output.raw(&terminal(&status, &self.style(), output.colour)),
            Some(form) => {
                let content = message(&status, &form.style()).content;
                output.raw(&format!("{}\n", form.text(&content).unwrap_or_default()))
            }
        }
    }

    fn style(&self) -> Style {
        self.format.map_or_else(Style::default, Form::style)
    }

    fn status(&self) -> Result<BuildStatus, Failure> {
        match self.read.understood()? {
            Understood::Event(status) => Ok(status),
            Understood::Silent { reading, reason, .. } => Err(Failure::new(
                Exit::NotSo,
                format!("no message is made of it: {reading} ({reason})"),
                "meshhook normalize prints what could be read of it",
            )),
        }
    }
}
