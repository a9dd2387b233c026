mock_provider "cloudflare" {
  mock_data "cloudflare_account_api_token_permission_groups_list" {
    defaults = {
      result = [
        { id = "dns-read", name = "DNS Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "dns-write", name = "DNS Write", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "zone-read", name = "Zone Read", scopes = ["com.cloudflare.api.account.zone"] },
        { id = "item-read", name = "Workers R2 Storage Bucket Item Read", scopes = ["com.cloudflare.edge.r2.bucket"] },
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

run "a_drill_only_reads" {
  variables {
    drill_buckets = ["three-clouds-state"]
  }
  assert {
    condition     = toset([for group in one(cloudflare_account_token.drill.policies).permission_groups : group.id]) == toset(["item-read"])
    error_message = jsonencode(cloudflare_account_token.drill.policies)
  }
  assert {
    condition = toset(keys(jsondecode(one(cloudflare_account_token.drill.policies).resources))) == toset([
      "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_three-clouds-backups",
      "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_three-clouds-state",
    ])
    error_message = one(cloudflare_account_token.drill.policies).resources
  }
}

run "a_lock_for_some_days" {
  variables {
    lock_days = 14
  }
  assert {
    condition = { for rule in cloudflare_r2_bucket_lock.backups[0].rules : rule.prefix => rule.condition.max_age_seconds } == {
      "etcd/"      = 1209600
      "inventory/" = 1209600
      "second/"    = 2505600
    }
    error_message = "not over what rewrites itself, and the second line for as long as there is no other copy and lock_days more"
  }
  assert {
    condition     = alltrue([for rule in cloudflare_r2_bucket_lock.backups[0].rules : rule.enabled])
    error_message = jsonencode(cloudflare_r2_bucket_lock.backups[0].rules)
  }
}

run "refuses_a_name_that_would_widen_a_token" {
  command = plan
  variables {
    bucket = "a_b"
  }
  expect_failures = [var.bucket]
}
