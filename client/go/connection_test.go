package stillframe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// certificate makes one for 127.0.0.1 that is its own root.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stillframe"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// refusing is an address at which nothing listens.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func TestTLS(t *testing.T) {
	own, roots := certificate(t)
	creds := grpc.Creds(credentials.NewServerTLSFromCert(&own))
	server := serve(t, answers(&pb.GetServerInfoResponse{StoreKind: "memory"}), creds)

	for name, target := range map[string]string{
		"one address": server.address, "a list": refusing(t) + ", " + server.address,
	} {
		trusting, _ := connect(t, server, func(config *Config) {
			config.Target, config.TLS = target, &tls.Config{RootCAs: roots}
		})
		if info, err := trusting.Info(timeout(t)); err != nil || info.StoreKind != "memory" {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for name, config := range map[string]*tls.Config{"plain": nil, "other roots": {}} {
		client, _ := connect(t, server, func(c *Config) { c.TLS, c.Retry.MaxAttempts = config, 1 })
		if _, err := client.Info(timeout(t)); !errors.Is(err, CodeUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	expectEqual(t, len(server.received()), 2)
}

func TestTheFirstAddressThatAnswersIsUsed(t *testing.T) {
	server := serve(t, answers(&pb.GetServerInfoResponse{}))
	client, waited := connect(t, server, func(config *Config) {
		config.Target = refusing(t) + "," + server.address
	})
	if _, err := client.Info(timeout(t)); err != nil || len(waited.taken) != 0 {
		t.Errorf("%v after %v", err, waited.taken)
	}
	expectEqual(t, server.metadata[0].Get(":authority"), []string{server.address})
}

func TestATargetWithASchemeIsGRPCs(t *testing.T) {
	server := serve(t, answers(&pb.GetServerInfoResponse{}))
	for _, prefix := range []string{"passthrough:///", "dns:"} {
		client, _ := connect(t, server, func(config *Config) { config.Target = prefix + server.address })
		if _, err := client.Info(timeout(t)); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

func TestAClientNeedsATargetAndATenant(t *testing.T) {
	for _, config := range []Config{
		{Tenant: "acme"}, {Target: "127.0.0.1:1"}, {Target: "127.0.0.1:1,", Tenant: "acme"},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%+v", config)
		}
	}
}

func TestMetadataGoesWithEveryCall(t *testing.T) {
	server := serve(t, answers(&pb.GetServerInfoResponse{}))
	server.watch = func(_ *pb.WatchSnapshotsRequest, _ watchStream) error {
		return status.Error(codes.Unauthenticated, "who are you?")
	}
	client, _ := connect(t, server, func(config *Config) {
		config.Metadata = metadata.Pairs("authorization", "Bearer x")
	})
	ctx := metadata.AppendToOutgoingContext(timeout(t), "trace", "7")
	if _, err := client.Info(ctx); err != nil {
		t.Fatal(err)
	}
	watch, err := client.Watch(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	if _, err := watch.Next(ctx); !errors.Is(err, CodeUnauthenticated) {
		t.Errorf("%v", err)
	}

	expectEqual(t, len(server.metadata), 2)
	for _, each := range server.metadata {
		expectEqual(t, each.Get("authorization"), []string{"Bearer x"})
		expectEqual(t, each.Get("trace"), []string{"7"})
		if agent := each.Get("user-agent"); !strings.HasPrefix(agent[0], "stillframe-go") {
			t.Error(agent)
		}
	}
}

func TestMessagesMayBeLargerThanGRPCsDefault(t *testing.T) {
	data := []byte(`"` + strings.Repeat("x", 8<<20) + `"`)
	head := &pb.ExecutionSnapshot{Variables: map[string]*pb.Payload{"v": {Data: data}}}
	server := serve(t, answers(&pb.SaveSnapshotResponse{}, &pb.LoadSnapshotResponse{Snapshot: head}),
		grpc.MaxRecvMsgSize(bound))
	client, _ := connect(t, server)
	snapshot := running(vars{"v": Payload{Data: data}})
	if _, err := client.Save(timeout(t), "run", snapshot, nil); err != nil {
		t.Fatal(err)
	}
	loaded, err := client.Load(timeout(t), "run", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := loaded.Variables.Payload("v"); len(got.Data) != len(data) {
		t.Error(len(got.Data))
	}
}

func TestACallRidesOutARestart(t *testing.T) {
	first := serve(t, answers(&pb.GetServerInfoResponse{ServerVersion: "1"}))
	client, waited := connect(t, first)
	if _, err := client.Info(timeout(t)); err != nil {
		t.Fatal(err)
	}
	first.server.Stop()
	listening := make(chan struct{})
	client.clock.sleep = sleep
	client.clock.jitter = func() float64 {
		// The first try has failed: the server may come back.
		select {
		case <-listening:
		default:
			second := answers(&pb.GetServerInfoResponse{ServerVersion: "2"})
			second.address = first.address
			serve(t, second)
			close(listening)
		}
		return 1
	}

	info, err := client.Info(timeout(t))

	if err != nil || info.ServerVersion != "2" {
		t.Errorf("%v, %v after %v", info, err, waited.taken)
	}
}
