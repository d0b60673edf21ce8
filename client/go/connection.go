package stillframe

import (
	"crypto/tls"
	"fmt"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

const (
	defaultMaxMessageBytes = 64 << 20
	keepaliveTime          = 30 * time.Second // the server accepts pings every 10 s
	keepaliveTimeout       = 10 * time.Second
	userAgent              = "stillframe-go"
	listScheme             = "stillframe-list"
)

var targetScheme = regexp.MustCompile(`^(?:(?:dns|unix|unix-abstract|vsock|xds|passthrough):|[\w+.-]+://)`)

// dial makes the connection. It connects at the first call.
func dial(config *Config) (*grpc.ClientConn, error) {
	target, options, err := resolve(config.Target, config.TLS)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if config.TLS != nil {
		transport = credentials.NewTLS(config.TLS)
	}
	options = append(options,
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent(userAgent),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(config.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(config.MaxMessageBytes),
		),
		// A watch may be the only call, and quiet; and a dead connection is better found between
		// two saves than by the second.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithIdleTimeout(0),
		// The default waits a second after the first refusal, then up to two minutes: a server
		// that restarts is back sooner.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
		// Retries are the client's own: it knows which calls are safe to repeat, honours
		// RetryInfo, and counts the tries.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
	)
	return grpc.NewClient(target, append(options, config.DialOptions...)...)
}

// resolve gives the gRPC target for what the user gave, and what it takes to resolve it: one
// address or a target with a scheme as it is, several addresses as a list of which the first that
// answers is used.
func resolve(target string, config *tls.Config) (string, []grpc.DialOption, error) {
	if targetScheme.MatchString(target) {
		return target, nil, nil
	}
	var addresses []resolver.Address
	for each := range strings.SplitSeq(target, ",") {
		address := resolver.Address{Addr: strings.TrimSpace(each)}
		if address.Addr == "" {
			return "", nil, fmt.Errorf("stillframe: target %q has an empty address", target)
		}
		if config == nil || config.ServerName == "" {
			// Each server proves its own name, not that of the list.
			address.ServerName = address.Addr
		}
		addresses = append(addresses, address)
	}
	if len(addresses) == 1 {
		return addresses[0].Addr, nil, nil
	}
	list := manual.NewBuilderWithScheme(listScheme)
	list.InitialState(resolver.State{Addresses: addresses})
	return listScheme + ":///" + addresses[0].Addr, []grpc.DialOption{grpc.WithResolvers(list)}, nil
}
