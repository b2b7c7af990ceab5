//! Mail templates, compiled in and rendered here. A variable that is missing is an error, never an empty place in a letter.

use std::collections::BTreeMap;

use foundation::{
    locale::Locale,
    problem::{Kind, Problem},
};
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde_json::Value;

/// Steps a template may take, so that a loop in a campaign's text cannot run for ever.
const FUEL: u64 = 200_000;

/// The names of the values of a template.
pub type Variables = BTreeMap<String, Value>;

macro_rules! sources {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../infra/templates/", $name)))),*]
    };
}

const SOURCES: &[(&str, &str)] = sources!(
    "layout.es.html" "layout.en.html"
    "welcome.es.subject" "welcome.es.html" "welcome.es.txt"
    "welcome.en.subject" "welcome.en.html" "welcome.en.txt"
    "ticket-changed.es.subject" "ticket-changed.es.html" "ticket-changed.es.txt"
    "ticket-changed.en.subject" "ticket-changed.en.html" "ticket-changed.en.txt"
    "run-waiting.es.subject" "run-waiting.es.html" "run-waiting.es.txt"
    "run-waiting.en.subject" "run-waiting.en.html" "run-waiting.en.txt"
    "run-failed.es.subject" "run-failed.es.html" "run-failed.es.txt"
    "run-failed.en.subject" "run-failed.en.html" "run-failed.en.txt"
    "statements-published.es.subject" "statements-published.es.html" "statements-published.es.txt"
    "statements-published.en.subject" "statements-published.en.html" "statements-published.en.txt"
    "campaign.es.subject" "campaign.es.html" "campaign.es.txt"
    "campaign.en.subject" "campaign.en.html" "campaign.en.txt"
    "unsubscribe.es.html" "unsubscribe.en.html"
);

/// A mail template: its files are `<name>.<locale>.subject`, `.html` and `.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailTemplate {
    /// To a person who was registered.
    Welcome,
    /// To whom a ticket concerns.
    TicketChanged,
    /// To those who run the processes: one waits for an approval.
    RunWaiting,
    /// To those who run the processes: one stopped.
    RunFailed,
    /// To those who run the processes: statements are out.
    StatementsPublished,
    /// The frame of a campaign's own text.
    Campaign,
}

impl MailTemplate {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Welcome,
        Self::TicketChanged,
        Self::RunWaiting,
        Self::RunFailed,
        Self::StatementsPublished,
        Self::Campaign,
    ];

    /// The name of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::TicketChanged => "ticket-changed",
            Self::RunWaiting => "run-waiting",
            Self::RunFailed => "run-failed",
            Self::StatementsPublished => "statements-published",
            Self::Campaign => "campaign",
        }
    }
}

/// A rendered mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The text as HTML.
    pub html: String,
    /// The text, plain.
    pub text: String,
}

/// A template that cannot be read or rendered.
#[derive(Debug, thiserror::Error)]
#[error("the template {name} cannot be rendered: {source}")]
pub struct TemplateError {
    /// Which.
    pub name: String,
    /// What the template engine says, with the line.
    #[source]
    pub source: minijinja::Error,
}

impl Problem for TemplateError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
    fn code(&self) -> &'static str {
        "message.template"
    }
}

/// The compiled templates.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Reads all templates.
    pub fn new() -> Result<Self, TemplateError> {
        let mut environment = strict();
        for (name, source) in SOURCES {
            environment
                .add_template(name, source)
                .map_err(|source| TemplateError { name: (*name).to_owned(), source })?;
        }
        Ok(Self { environment })
    }

    /// The mail in `locale`.
    pub fn render(
        &self,
        template: MailTemplate,
        locale: Locale,
        variables: &Variables,
    ) -> Result<Rendered, TemplateError> {
        let stem = format!("{}.{}", template.name(), suffix(locale));
        let part = |kind: &str| self.file(&format!("{stem}.{kind}"), variables);
        Ok(Rendered { subject: one_line(&part("subject")?), html: part("html")?, text: part("txt")? })
    }

    /// The page on which somebody takes leave of campaigns.
    pub fn unsubscribe_page(&self, locale: Locale, variables: &Variables) -> Result<String, TemplateError> {
        self.file(&format!("unsubscribe.{}.html", suffix(locale)), variables)
    }

    fn file(&self, name: &str, variables: &Variables) -> Result<String, TemplateError> {
        let rendered = self
            .environment
            .get_template(name)
            .and_then(|template| template.render(minijinja::Value::from(Serde(variables))));
        rendered.map_err(|source| TemplateError { name: name.to_owned(), source })
    }
}

/// The names that `source` wants to know, or why it is no template.
pub fn wanted(source: &str) -> Result<Vec<String>, minijinja::Error> {
    let environment = strict();
    let mut names: Vec<_> =
        environment.template_from_str(source)?.undeclared_variables(false).into_iter().collect();
    names.sort();
    Ok(names)
}

/// A text of somebody's own with its variables filled in, as plain text.
pub fn fill(source: &str, variables: &Variables) -> Result<String, minijinja::Error> {
    strict().render_str(source, minijinja::Value::from(Serde(variables)))
}

/// `text` without line breaks and other control characters, which have no place in a header.
pub fn one_line(text: &str) -> String {
    text.split(char::is_control).flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn strict() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

fn suffix(locale: Locale) -> &'static str {
    match locale {
        Locale::Es => "es",
        Locale::En => "en",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let values = json!({
            "company": "Ceiba", "name": "Ana <Ruiz>", "number": "P1", "link": "https://x.example/a?b=1",
            "change": "replied", "state_name": "Abierto", "subject": "Sin\nentregar", "ticket": "T1", "text": "uno\ndos",
            "process": "monthly", "cycle": "2026-10", "run": "R1", "step": "pay", "reason": "falta el archivo",
            "paragraphs": [["Hola, Ana:"], ["uno", "dos"]], "unsubscribe_link": "https://x.example/u",
        });
        serde_json::from_value(values).unwrap()
    }

    #[test]
    fn every_template_renders_in_both_languages_and_misses_no_variable_silently() {
        let templates = Templates::new().unwrap();
        for template in MailTemplate::ALL {
            for locale in [Locale::Es, Locale::En] {
                let rendered = templates.render(*template, locale, &variables()).unwrap();
                assert!(!rendered.subject.is_empty() && !rendered.subject.contains('\n'), "{template:?}");
                assert!(
                    rendered.html.contains("</html>") && !rendered.html.contains("Ana <Ruiz>"),
                    "{template:?}"
                );
                assert!(rendered.text.contains("Ceiba"), "{template:?}");
                let stem = format!("{}.{}", template.name(), suffix(locale));
                for kind in ["subject", "html", "txt"] {
                    let name = format!("{stem}.{kind}");
                    let file = templates.environment.get_template(&name).unwrap();
                    let mut names: Vec<_> = file.undeclared_variables(false).into_iter().collect();
                    names.sort();
                    for missing in names {
                        let mut others = variables();
                        others.remove(&missing);
                        // A branch that is not taken does not look at its variables.
                        let branch = template == &MailTemplate::TicketChanged && missing == "state_name";
                        assert!(
                            branch || templates.file(&name, &others).is_err(),
                            "{name} without {missing}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_loop_without_end_runs_out_of_fuel() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(fill(endless, &Variables::new()).is_err());
        assert!(fill("{{ nobody }}", &Variables::new()).is_err());
        assert_eq!(fill("Hola, {{ name }}", &variables()).unwrap(), "Hola, Ana <Ruiz>");
    }

    #[test]
    fn the_unsubscribe_page_asks_before_and_tells_after() {
        let templates = Templates::new().unwrap();
        for locale in [Locale::Es, Locale::En] {
            let page = |done: bool| {
                let values =
                    json!({"company": "Ceiba", "address": "ana@x.example", "token": "t", "done": done});
                templates.unsubscribe_page(locale, &serde_json::from_value(values).unwrap()).unwrap()
            };
            assert!(page(false).contains("<form method=\"post\""));
            assert!(!page(true).contains("<form"));
        }
    }
}
