//! Writes the Rust stubs of a contract: `generate-stubs DESCRIPTOR_SET FOLDER`.

use std::{env, error::Error, fs};

use prost::Message;
use prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [descriptors, folder] = arguments.as_slice() else {
        return Err("needs the file of a descriptor set, and a folder".into());
    };
    let set = FileDescriptorSet::decode(fs::read(descriptors)?.as_slice())?;
    tonic_prost_build::configure()
        .out_dir(folder)
        // Payloads are passed on, not copied.
        .bytes(".")
        // The stubs know no transport, and need none to compile.
        .build_transport(false)
        .compile_fds(set)?;
    Ok(())
}
