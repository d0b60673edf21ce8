package stillframe

import (
	"context"
	"net"
	"path"
	"reflect"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a test that hangs; nothing waits for it otherwise.
const patience = 30 * time.Second

// fake is a server whose answers a test gives.
type fake struct {
	pb.UnimplementedSnapshotServiceServer
	pb.UnimplementedWorkingMemoryServiceServer

	address string
	server  *grpc.Server
	// unary answers a unary call by the name of its method.
	unary func(ctx context.Context, method string, request proto.Message) (proto.Message, error)
	// watch answers a watch.
	watch func(*pb.WatchSnapshotsRequest, grpc.ServerStreamingServer[pb.WatchSnapshotsResponse]) error

	mu       sync.Mutex
	requests []proto.Message
	metadata []metadata.MD
}

func (f *fake) WatchSnapshots(
	request *pb.WatchSnapshotsRequest, stream grpc.ServerStreamingServer[pb.WatchSnapshotsResponse],
) error {
	f.record(stream.Context(), request)
	return f.watch(request, stream)
}

func (f *fake) record(ctx context.Context, request proto.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	headers, _ := metadata.FromIncomingContext(ctx)
	f.requests = append(f.requests, request)
	f.metadata = append(f.metadata, headers)
}

func (f *fake) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	f.record(ctx, request.(proto.Message))
	return f.unary(ctx, path.Base(info.FullMethod), request.(proto.Message))
}

// received gives the requests so far.
func (f *fake) received() []proto.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]proto.Message{}, f.requests...)
}

// serve starts a fake, which the end of the test stops.
func serve(t *testing.T, f *fake, options ...grpc.ServerOption) *fake {
	t.Helper()
	if f.address == "" {
		f.address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	f.server = grpc.NewServer(append(options, grpc.UnaryInterceptor(f.intercept))...)
	pb.RegisterSnapshotServiceServer(f.server, f)
	pb.RegisterWorkingMemoryServiceServer(f.server, f)
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(listener) }()
	t.Cleanup(func() {
		f.server.Stop()
		<-served
	})
	return f
}

// answers makes a fake that gives one answer after the other; a proto.Message or an error. The
// last one stays.
func answers(given ...any) *fake {
	var mu sync.Mutex
	return &fake{unary: func(context.Context, string, proto.Message) (proto.Message, error) {
		mu.Lock()
		defer mu.Unlock()
		answer := given[0]
		if len(given) > 1 {
			given = given[1:]
		}
		if err, is := answer.(error); is {
			return nil, err
		}
		return answer.(proto.Message), nil
	}}
}

// answering starts a fake that gives these answers, and fails the test when it is asked for more.
func answering(t *testing.T, given ...any) *fake {
	t.Helper()
	tooMany := status.Error(codes.FailedPrecondition, "a call too many")
	f := answers(append(given, tooMany)...)
	t.Cleanup(func() {
		if asked := len(f.received()); asked > len(given) {
			t.Errorf("%d calls, %d answers", asked, len(given))
		}
	})
	return serve(t, f)
}

// pauses are the waits of a client whose clock does not wait.
type pauses struct {
	mu    sync.Mutex
	taken []time.Duration
}

func (p *pauses) sleep(_ context.Context, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, delay)
}

// connect gives a client of a fake that waits for nothing between two tries.
func connect(t *testing.T, f *fake, change ...func(*Config)) (*Client, *pauses) {
	t.Helper()
	config := Config{Target: f.address, Tenant: "acme"}
	for _, each := range change {
		each(&config)
	}
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	waited := &pauses{}
	client.clock = clock{
		now: time.Now, jitter: func() float64 { return 1 }, sleep: waited.sleep,
	}
	return client, waited
}

func refusal(code codes.Code, reason Reason, details ...protoadapt.MessageV1) error {
	if reason != "" {
		info := &errdetails.ErrorInfo{Domain: errorDomain, Reason: string(reason)}
		details = append(details, info)
	}
	st, err := status.New(code, "refused").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return st.Err()
}

func timeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func running(variables map[string]any) *Snapshot {
	return &Snapshot{
		State: StateRunning, Variables: variables, Labels: map[string]string{"a": "b"},
	}
}

func expectEqual[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}
