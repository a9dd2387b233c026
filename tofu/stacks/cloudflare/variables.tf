variable "cloudflare_api_token" {
  description = "Cloudflare's API token."
  type        = string
  sensitive   = true
}

variable "cluster" {
  description = "The cluster's name."
  type        = string
}

variable "account_id" {
  description = "The Cloudflare account."
  type        = string
}

variable "zone" {
  description = "The zone the domain lies in."
  type        = string
}

variable "domain" {
  description = "The domain the cluster serves: the zone or a name in it."
  type        = string
  validation {
    condition     = var.domain == var.zone || endswith(var.domain, ".${var.zone}")
    error_message = "domain must be the zone or a name in it."
  }
}

variable "ingress" {
  description = "The nodes that take HTTP and HTTPS in: name to addresses."
  type        = map(object({ ipv4 = string, ipv6 = optional(string) }))
}

variable "proxied" {
  description = "Puts Cloudflare's edge in front."
  type        = bool
  default     = false
}

variable "tunnel" {
  description = "Takes requests in by a tunnel and not by the nodes' addresses."
  type        = bool
  default     = false
}

variable "backup_bucket" {
  description = "The bucket of the backups."
  type        = string
}

variable "backup_lock_days" {
  description = "For how many days nobody can overwrite or delete a backup; 0: no lock."
  type        = number
  default     = 0
}

variable "protect_backups" {
  description = "Refuses a plan that would destroy the backup bucket."
  type        = bool
  default     = true
}
