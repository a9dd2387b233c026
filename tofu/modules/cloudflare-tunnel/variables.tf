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

variable "zone_id" {
  description = "The zone's id."
  type        = string
}

variable "domain" {
  description = "The domain the cluster serves, with everything below it."
  type        = string
  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a domain name such as example.com."
  }
}

variable "origin" {
  description = "Where the tunnel's end in the cluster brings requests to."
  type        = string
  default     = "https://traefik.traefik.svc.cluster.local:443"
  validation {
    condition     = can(regex("^https://", var.origin))
    error_message = "origin must be an https:// URL: what comes out of the tunnel is still encrypted and checked."
  }
}
