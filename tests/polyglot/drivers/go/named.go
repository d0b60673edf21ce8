package main

import (
	"context"
	"fmt"

	stillframe "github.com/stillframe/stillframe/client/go"
)

// find gives what a command has opened by a name.
func find[T any](opened map[string]*T, name string) (*T, error) {
	found, is := opened[name]
	if !is {
		return nil, fmt.Errorf("nothing is open by the name %q", name)
	}
	return found, nil
}

func openHandle(_ context.Context, d *driver, a *args) (object, error) {
	d.handles[a.Handle] = d.client.Execution(a.ExecutionID, &stillframe.ExecutionOptions{
		WriterEpoch: a.WriterEpoch.uint64(), Overwrite: a.Overwrite,
	})
	return object{}, nil
}

func handleSave(ctx context.Context, d *driver, a *args) (object, error) {
	handle, err := find(d.handles, a.Handle)
	if err != nil {
		return nil, err
	}
	snapshot, err := a.Snapshot.snapshot()
	if err != nil {
		return nil, err
	}
	return savedOut(handle.Save(ctx, snapshot, a.saveOptions()))
}

func handleLoad(ctx context.Context, d *driver, a *args) (object, error) {
	handle, err := find(d.handles, a.Handle)
	if err != nil {
		return nil, err
	}
	return loadedOut(handle.Load(ctx, a.loadOptions()))
}

func handleClaim(ctx context.Context, d *driver, a *args) (object, error) {
	handle, err := find(d.handles, a.Handle)
	if err != nil {
		return nil, err
	}
	return claimOut(handle.Claim(ctx, a.claimOptions()))
}

func saverOpen(_ context.Context, d *driver, a *args) (object, error) {
	options := &stillframe.SaverOptions{WriterEpoch: a.WriterEpoch.uint64(), Overwrite: a.Overwrite}
	if a.MaxAbsence != nil {
		options.MaxAbsence = seconds(*a.MaxAbsence)
	}
	d.savers[a.Saver] = d.client.Saver(a.ExecutionID, options)
	return object{}, nil
}

func saverSubmit(_ context.Context, d *driver, a *args) (object, error) {
	saver, err := find(d.savers, a.Saver)
	if err != nil {
		return nil, err
	}
	snapshot, err := a.Snapshot.snapshot()
	if err != nil {
		return nil, err
	}
	return object{}, saver.Submit(snapshot, nil)
}

func saverFlush(ctx context.Context, d *driver, a *args) (object, error) {
	saver, err := find(d.savers, a.Saver)
	if err != nil {
		return nil, err
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	return savedOut(saver.Flush(ctx))
}

func saverClose(ctx context.Context, d *driver, a *args) (object, error) {
	saver, err := find(d.savers, a.Saver)
	if err != nil {
		return nil, err
	}
	return object{}, saver.Close(ctx)
}

func watchOpen(_ context.Context, d *driver, a *args) (object, error) {
	filter, err := a.Filter.filter()
	if err != nil {
		return nil, err
	}
	mode, err := enum[stillframe.WatchMode](a.Mode)
	if err != nil {
		return nil, err
	}
	// The watch outlives this command.
	watch, err := d.client.Watch(context.Background(), &stillframe.WatchOptions{
		Filter: filter, InitialState: a.InitialState, ResumeToken: a.ResumeToken, Mode: mode,
		Full: a.Full, Projection: a.Projection.projection(), RestartIfLost: a.RestartIfLost,
	})
	if err != nil {
		return nil, err
	}
	d.watches[a.Watch] = watch
	return object{}, nil
}

func watchTake(ctx context.Context, d *driver, a *args) (object, error) {
	watch, err := find(d.watches, a.Watch)
	if err != nil {
		return nil, err
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	events, left := []object{}, 0
	if a.Changes != nil {
		left = *a.Changes
	}
	for a.Changes == nil || left > 0 {
		event, err := watch.Next(ctx)
		if err != nil {
			return nil, err
		}
		out := eventOut(event)
		if out == nil {
			continue
		}
		name := out["event"]
		if a.Changes != nil && (name == "opened" || name == "caught_up") {
			continue
		}
		events = append(events, out)
		if name == "change" {
			left--
		}
		if a.Changes == nil && name == a.Until {
			break
		}
	}
	return object{"events": events}, nil
}

func watchToken(_ context.Context, d *driver, a *args) (object, error) {
	watch, err := find(d.watches, a.Watch)
	if err != nil {
		return nil, err
	}
	return object{"resume_token": watch.ResumeToken()}, nil
}

func watchClose(_ context.Context, d *driver, a *args) (object, error) {
	watch, err := find(d.watches, a.Watch)
	if err != nil {
		return nil, err
	}
	watch.Close()
	delete(d.watches, a.Watch)
	return object{}, nil
}

// patient gives a wait an end if its command has none.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}
