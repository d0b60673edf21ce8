// The Go client of Stillframe.
module github.com/stillframe/stillframe/client/go

go 1.24.0

require (
	github.com/stillframe/stillframe/generated/go v0.0.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260120221211-b8f7ae30c516
	google.golang.org/grpc v1.80.0
	google.golang.org/protobuf v1.36.12
)

require (
	go.uber.org/goleak v1.3.0
	golang.org/x/net v0.49.0 // indirect
	golang.org/x/sys v0.40.0 // indirect
	golang.org/x/text v0.33.0 // indirect
)

// The stubs stand in the same repository, and are not published yet.
replace github.com/stillframe/stillframe/generated/go => ../../generated/go
