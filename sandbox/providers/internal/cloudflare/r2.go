package cloudflare

import (
	"context"
	"strings"

	"github.com/cloudflare/cloudflare-go/v6/option"
	"github.com/cloudflare/cloudflare-go/v6/r2"
)

var bucket = &resource{
	Create: func(ctx context.Context, c client, d *data) error {
		params := r2.BucketNewParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		wanted := map[string]any{"name": d.Str("name"), "storageClass": d.Str("storage_class")}
		if location := d.Str("location"); location != "" {
			wanted["locationHint"] = location
		}
		result, err := call(wanted, func(options ...option.RequestOption) error {
			_, err := r2.NewBucketService(c...).New(ctx, params, append(options, jurisdiction(d))...)
			return err
		})
		return learnBucket(d, result, err)
	},
	Read: func(ctx context.Context, c client, d *data) error {
		params := r2.BucketGetParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := r2.NewBucketService(c...).Get(ctx, d.Str("name"), params, append(options, jurisdiction(d))...)
			return err
		})
		return learnBucket(d, result, err)
	},
	Update: func(ctx context.Context, c client, d *data) error {
		params := r2.BucketEditParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		params.StorageClass.Value, params.StorageClass.Present = r2.BucketEditParamsCfR2StorageClass(d.Str("storage_class")), true
		result, err := call(nil, func(options ...option.RequestOption) error {
			_, err := r2.NewBucketService(c...).Edit(ctx, d.Str("name"), params, append(options, jurisdiction(d))...)
			return err
		})
		return learnBucket(d, result, err)
	},
	Delete: func(ctx context.Context, c client, d *data) error {
		params := r2.BucketDeleteParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := call(nil, func(options ...option.RequestOption) error {
			_, err := r2.NewBucketService(c...).Delete(ctx, d.Str("name"), params, append(options, jurisdiction(d))...)
			return err
		})
		return err
	},
	Import: []string{"account_id", "name", "jurisdiction=default"},
}

func jurisdiction(d *data) option.RequestOption {
	value := d.Str("jurisdiction")
	if value == "" {
		value = "default"
	}
	return option.WithHeader("cf-r2-jurisdiction", value)
}

func learnBucket(d *data, result any, err error) error {
	if err != nil {
		return err
	}
	location := d.Str("location")
	learn(d, result, "name", "location", "storage_class", "creation_date")
	// Cloudflare answers a hint in capitals.
	if location != "" && strings.EqualFold(location, d.Str("location")) {
		d.Set("location", location)
	}
	d.Set("id", d.Str("name"))
	return nil
}

// rules is a bucket's set of rules of one kind, which can only be read and replaced as a whole. The real provider
// leaves it as it is when its resource is destroyed.
func rules(
	get func(context.Context, client, *data, ...option.RequestOption) error,
	put func(context.Context, client, *data, ...option.RequestOption) error,
) *resource {
	read := func(ctx context.Context, c client, d *data) error {
		result, err := call(nil, func(options ...option.RequestOption) error {
			return get(ctx, c, d, append(options, jurisdiction(d))...)
		})
		if err != nil {
			return err
		}
		learn(d, renamed(result, toSnake), "rules")
		return nil
	}
	write := func(ctx context.Context, c client, d *data) error {
		_, err := call(renamed(body(d, "rules"), toCamel), func(options ...option.RequestOption) error {
			return put(ctx, c, d, append(options, jurisdiction(d))...)
		})
		return err
	}
	return &resource{
		Create: write, Update: write, Read: read,
		Delete: func(context.Context, client, *data) error { return nil },
		Import: []string{"account_id", "bucket_name", "jurisdiction=default"},
	}
}

var bucketLifecycle = rules(
	func(ctx context.Context, c client, d *data, options ...option.RequestOption) error {
		params := r2.BucketLifecycleGetParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := r2.NewBucketLifecycleService(c...).Get(ctx, d.Str("bucket_name"), params, options...)
		return err
	},
	func(ctx context.Context, c client, d *data, options ...option.RequestOption) error {
		params := r2.BucketLifecycleUpdateParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := r2.NewBucketLifecycleService(c...).Update(ctx, d.Str("bucket_name"), params, options...)
		return err
	},
)

var bucketLock = rules(
	func(ctx context.Context, c client, d *data, options ...option.RequestOption) error {
		params := r2.BucketLockGetParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := r2.NewBucketLockService(c...).Get(ctx, d.Str("bucket_name"), params, options...)
		return err
	},
	func(ctx context.Context, c client, d *data, options ...option.RequestOption) error {
		params := r2.BucketLockUpdateParams{}
		params.AccountID.Value, params.AccountID.Present = d.Str("account_id"), true
		_, err := r2.NewBucketLockService(c...).Update(ctx, d.Str("bucket_name"), params, options...)
		return err
	},
)
