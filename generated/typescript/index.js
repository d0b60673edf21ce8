export * from "./stillframe/v1/error_pb.js";
export * from "./stillframe/v1/snapshot_pb.js";
export * from "./stillframe/v1/snapshot_service_pb.js";
export * from "./stillframe/v1/working_memory_service_pb.js";
