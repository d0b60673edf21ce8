package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
)

// change is the field of a WatchFrame that has a change.
const change = 3

// WatchPlan says how many streams are opened, with the plan's first template as request.
type WatchPlan struct {
	Streams     int `json:"streams"`
	Connections int `json:"connections"`
	// Publish is what makes the changes, once all streams are open; without it the
	// streams are held until standard input ends.
	Publish *Plan `json:"publish"`
	// Changes is how many every stream is to receive.
	Changes int64 `json:"changes"`
	// Stall leaves what comes after the first message unread.
	Stall bool `json:"stall"`
}

// runWatch measures from the first publishing until every stream has every change.
func runWatch(plan *Plan) (Report, error) {
	watch := plan.Watch
	description := &grpc.StreamDesc{ServerStreams: true}
	var opened, finished sync.WaitGroup
	var messages, changes atomic.Int64
	opened.Add(watch.Streams)
	finished.Add(watch.Streams)
	failed := make(chan error, watch.Streams+1)
	connections := make([]*grpc.ClientConn, watch.Connections)
	for i := range connections {
		connection, err := connect(plan.Target)
		if err != nil {
			return Report{}, err
		}
		connections[i] = connection
	}
	follow := func(connection *grpc.ClientConn) error {
		stream, err := connection.NewStream(context.Background(), description, plan.Method)
		if err != nil {
			return err
		}
		if err := stream.SendMsg(&plan.Templates[0]); err != nil {
			return err
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		opened.Done()
		if watch.Stall {
			select {}
		}
		for received := int64(0); watch.Publish == nil || received < watch.Changes; {
			if err := stream.RecvMsg(&message); err != nil {
				return fmt.Errorf("after %d changes: %w", received, err)
			}
			found := countFrames(message, change)
			received += found
			changes.Add(found)
			messages.Add(1)
		}
		finished.Done()
		return nil
	}
	for i := range watch.Streams {
		go func() {
			if err := follow(connections[i%len(connections)]); err != nil {
				failed <- err
			}
		}()
	}
	if err := wait(&opened, failed); err != nil {
		return Report{}, err
	}
	if watch.Publish == nil {
		fmt.Println("open")
		_, err := io.Copy(io.Discard, os.Stdin)
		return Report{}, err
	}
	plan.Count = watch.Changes
	meter := newMeter(plan)
	publish := runPipeline
	if watch.Publish.Kind == "unary" {
		publish = runUnary
	}
	if _, err := publish(watch.Publish); err != nil {
		return Report{}, err
	}
	if err := wait(&finished, failed); err != nil {
		return Report{}, err
	}
	report := meter.report()
	report.Count, report.Messages = changes.Load(), messages.Load()
	return report, nil
}

func wait(group *sync.WaitGroup, failed chan error) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case err := <-failed:
		return err
	}
}
