//! A finding as people read it: what is wrong, the source line with a caret, notes, and what to do.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity, defuse, defuse_line};

/// The finding as text with colours; the stream that prints it removes them where they do not belong.
pub(super) fn finding(finding: &Diagnostic) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let message = defuse(&finding.message);
    let code = finding.code.as_str();
    let title = level.primary_title(message.as_str()).id(code);
    let parts: Option<(String, &crate::diagnostic::Excerpt)> = finding
        .place
        .as_ref()
        .and_then(|place| place.excerpt.as_ref().map(|excerpt| (defuse_line(&place.file), excerpt)));
    let mut text = if let Some((file, excerpt)) = &parts {
        let (shown, span) = defused(excerpt);
        let snippet = Snippet::source(shown.as_str())
            .line_start(excerpt.first_line)
            .path(file.as_str())
            .annotation(AnnotationKind::Primary.span(span));
        Renderer::styled().render(&[title.element(snippet)])
    } else {
        let mut text = Renderer::styled().render(&[annotate_snippets::Group::with_title(title)]);
        if let Some(place) = &finding.place {
            let _ = write!(text, "\n  --> {}", defuse_line(&place.to_string()));
        }
        text
    };
    for note in &finding.notes {
        let _ = write!(text, "\n  note: {}", defuse(note).replace('\n', "\n        "));
    }
    if let Some(hint) = &finding.hint {
        let _ = write!(text, "\n  hint: {}", defuse(hint).replace('\n', "\n        "));
    }
    text
}

/// The excerpt without anything dangerous, and the span moved along.
fn defused(excerpt: &crate::diagnostic::Excerpt) -> (String, std::ops::Range<usize>) {
    let part = |range: std::ops::Range<usize>| defuse(excerpt.text.get(range).unwrap_or_default());
    let (before, inside) = (part(0..excerpt.start), part(excerpt.start..excerpt.end));
    let after = part(excerpt.end..excerpt.text.len());
    let span = before.len()..before.len() + inside.len();
    (format!("{before}{inside}{after}"), span)
}
