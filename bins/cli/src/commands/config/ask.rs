//! Answers: given by flags, else asked for on a terminal, else as they are by default.

use meshhook_config::{Setting, SettingError};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::prompt;

/// Who answers what no flag says.
pub(super) struct Asker<'o, 'w> {
    output: &'o Output<'w>,
    /// Whether somebody is there to be asked.
    pub(super) asks: bool,
}

/// A question, and the flag that answers it as well.
pub(super) struct Question<'q> {
    pub(super) text: &'q str,
    pub(super) flag: &'q str,
    pub(super) default: Option<&'q str>,
}

/// Why an answer does not do, and what would.
pub(super) struct Wrong {
    message: String,
    hint: String,
}

impl From<SettingError> for Wrong {
    fn from(error: SettingError) -> Self {
        Self { message: error.to_string(), hint: error.hint().to_owned() }
    }
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl<'o, 'w> Asker<'o, 'w> {
    pub(super) fn new(output: &'o Output<'w>, asks: bool) -> Self {
        Self { output, asks }
    }

    /// The first answer that `read` takes; of nobody, the default.
    pub(super) fn answer<T>(
        &self,
        question: &Question<'_>,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Result<T, Failure> {
        loop {
            let answer = if self.asks { self.line(question)? } else { String::new() };
            let answer = if answer.is_empty() { question.default.unwrap_or_default() } else { &answer };
            if answer.is_empty() && !self.asks {
                return Err(unanswered(question));
            }
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(Wrong { message, hint }) if self.asks => self.output.error(&message, &hint),
                Err(Wrong { message, hint }) => return Err(Failure::new(Exit::Usage, message, hint)),
            }
        }
    }

    /// What `flag` says, else the answer, checked as that setting.
    pub(super) fn setting(
        &self,
        flag: Option<&String>,
        question: &Question<'_>,
        setting: Setting,
    ) -> Result<String, Failure> {
        match flag {
            Some(given) => Ok(given.clone()),
            None => self.answer(question, |text| Ok(setting.check(text).map(|()| text.to_owned())?)),
        }
    }

    fn line(&self, question: &Question<'_>) -> Result<String, Failure> {
        let default = question.default.map(|default| format!(" [{default}]")).unwrap_or_default();
        let asked = format!("{}{default}:", question.text);
        prompt::line(&asked, self.output).ok_or_else(|| unanswered(question))
    }
}

fn unanswered(question: &Question<'_>) -> Failure {
    let hint = format!("write {}, or answer the questions on a terminal", question.flag);
    Failure::new(Exit::Usage, format!("not told: {}", question.text), hint)
}
