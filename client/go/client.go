package stillframe

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

const defaultTimeout = 30 * time.Second

// Config says where a client's server is, and how to call it. Target and Tenant are required.
type Config struct {
	// Target is an address, several addresses separated by commas, of which the first that
	// answers is used, or a gRPC target with a scheme.
	Target string
	// Tenant is the tenant of every call.
	Tenant string
	// TLS encrypts the connection: &tls.Config{} trusts the system's roots, RootCAs names
	// others. Nil is plaintext.
	TLS *tls.Config
	// Metadata goes with every call.
	Metadata metadata.MD
	// Timeout bounds a call with all its retries where its context has no deadline. 30 s if
	// zero; no bound if negative. A watch has none.
	Timeout time.Duration
	// Retry says when calls are repeated.
	Retry RetryPolicy
	// Codec turns values into payloads and back. JSONCodec if nil.
	Codec Codec
	// MaxMessageBytes bounds messages in both directions. 64 MiB if zero; at least 262,144.
	MaxMessageBytes int
	// DialOptions are added to the client's own: interceptors, credentials of each call, other
	// transport credentials.
	DialOptions []grpc.DialOption
}

// Client makes the calls of one tenant. It is safe for concurrent use.
type Client struct {
	config    Config
	codec     Codec
	clock     clock
	snapshots pb.SnapshotServiceClient
	memory    pb.WorkingMemoryServiceClient
	// life ends with Close, and with it every wait between two tries.
	life  context.Context
	close func() error
}

// New opens a client. It connects at the first call, so that a server which is not there yet is
// no error here.
func New(config Config) (*Client, error) {
	if config.Target == "" || config.Tenant == "" {
		return nil, errors.New("stillframe: a client needs a target and a tenant")
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.MaxMessageBytes == 0 {
		config.MaxMessageBytes = defaultMaxMessageBytes
	}
	config.Retry = config.Retry.withDefaults()
	if config.Codec == nil {
		config.Codec = JSONCodec{}
	}
	conn, err := dial(&config)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	closeOnce := sync.OnceValue(func() error {
		end()
		return conn.Close()
	})
	return &Client{
		config: config, codec: config.Codec, clock: systemClock(),
		snapshots: pb.NewSnapshotServiceClient(conn),
		memory:    pb.NewWorkingMemoryServiceClient(conn),
		life:      life, close: closeOnce,
	}, nil
}

// Tenant gives the tenant of every call.
func (c *Client) Tenant() string { return c.config.Tenant }

// Close ends the connection, and with it calls, watches and savers that are under way, which fail
// with ReasonClosed. Idempotent.
func (c *Client) Close() error { return c.close() }

// Info gets what the server is, and its limits.
func (c *Client) Info(ctx context.Context) (*ServerInfo, error) {
	answer, err := call(ctx, c, c.snapshots.GetServerInfo, &pb.GetServerInfoRequest{})
	if err != nil {
		return nil, err
	}
	return serverInfo(answer), nil
}

// call makes a unary call, with retries.
func call[Q proto.Message, A any](
	ctx context.Context, c *Client, method func(context.Context, Q, ...grpc.CallOption) (A, error), request Q,
) (A, error) {
	var none A
	ctx, cancel := c.bound(ctx)
	defer cancel()
	for failures := 1; ; failures++ {
		if c.life.Err() != nil {
			return none, closedError("client")
		}
		answer, err := method(ctx, request)
		if err == nil {
			return answer, nil
		}
		failure := c.failure(ctx, err, request)
		if !isTransient(failure) || failures >= c.config.Retry.MaxAttempts {
			return none, failure
		}
		delay := c.config.Retry.delay(failures, c.clock.jitter(), failure)
		// A wait that uses the time up leaves none for the try.
		if deadline, bounded := ctx.Deadline(); bounded && delay >= deadline.Sub(c.clock.now()) {
			return none, failure
		}
		c.clock.sleep(ctx, delay)
		if ctx.Err() != nil {
			return none, c.ended(ctx, failure)
		}
	}
}

// bound gives the context of a call: with the client's timeout unless the caller set a deadline,
// with its metadata, and ended by Close.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	var cancel context.CancelFunc
	if _, bounded := ctx.Deadline(); !bounded && c.config.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.config.Timeout)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	stop := context.AfterFunc(c.life, cancel)
	return c.withMetadata(ctx), func() { stop(); cancel() }
}

func (c *Client) withMetadata(ctx context.Context) context.Context {
	if len(c.config.Metadata) == 0 {
		return ctx
	}
	own, _ := metadata.FromOutgoingContext(ctx)
	return metadata.NewOutgoingContext(ctx, metadata.Join(c.config.Metadata, own))
}

// failure is the client's error for one of gRPC's.
func (c *Client) failure(ctx context.Context, err error, request proto.Message) *Error {
	st, _ := status.FromError(err)
	failure := statusError(st)
	if failure.Reason != "" && failure.Code != CodeDeadlineExceeded {
		return failure
	}
	if ctx.Err() != nil && (failure.Code == CodeDeadlineExceeded || failure.Code == CodeCanceled) ||
		c.life.Err() != nil {
		return c.ended(ctx, nil)
	}
	if st.Code() == codes.Internal {
		// Text that is not UTF-8 fits no message, and gRPC says so as a fault of its own.
		if _, unfit := proto.Marshal(request); unfit != nil {
			return &Error{Code: CodeInvalidArgument, Reason: ReasonInvalidField, Message: unfit.Error()}
		}
	}
	return failure
}

// ended is the error of a call whose context is done, by the caller or by Close.
func (c *Client) ended(ctx context.Context, before *Error) *Error {
	if c.life.Err() != nil {
		return closedError("client")
	}
	return contextError(ctx, before)
}

// refuseTooLarge refuses what is above the bound on messages: gRPC would refuse it with a status
// that has no reason.
func (c *Client) refuseTooLarge(request proto.Message, reason Reason) error {
	size, bound := proto.Size(request), c.config.MaxMessageBytes
	if size <= bound {
		return nil
	}
	return &Error{
		Code:    CodeResourceExhausted,
		Reason:  reason,
		Message: fmt.Sprintf("the request has %d bytes, and MaxMessageBytes is %d", size, bound),
		Metadata: map[string]string{
			"limit": "max_message_bytes", "maximum": strconv.Itoa(bound), "actual": strconv.Itoa(size),
		},
	}
}

// maxMessageBytes is the bound to ask for: what the caller gave, or the client's own.
func (c *Client) maxMessageBytes(given *uint64) *uint64 {
	if given != nil {
		return given
	}
	return Ptr(uint64(c.config.MaxMessageBytes))
}

// requestID is the one given, or a fresh one.
func requestID(given string) string {
	if given != "" {
		return given
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand
	return hex.EncodeToString(id[:])
}

// orZero is what the options point to, or none.
func orZero[T any](options *T) T {
	if options == nil {
		var none T
		return none
	}
	return *options
}

// Ptr gives a pointer to a value: Ptr(uint64(7)).
func Ptr[T any](value T) *T { return &value }
