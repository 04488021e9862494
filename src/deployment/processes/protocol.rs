//! What a host and its worker processes say to each other outside of a window.

use crate::deployment::worker::WorkerReport;
use crate::deployment::{Job, Placement};
use crate::transport::ipc::{Content, Mailbox, Parcel};
use ipc_channel::ipc::IpcSender;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::os::fd::RawFd;

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
    Peers(Vec<(usize, Mailbox)>),
}

/// From worker to host.
#[derive(Serialize, Deserialize)]
pub(super) enum ToHost {
    /// The first message: how to reach the worker.
    Hello {
        control: IpcSender<ToWorker>,
        mailbox: Option<Mailbox>,
    },
    /// What one worker thread found.
    Report(Box<WorkerReport>),
}

/// What a worker process receives by ipc-channel, as an argument of its command line.
const CONTENTS: [(&str, Option<Content>); 5] = [
    ("-", None),
    ("messages", Some(Content::Messages(Parcel::Typed))),
    ("messages:bytes", Some(Content::Messages(Parcel::Bytes))),
    ("payloads", Some(Content::Payloads(Parcel::Typed))),
    ("payloads:bytes", Some(Content::Payloads(Parcel::Bytes))),
];

pub(super) fn content_argument(content: Option<Content>) -> CString {
    let name = CONTENTS.iter().find(|(_, c)| *c == content);
    let (name, _) = name.expect("every content has a name");
    CString::new(*name).expect("names hold no zero byte")
}

pub(super) fn content_of(argument: &str) -> Result<Option<Content>, String> {
    let found = CONTENTS.iter().find(|(name, _)| *name == argument);
    found
        .map(|(_, content)| *content)
        .ok_or_else(|| format!("argument \"{argument}\" is no content; use `forkscope run`"))
}

/// Descriptors as an argument of the command line.
pub(super) fn descriptors_argument(descriptors: &[RawFd]) -> CString {
    let numbers: Vec<String> = descriptors.iter().map(RawFd::to_string).collect();
    CString::new(numbers.join(",")).expect("digits and commas hold no zero byte")
}

pub(super) fn descriptors_of(argument: &str) -> Result<Vec<RawFd>, String> {
    let numbers = argument.split(',').filter(|n| !n.is_empty());
    numbers
        .map(|n| {
            n.parse()
                .map_err(|e| format!("argument \"{n}\": {e}; use `forkscope run`"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_they_were_written() {
        for (_, content) in CONTENTS {
            let argument = content_argument(content);
            assert_eq!(content_of(argument.to_str().unwrap()), Ok(content));
        }
        for descriptors in [vec![], vec![7], vec![7, 8, 300]] {
            let argument = descriptors_argument(&descriptors);
            assert_eq!(descriptors_of(argument.to_str().unwrap()), Ok(descriptors));
        }
        assert!(content_of("x").is_err());
        assert!(descriptors_of("7,x").is_err());
    }
}
