package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// caughtUp is the field of a WatchFrame that says that a watch has all there was.
const caughtUp = 5

// runStarts opens watches one after another for each of those in flight, and measures from
// the call to the message that has caught up; then the watch is cancelled.
func runStarts(plan *Plan) (Report, error) {
	connection, err := connect(plan.Target)
	if err != nil {
		return Report{}, err
	}
	description := &grpc.StreamDesc{ServerStreams: true}
	templates, meter := newTemplates(plan), newMeter(plan)
	start := func(request []byte) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stream, err := connection.NewStream(ctx, description, plan.Method)
		if err != nil {
			return err
		}
		if err := stream.SendMsg(&request); err != nil {
			return err
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		for {
			var message []byte
			if err := stream.RecvMsg(&message); err != nil {
				return fmt.Errorf("before it had caught up: %w", err)
			}
			if countFrames(message, caughtUp) > 0 {
				return nil
			}
		}
	}
	err = workers(plan.InFlight, func(slot int) error {
		for {
			number := templates.take()
			if meter.over(number) {
				return nil
			}
			request, sent := templates.build(number, slot), time.Now()
			if err := start(request); err != nil {
				return fmt.Errorf("%s: %w", plan.Method, err)
			}
			meter.done(sent)
		}
	})
	if err != nil {
		return Report{}, err
	}
	return meter.report(), connection.Close()
}

// countFrames counts the frames of a WatchSnapshotsResponse of one kind, by its field.
func countFrames(message []byte, kind protowire.Number) int64 {
	var found int64
	_ = eachField(message, func(number protowire.Number, frame []byte) error {
		if number != 1 {
			return nil
		}
		return eachField(frame, func(number protowire.Number, _ []byte) error {
			if number == kind {
				found++
			}
			return nil
		})
	})
	return found
}
