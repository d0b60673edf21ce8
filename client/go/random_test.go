package stillframe

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

func TestWhateverGetsLostTheHeadIsTheLastSaveThatSucceeded(t *testing.T) {
	for seed := range uint64(60) {
		chance := rand.New(rand.NewPCG(seed, 0))
		head := newFakeHead()
		engine := newEngine(head, false)
		engine.before = func() error {
			if chance.Float64() < 0.3 {
				return lose()
			}
			return nil
		}
		engine.after = engine.before
		state, accepted := vars{}, 0
		for n := range 40 {
			state[fmt.Sprintf("k%d", chance.IntN(6))] = []any{n, large, nil}[chance.IntN(3)]
			delete(state, fmt.Sprintf("k%d", chance.IntN(6)))
			saved, err := engine.save(running(maps.Clone(state)), SaveOptions{})
			if errors.Is(err, CodeUnavailable) {
				continue
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			accepted++
			want, _ := encodeEntries("variables", state, JSONCodec{})
			if saved.ETag != head.head.Etag || !proto.Equal(
				&pb.ExecutionSnapshot{Variables: head.head.Variables}, &pb.ExecutionSnapshot{Variables: want},
			) {
				t.Fatalf("seed %d, save %d: %v", seed, n, head.values())
			}
		}
		if accepted == 0 {
			t.Fatalf("seed %d: nothing was accepted", seed)
		}
	}
}

func TestNoGapAndNoDuplicateWhateverIsCut(t *testing.T) {
	var log []string
	for n := range 119 {
		log = append(log, fmt.Sprintf("r%d", n+1))
	}
	for seed := range uint64(40) {
		chance := rand.New(rand.NewPCG(seed, 0))
		w := watchingFrom("r0", false)
		var seen []string
		take := func(events int) {
			for event := Event(nil); events != 0; events-- {
				if event = w.nextEvent(); event == nil {
					return
				}
				if change, is := event.(*Change); is {
					seen = append(seen, change.ResumeToken)
				}
			}
		}
		for w.token != log[len(log)-1] {
			token := w.nextRequest().GetResumeToken()
			place := slices.Index(log, token) + 1
			w.receive(&pb.WatchSnapshotsResponse{Frames: []*pb.WatchFrame{
				openedFrame([]string{"", token}[chance.IntN(2)]),
			}})
			cut := false
			for place < len(log) && !cut {
				next := min(place+1+chance.IntN(7), len(log))
				var frames []*pb.WatchFrame
				for _, each := range log[place:next] {
					frames = append(frames, changeFrame(each))
				}
				w.receive(&pb.WatchSnapshotsResponse{Frames: frames})
				place = next
				take(chance.IntN(12)) // the consumer may stop in the middle of what came
				cut = chance.Float64() < 0.2
			}
			if !cut {
				take(-1)
			}
			w.ended([]*Error{nil, errAway}[chance.IntN(2)])
		}
		if !slices.Equal(seen, log) {
			t.Fatalf("seed %d: %v", seed, seen)
		}
	}
}
