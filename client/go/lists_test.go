package stillframe

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

func TestListsAreLoadedPageByPage(t *testing.T) {
	page := func(next string, ids ...string) *pb.ListExecutionsResponse {
		answer := &pb.ListExecutionsResponse{NextPageToken: next}
		for _, id := range ids {
			answer.Executions = append(answer.Executions, &pb.ExecutionSnapshot{ExecutionId: id})
		}
		return answer
	}
	server := answering(t, page("p1", "a", "b"), page("p2"), page("", "c"),
		page("p1", "a"), refusal(codes.InvalidArgument, ReasonPageTokenMismatch))
	client, _ := connect(t, server)
	list := client.List(timeout(t), &ListOptions{
		Filter: &Filter{
			ExecutionIDs: []string{"a"}, ExecutionIDPrefix: Ptr("a"), States: []ExecutionState{StateRunning},
			StateClasses: []StateClass{ClassActive}, WaitReasons: []WaitReason{WaitExternal},
			UserID: Ptr("u"), ParentExecutionID: Ptr("p"), Labels: map[string]string{"a": "b"},
			Criteria: &Criteria{SequenceMin: Ptr(uint64(0)), CommitTimeMax: &moment},
		},
		Full: true, Projection: &Projection{StepOutputs: &MapProjection{All: true}}, PageSize: 2,
	})
	expectEqual(t, len(server.received()), 0)

	var ids []string
	for snapshot, err := range list {
		expectEqual(t, err, nil)
		ids = append(ids, snapshot.ExecutionID)
		if len(ids) == 2 {
			expectEqual(t, len(server.received()), 1) // no page before it is needed
		}
	}

	expectEqual(t, ids, []string{"a", "b", "c"})
	want := &pb.ListExecutionsRequest{
		TenantId: "acme", View: pb.SnapshotView_SNAPSHOT_VIEW_FULL, PageSize: 2, PageToken: "p2",
		Projection:      &pb.SnapshotProjection{StepOutputs: &pb.MapProjection{All: true}},
		MaxMessageBytes: Ptr(uint64(bound)),
		Filter: &pb.ExecutionFilter{
			ExecutionIds: []string{"a"}, ExecutionIdPrefix: Ptr("a"),
			States:       []pb.ExecutionState{pb.ExecutionState_EXECUTION_STATE_RUNNING},
			StateClasses: []pb.StateClass{pb.StateClass_STATE_CLASS_ACTIVE},
			WaitReasons:  []pb.WaitReason{pb.WaitReason_WAIT_REASON_EXTERNAL},
			UserId:       Ptr("u"), ParentExecutionId: Ptr("p"), Labels: map[string]string{"a": "b"},
			Criteria: &pb.SnapshotCriteria{
				SequenceMin: Ptr(uint64(0)), CommitTimeMax: timestamppb.New(moment),
			},
		},
	}
	if got := server.received()[2]; !proto.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}

	// A second loop begins again, and an error ends it.
	var failures []error
	for _, err := range list {
		failures = append(failures, err)
	}
	if len(failures) != 2 || failures[0] != nil || !errors.Is(failures[1], ReasonPageTokenMismatch) {
		t.Errorf("%v", failures)
	}
}

func TestListPage(t *testing.T) {
	server := answering(t, &pb.ListExecutionsResponse{
		NextPageToken: "p1", Count: &pb.MatchCount{Value: 10_000, AtLeast: true},
	})
	client, _ := connect(t, server)

	page, err := client.ListPage(timeout(t), &ListOptions{IncludeCount: true})

	expectEqual(t, err, nil)
	expectEqual(t, page, &Page{Snapshots: []*StoredSnapshot{}, NextPageToken: "p1", Count: &MatchCount{10_000, true}})
	expectRequest(t, server, &pb.ListExecutionsRequest{
		TenantId: "acme", View: pb.SnapshotView_SNAPSHOT_VIEW_METADATA, IncludeCount: true,
		MaxMessageBytes: Ptr(uint64(bound)),
	})
}

func TestHistory(t *testing.T) {
	server := answering(t, &pb.ListSnapshotsResponse{Snapshots: []*pb.ExecutionSnapshot{{Version: 2}, {Version: 1}}})
	client, _ := connect(t, server)
	var versions []uint64
	for snapshot, err := range client.Execution("run", nil).History(timeout(t), &HistoryOptions{
		Criteria: &Criteria{SequenceMax: Ptr(uint64(4))}, Labels: map[string]string{"a": "b"}, PageSize: 5,
	}) {
		expectEqual(t, err, nil)
		versions = append(versions, snapshot.Version)
	}
	expectEqual(t, versions, []uint64{2, 1})
	expectRequest(t, server, &pb.ListSnapshotsRequest{
		TenantId: "acme", ExecutionId: Ptr("run"), View: pb.SnapshotView_SNAPSHOT_VIEW_METADATA,
		Criteria: &pb.SnapshotCriteria{SequenceMax: Ptr(uint64(4))}, Labels: map[string]string{"a": "b"},
		PageSize: 5, MaxMessageBytes: Ptr(uint64(bound)),
	})
}

func TestDiffGathersItsPages(t *testing.T) {
	entry := func(key string) *pb.EntryDifference {
		return &pb.EntryDifference{
			Map: pb.SnapshotMap_SNAPSHOT_MAP_VARIABLES, Key: key,
			Kind: pb.DifferenceKind_DIFFERENCE_KIND_CHANGED, FromSizeBytes: 1, ToSizeBytes: 2,
		}
	}
	page := func(next, key string) *pb.DiffSnapshotsResponse {
		return &pb.DiffSnapshotsResponse{
			FromVersion: 1, ToVersion: 4, HeaderFields: []string{"state"},
			Entries: []*pb.EntryDifference{entry(key)}, NextPageToken: next,
		}
	}
	server := answering(t, page("p1", "a"), page("", "b"))
	client, _ := connect(t, server)

	diff, err := client.Diff(timeout(t), "run", &Selector{SnapshotID: Ptr("x")}, Ptr(AtVersion(4)))

	expectEqual(t, err, nil)
	expectEqual(t, diff, &Diff{1, 4, []string{"state"}, []EntryDifference{
		{MapVariables, "a", DifferenceChanged, 1, 2}, {MapVariables, "b", DifferenceChanged, 1, 2},
	}})
	want := &pb.DiffSnapshotsRequest{
		TenantId: "acme", ExecutionId: "run", PageSize: 10_000, PageToken: "p1",
		From: &pb.SnapshotSelector{Selector: &pb.SnapshotSelector_SnapshotId{SnapshotId: "x"}},
		To:   &pb.SnapshotSelector{Selector: &pb.SnapshotSelector_Version{Version: 4}},
	}
	if got := server.received()[1]; !proto.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

func TestForkPruneAndDelete(t *testing.T) {
	server := answering(t,
		&pb.ForkExecutionResponse{Version: 2, Etag: "e", Revision: 5, ResumeToken: "r5", SnapshotCount: 2},
		&pb.DeleteSnapshotsResponse{DeletedCount: 3},
		&pb.DeleteExecutionResponse{DeletedCount: 4, Revision: 6, ResumeToken: "r6"},
	)
	client, _ := connect(t, server)
	run := client.Execution("run", &ExecutionOptions{WriterEpoch: Ptr(uint64(2))})

	forked, err := run.Fork(timeout(t), "new", &ForkOptions{
		Selector: Selector{Criteria: &Criteria{}}, IncludeHistory: true, SequenceNumber: Ptr(uint64(0)), RequestID: "id",
	})
	expectEqual(t, err, nil)
	expectEqual(t, forked, &Forked{2, "e", 5, "r5", 2})
	pruned, err := run.Prune(timeout(t), PruneOptions{Versions: []uint64{1}, RequestID: "id"})
	expectEqual(t, err, nil)
	expectEqual(t, pruned, uint64(3))
	deleted, err := run.Delete(timeout(t), &DeleteOptions{
		ExpectedETag: Ptr("e"), IncludeDescendants: true, RequestID: "id",
	})
	expectEqual(t, err, nil)
	expectEqual(t, deleted, &Deleted{4, 6, "r6"})

	for i, want := range []proto.Message{
		&pb.ForkExecutionRequest{
			TenantId: "acme", ExecutionId: "run", NewExecutionId: "new", RequestId: "id",
			Selector: &pb.SnapshotSelector{
				Selector: &pb.SnapshotSelector_LatestMatching{LatestMatching: &pb.SnapshotCriteria{}},
			},
			IncludeHistory: true, SequenceNumber: Ptr(uint64(0)),
		},
		&pb.DeleteSnapshotsRequest{
			TenantId: "acme", ExecutionId: "run", Versions: []uint64{1}, WriterEpoch: Ptr(uint64(2)),
			RequestId: "id",
		},
		&pb.DeleteExecutionRequest{
			TenantId: "acme", ExecutionId: "run", ExpectedEtag: Ptr("e"), WriterEpoch: Ptr(uint64(2)),
			RequestId: "id", IncludeDescendants: true,
		},
	} {
		if got := server.received()[i]; !proto.Equal(got, want) {
			t.Errorf("%v, not %v", got, want)
		}
	}
}

func TestWorkingMemory(t *testing.T) {
	later := timestamppb.New(moment.Add(time.Hour))
	server := answering(t,
		&pb.SetValueResponse{Etag: "e1", CommitTime: timestamppb.New(moment), ExpireTime: later},
		&pb.GetValueResponse{Value: []byte{0}, Etag: "e1", CommitTime: timestamppb.New(moment)},
		&pb.DeleteValueResponse{Deleted: true},
		&pb.ListKeysResponse{Keys: []*pb.KeyInfo{{Key: "a", Etag: "e", SizeBytes: 1, CommitTime: later}}, NextPageToken: "p"},
		&pb.ListKeysResponse{Keys: []*pb.KeyInfo{{Key: "b", CommitTime: later, ExpireTime: later}}},
	)
	client, _ := connect(t, server)

	set, err := client.SetValue(timeout(t), "k", []byte{0}, &SetValueOptions{
		ExecutionID: Ptr("run"), TTL: Ptr(time.Hour), ExpectedETag: Ptr("e0"), RequestID: "id",
	})
	expectEqual(t, err, nil)
	expectEqual(t, set, &ValueSet{"e1", moment, Ptr(moment.Add(time.Hour))})
	value, err := client.GetValue(timeout(t), "k", nil)
	expectEqual(t, err, nil)
	expectEqual(t, value, &Value{[]byte{0}, "e1", moment, nil})
	deleted, err := client.DeleteValue(timeout(t), "k", &DeleteValueOptions{ExpectedETag: Ptr("e1")})
	expectEqual(t, err, nil)
	expectEqual(t, deleted, true)
	var keys []string
	for info, err := range client.ListKeys(timeout(t), &ListKeysOptions{KeyPrefix: Ptr(""), PageSize: 1}) {
		expectEqual(t, err, nil)
		keys = append(keys, info.Key)
	}
	expectEqual(t, keys, []string{"a", "b"})

	for i, want := range []proto.Message{
		&pb.SetValueRequest{
			TenantId: "acme", ExecutionId: Ptr("run"), Key: "k", Value: []byte{0},
			Ttl: durationpb.New(time.Hour), ExpectedEtag: Ptr("e0"), RequestId: "id",
		},
		&pb.GetValueRequest{TenantId: "acme", Key: "k"},
		&pb.DeleteValueRequest{TenantId: "acme", Key: "k", ExpectedEtag: Ptr("e1")},
		&pb.ListKeysRequest{TenantId: "acme", KeyPrefix: Ptr(""), PageSize: 1},
		&pb.ListKeysRequest{TenantId: "acme", KeyPrefix: Ptr(""), PageSize: 1, PageToken: "p"},
	} {
		if got := server.received()[i]; !proto.Equal(got, want) {
			t.Errorf("%v, not %v", got, want)
		}
	}
}
