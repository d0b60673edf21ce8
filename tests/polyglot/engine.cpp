// An engine in C++ that knows nothing but the contract: `engine ADDRESS TENANT EXECUTION`
// asks a server what it is, saves a snapshot, loads it back, and asks for one that is not there.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include <grpcpp/grpcpp.h>

#include "stillframe/v1/snapshot_service.grpc.pb.h"

namespace {

namespace sf = stillframe::v1;

template <typename Request, typename Response>
using Method = grpc::Status (sf::SnapshotService::Stub::*)(grpc::ClientContext*, const Request&,
                                                           Response*);

template <typename Request, typename Response>
grpc::Status Try(sf::SnapshotService::Stub& stub, Method<Request, Response> method,
                 const Request& request, Response* response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  return (stub.*method)(&context, request, response);
}

template <typename Request, typename Response>
Response Call(sf::SnapshotService::Stub& stub, Method<Request, Response> method,
              const Request& request) {
  Response response;
  if (const auto status = Try(stub, method, request, &response); !status.ok()) {
    std::cerr << status.error_code() << ": " << status.error_message() << "\n";
    std::exit(1);
  }
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  using Stub = sf::SnapshotService::Stub;
  const auto stub = sf::SnapshotService::NewStub(
      grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));

  const auto info = Call(*stub, &Stub::GetServerInfo, sf::GetServerInfoRequest());
  std::cout << info.store_kind() << "\n";

  sf::SaveSnapshotRequest save;
  save.set_tenant_id(argv[2]);
  save.set_execution_id(argv[3]);
  save.set_must_not_exist(true);
  save.mutable_snapshot()->set_state(sf::EXECUTION_STATE_RUNNING);
  save.mutable_snapshot()->set_sequence_number(7);
  (*save.mutable_snapshot()->mutable_step_outputs())["fetch"].set_data(R"({"rows": 3})");
  std::cout << Call(*stub, &Stub::SaveSnapshot, save).version() << "\n";

  sf::LoadSnapshotRequest load;
  load.set_tenant_id(argv[2]);
  load.set_execution_id(argv[3]);
  load.set_event_store_head(9);
  const auto loaded = Call(*stub, &Stub::LoadSnapshot, load);
  std::cout << loaded.snapshot().step_outputs().at("fetch").data() << "\n"
            << loaded.snapshot().sequence_number() << "\n";

  load.set_execution_id("of nobody");
  sf::LoadSnapshotResponse nothing;
  std::cout << (Try(*stub, &Stub::LoadSnapshot, load, &nothing).error_code() ==
                grpc::StatusCode::NOT_FOUND)
            << "\n";
}
