package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// runCancel opens Count streams, Watch.Streams at once over Watch.Connections, with the plan's
// first template as request. Each is cancelled after its first message.
func runCancel(plan *Plan) (Report, error) {
	description := &grpc.StreamDesc{ServerStreams: true}
	connections := make([]*grpc.ClientConn, plan.Watch.Connections)
	for i := range connections {
		connection, err := connect(plan.Target)
		if err != nil {
			return Report{}, err
		}
		defer connection.Close()
		connections[i] = connection
	}
	open := func(connection *grpc.ClientConn) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stream, err := connection.NewStream(ctx, description, plan.Method)
		if err != nil {
			return err
		}
		// An io.EOF here has its reason in what RecvMsg gives.
		if err := stream.SendMsg(&plan.Templates[0]); err != nil && err != io.EOF {
			return err
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		cancel()
		for err == nil {
			err = stream.RecvMsg(&message)
		}
		if status.Code(err) != codes.Canceled {
			return fmt.Errorf("a cancelled stream ended with %w", err)
		}
		return nil
	}
	meter := newMeter(plan)
	var opened atomic.Int64
	err := workers(plan.Watch.Streams, func(slot int) error {
		connection := connections[slot%len(connections)]
		for opened.Add(1) <= plan.Count {
			if err := open(connection); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	report := meter.report()
	report.Count = plan.Count
	return report, nil
}
