// Generated stubs of the contract of Stillframe.
module {{module}}

go {{go}}

require (
	google.golang.org/grpc {{grpc}}
	google.golang.org/protobuf {{protobuf}}
)
