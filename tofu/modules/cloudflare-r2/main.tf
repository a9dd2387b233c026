resource "cloudflare_r2_bucket" "backups" {
  account_id    = var.account_id
  name          = var.bucket
  storage_class = "Standard"

  lifecycle {
    prevent_destroy = var.protected
  }
}

# What an upload that broke off leaves behind is billed and seen by nobody.
resource "cloudflare_r2_bucket_lifecycle" "backups" {
  account_id  = var.account_id
  bucket_name = cloudflare_r2_bucket.backups.name
  rules = [{
    id         = "abandoned uploads"
    enabled    = true
    conditions = { prefix = "" }
    abort_multipart_uploads_transition = {
      condition = { type = "Age", max_age = 2 * 24 * 60 * 60 }
    }
  }]
}

resource "cloudflare_r2_bucket_lock" "backups" {
  count       = var.lock_days > 0 ? 1 : 0
  account_id  = var.account_id
  bucket_name = cloudflare_r2_bucket.backups.name
  rules = [for prefix, days in local.locked : {
    id        = "keep ${prefix}"
    enabled   = true
    prefix    = prefix
    condition = { type = "Age", max_age_seconds = days * 24 * 60 * 60 }
  }]
}

locals {
  # Nothing of Velero's own: it writes each backup's velero-backup.json twice, and its file repository rewrites itself. What the
  # role second_line copies of it is made anew every lock_days; a copy that is that old, and has a day more for the next, is
  # still locked for lock_days.
  locked = {
    "etcd/"      = var.lock_days
    "inventory/" = var.lock_days
    "second/"    = 2 * var.lock_days + 1
  }
}

# All of them: what the API's own filter by name wants to be encoded as is told in two ways.
data "cloudflare_account_api_token_permission_groups_list" "all" {
  account_id = var.account_id
}

locals {
  permissions = { for group in data.cloudflare_account_api_token_permission_groups_list.all.result : group.name => group.id... }
}

# Whoever drills a restore reads the backups and OpenTofu's state, and writes nothing.
resource "cloudflare_account_token" "drill" {
  account_id = var.account_id
  name       = "infra-k3s ${var.cluster} r2-drill"
  policies = [{
    effect            = "allow"
    permission_groups = [{ id = local.permissions["Workers R2 Storage Bucket Item Read"][0] }]
    resources = jsonencode({
      for bucket in setunion([cloudflare_r2_bucket.backups.name], var.drill_buckets) :
      "com.cloudflare.edge.r2.bucket.${var.account_id}_default_${bucket}" => "*"
    })
  }]
}

# One for each use, so that one can be taken back without the other; both reach this bucket only.
resource "cloudflare_account_token" "r2" {
  for_each   = toset(["backup", "etcd"])
  account_id = var.account_id
  name       = "infra-k3s ${var.cluster} r2-${each.key}"
  policies = [{
    effect            = "allow"
    permission_groups = [{ id = local.permissions["Workers R2 Storage Bucket Item Write"][0] }]
    resources         = jsonencode({ "com.cloudflare.edge.r2.bucket.${var.account_id}_default_${cloudflare_r2_bucket.backups.name}" = "*" })
  }]
}
