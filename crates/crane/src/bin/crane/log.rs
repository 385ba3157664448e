//! The log on standard error: one line an event, time first.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::printer;

/// Starts the log. With `verbose` it shows every request and response, else what a user asked to know:
/// what goes wrong, and what is tried again.
pub(crate) fn init(verbose: bool) {
    // Fails only when a log was started before, and then that one goes on.
    let _ = tracing_subscriber::registry().with(Lines { verbose }).try_init();
}

struct Lines {
    verbose: bool,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let target = metadata.target();
        let most = match self.verbose {
            true => Level::DEBUG,
            // A server that tells of every request is a matter of taste.
            false if target.starts_with("wharf_registry") => Level::WARN,
            false => Level::INFO,
        };
        // Told once when the command is over.
        let is_warning = metadata.is_event() && metadata.fields().field("warning").is_some();
        target.starts_with("wharf") && *metadata.level() <= most && !is_warning
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut line = Line::default();
            attributes.record(&mut line);
            span.extensions_mut().insert(line);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(line) = span.extensions_mut().get_mut::<Line>()
        {
            values.record(line);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        if let Some(span) = context.event_span(event)
            && let Some(around) = span.extensions().get::<Line>()
        {
            let _ = write!(line.fields, "{}", around.fields);
        }
        printer::log(format_args!("{}{}", line.message, line.fields));
    }
}

/// The message of an event, and its other fields as ` name=value`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            // For machines, and said by the URL.
            name if name.starts_with("otel.") || name.starts_with("server.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
