//! How does a record look as a page?
//!
//! `cargo run --example page RUN.json > page.html`

use std::io::Write;

use forkscope::report::{Style, find, json};

fn main() -> anyhow::Result<()> {
    let path = std::env::args()
        .nth(1)
        .ok_or_else(|| anyhow::anyhow!("give the path of a run.json"))?;
    let run = json::read(&std::fs::read_to_string(&path)?)?;
    let html = find("html").expect("the format is registered");
    let mut page = Vec::new();
    html.report.write(&run, &Style::default(), &mut page)?;
    std::io::stdout().write_all(&page)?;
    Ok(())
}
