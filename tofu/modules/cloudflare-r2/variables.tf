variable "cluster" {
  description = "The cluster's name; the label of everything it owns."
  type        = string
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$", var.cluster))
    error_message = "cluster must be lowercase letters, digits and '-', starting with a letter, at most 30."
  }
}

variable "account_id" {
  description = "The Cloudflare account."
  type        = string
  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "account_id must be 32 hexadecimal digits."
  }
}

variable "bucket" {
  description = "The bucket's name."
  type        = string
  validation {
    # Its name is part of what a token may reach: nothing that would widen that.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket must be 3 to 63 lowercase letters, digits and '-'."
  }
}

variable "lock_days" {
  description = "For how many days nobody, no token of this cluster either, can overwrite or delete a backup; 0: no lock."
  type        = number
  default     = 0
  validation {
    condition     = var.lock_days >= 0 && floor(var.lock_days) == var.lock_days
    error_message = "lock_days must be a whole number of days, 0 or more."
  }
}

variable "drill_buckets" {
  description = "Buckets besides this one that a drill reads: that of OpenTofu's state."
  type        = set(string)
  default     = []
  validation {
    # As above: nothing that would widen the token.
    condition     = alltrue([for bucket in var.drill_buckets : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", bucket))])
    error_message = "each of drill_buckets must be 3 to 63 lowercase letters, digits and '-'."
  }
}

variable "protected" {
  description = "Refuses a plan that would destroy the bucket."
  type        = bool
  default     = true
}
