//! Does what is computed hold? Nothing here starts a process or measures anything.

#[path = "../common/mod.rs"]
mod common;
#[path = "../fixture/mod.rs"]
mod fixture;
#[path = "../common/model.rs"]
mod model;
#[path = "../scripted/mod.rs"]
mod scripted;
#[path = "../simulation/mod.rs"]
mod simulation;

mod agent_errors;
mod agent_properties;
mod budget;
mod changes;
mod conclusions;
mod coordinator;
mod document;
mod formats;
mod golden;
mod html;
mod looks;
mod page_model;
mod report;
mod ring;
mod ring_model;
mod statistics;
mod structure;
