//! Generated stubs of the contract of Stillframe, package `stillframe.v1`.
//!
//! They bring no transport: `SnapshotServiceClient::new` takes a `tonic::transport::Channel`,
//! or whatever else carries gRPC.

#[allow(clippy::all, clippy::pedantic, rustdoc::all)]
pub mod v1 {
    include!("stillframe.v1.rs");
}
