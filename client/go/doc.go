// Package stillframe is the Go client of Stillframe, a snapshot server for execution engines.
//
//	client, err := stillframe.New(stillframe.Config{Target: "127.0.0.1:50051", Tenant: "acme"})
//	saved, err := client.Save(ctx, "run-1", &stillframe.Snapshot{
//		State:     stillframe.StateRunning,
//		Variables: map[string]any{"n": 1},
//	}, nil)
//	head, err := client.Load(ctx, "run-1", nil)
//	n, err := head.Variables.Get("n")
//
// A [Client] is opened for one tenant and has a method for each call of the contract. An
// [Execution] saves what changed, a [Saver] saves in the background, a [Watch] delivers changes
// and resumes by itself.
//
// # Conventions
//
// A pointer, slice or map that is nil is unset; zero is a value, also behind a pointer ([Ptr]
// makes one). Options are the last argument, and nil is none. Ids, keys and labels are 1 to 512
// bytes of UTF-8 without control characters, numbers at most 2^63 - 1. Times are exact to the
// nanosecond.
//
// # Timeouts and retries
//
// The deadline of a call's context bounds the call with all its retries; without one it is
// [Config.Timeout]. The client repeats a call where that can help, as [RetryPolicy] says: a
// restart of the server is ridden out.
//
// # Errors
//
// What a server answers, or the client in its place, is an [Error]. errors.Is tells them apart
// by reason and by code:
//
//	errors.Is(err, stillframe.ReasonFenced)
//	errors.Is(err, stillframe.CodeNotFound)
//
// An error of the caller's own context also is context.Canceled or context.DeadlineExceeded.
package stillframe
