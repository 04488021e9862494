//! What a host and its worker processes say to each other outside of a window.

use crate::deployment::worker::WorkerReport;
use crate::deployment::{Job, Placement};
use crate::workload::Message;
use ipc_channel::ipc::IpcSender;
use serde::{Deserialize, Serialize};

/// From host to worker.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// What to do, and how many mailboxes will follow.
    Task {
        job: Box<Job>,
        placement: Placement,
        peers: usize,
    },
    /// Mailboxes of other processes.
    Peers(Vec<(usize, IpcSender<Box<Message>>)>),
}

/// From worker to host.
#[derive(Serialize, Deserialize)]
pub(super) enum ToHost {
    /// The first message: how to reach the worker.
    Hello {
        control: IpcSender<ToWorker>,
        mailbox: Option<IpcSender<Box<Message>>>,
    },
    /// What one worker thread found.
    Report(Box<WorkerReport>),
}
