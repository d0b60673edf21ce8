package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protowire"
)

const maxMessage = 64 << 20

// rawCodec passes bytes on.
type rawCodec struct{}

func (rawCodec) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = data
	return nil
}
func (rawCodec) Name() string { return "proto" }

func connect(target string) (*grpc.ClientConn, error) {
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(maxMessage)))
}

// workers runs one function for each slot, and gives the first error of any.
func workers(count int, work func(slot int) error) error {
	failed := make(chan error, count)
	for slot := range count {
		go func() { failed <- work(slot) }()
	}
	for range count {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

func runUnary(plan *Plan) (Report, error) {
	connection, err := connect(plan.Target)
	if err != nil {
		return Report{}, err
	}
	templates, meter := newTemplates(plan), newMeter(plan)
	err = workers(plan.InFlight, func(slot int) error {
		for {
			number := templates.take()
			if meter.over(number) {
				return nil
			}
			request, answer := templates.build(number, slot), []byte(nil)
			sent := time.Now()
			err := connection.Invoke(context.Background(), plan.Method, &request, &answer)
			if err != nil {
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

// runPipeline sends items on one stream, with so many unanswered. A message carries as
// many as there is room for. Items and results have their id in field 1; a result with
// field 3 is an error.
func runPipeline(plan *Plan) (Report, error) {
	connection, err := connect(plan.Target)
	if err != nil {
		return Report{}, err
	}
	description := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := connection.NewStream(context.Background(), description, plan.Method)
	if err != nil {
		return Report{}, err
	}
	templates, meter := newTemplates(plan), newMeter(plan)
	free := make(chan int, plan.InFlight)
	sentAt := make([]time.Time, plan.InFlight)
	for slot := range plan.InFlight {
		free <- slot
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var message []byte
			slot := <-free
			for more := true; more; {
				number := templates.take()
				if meter.over(number) {
					if message != nil {
						_ = stream.SendMsg(&message)
					}
					_ = stream.CloseSend()
					return
				}
				sentAt[slot] = time.Now()
				message = protowire.AppendTag(message, 1, protowire.BytesType)
				message = protowire.AppendBytes(message, templates.build(number, slot))
				select {
				case slot = <-free:
				default:
					more = false
				}
			}
			if stream.SendMsg(&message) != nil {
				return // the receiver gets the error
			}
		}
	}()
	for {
		var answer []byte
		if err := stream.RecvMsg(&answer); err != nil {
			if !errors.Is(err, io.EOF) {
				return Report{}, err
			}
			<-ended
			return meter.report(), connection.Close()
		}
		var sent []time.Time
		err := eachField(answer, func(_ protowire.Number, result []byte) error {
			return eachField(result, func(number protowire.Number, body []byte) error {
				switch number {
				case 1:
					slot, err := strconv.ParseInt(string(body), 16, 32)
					if err != nil {
						return err
					}
					sent = append(sent, sentAt[slot])
					free <- int(slot)
				case 3:
					return fmt.Errorf("an item failed: %q", body)
				}
				return nil
			})
		})
		if err != nil {
			return Report{}, err
		}
		meter.done(sent...)
	}
}

// eachField visits the length-delimited fields of a message.
func eachField(message []byte, visit func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
		if kind == protowire.BytesType {
			body, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return protowire.ParseError(size)
			}
			if err := visit(number, body); err != nil {
				return err
			}
			message = message[size:]
			continue
		}
		size = protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return protowire.ParseError(size)
		}
		message = message[size:]
	}
	return nil
}

// runRedis sends commands that are answered with one line, over a connection a sender.
func runRedis(plan *Plan) (Report, error) {
	templates, meter := newTemplates(plan), newMeter(plan)
	err := workers(plan.InFlight, func(slot int) error {
		connection, err := net.Dial("tcp", plan.Target)
		if err != nil {
			return err
		}
		defer connection.Close()
		answers := bufio.NewReader(connection)
		for {
			number := templates.take()
			if meter.over(number) {
				return nil
			}
			request := templates.build(number, slot)
			sent := time.Now()
			if _, err := connection.Write(request); err != nil {
				return err
			}
			line, err := answers.ReadString('\n')
			if err != nil || line[0] != '+' {
				return fmt.Errorf("answered %q: %w", line, err)
			}
			meter.done(sent)
		}
	})
	if err != nil {
		return Report{}, err
	}
	return meter.report(), nil
}
