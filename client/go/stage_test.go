package stillframe

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// stage is a server whose saves the test answers one by one.
type stage struct {
	t     *testing.T
	calls chan stagedCall
}

type stagedCall struct {
	request *pb.SaveSnapshotRequest
	answer  chan<- any
}

func newStage(t *testing.T, change ...func(*Config)) (*stage, *Client) {
	t.Helper()
	s := &stage{t, make(chan stagedCall)}
	server := serve(t, &fake{unary: func(ctx context.Context, _ string, request proto.Message) (proto.Message, error) {
		answer := make(chan any, 1)
		select {
		case s.calls <- stagedCall{request.(*pb.SaveSnapshotRequest), answer}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case given := <-answer:
			if err, is := given.(error); is {
				return nil, err
			}
			return given.(proto.Message), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	client, _ := connect(t, server, change...)
	return s, client
}

func (s *stage) take() stagedCall {
	s.t.Helper()
	select {
	case call := <-s.calls:
		return call
	case <-time.After(patience):
		s.t.Fatal("no save came")
		panic("unreachable")
	}
}

func (c stagedCall) reply(version uint64) {
	c.answer <- &pb.SaveSnapshotResponse{Version: version, Etag: "e" + string(rune('0'+version))}
}
