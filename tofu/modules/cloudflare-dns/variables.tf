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

variable "ingress" {
  description = "The nodes that take HTTP and HTTPS in: name to addresses. Empty where a tunnel does."
  type        = map(object({ ipv4 = string, ipv6 = optional(string) }))
  validation {
    condition     = alltrue([for node in var.ingress : can(cidrhost("${node.ipv4}/32", 0))])
    error_message = "ipv4 of each ingress node must be an IPv4 address."
  }
  validation {
    condition     = alltrue([for node in var.ingress : node.ipv6 == null || can(cidrhost("${node.ipv6}/128", 0))])
    error_message = "ipv6 of each ingress node must be an IPv6 address or null."
  }
}

variable "proxied" {
  description = "Puts Cloudflare's edge in front; then the zone speaks TLS to the nodes and checks their certificate."
  type        = bool
  default     = false
}
