//! What is missing, and what to know?

use crate::document::{Detail, Document};
use crate::record::Run;
use crate::study::alike;

pub fn show(run: &Run, out: &mut Document) {
    let all = [
        (
            "left out",
            "did not fit the budget",
            run.plan.left_out.clone(),
            Detail::Always,
        ),
        // On a terminal they were said when they arose.
        ("warnings", "", run.warnings.clone(), Detail::File),
        // Each stands with its table, too.
        (
            "dropped pairs",
            "by cause, never by value",
            alike::dropped(&run.cells),
            Detail::Page,
        ),
    ];
    for (title, about, items, detail) in all {
        let section = out.section(title.replace(' ', "-"), title);
        section.unmarked().about(about).detail(detail).list(items);
    }
}
