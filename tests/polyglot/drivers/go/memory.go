package main

import (
	"context"

	stillframe "github.com/stillframe/stillframe/client/go"
)

// scope is the execution in whose scope a key is; nil is the tenant's own scope.
func (a *args) scope() *string {
	if a.ExecutionID == "" {
		return nil
	}
	return &a.ExecutionID
}

func setValue(ctx context.Context, d *driver, a *args) (object, error) {
	made, err := d.client.SetValue(ctx, a.Key, a.Value, &stillframe.SetValueOptions{
		ExecutionID: a.scope(), TTL: optionalSeconds(a.TTL), ExpectedETag: a.ExpectedETag,
		MustNotExist: a.MustNotExist, RequestID: a.RequestID,
	})
	if err != nil {
		return nil, err
	}
	answer := object{"etag": made.ETag, "commit_time": timeOut(made.CommitTime)}
	set(answer, "expire_time", made.ExpireTime, asTime)
	return answer, nil
}

func getValue(ctx context.Context, d *driver, a *args) (object, error) {
	value, err := d.client.GetValue(ctx, a.Key, &stillframe.GetValueOptions{ExecutionID: a.scope()})
	if err != nil {
		return nil, err
	}
	answer := object{
		"value": append([]byte{}, value.Data...), "etag": value.ETag,
		"commit_time": timeOut(value.CommitTime),
	}
	set(answer, "expire_time", value.ExpireTime, asTime)
	return answer, nil
}

func deleteValue(ctx context.Context, d *driver, a *args) (object, error) {
	deleted, err := d.client.DeleteValue(ctx, a.Key, &stillframe.DeleteValueOptions{
		ExecutionID: a.scope(), ExpectedETag: a.ExpectedETag,
	})
	return object{"deleted": deleted}, err
}

func listKeys(ctx context.Context, d *driver, a *args) (object, error) {
	keys := []object{}
	for info, err := range d.client.ListKeys(ctx, &stillframe.ListKeysOptions{
		ExecutionID: a.scope(), KeyPrefix: a.KeyPrefix, PageSize: uint32(a.PageSize),
	}) {
		if err != nil {
			return nil, err
		}
		answer := object{
			"key": info.Key, "etag": info.ETag, "size_bytes": digits(info.SizeBytes),
			"commit_time": timeOut(info.CommitTime),
		}
		set(answer, "expire_time", info.ExpireTime, asTime)
		keys = append(keys, answer)
	}
	return object{"keys": keys}, nil
}
