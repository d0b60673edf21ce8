package stillframe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

var moment = time.Date(2024, 2, 29, 23, 59, 59, 1, time.UTC)

const bound = 64 << 20

// expectRequest compares the only request that a server received with the one wanted.
func expectRequest(t *testing.T, server *fake, want proto.Message) {
	t.Helper()
	got := server.received()
	if len(got) != 1 || !proto.Equal(got[0], want) {
		t.Errorf("%v, not %v", got, want)
	}
}

func TestSave(t *testing.T) {
	server := answering(t, &pb.SaveSnapshotResponse{
		Version: 3, Etag: "e3", Revision: 9, ResumeToken: "r9",
		Outcome: pb.SaveOutcome_SAVE_OUTCOME_UPDATED,
	})
	client, _ := connect(t, server)

	saved, err := client.Save(timeout(t), "run", &Snapshot{
		State: StateWaiting, WaitReason: WaitApproval, SequenceNumber: 7, Timestamp: &moment,
		StepOutputs: vars{"s": 1.5}, Variables: vars{"v": nil}, Labels: map[string]string{"a": "b"},
		UserID: Ptr("u"), CurrentStepID: Ptr("s"), SnapshotID: Ptr("x"), ParentSnapshotID: Ptr("w"),
		ParentExecutionID: Ptr("p"), SchemaVersion: "1",
	}, &SaveOptions{
		ExpectedETag: Ptr("e2"), MustNotExist: true, WriterEpoch: Ptr(uint64(0)),
		TTL: Ptr(time.Duration(0)), AllowSequenceRegression: true, RequestID: "id",
	})

	expectEqual(t, err, nil)
	expectEqual(t, saved, &Saved{Version: 3, ETag: "e3", Revision: 9, ResumeToken: "r9", Outcome: OutcomeUpdated})
	expectRequest(t, server, &pb.SaveSnapshotRequest{
		TenantId: "acme", ExecutionId: "run", RequestId: "id", ExpectedEtag: Ptr("e2"),
		MustNotExist: true, WriterEpoch: Ptr(uint64(0)), Ttl: durationpb.New(0),
		AllowSequenceRegression: true,
		Content: &pb.SaveSnapshotRequest_Snapshot{Snapshot: &pb.ExecutionSnapshot{
			State:          pb.ExecutionState_EXECUTION_STATE_WAITING,
			WaitReason:     pb.WaitReason_WAIT_REASON_APPROVAL,
			SequenceNumber: 7, Timestamp: &timestamppb.Timestamp{Seconds: moment.Unix(), Nanos: 1},
			StepOutputs: map[string]*pb.Payload{"s": {Data: []byte("1.5")}},
			Variables:   map[string]*pb.Payload{"v": {Data: []byte("null")}},
			Labels:      map[string]string{"a": "b"}, UserId: Ptr("u"), CurrentStepId: Ptr("s"),
			SnapshotId: Ptr("x"), ParentSnapshotId: Ptr("w"), ParentExecutionId: Ptr("p"),
			SchemaVersion: "1",
		}},
	})
}

func TestLoad(t *testing.T) {
	server := answering(t, &pb.LoadSnapshotResponse{
		Snapshot: &pb.ExecutionSnapshot{
			TenantId: "acme", ExecutionId: "run", State: 99, Timestamp: timestamppb.New(moment),
			Version: 3, Etag: "e3", Revision: 9, CommitTime: timestamppb.New(moment),
			Variables: map[string]*pb.Payload{"v": {Data: []byte("[1]")}},
			Origin:    &pb.SnapshotOrigin{ExecutionId: "o", Version: 2, Etag: "e2", CommitTime: timestamppb.New(moment)},
			Omission: &pb.Omission{Count: 1, SizeBytes: 5, Entries: []*pb.OmittedEntry{{
				Map: pb.SnapshotMap_SNAPSHOT_MAP_STEP_OUTPUTS, Key: "s", SizeBytes: 4,
				Reason: pb.OmissionReason_OMISSION_REASON_NOT_SELECTED,
			}}},
		},
		Freshness: &pb.Freshness{
			ExecutionId: "run", Status: pb.FreshnessStatus_FRESHNESS_STATUS_STALE,
			EventStoreHead: 9, SnapshotSequence: 7, Distance: 2, Version: 3,
		},
	})
	client, _ := connect(t, server)

	got, err := client.Load(timeout(t), "run", &LoadOptions{
		Selector:       AtVersion(3),
		Projection:     &Projection{Variables: &MapProjection{Keys: []string{"v"}, KeyPrefixes: []string{"w"}}},
		EventStoreHead: Ptr(uint64(9)), RequireFresh: true, MaxBehind: Ptr(uint64(0)),
		MaxMessageBytes: Ptr(uint64(1 << 20)),
	})

	expectEqual(t, err, nil)
	expectEqual(t, got.State.String(), "UNRECOGNIZED_99")
	expectEqual(t, *got.Timestamp, moment)
	expectEqual(t, got.CommitTime, moment)
	expectEqual(t, got.UserID, nil)
	expectEqual(t, got.Origin, &Origin{"o", 2, "e2", moment})
	expectEqual(t, got.Omission, &Omission{
		[]OmittedEntry{{MapStepOutputs, "s", 4, OmissionNotSelected}}, 1, 5,
	})
	expectEqual(t, got.Freshness, &Freshness{"run", FreshnessStale, 9, 7, 2, 3})
	expectRequest(t, server, &pb.LoadSnapshotRequest{
		TenantId: "acme", ExecutionId: "run",
		Selector: &pb.SnapshotSelector{Selector: &pb.SnapshotSelector_Version{Version: 3}},
		Projection: &pb.SnapshotProjection{
			Variables: &pb.MapProjection{Keys: []string{"v"}, KeyPrefixes: []string{"w"}},
		},
		EventStoreHead: Ptr(uint64(9)), RequireFresh: true, MaxBehind: Ptr(uint64(0)),
		MaxMessageBytes: Ptr(uint64(1 << 20)),
	})
}

func TestClaim(t *testing.T) {
	server := answering(t, &pb.ClaimExecutionResponse{WriterEpoch: 4})
	client, _ := connect(t, server)

	claim, err := client.Claim(timeout(t), "run", &ClaimOptions{AllowMissing: true, EventStoreHead: Ptr(uint64(0))})

	expectEqual(t, err, nil)
	expectEqual(t, claim, &Claim{WriterEpoch: 4})
	expectRequest(t, server, &pb.ClaimExecutionRequest{
		TenantId: "acme", ExecutionId: "run", AllowMissing: true, EventStoreHead: Ptr(uint64(0)),
		MaxMessageBytes: Ptr(uint64(bound)),
	})
}

func TestFreshnessIsCheckedInBatches(t *testing.T) {
	server := serve(t, &fake{unary: func(_ context.Context, _ string, request proto.Message) (proto.Message, error) {
		answer := &pb.CheckFreshnessResponse{}
		for _, each := range request.(*pb.CheckFreshnessRequest).Executions {
			answer.Results = append(answer.Results, &pb.Freshness{
				ExecutionId: each.ExecutionId, EventStoreHead: each.EventStoreHead,
			})
		}
		return answer, nil
	}})
	client, _ := connect(t, server)
	heads := map[string]uint64{}
	for n := range uint64(1_001) {
		heads[fmt.Sprintf("run-%04d", n)] = n
	}

	results, err := client.CheckFreshness(timeout(t), heads)

	expectEqual(t, err, nil)
	expectEqual(t, len(server.received()), 2)
	for n, each := range results {
		expectEqual(t, each, Freshness{ExecutionID: fmt.Sprintf("run-%04d", n), EventStoreHead: uint64(n)})
	}
	if results, err := client.CheckFreshness(timeout(t), nil); len(results) != 0 || err != nil {
		t.Errorf("%v, %v", results, err)
	}
}

func TestEveryChangeCarriesARequestID(t *testing.T) {
	server := answering(t, &pb.SaveSnapshotResponse{}, &pb.ForkExecutionResponse{},
		&pb.DeleteSnapshotsResponse{}, &pb.DeleteExecutionResponse{}, &pb.SetValueResponse{})
	client, _ := connect(t, server)
	ctx := timeout(t)
	_, _ = client.Save(ctx, "run", running(nil), nil)
	_, _ = client.Fork(ctx, "run", "new", nil)
	_, _ = client.Prune(ctx, "run", PruneOptions{AllHistory: true})
	_, _ = client.Delete(ctx, "run", nil)
	_, _ = client.SetValue(ctx, "k", nil, nil)

	ids := map[string]bool{}
	for _, each := range server.received() {
		ids[each.(interface{ GetRequestId() string }).GetRequestId()] = true
	}
	if len(ids) != 5 || ids[""] {
		t.Errorf("%v", ids)
	}
}

func TestAHandleUsesWhatItKnows(t *testing.T) {
	head := &pb.ExecutionSnapshot{Etag: "e1", Variables: map[string]*pb.Payload{
		"a": {Data: []byte(`"` + large + `"`)},
	}}
	server := answering(t,
		&pb.LoadSnapshotResponse{Snapshot: head},
		&pb.ClaimExecutionResponse{WriterEpoch: 5, Snapshot: head},
		&pb.SaveSnapshotResponse{Etag: "e2"},
		&pb.DeleteExecutionResponse{},
		&pb.SaveSnapshotResponse{Etag: "e3"},
	)
	client, _ := connect(t, server)
	run, ctx := client.Execution("run", nil), timeout(t)

	_, err := run.Load(ctx, &LoadOptions{Selector: AtVersion(1)})
	expectEqual(t, err, nil)
	expectEqual(t, run.tracker.base, nil) // not the head
	_, err = run.Claim(ctx, nil)
	expectEqual(t, err, nil)
	_, err = run.Save(ctx, running(vars{"a": large, "b": 1}), nil)
	expectEqual(t, err, nil)
	_, err = run.Delete(ctx, nil)
	expectEqual(t, err, nil)
	_, err = run.Save(ctx, running(vars{"a": large, "b": 2}), nil)
	expectEqual(t, err, nil)

	saves := server.received()
	delta, whole := saves[2].(*pb.SaveSnapshotRequest), saves[4].(*pb.SaveSnapshotRequest)
	if delta.GetDelta().GetBaseEtag() != "e1" || delta.GetWriterEpoch() != 5 {
		t.Errorf("%v", delta)
	}
	if whole.GetSnapshot() == nil || whole.ExpectedEtag != nil || whole.GetWriterEpoch() != 5 {
		t.Errorf("%v", whole)
	}
}

func TestAHandlesTurnIsWaitedForNoLongerThanTheContextLasts(t *testing.T) {
	stage, client := newStage(t)
	run := client.Execution("run", nil)
	saved := make(chan error, 1)
	go func() {
		_, err := run.Save(timeout(t), running(nil), nil)
		saved <- err
	}()
	call := stage.take()
	if _, err := run.Save(cancelled(), running(nil), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	call.reply(1)
	expectEqual(t, <-saved, nil)
}

func TestWhatTheClientRefusesItself(t *testing.T) {
	client, _ := connect(t, answering(t), func(config *Config) { config.MaxMessageBytes = 1 << 10 })
	ctx := timeout(t)
	two := Selector{Version: Ptr(uint64(1)), SnapshotID: Ptr("x")}
	for field, call := range map[string]func() error{
		"snapshot": func() error { _, err := client.Save(ctx, "run", nil, nil); return err },
		"selector": func() error { _, err := client.Load(ctx, "run", &LoadOptions{Selector: two}); return err },
		"from":     func() error { _, err := client.Diff(ctx, "run", nil, nil); return err },
		"to":       func() error { _, err := client.Diff(ctx, "run", &Selector{}, &two); return err },
		"projection": func() error {
			_, err := client.ListPage(ctx, &ListOptions{Projection: &Projection{}})
			return err
		},
		"filter.states": func() error {
			_, err := client.ListPage(ctx, &ListOptions{Filter: &Filter{States: []ExecutionState{}}})
			return err
		},
		"versions": func() error {
			_, err := client.Prune(ctx, "run", PruneOptions{Versions: []uint64{}})
			return err
		},
		"labels": func() error {
			_, err := client.Prune(ctx, "run", PruneOptions{Labels: map[string]string{}})
			return err
		},
	} {
		err := call()
		if !errors.Is(err, ReasonInvalidField) || asError(err).Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := client.Save(ctx, "run", running(vars{"a": bytes.Repeat([]byte("x"), 1<<10)}), nil)
	if !errors.Is(err, ReasonSnapshotTooLarge) || !errors.Is(err, CodeResourceExhausted) ||
		asError(err).Metadata["maximum"] != "1024" {
		t.Errorf("%v", err)
	}
	if _, err := client.SetValue(ctx, "k", make([]byte, 1<<10), nil); !errors.Is(err, ReasonValueTooLarge) {
		t.Errorf("%v", err)
	}
}

func TestInfo(t *testing.T) {
	client, _ := connect(t, answering(t, &pb.GetServerInfoResponse{
		ServerVersion: "1.2", StoreKind: "memory", Features: []string{"watch"},
		Limits: &pb.ServerLimits{
			MaxRequestBytes: 1, MaxSnapshotBytes: 2, MaxPayloadBytes: 3, MaxEntries: 4, MaxWatches: 5,
			MaxInflightBytes: 6, MaxExecutions: 7, ChangeLogSize: 8, ProgressIntervalMs: 1500, MaxValueBytes: 9,
		},
	}))
	info, err := client.Info(timeout(t))
	expectEqual(t, err, nil)
	expectEqual(t, info, &ServerInfo{
		"1.2", "memory", ServerLimits{1, 2, 3, 4, 5, 6, 7, 8, 1500 * time.Millisecond, 9}, []string{"watch"},
	})
}
