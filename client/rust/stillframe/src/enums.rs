//! The enums of the contract, with the numbers and names of the proto files.
//!
//! A number that this version does not know, a newer server's, is kept as `Unrecognized`
//! instead of failing a load.

use std::fmt;

macro_rules! wire_enum {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$doc:meta])* $variant:ident = $number:literal $text:literal, )* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$doc])* $variant, )*
            /// A number that this version does not know.
            Unrecognized(i32),
        }

        impl $name {
            /// Every value that this version knows.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// The name in the contract, without prefix.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )*
                    Self::Unrecognized(_) => "UNRECOGNIZED",
                }
            }

            /// The value with this name in the contract.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|each| each.as_str() == name)
            }

            #[allow(dead_code)]
            pub(crate) const fn to_wire(self) -> i32 {
                match self {
                    $( Self::$variant => $number, )*
                    Self::Unrecognized(number) => number,
                }
            }

            #[allow(dead_code)]
            pub(crate) const fn from_wire(number: i32) -> Self {
                match number {
                    $( $number => Self::$variant, )*
                    _ => Self::Unrecognized(number),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Unrecognized(number) => write!(f, "UNRECOGNIZED_{number}"),
                    known => f.write_str(known.as_str()),
                }
            }
        }
    };
}

wire_enum! {
    /// The state that an execution is in, as the engine reports it.
    ExecutionState {
        /// The execution exists and has not begun.
        Created = 1 "CREATED",
        /// The engine is working out which steps to run.
        Planning = 2 "PLANNING",
        /// Steps are running.
        Running = 3 "RUNNING",
        /// Stopped on purpose, to be resumed later.
        Paused = 4 "PAUSED",
        /// Stopped until something happens; the wait reason says what.
        Waiting = 5 "WAITING",
        /// Ended with success.
        Completed = 6 "COMPLETED",
        /// Ended with an error.
        Failed = 7 "FAILED",
        /// Ended by request.
        Cancelled = 8 "CANCELLED",
    }
}

impl ExecutionState {
    /// Whether the execution has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether the execution stopped and can go on.
    pub const fn can_resume(self) -> bool {
        matches!(self, Self::Paused | Self::Waiting)
    }

    /// Whether the execution is under way.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

wire_enum! {
    /// What an execution in state WAITING waits for.
    WaitReason {
        /// Somebody must approve the next step.
        Approval = 1 "APPROVAL",
        /// Somebody must enter something.
        UserInput = 2 "USER_INPUT",
        /// A rate limit must pass.
        RateLimit = 3 "RATE_LIMIT",
        /// A system outside the engine must answer.
        External = 4 "EXTERNAL",
        /// A checkpoint must be confirmed.
        Checkpoint = 5 "CHECKPOINT",
        /// A cost threshold was reached.
        CostThreshold = 6 "COST_THRESHOLD",
        /// Memory must become free.
        MemoryPressure = 7 "MEMORY_PRESSURE",
        /// A sub-agent or child workflow must end.
        SubAgent = 8 "SUB_AGENT",
    }
}

wire_enum! {
    /// A group of states, for filters.
    StateClass {
        /// [`ExecutionState::is_terminal`].
        Terminal = 1 "TERMINAL",
        /// [`ExecutionState::can_resume`].
        Resumable = 2 "RESUMABLE",
        /// [`ExecutionState::is_active`].
        Active = 3 "ACTIVE",
    }
}

wire_enum! {
    /// One of the two maps of a snapshot.
    SnapshotMap {
        /// The step outputs.
        StepOutputs = 1 "STEP_OUTPUTS",
        /// The variables.
        Variables = 2 "VARIABLES",
    }
}

wire_enum! {
    /// How an entry differs between two snapshots.
    DifferenceKind {
        /// Only the second has it.
        Added = 1 "ADDED",
        /// Only the first has it.
        Removed = 2 "REMOVED",
        /// Both have it, with different payloads.
        Changed = 3 "CHANGED",
    }
}

wire_enum! {
    /// Why an entry was left out of an answer.
    OmissionReason {
        /// The projection did not select it.
        NotSelected = 1 "NOT_SELECTED",
        /// It did not fit into the bound on messages.
        TooLarge = 2 "TOO_LARGE",
    }
}

wire_enum! {
    /// How a snapshot compares with the engine's event store.
    FreshnessStatus {
        /// The snapshot includes every event.
        Fresh = 1 "FRESH",
        /// Replay the events after the snapshot's sequence number.
        Stale = 2 "STALE",
        /// The snapshot includes events that the event store lost; never resume from it silently.
        Ahead = 3 "AHEAD",
        /// There is no such execution.
        Missing = 4 "MISSING",
    }
}

wire_enum! {
    /// What a save did.
    SaveOutcome {
        /// The execution did not exist and does now.
        Created = 1 "CREATED",
        /// The execution has a new head.
        Updated = 2 "UPDATED",
        /// Everything equals the head; no version was made.
        Unchanged = 3 "UNCHANGED",
        /// The request_id was seen before, and this is the first answer again.
        Replayed = 4 "REPLAYED",
    }
}

wire_enum! {
    /// How a watch treats changes that are superseded before they are delivered.
    WatchMode {
        /// A change may be skipped that a later one of the same execution follows.
        Latest = 1 "LATEST",
        /// Every change, in the order of revisions, without gap or duplicate.
        EveryChange = 2 "EVERY_CHANGE",
    }
}

wire_enum! {
    /// What happened to an execution, seen through the filter of a watch.
    ChangeKind {
        /// It has a new head, and the filter matches it.
        Saved = 1 "SAVED",
        /// It was deleted.
        Deleted = 2 "DELETED",
        /// It outlived its ttl and is gone.
        Expired = 3 "EXPIRED",
        /// Its new head does not match the filter, the one before did.
        LeftFilter = 4 "LEFT_FILTER",
    }
}
