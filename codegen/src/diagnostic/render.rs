//! Diagnostics as text, drawn by annotate-snippets.

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use super::{Code, Diagnostic, Diagnostics, Label};
use crate::source::SourceFile;

/// Formats all diagnostics, separated by empty lines.
pub(super) fn all(diagnostics: &Diagnostics, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let texts: Vec<String> = diagnostics
        .list
        .iter()
        .map(|one| render(diagnostics, one, &renderer))
        .collect();
    texts.join("\n\n")
}

/// Formats one diagnostic, without colour.
pub(super) fn plain(diagnostics: &Diagnostics, one: &Diagnostic) -> String {
    render(diagnostics, one, &Renderer::plain())
}

fn render(diagnostics: &Diagnostics, one: &Diagnostic, renderer: &Renderer) -> String {
    let title = Level::ERROR
        .primary_title(one.title.as_str())
        .id(one.code.to_string());
    let mut group = Group::with_title(title);

    // One snippet per file, that of the primary location first, then in the given order.
    let mut files = vec![one.primary.at.file];
    for label in &one.secondary {
        if !files.contains(&label.at.file) {
            files.push(label.at.file);
        }
    }
    for id in files {
        let Some(file) = diagnostics.files.get(id.0) else {
            continue;
        };
        // An empty or missing file has no line to show.
        if file.text.is_empty() {
            let origin = Origin::path(file.path.as_str());
            group = group.element(match one.code {
                Code::CannotRead => origin,
                _ => origin.line(1).char_column(1),
            });
            continue;
        }
        let mut snippet = Snippet::source(file.text.as_str()).path(file.path.as_str());
        if one.primary.at.file == id {
            snippet = snippet.annotation(annotation(AnnotationKind::Primary, file, &one.primary));
        }
        let others = one.secondary.iter().filter(|label| label.at.file == id);
        let others = others.map(|label| annotation(AnnotationKind::Context, file, label));
        group = group.element(snippet.annotations(others));
    }

    // Messages may contain styling, and these quote the author's text.
    for note in &one.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    for help in &one.helps {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    renderer.render(&[group])
}

fn annotation<'a>(
    kind: AnnotationKind,
    file: &SourceFile,
    label: &'a Label,
) -> annotate_snippets::Annotation<'a> {
    let text = (!label.text.is_empty()).then_some(label.text.as_str());
    kind.span(file.span(label.at)).label(text)
}
