package stillframe

import (
	"context"
	"iter"
	"time"

	pb "github.com/stillframe/stillframe/generated/go/stillframe/v1"
)

// The working memory: small values that engines keep beside their snapshots. Every value has a
// key in one scope: an execution's, or, with a nil ExecutionID, the tenant's own.

// SetValueOptions are those of SetValue.
type SetValueOptions struct {
	// ExecutionID is the execution in whose scope the key is; nil is the tenant's own scope.
	ExecutionID *string
	// TTL is how long the value lives from this commit: more than zero, at most 36,500 days. Nil
	// is until it is deleted.
	TTL *time.Duration
	// ExpectedETag refuses the call with ReasonETagMismatch unless the value has it.
	ExpectedETag *string
	// MustNotExist refuses the call with ReasonValueExists if there is a value; contradicts
	// ExpectedETag.
	MustNotExist bool
	// RequestID is as in SaveOptions.
	RequestID string
}

// ValueSet is the answer to SetValue: it is durable.
type ValueSet struct {
	// ETag names this value, as set by this call, for good.
	ETag string
	// CommitTime is the store's clock at the commit.
	CommitTime time.Time
	// ExpireTime is when the value's ttl is over; nil when it has none.
	ExpireTime *time.Time
}

// SetValue sets a value, in place of the one that has the key. It fails with
// ReasonValueTooLarge and what the options bring about.
func (c *Client) SetValue(
	ctx context.Context, key string, value []byte, options *SetValueOptions,
) (*ValueSet, error) {
	o := orZero(options)
	request := &pb.SetValueRequest{
		TenantId: c.config.Tenant, ExecutionId: o.ExecutionID, Key: key, Value: value,
		Ttl: duration(o.TTL), ExpectedEtag: o.ExpectedETag, MustNotExist: o.MustNotExist,
		RequestId: requestID(o.RequestID),
	}
	if err := c.refuseTooLarge(request, ReasonValueTooLarge); err != nil {
		return nil, err
	}
	answer, err := call(ctx, c, c.memory.SetValue, request)
	if err != nil {
		return nil, err
	}
	return &ValueSet{
		ETag: answer.GetEtag(), CommitTime: answer.GetCommitTime().AsTime(),
		ExpireTime: optionalTime(answer.GetExpireTime()),
	}, nil
}

// GetValueOptions are those of GetValue.
type GetValueOptions struct {
	// ExecutionID is as in SetValueOptions.
	ExecutionID *string
}

// Value is a value of the working memory.
type Value struct {
	Data []byte
	// ETag is what its SetValue gave.
	ETag string
	// CommitTime is the store's clock when it was set.
	CommitTime time.Time
	// ExpireTime is when its ttl is over; nil when it has none.
	ExpireTime *time.Time
}

// GetValue gets a value. It fails with ReasonValueNotFound.
func (c *Client) GetValue(ctx context.Context, key string, options *GetValueOptions) (*Value, error) {
	answer, err := call(ctx, c, c.memory.GetValue, &pb.GetValueRequest{
		TenantId: c.config.Tenant, ExecutionId: orZero(options).ExecutionID, Key: key,
	})
	if err != nil {
		return nil, err
	}
	return &Value{
		Data: answer.GetValue(), ETag: answer.GetEtag(),
		CommitTime: answer.GetCommitTime().AsTime(), ExpireTime: optionalTime(answer.GetExpireTime()),
	}, nil
}

// DeleteValueOptions are those of DeleteValue.
type DeleteValueOptions struct {
	// ExecutionID is as in SetValueOptions.
	ExecutionID *string
	// ExpectedETag refuses the call with ReasonETagMismatch if there is a value with another.
	ExpectedETag *string
}

// DeleteValue deletes a value, and says whether there was one.
//
// It carries no request id. When the client repeats it after an answer was lost, it deletes what
// was set since, and what it says is true of the last try alone. ExpectedETag keeps a newer value
// safe.
func (c *Client) DeleteValue(ctx context.Context, key string, options *DeleteValueOptions) (bool, error) {
	o := orZero(options)
	answer, err := call(ctx, c, c.memory.DeleteValue, &pb.DeleteValueRequest{
		TenantId: c.config.Tenant, ExecutionId: o.ExecutionID, Key: key, ExpectedEtag: o.ExpectedETag,
	})
	return answer.GetDeleted(), err
}

// ListKeysOptions say which keys are listed.
type ListKeysOptions struct {
	// ExecutionID is as in SetValueOptions.
	ExecutionID *string
	// KeyPrefix selects the keys that start with it; nil is all.
	KeyPrefix *string
	// PageSize is how many keys a call asks for; 0 is 100, at most 1,000.
	PageSize uint32
	// PageToken is the NextPageToken of the page before, as in ListOptions.
	PageToken string
}

// KeyInfo is a key, and what is known of its value.
type KeyInfo struct {
	Key        string
	ETag       string
	SizeBytes  uint64
	CommitTime time.Time
	// ExpireTime is when the value's ttl is over; nil when it has none.
	ExpireTime *time.Time
}

// KeyPage is one page of ListKeys; the last one is the one whose NextPageToken is empty.
type KeyPage struct {
	Keys          []KeyInfo
	NextPageToken string
}

// ListKeys iterates over the keys of one scope in order of their bytes, as List does over heads.
func (c *Client) ListKeys(ctx context.Context, options *ListKeysOptions) iter.Seq2[KeyInfo, error] {
	o := orZero(options)
	return pages(o.PageToken, func(token string) ([]KeyInfo, string, error) {
		o := o
		o.PageToken = token
		page, err := c.ListKeysPage(ctx, &o)
		if err != nil {
			return nil, "", err
		}
		return page.Keys, page.NextPageToken, nil
	})
}

// ListKeysPage gives one page of ListKeys.
func (c *Client) ListKeysPage(ctx context.Context, options *ListKeysOptions) (*KeyPage, error) {
	o := orZero(options)
	answer, err := call(ctx, c, c.memory.ListKeys, &pb.ListKeysRequest{
		TenantId: c.config.Tenant, ExecutionId: o.ExecutionID, KeyPrefix: o.KeyPrefix,
		PageSize: o.PageSize, PageToken: o.PageToken,
	})
	if err != nil {
		return nil, err
	}
	page := &KeyPage{NextPageToken: answer.GetNextPageToken()}
	for _, each := range answer.GetKeys() {
		page.Keys = append(page.Keys, KeyInfo{
			Key: each.GetKey(), ETag: each.GetEtag(), SizeBytes: each.GetSizeBytes(),
			CommitTime: each.GetCommitTime().AsTime(), ExpireTime: optionalTime(each.GetExpireTime()),
		})
	}
	return page, nil
}
