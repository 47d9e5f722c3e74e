//! Text without template marks comes out byte for byte; any other text is rendered or refused, and every place that
//! the source map gives lies in the source.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use snowops::{
    diagnostic::Diagnostic,
    render::{EnvValue, RenderSettings, Renderer, Script, TemplateFile, TemplateLoader},
};

/// One template, which includes itself when asked for by its second name.
struct Templates;

impl TemplateLoader for Templates {
    fn load(&self, _folder: &str, name: &str) -> Result<Option<TemplateFile>, Diagnostic> {
        let text = match name {
            "m.sql" => "{% macro m(a) %}[{{ a }}]{% endmacro %}",
            "loop.sql" => "x{% include 'loop.sql' %}",
            _ => return Ok(None),
        };
        Ok(Some(TemplateFile { file: format!("templates/{name}"), text: text.into() }))
    }
}

static RENDERER: LazyLock<Renderer> = LazyLock::new(|| {
    let settings = RenderSettings {
        vars: [("n", json!(3)), ("s", json!("it's")), ("list", json!([1, "b", null]))]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        env: [("E".to_owned(), EnvValue::Text("e".to_owned())), ("K".to_owned(), EnvValue::Secret)].into(),
        secrets: ["P".to_owned()].into(),
        ..RenderSettings::default()
    };
    Renderer::new(settings, Arc::new(Templates))
});

fuzz_target!(|data: &[u8]| {
    let text = &*String::from_utf8_lossy(data);
    for placeholders in [false, true] {
        let script = Script {
            file: "migrations/V1__a.sql",
            folder: "migrations",
            name: "V1__a.sql",
            text,
            placeholders: Some(placeholders),
        };
        let plain = !["{{", "{%", "{#", "\u{27e6}"].iter().any(|mark| text.contains(mark))
            && !(placeholders && text.contains("${"));
        match RENDERER.render(&script) {
            Ok(output) => {
                if plain {
                    assert_eq!(output.text, text);
                }
                let ends = output.text.char_indices().map(|(at, _)| at).chain([output.text.len()]);
                // Each place costs a search; a sample shows as much as all.
                for at in ends.step_by(1 + output.text.len() / 64) {
                    let span = output.map.span(at..output.text.len());
                    assert!(span.start <= span.end && span.line >= 1 && span.column >= 1);
                    if &*span.file == script.file {
                        assert!(text.get(span.start..span.end).is_some(), "{span:?}");
                    }
                }
            }
            Err(findings) => {
                assert!(!plain, "{findings:?}");
                assert!(findings.iter().any(Diagnostic::is_error));
            }
        }
    }
});
