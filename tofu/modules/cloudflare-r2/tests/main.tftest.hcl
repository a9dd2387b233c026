mock_provider "cloudflare" {
  mock_data "cloudflare_account_api_token_permission_groups_list" {
    defaults = {
      result = [
        { id = "dns-read", name = "DNS Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "dns-write", name = "DNS Write", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "zone-read", name = "Zone Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "item-write", name = "Workers R2 Storage Bucket Item Write", scopes = ["com.cloudflare.edge.r2.bucket"] },
      ]
    }
  }
  mock_resource "cloudflare_account_token" {
    defaults = { id = "token-id", value = "token-value" }
  }
}

variables {
  cluster    = "three-clouds"
  account_id = "0123456789abcdef0123456789abcdef"
  bucket     = "three-clouds-backups"
  # A test cleans up by destroying.
  protected = false
}

run "keys_for_this_bucket_only" {
  assert {
    condition = alltrue([for token in cloudflare_account_token.r2 :
      jsondecode(one(token.policies).resources) == { "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_three-clouds-backups" = "*" } && length(token.policies) == 1
    ])
    error_message = jsonencode([for token in cloudflare_account_token.r2 : token.policies])
  }
  assert {
    condition     = alltrue([for token in cloudflare_account_token.r2 : toset([for group in one(token.policies).permission_groups : group.id]) == toset(["item-write"])])
    error_message = "objects of a bucket, no buckets"
  }
  assert {
    condition     = toset([for token in cloudflare_account_token.r2 : token.name]) == toset(["infra-k3s three-clouds r2-backup", "infra-k3s three-clouds r2-etcd"])
    error_message = "one key for each use"
  }
  assert {
    condition     = output.backup_key == { access_key_id = "token-id", secret_access_key = sha256("token-value") } && output.etcd_key == output.backup_key
    error_message = "S3 keys as R2 derives them"
  }
  assert {
    condition     = length(cloudflare_r2_bucket_lock.backups) == 0
    error_message = "no lock unless asked"
  }
}

run "a_lock_for_some_days" {
  variables {
    lock_days = 14
  }
  assert {
    condition     = alltrue([for rule in cloudflare_r2_bucket_lock.backups[0].rules : rule.condition.max_age_seconds == 1209600 && rule.enabled])
    error_message = jsonencode(cloudflare_r2_bucket_lock.backups[0].rules)
  }
  assert {
    condition     = toset([for rule in cloudflare_r2_bucket_lock.backups[0].rules : rule.prefix]) == toset(["etcd/", "velero/backups/"])
    error_message = "not over what rewrites itself"
  }
}

run "refuses_a_name_that_would_widen_a_token" {
  command = plan
  variables {
    bucket = "a_b"
  }
  expect_failures = [var.bucket]
}
