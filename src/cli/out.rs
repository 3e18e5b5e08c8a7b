//! Terminal output of all commands, in one place. Text from elsewhere is always sanitized here.

use std::io::{self, BufRead, IsTerminal, Write};

use serde_json::Value;

use super::exit::{Failure, internal};
use crate::domain::fault::{Fault, grouped};
use crate::domain::text::{clean, is_safe};

/// The output streams of a command, and the input for its questions.
pub(crate) struct Out {
    answers: Box<dyn Write + Send>,
    remarks: Box<dyn Write + Send>,
    questions: Option<Box<dyn BufRead + Send>>,
    /// True if the reader of standard output has closed it.
    gone: bool,
    /// True if the output is one JSON document.
    pub json: bool,
}

impl Out {
    /// The process's own streams. Questions are asked only if an operator can see and answer them.
    pub(crate) fn process(json: bool) -> Self {
        let person = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            answers: Box::new(io::stdout()),
            remarks: Box::new(io::stderr()),
            questions: person.then(|| Box::new(io::BufReader::new(io::stdin())) as Box<dyn BufRead + Send>),
            gone: false,
            json,
        }
    }

    /// Streams of a test.
    #[cfg(test)]
    pub(crate) fn to(
        answers: Box<dyn Write + Send>,
        remarks: Box<dyn Write + Send>,
        typed: Option<&'static str>,
    ) -> Self {
        let questions = typed.map(|typed| Box::new(io::Cursor::new(typed)) as Box<dyn BufRead + Send>);
        Self { answers, remarks, questions, gone: false, json: false }
    }

    /// Returns true if an operator can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.questions.is_some()
    }

    /// Returns true if the reader has closed standard output, so a command that writes continuously may stop.
    pub(crate) fn gone(&self) -> bool {
        self.gone
    }

    /// Writes lines to standard output.
    pub(crate) fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.answer(&lines(text))
    }

    /// Writes trusted text unchanged: in a script a tab must stay a tab.
    pub(crate) fn script(&mut self, text: &str) -> Result<(), Failure> {
        self.answer(text.trim_end())
    }

    /// Writes lines to standard error. A closed standard error is no reason to stop.
    pub(crate) fn remark(&mut self, text: &str) {
        // Nothing is left to report a failed write to.
        let _ = write(&mut self.remarks, &lines(text));
    }

    /// Says what could not be read, a line for each kind of failure.
    pub(crate) fn remark_unread(&mut self, faults: &[Fault]) {
        grouped(faults).iter().for_each(|line| self.remark(&format!("not read: {line}")));
    }

    /// Writes one document to standard output, in whole lines; characters that could harm a terminal become ASCII
    /// escapes.
    pub(crate) fn document(&mut self, document: &Value) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document).map_err(|error| internal("cannot write JSON", error))?;
        // Apart from the line breaks between members, unsafe characters occur only in strings.
        self.answer(&safe(&text))
    }

    /// Writes one document of a series, on a line of its own.
    pub(crate) fn event(&mut self, document: &Value) -> Result<(), Failure> {
        let text = serde_json::to_string(document).map_err(|error| internal("cannot write JSON", error))?;
        self.answer(&safe(&text))
    }

    fn answer(&mut self, text: &str) -> Result<(), Failure> {
        match write(&mut self.answers, text) {
            // `tidegate status | head`: the reader has closed the pipe, which is not a failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            result => result.map_err(|error| internal("cannot write the answer", error)),
        }
    }

    /// Asks a question and reads one line. `None`: no operator can be asked, or the input has ended.
    pub(crate) fn ask(&mut self, question: &str) -> Option<String> {
        let questions = self.questions.as_mut()?;
        write!(self.remarks, "{} ", clean(question)).and_then(|()| self.remarks.flush()).ok()?;
        let mut line = String::new();
        questions.read_line(&mut line).ok().filter(|read| *read > 0)?;
        Some(line.trim().to_owned())
    }
}

/// A character as JSON's ASCII escape.
fn escape(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn safe(json: &str) -> String {
    json.chars().map(|c| if c == '\n' || is_safe(c) { c.to_string() } else { escape(c) }).collect()
}

fn lines(text: &str) -> String {
    text.lines().map(|line| clean(line).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Writes a line and flushes it, so that a waiting reader gets it at once.
fn write(to: &mut Box<dyn Write + Send>, text: &str) -> io::Result<()> {
    writeln!(to, "{text}").and_then(|()| to.flush())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A buffer that keeps the written text for a test.
    #[derive(Clone, Default)]
    pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn hostile_text_is_defused_in_lines_and_in_documents() {
        let paper = Paper::default();
        let mut out = Out::to(Box::new(paper.clone()), Box::new(Paper::default()), None);
        out.say("one\x1b[2J\ntwo\u{202e}").unwrap();
        let value = serde_json::json!({"name": "a\u{1b}[31m\u{9b}\u{202e}b\u{e0041}\n"});
        out.document(&value).unwrap();
        let text = paper.text();
        assert!(text.chars().all(|c| c == '\n' || is_safe(c)), "{text:?}");
        assert!(text.starts_with("one·[2J\ntwo·\n"));
        let again: Value = serde_json::from_str(text.split_once("·\n").unwrap().1).unwrap();
        assert_eq!(again, value);
    }

    #[test]
    fn nobody_to_ask_is_not_a_yes() {
        let mut alone = Out::to(Box::new(Paper::default()), Box::new(Paper::default()), None);
        assert_eq!(alone.ask("sure?"), None);
        let mut gone = Out::to(Box::new(Paper::default()), Box::new(Paper::default()), Some(""));
        assert_eq!(gone.ask("sure?"), None);
        let mut there = Out::to(Box::new(Paper::default()), Box::new(Paper::default()), Some("yes\n"));
        assert_eq!(there.ask("sure?").as_deref(), Some("yes"));
    }
}
